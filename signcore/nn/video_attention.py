"""Attention over the grid of a video's latents: along trajectories (LMT section 3.1) or along single axes (VideoGPT)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from signcore.kernels import prototype_attention, temporal_attention, trajectory_attention

Source = Literal["q", "qk"]


class TrajectoryAttention(nn.Module):
    """Each token's way through all frames, then attention along it (Motionformer; LMT Figure 2), without a class token.

    prototypes: Orthoformer's number of them (Algorithm 1), 0 for exact attention. source: where they are chosen from.
    projected_values: false has the temporal values be the unprojected tokens, as the first public code does.
    """

    def __init__(
        self,
        dim: int,
        heads: int,
        *,
        prototypes: int = 0,
        source: Source = "qk",
        first: int | Tensor = 0,
        bias: bool = True,
        projected_values: bool = True,
    ) -> None:
        super().__init__()
        self.heads, self.prototypes, self.source, self.first = heads, prototypes, source, first
        self.projected_values = projected_values
        self.qkv = nn.Linear(dim, 3 * dim, bias=bias)
        self.proj_q = nn.Linear(dim, dim, bias=bias)
        self.proj_kv = nn.Linear(dim, 2 * dim, bias=bias)
        self.proj = nn.Linear(dim, dim)
        for layer in (self.qkv, self.proj_q, self.proj_kv, self.proj):
            nn.init.trunc_normal_(layer.weight, std=0.02)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor, frames: int) -> Tensor:  # [B, F * P, C], F -> [B, F * P, C]
        B, N, C = x.shape
        q, k, v = self.qkv(x).view(B, N, 3, self.heads, C // self.heads).permute(2, 0, 3, 1, 4)
        if self.prototypes:
            count = min(self.prototypes, N if self.source == "q" else 2 * N)
            if not q.is_cuda:  # the op has no half precision there
                q, k, v = (part if part.dtype == torch.float64 else part.float() for part in (q, k, v))
            tokens = prototype_attention(
                q, k, v, prototypes=count, frames=frames, source=self.source, first=self.first
            )
        else:
            tokens = trajectory_attention(q, k, v, frames=frames)
        kv_weight: Tensor = self.proj_kv.weight
        kv_bias: Tensor | None = self.proj_kv.bias
        if not self.projected_values:
            kv_weight = torch.cat([kv_weight[:C], torch.eye(C).to(kv_weight)])
            kv_bias = None if kv_bias is None else torch.cat([kv_bias[:C], torch.zeros_like(kv_bias[C:])])
        along = temporal_attention(
            tokens, self.proj_q.weight, kv_weight, q_bias=self.proj_q.bias, kv_bias=kv_bias
        )
        mixed: Tensor = self.proj(along)
        return mixed


class HeadsAttention(nn.Module):
    """VideoGPT's multi-head attention: [..., L, C] queries to [..., M, C] keys; its three inputs are not biased."""

    def __init__(self, dim: int, heads: int, layers: int = 1) -> None:
        super().__init__()
        self.heads = heads
        self.w_qs, self.w_ks, self.w_vs = (nn.Linear(dim, dim, bias=False) for _ in range(3))
        self.fc = nn.Linear(dim, dim)
        for layer in (self.w_qs, self.w_ks, self.w_vs):
            nn.init.normal_(layer.weight, std=dim**-0.5)
        nn.init.normal_(self.fc.weight, std=(dim * layers) ** -0.5)

    def split(self, x: Tensor) -> Tensor:  # [..., L, C] -> [..., h, L, d]
        return x.unflatten(-1, (self.heads, -1)).transpose(-2, -3)

    def forward(self, x: Tensor, other: Tensor, mask: Tensor | None = None, dropout: float = 0.0) -> Tensor:
        q, k, v = self.split(self.w_qs(x)), self.split(self.w_ks(other)), self.split(self.w_vs(other))
        return self.joined(F.scaled_dot_product_attention(q, k, v, mask, dropout if self.training else 0.0))

    def joined(self, heads: Tensor) -> Tensor:  # [..., h, L, d] -> [..., L, C]
        mixed: Tensor = self.fc(heads.transpose(-2, -3).flatten(-2))
        return mixed


class AxialAttention(nn.Module):
    """[B, C, T, H, W]: attention along width, height and time, each on the input alone; the three are added."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.attn_w, self.attn_h, self.attn_t = (HeadsAttention(dim, heads) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        x = x.movedim(1, -1)  # [B, T, H, W, C]
        axes = ((self.attn_w, 3), (self.attn_h, 2), (self.attn_t, 1))
        parts = []
        for attention, axis in axes:
            line = x.movedim(axis, -2)
            parts.append(attention(line, line).movedim(-2, axis))
        return torch.stack(parts).sum(0).movedim(-1, 1)


class TrajectoryGrid(nn.Module):
    """TrajectoryAttention on a grid [B, C, T, H, W]."""

    def __init__(self, dim: int, heads: int, prototypes: int = 0) -> None:
        super().__init__()
        self.attention = TrajectoryAttention(dim, heads, prototypes=prototypes)

    def forward(self, x: Tensor) -> Tensor:
        grid = x.shape[2:]
        tokens = x.flatten(2).transpose(1, 2)
        mixed: Tensor = self.attention(tokens, grid[0]).transpose(1, 2).unflatten(2, grid)
        return mixed


def make_attention(kind: str, dim: int, heads: int, prototypes: int) -> nn.Module | None:
    """kind: trajectory, orthoformer, axial or none."""
    made: dict[str, Callable[[], nn.Module | None]] = {
        "trajectory": lambda: TrajectoryGrid(dim, heads),
        "orthoformer": lambda: TrajectoryGrid(dim, heads, prototypes),
        "axial": lambda: AxialAttention(dim, heads),
        "none": lambda: None,
    }
    return made[kind]()
