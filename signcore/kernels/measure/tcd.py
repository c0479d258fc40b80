"""TCD beside torch and a memory copy of the same bytes."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from signcore.kernels.measure import Call, Case
from signcore.kernels.tcd import tcd


def frames(count: int, side: int = 256) -> Callable[[int], tuple[Tensor, ...]]:
    """Two videos that take turns: the first reading of fresh memory would cost more than the op."""

    @functools.cache
    def of(seed: int) -> tuple[Tensor, ...]:
        generator = torch.Generator().manual_seed(seed)
        shape = (2, count, side, side, 3)
        return tuple(torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8))

    return lambda turn: of(turn % 2)


def ours(generated: Tensor, reference: Tensor) -> Callable[[], Any]:
    return lambda: tcd(generated, reference, threshold=0.0375)


def torch_int16() -> Call:
    def run(generated: Tensor, reference: Tensor) -> Tensor:
        g, r = generated[1:-1].to(torch.int16), reference.to(torch.int16)
        return ((g * 2 - r[:-2] - r[2:]).abs().sum(-1) > 57).double().mean()

    return lambda generated, reference: lambda: run(generated, reference)


def copy() -> Call:
    def prepare(generated: Tensor, reference: Tensor) -> Callable[[], Any]:
        into = [torch.zeros_like(generated), torch.zeros_like(reference)]
        return lambda: [into[0].copy_(generated), into[1].copy_(reference)]

    return prepare


BYTES = 2.0 * 64 * 256 * 256 * 3
CASES = [
    Case(
        "tcd",
        "uint8, 64 frames of 256 x 256 x 3",
        frames(64),
        ours,
        {"torch int16": torch_int16, "copy": copy},
        {"torch int16": 30, "copy": 2},
        work=BYTES,
        unit="GB/s",
        moved=BYTES,
    )
]
