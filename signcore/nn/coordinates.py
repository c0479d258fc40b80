"""Grids and keypoints in [-1, 1], x first, with the corners at the centres of the corner pixels (`align_corners=True`)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from signcore import kernels


def coordinate_grid(
    height: int, width: int, like: Tensor | None = None
) -> Tensor:  # [H, W, 2] (x, y) in [-1, 1]
    """The identity grid, of `like`'s dtype and device."""
    dtype, device = (None, None) if like is None else (like.dtype, like.device)
    y = torch.linspace(-1, 1, height, dtype=dtype, device=device)
    x = torch.linspace(-1, 1, width, dtype=dtype, device=device)
    return torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1)


def gaussians(
    keypoints: Tensor,  # [B, N, 2] (x, y) in [-1, 1]
    height: int,
    width: int,
    variance: float,  # in squared units of the coordinates
) -> Tensor:  # [B, N, H, W] exp(-d^2 / 2 variance), 1 at the keypoint
    """One bump a keypoint. Missing: a point with a NaN coordinate gives a map of zeros."""
    x, y = keypoints.unbind(-1)
    grid_x = torch.linspace(-1, 1, width, dtype=x.dtype, device=x.device)
    grid_y = torch.linspace(-1, 1, height, dtype=y.dtype, device=y.device)
    along_x = torch.exp(
        -0.5 / variance * (grid_x - x[..., None]) ** 2
    )  # a Gaussian is the product of its axes
    along_y = torch.exp(-0.5 / variance * (grid_y - y[..., None]) ** 2)
    along_x, along_y = (torch.nan_to_num(along, nan=0.0) for along in (along_x, along_y))
    return along_y[..., :, None] * along_x[..., None, :]


def warp(
    features: Tensor,  # [B, C, H, W]
    flow: Tensor,  # [B, h, w, 2] where each pixel comes from, (x, y) in [-1, 1]
    mask: Tensor | None = None,  # [B, 1, h', w'] multiplied onto the result
) -> Tensor:  # [B, C, H, W]
    """Sample `features` along `flow`; flow and mask are resized to the features' size. Outside the image is zero."""
    size = features.shape[-2:]
    if flow.shape[1:3] != size:
        flow = F.interpolate(flow.permute(0, 3, 1, 2), size, mode="bilinear", align_corners=True).permute(
            0, 2, 3, 1
        )
    if mask is not None and mask.shape[-2:] != size:
        mask = F.interpolate(mask, size, mode="bilinear", align_corners=True)
    mask = None if mask is None else mask.to(features.dtype)
    return kernels.warp(features, flow.to(features.dtype), mask=mask)


def widened(x: Tensor) -> Tensor:
    """In at least 32 bits, where squashing and sums want them under autocast."""
    return x.to(torch.promote_types(x.dtype, torch.float32))
