"""Relative motion between two persons: move the source's keypoints as the driving ones moved since the first frame."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


def relative_keypoints(
    source: Tensor,  # [1, N, 2]
    driving: Tensor,  # [B, N, 2]
    first: Tensor,  # [1, N, 2] of the first driving frame
    scale: float | None = None,
) -> Tensor:  # [B, N, 2]
    """kp_s + (kp_d - kp_d0) * scale; without a scale, sqrt(hull area of kp_s / hull area of kp_d0) (FOMM's and TPSMM's relative mode)."""
    return source + (driving - first) * (hull_scale(source, first) if scale is None else scale)


def hull_scale(source: Tensor, first: Tensor) -> float:  # [1, N, 2] each
    """How much larger the one hull is, along a side."""
    return float(np.sqrt(hull_area(_points(source)) / max(hull_area(_points(first)), 1e-12)))


def _points(keypoints: Tensor) -> np.ndarray:
    return keypoints[0].detach().to("cpu", torch.float64).numpy()


def hull_area(points: np.ndarray) -> float:
    """Area of the convex hull of [N, 2] (Andrew's monotone chain, then the shoelace formula)."""
    ordered = sorted(map(tuple, points))
    hull = _chain(ordered)[:-1] + _chain(ordered[::-1])[:-1]
    x, y = np.array(hull).T if len(hull) > 2 else np.zeros((2, 1))
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)


def _chain(points: list[tuple[float, ...]]) -> list[tuple[float, ...]]:
    chain: list[tuple[float, ...]] = []
    for p in points:
        while len(chain) > 1 and _turn(chain[-2], chain[-1], p) <= 0:
            chain.pop()
        chain.append(p)
    return chain


def _turn(a: tuple[float, ...], b: tuple[float, ...], c: tuple[float, ...]) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
