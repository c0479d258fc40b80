from __future__ import annotations

import torch
from torch import Tensor


def tcd_counts(generated: Tensor, reference: Tensor, limit: float, channel_reduce: str) -> Tensor:
    """PGMM eq. 12, 13, pixels of each inner frame, int64 [T - 2]. generated, reference: [T, H, W, C]; limit: of twice the
    difference, summed over channels or maximal.
    """
    counts = []
    for t in range(1, len(generated) - 1):
        wide = torch.int64 if generated.dtype == torch.uint8 else torch.float64
        g, before, after = generated[t].to(wide), reference[t - 1].to(wide), reference[t + 1].to(wide)
        difference = (2 * g - before - after).abs()
        reduced = difference.amax(-1) if channel_reduce == "max" else difference.sum(-1)
        counts.append((reduced.to(torch.float64) > limit).sum())
    return torch.stack(counts)
