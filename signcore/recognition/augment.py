"""Other signers, cameras and tempos made out of a recorded one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from signcore.recognition.skeleton import resampled

CUT, WARP, TEMPO = 0.08, 0.10, 0.25  # parts of a clip; of a rate
WAVES = 3  # how uneven a tempo is
ROLL, YAW, PITCH = 0.12, 0.25, 0.12  # radians, standard deviations
SCALE, SHIFT, OFFSET, NOISE = (
    0.12,
    0.08,
    0.04,
    0.01,
)  # shoulder widths, standard deviations; SCALE is of a logarithm


def timed(
    points: np.ndarray, random: np.random.Generator, strength: float, count: int | None = None
) -> np.ndarray:
    """points [T, K, D] at another tempo. count: so many frames of a part of the clip; None: as many as the tempo makes."""
    last = len(points) - 1
    if count is None:
        rate = np.exp(random.uniform(-TEMPO, TEMPO) * strength)
        count = max(8, round(len(points) / rate))
        start, stop = 0.0, 1.0
    else:
        start, stop = CUT * strength * random.random(), 1 - CUT * strength * random.random()
    t = np.linspace(start, stop, count)
    waves = np.arange(1, WAVES + 1)
    warp = np.sin(np.pi * waves[:, None] * t) * (random.uniform(-1, 1, WAVES) / waves)[:, None]
    return resampled(points, np.clip(t + WARP * strength * warp.sum(axis=0), 0, 1) * last)


def placed(
    points: np.ndarray, random: np.random.Generator, strength: float, order: Sequence[int], mirroring: float
) -> np.ndarray:
    """points [T, K, D] of another body before another camera; order: columns of the mirrored points."""
    dims = points.shape[2]
    roll, yaw, pitch = random.normal(0, [ROLL, YAW, PITCH]) * strength
    turn = _about(2, roll)
    if dims == 3:
        turn = turn @ _about(1, yaw) @ _about(0, pitch)
    else:
        turn[0, 0] *= np.cos(yaw)  # what a turn does to a flat picture
    scale = np.exp(random.normal(0, SCALE, 3) * strength)
    out = points @ (turn[:dims, :dims] * scale[:dims]).astype(np.float32)
    out += random.normal(0, SHIFT * strength, dims).astype(np.float32)
    out += random.normal(0, OFFSET * strength, (1, points.shape[1], dims)).astype(np.float32)
    out += random.normal(0, NOISE * strength, out.shape).astype(np.float32)
    if random.random() < mirroring:
        out = mirrored(out, order)
    return np.ascontiguousarray(out, np.float32)


def mirrored(points: np.ndarray, order: Sequence[int]) -> np.ndarray:
    out = points[:, list(order)].copy()
    out[..., 0] *= -1
    return out


def _about(axis: int, angle: float) -> np.ndarray:
    a, b = [(1, 2), (0, 2), (0, 1)][axis]
    turn = np.eye(3)
    turn[a, a] = turn[b, b] = np.cos(angle)
    turn[a, b], turn[b, a] = -np.sin(angle), np.sin(angle)
    return turn
