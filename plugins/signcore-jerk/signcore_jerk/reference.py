"""The definition of the op, in plain torch: tests compare to it, and it works where nothing was compiled."""

from __future__ import annotations

import torch
from torch import Tensor


def third_differences(points: Tensor) -> Tensor:
    """points: [T, K, D]. -> [T - 3, K, D], NaN where one of the four frames is missing."""
    return points[3:] - 3 * points[2:-1] + 3 * points[1:-2] - points[:-3]


def squared_jerk(points: Tensor) -> Tensor:
    """points: [T, K, D]. -> float64 [K], NaN where no four frames in a row are there."""
    if len(points) < 4:
        return points.new_full(points.shape[1:2], torch.nan, dtype=torch.float64)
    third = third_differences(points.double())
    there = ~third.isnan().any(-1)  # [T - 3, K]
    squared = torch.where(there[..., None], third, 0.0).square().sum(-1)  # a NaN would spoil the gradient
    return squared.sum(0) / there.sum(0)
