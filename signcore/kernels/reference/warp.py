from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def warp(features: Tensor, flow: Tensor, mask: Tensor | None, padding: str, align_corners: bool) -> Tensor:
    """Bilinear sampling times the mask. features: [B, C, H, W]; flow: [B, h, w, 2]; mask: [B, 1, h, w] or None."""
    known = flow.isfinite().all(-1) if padding == "reflection" else ~flow.isnan().any(-1)  # [B, h, w]
    grid = torch.where(known[..., None], flow, torch.zeros_like(flow))
    sampled = F.grid_sample(features, grid, padding_mode=padding, align_corners=align_corners)
    sampled = torch.where(known[:, None], sampled, torch.zeros_like(sampled))
    if mask is not None:
        sampled = sampled * mask
    last = features.is_contiguous(memory_format=torch.channels_last) and not features.is_contiguous()
    return sampled.contiguous(memory_format=torch.channels_last if last else torch.contiguous_format)
