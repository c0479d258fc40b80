"""Trajectory and temporal attention beside the naive formulation and torch's scaled dot-product attention (SDPA)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from signcore.kernels import reference
from signcore.kernels.measure import Call, Case
from signcore.kernels.trajectory_attention import temporal_attention, trajectory_attention


def naive(q: Tensor, k: Tensor, v: Tensor, q_weight: Tensor, kv_weight: Tensor, frames: int) -> Tensor:
    y = reference.trajectory_attention(q, k, v, frames)
    return reference.temporal_attention(y, q_weight, kv_weight, None, None)


def absorbed(trajectories: Tensor, q_weight: Tensor, kv_weight: Tensor) -> Tensor:
    """The temporal attention with absorbed projections, all queries at once."""
    B, h, N, frames, d = trajectories.shape
    D = h * d
    tokens = trajectories.permute(0, 2, 3, 1, 4).reshape(B * N, frames, D)
    own = tokens.view(B, frames, N // frames, frames, D).diagonal(dim1=1, dim2=3).permute(0, 3, 1, 2)
    q = (own.reshape(B * N, D) @ q_weight.T).view(B * N, h, d) * d**-0.5
    keys, values = kv_weight.view(2, h, d, D)
    scores = torch.bmm(torch.bmm(q.transpose(0, 1), keys).transpose(0, 1), tokens.transpose(1, 2))
    mixed = torch.bmm(scores.softmax(-1), tokens)
    return torch.bmm(mixed.transpose(0, 1), values.transpose(1, 2)).transpose(0, 1).reshape(B, N, D)


def sdpa_loop(q: Tensor, k: Tensor, v: Tensor, q_weight: Tensor, kv_weight: Tensor, frames: int) -> Tensor:
    """One call a key frame, the queries shared."""
    both = zip(k.chunk(frames, 2), v.chunk(frames, 2), strict=True)
    parts = [F.scaled_dot_product_attention(q, key, value) for key, value in both]
    return absorbed(torch.stack(parts, 3), q_weight, kv_weight)


def sdpa_batch(q: Tensor, k: Tensor, v: Tensor, q_weight: Tensor, kv_weight: Tensor, frames: int) -> Tensor:
    """The key frames as a batch, the queries expanded."""
    B, h, N, d = q.shape
    keys, values = (
        x.view(B, h, frames, N // frames, d).transpose(1, 2).reshape(B * frames, h, N // frames, d)
        for x in (k, v)
    )
    queries = q.unsqueeze(1).expand(B, frames, h, N, d).reshape(B * frames, h, N, d)
    out = F.scaled_dot_product_attention(queries, keys, values)
    return absorbed(out.view(B, frames, h, N, d).permute(0, 2, 3, 1, 4), q_weight, kv_weight)


def ours(q: Tensor, k: Tensor, v: Tensor, q_weight: Tensor, kv_weight: Tensor, frames: int) -> Tensor:
    return temporal_attention(trajectory_attention(q, k, v, frames=frames), q_weight, kv_weight)


FORMS = {
    "naive": naive,
    "SDPA, a call a frame": sdpa_loop,
    "SDPA, frames as a batch": sdpa_batch,
    "ours": ours,
}


def inputs(frames: int, points: int = 196, h: int = 8, d: int = 64) -> Callable[[int], tuple[Any, ...]]:
    def make(seed: int) -> tuple[Any, ...]:
        generator = torch.Generator().manual_seed(seed)
        D = h * d
        shapes = [(1, h, frames * points, d)] * 3 + [(D, D), (2 * D, D)]
        scales = [1, 1, 1, D**-0.5, D**-0.5]
        tensors = [torch.randn(s, generator=generator) * x for s, x in zip(shapes, scales, strict=True)]
        return (*tensors, frames)

    return make


def forward(function: Callable[..., Tensor]) -> Call:
    return lambda *arguments: lambda: function(*arguments)


def backward(function: Callable[..., Tensor]) -> Call:
    def prepare(*arguments: Any) -> Callable[[], Any]:
        leaves = [t.detach().requires_grad_() for t in arguments[:-1]]
        result = function(*leaves, arguments[-1])
        grad = torch.ones_like(result)
        return lambda: result.backward(grad)

    return prepare


def flops(frames: int, points: int = 196, D: int = 512) -> float:
    """Matrix products of both steps' forward pass, with absorbed projections."""
    N = frames * points
    return 4.0 * N * N * D + 6.0 * N * D * D + 4.0 * N * 8 * frames * D


def case(frames: int, direction: str, of_naive: float, of_sdpa: float) -> Case:
    of = forward if direction == "forward" else backward
    amount = flops(frames) * (1 if direction == "forward" else 2.5)
    return Case(
        "trajectory_attention",
        f"with temporal, h 8, d 64, 14 x 14 points, F = {frames}, {direction}",
        inputs(frames),
        of(ours),
        {name: lambda form=form: of(form) for name, form in FORMS.items() if name != "ours"},  # type: ignore[misc]
        {name: of_naive if name == "naive" else of_sdpa for name in FORMS if name != "ours"},
        work=amount,
        unit="GFLOP/s",
        flops=amount,
        threads=2,
        rounds=8,
    )


CASES = [
    case(8, "forward", 4, 1.3),
    case(16, "forward", 5, 1.3),
    case(8, "backward", 4, 1.2),
    case(16, "backward", 4, 1.2),
]
