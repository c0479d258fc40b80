"""warp beside `grid_sample * mask` of the same memory format."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from signcore.kernels.measure import Call, Case
from signcore.kernels.warp import warp


def inputs(B: int, C: int, H: int, W: int, last: bool) -> Callable[[int], tuple[Tensor, ...]]:
    """A smooth flow around the identity, as motion networks predict."""

    def make(seed: int) -> tuple[Tensor, ...]:
        generator = torch.Generator().manual_seed(seed)
        features = torch.randn(B, C, H, W, generator=generator)
        if last:
            features = features.contiguous(memory_format=torch.channels_last)
        grid = F.affine_grid(torch.eye(2, 3).expand(B, 2, 3), [B, 1, H, W], align_corners=True)
        bend = F.interpolate(torch.randn(B, 2, 5, 5, generator=generator) * 0.15, (H, W), mode="bicubic")
        flow = (grid + bend.permute(0, 2, 3, 1)).contiguous()
        return features, flow, torch.rand(B, 1, H, W, generator=generator)

    return make


def ours(features: Tensor, flow: Tensor, mask: Tensor) -> Tensor:
    return warp(features, flow, mask=mask)


def peer(features: Tensor, flow: Tensor, mask: Tensor) -> Tensor:
    return F.grid_sample(features, flow, align_corners=True) * mask


def forward(function: Callable[..., Tensor]) -> Call:
    return lambda *tensors: lambda: function(*tensors)


def backward(function: Callable[..., Tensor]) -> Call:
    def prepare(*tensors: Tensor) -> Callable[[], Any]:
        leaves = [t.detach().requires_grad_() for t in tensors]
        result = function(*leaves)
        grad = torch.ones_like(result)
        return lambda: torch.autograd.grad(result, leaves, grad)

    return prepare


def case(size: tuple[int, int, int, int], last: bool, direction: str, wanted: float = 1.0) -> Case:
    B, C, H, W = size
    of = forward if direction == "forward" else backward
    layout = "channels-last" if last else "NCHW"
    moved = 4.0 * B * H * W * (2 * C + 3) * (1 if direction == "forward" else 2)
    return Case(
        "warp",
        f"{' x '.join(map(str, size))}, {layout}, {direction}",
        inputs(*size, last),
        of(ours),
        {"grid_sample * mask": lambda: of(peer)},
        {"grid_sample * mask": wanted},
        work=moved,
        unit="GB/s",
        moved=moved,
    )


SIZES = {(4, 256, 64, 64): 2.6, (4, 64, 256, 256): 1.5, (4, 3, 256, 256): 1.0}
BOTH = [(last, direction) for last in (False, True) for direction in ("forward", "backward")]
CASES = [
    case(size, last, direction, wanted if direction == "forward" else 1.0)
    for size, wanted in SIZES.items()
    for last, direction in BOTH
]
