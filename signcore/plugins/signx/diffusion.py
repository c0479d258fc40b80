"""The diffusion branch (section 3.2, eq. 4 and 8; S3, S4): noise on the unified representation, and its 1-D U-Net."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

BETA = (1e-4, 0.02)


def alpha_bar(steps: int) -> Tensor:  # float32 [T]
    """Of eq. 4: the cumulative product, for a linear beta."""
    return torch.cumprod(1 - torch.linspace(*BETA, steps, dtype=torch.float64), dim=0).float()


def noised(z: Tensor, noise: Tensor, alpha: Tensor) -> Tensor:
    """Eq. 4. z, noise: [B, N, D]; alpha: [B]."""
    alpha = alpha.view(-1, 1, 1)
    return alpha.sqrt() * z + (1 - alpha).sqrt() * noise


def estimate(z: Tensor, noise: Tensor, alpha: Tensor) -> Tensor:
    """Eq. 4 solved for z0, given the noise."""
    alpha = alpha.view(-1, 1, 1)
    return (z - (1 - alpha).sqrt() * noise) / alpha.sqrt()


def embedded_time(t: Tensor, width: int) -> Tensor:  # [B] -> [B, width]
    waves = torch.exp(-math.log(10000) * torch.arange(width // 2, device=t.device) / (width // 2))
    phase = t[:, None].float() * waves
    return torch.cat([phase.sin(), phase.cos()], dim=1)


class Level(nn.Module):
    """Two convolutions with the time in between, and a way around."""

    def __init__(self, inside: int, outside: int, time: int) -> None:
        super().__init__()
        self.first = nn.Conv1d(inside, outside, 3, padding=1)
        self.second = nn.Conv1d(outside, outside, 3, padding=1)
        self.norms = nn.ModuleList(nn.GroupNorm(_groups(outside), outside) for _ in range(2))
        self.time = nn.Linear(time, outside)
        self.around = nn.Conv1d(inside, outside, 1) if inside != outside else nn.Identity()

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        made = F.silu(self.norms[0](self.first(x))) + self.time(time)[..., None]
        found: Tensor = self.around(x) + F.silu(self.norms[1](self.second(made)))
        return found


def _groups(width: int) -> int:
    return next(g for g in (8, 4, 2, 1) if width % g == 0)


class UNet(nn.Module):
    """[B, N, D] and times [B] to the noise [B, N, D]: three levels in time, attention at the bottom."""

    def __init__(self, latent: int, width: int) -> None:
        super().__init__()
        self.width = width
        sizes = [width // 4, width // 2, width]
        self.time = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width))
        self.enter = nn.Conv1d(latent, sizes[0], 1)
        self.down = nn.ModuleList(
            [Level(a, b, width) for a, b in zip([sizes[0], *sizes[:-1]], sizes, strict=True)]
        )
        self.attention = nn.MultiheadAttention(width, 4 if width % 4 == 0 else 1, batch_first=True)
        self.norm = nn.GroupNorm(_groups(width), width)
        self.up = nn.ModuleList(
            [Level(a + b, b, width) for a, b in ((sizes[2], sizes[1]), (sizes[1], sizes[0]))]
        )
        self.leave = nn.Conv1d(sizes[0], latent, 1)

    def forward(self, z: Tensor, t: Tensor, absent: Tensor) -> Tensor:
        """absent: bool [B, N], True where padded."""
        time = self.time(embedded_time(t, self.width))
        x = self.enter(z.transpose(1, 2))
        kept: list[Tensor] = []
        for i, level in enumerate(self.down):
            x = level(x, time)
            if i < len(self.down) - 1:
                kept.append(x)
                x = F.avg_pool1d(x, 2, ceil_mode=True)
                absent = absent[:, ::2]
        rows = self.norm(x).transpose(1, 2)
        x = x + self.attention(rows, rows, rows, key_padding_mask=absent, need_weights=False)[0].transpose(
            1, 2
        )
        for level in self.up:
            there = kept.pop()
            x = level(torch.cat([F.interpolate(x, there.shape[-1]), there], dim=1), time)
        return self.leave(x).transpose(1, 2)
