"""The sizes that the benchmarks name, and their seeded inputs; fresh ones each repetition."""

from __future__ import annotations

import numpy as np

PAIR = {"frames": 100, "points": 137, "dims": 2}


def trajectories(
    seed: int, count: int, frames: int, points: int, dims: int, missing: float = 0.0
) -> list[np.ndarray]:
    """Smooth random walks [frames, points, dims], float64, NaN where missing."""
    random = np.random.default_rng(seed)
    out = []
    for _ in range(count):
        clip = random.normal(size=(frames, points, dims)).cumsum(axis=0) * 0.1
        clip[random.random((frames, points)) < missing] = np.nan
        out.append(clip)
    return out


def bytes_pair(
    seed: int, frames: int = 64, height: int = 256, width: int = 256
) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    both = random.integers(0, 256, (2, frames, height, width, 3), np.uint8)
    return both[0], both[1]
