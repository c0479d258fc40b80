"""Structural similarity (Wang et al. 2004), with the Gaussian window of width 11 and sigma 1.5."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def gaussian_window(size: int = 11, sigma: float = 1.5) -> Tensor:  # [size] sums to 1
    offsets = torch.arange(size, dtype=torch.float64) - (size - 1) / 2
    window = torch.exp(-((offsets / sigma) ** 2) / 2)
    return window / window.sum()


def ssim_map(
    a: Tensor,  # [B, C, H, W] in [0, data_range]
    b: Tensor,  # [B, C, H, W]
    *,
    data_range: float = 1.0,
    size: int = 11,
    sigma: float = 1.5,
    k1: float = 0.01,
    k2: float = 0.03,
) -> Tensor:  # [B, C, H, W] in [-1, 1]
    """The similarity around every pixel; the images are mirrored at their borders."""
    half = size // 2
    if min(a.shape[-2:]) <= half:
        raise ValueError(f"a: expected at least {half + 1} pixels a side, got {tuple(a.shape[-2:])}")
    channels = a.shape[1]
    window = gaussian_window(size, sigma).to(a).expand(channels, 1, -1)
    stack = torch.cat([a, b, a * a, b * b, a * b])
    stack = F.pad(stack, (half, half, half, half), mode="reflect")
    stack = F.conv2d(stack, window[:, :, None, :], groups=channels)
    stack = F.conv2d(stack, window[:, :, :, None], groups=channels)
    mean_a, mean_b, square_a, square_b, product = stack.chunk(5)
    c1, c2 = (k1 * data_range) ** 2, (k2 * data_range) ** 2
    covariance = product - mean_a * mean_b
    spread_a = (square_a - mean_a**2).clamp_min(0)
    spread_b = (square_b - mean_b**2).clamp_min(0)
    luminance = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
    return luminance * (2 * covariance + c2) / (spread_a + spread_b + c2)


def ssim(a: Tensor, b: Tensor, *, data_range: float = 1.0) -> Tensor:  # [B, C, H, W] x2 -> [B]
    """Mean similarity of each pair over all pixels and channels, as torchmetrics computes it."""
    return ssim_map(a, b, data_range=data_range).mean(dim=(1, 2, 3))
