"""Timed targets to smooth trajectories: what a sign asks of a hand, made into wrist paths, hand axes and finger angles.

A rule-based signer (HamNoSys, SiGML) drives the same body by writing `Target`s.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from signcore.plugins.synthetic import geometry
from signcore.plugins.synthetic.skeleton import hand_frame

RATE = 100.0  # samples a second, before frames are picked
SMOOTHING = 0.036  # seconds: neighbouring targets melt into one another, as in real signing


@dataclass(frozen=True)
class Target:
    """Where one hand shall be at a time. Axes are the arm's own: x outwards, y up, z forward; metres, seconds."""

    time: float
    wrist: np.ndarray  # [3]
    frame: np.ndarray  # [3, 3] rows: side, direction, palm
    angles: np.ndarray  # [5, 4] degrees
    eased: bool = (
        True  # arrives with a minimum-jerk profile; False keeps a constant speed (points on a circle)
    )


@dataclass(frozen=True)
class Trajectory:
    """One hand sampled at `RATE`."""

    wrist: np.ndarray  # [N, 3]
    frame: np.ndarray  # [N, 3, 3]
    angles: np.ndarray  # [N, 5, 4] degrees


def minimum_jerk(s: np.ndarray) -> np.ndarray:
    """0..1 -> 0..1, at rest at both ends (Flash and Hogan 1985)."""
    return s * s * s * (10.0 - 15.0 * s + 6.0 * s * s)


def trajectory(targets: list[Target], duration: float, smoothing: float = SMOOTHING) -> Trajectory:
    """Join targets, sorted by time, over [0, duration] seconds; before the first and after the last the hand holds."""
    count = round(duration * RATE) + 1
    times = np.arange(count) / RATE
    wrist = np.empty((count, 3))
    frame = np.empty((count, 3, 3))
    angles = np.empty((count, 5, 4))
    wrist[:], frame[:], angles[:] = targets[0].wrist, targets[0].frame, targets[0].angles
    for start, end in pairwise(targets):
        span = (times >= start.time) & (times <= end.time + 1.0 / RATE)
        s = np.clip((times[span] - start.time) / max(end.time - start.time, 1e-6), 0.0, 1.0)
        s = minimum_jerk(s) if end.eased else s
        wrist[span] = start.wrist + s[:, None] * (end.wrist - start.wrist)
        angles[span] = start.angles + s[:, None, None] * (end.angles - start.angles)
        axis, angle = geometry.turn_between(start.frame, end.frame)
        frame[span] = geometry.rotate(start.frame[None], axis[None, None], (s * angle)[:, None])
    after = times > targets[-1].time
    wrist[after], frame[after], angles[after] = targets[-1].wrist, targets[-1].frame, targets[-1].angles
    sigma = smoothing * RATE
    frame = geometry.smooth(frame, sigma)
    frame = hand_frame(frame[:, 1], frame[:, 2])  # smoothed rows are no longer orthogonal
    return Trajectory(geometry.smooth(wrist, sigma), frame, geometry.smooth(angles, sigma))
