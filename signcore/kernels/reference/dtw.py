from __future__ import annotations

import torch
from torch import Tensor


def pair_costs(reference: Tensor, other: Tensor) -> Tensor:
    """Ham2Pose eq. 6: [T, K, D], [S, K, D] -> [T, S, K]; 0 where reference is missing, ‖reference‖/2 where only other is."""
    there, other_there = ~reference.isnan().any(-1), ~other.isnan().any(-1)
    a, b = reference.nan_to_num().double(), other.nan_to_num().double()
    distance = (a[:, None] - b[None]).square().sum(-1).sqrt()
    half = a.square().sum(-1).sqrt()[:, None] / 2
    costs = torch.where(other_there[None], distance, half)
    return torch.where(there[:, None], costs, torch.zeros_like(costs))


def dtw(reference: Tensor, other: Tensor, *, align: str = "keypoint", window: int | None = None) -> Tensor:
    """The cheapest monotone path: [T, K, D], [S, K, D] -> float64 [K], or [] with align="pose"."""
    costs = pair_costs(reference, other)
    frames, others = costs.shape[:2]
    if align == "pose":
        present = (~reference.isnan().any(-1)).sum(-1).clamp_min(1)
        costs = (costs.sum(-1) / present[:, None])[..., None]
    band = max(frames, others) if window is None else max(window, abs(frames - others))
    infinity = torch.full((costs.shape[2],), torch.inf, dtype=torch.float64)
    before = [torch.zeros_like(infinity)] + [infinity] * others
    for t in range(frames):
        row = [infinity]
        for s in range(others):
            best = torch.minimum(torch.minimum(before[s], before[s + 1]), row[s])
            row.append(costs[t, s] + best if abs(t - s) <= band else infinity)
        before = row
    return before[-1][0] if align == "pose" else before[-1]
