"""Smoothness of a pose beside its reference's."""

from __future__ import annotations

import math
from typing import Self

import numpy as np
import torch
from pose_format import Pose

from signcore.contracts import Context
from signcore.errors import InputError
from signcore.types.preprocess import COMPARED, points_of
from signcore_jerk.config import JerkConfig
from signcore_jerk.squared_jerk import squared_jerk

POINTS = {
    "compared": COMPARED,
    "arms": tuple(n for n in COMPARED if n.endswith(("shoulder", "elbow", "wrist"))),
    "hands": tuple(n for n in COMPARED if "_hand_" in n),
}


class Jerk:
    """|ln(prediction / reference)| of the root mean square jerks, mean over pairs: 0 where both move equally smoothly, 0.69 where
    one is twice as jerky. A trembling prediction and one that was smoothed to death are both far off.

    Jerks are in shoulder widths / s³ and over the points that both poses show. Frames need not match.
    Missing: a point that is missing in either pose, or never there for four frames in a row, does not count.
    Raises InputError where a pose shows no shoulders, or the two share no trajectory.
    """

    symmetric = True

    def __init__(self, config: JerkConfig | None = None, context: Context | None = None) -> None:
        self.config = config or JerkConfig()
        self.reset()

    def reset(self) -> None:
        self.values: list[float] = []

    def update(self, prediction: Pose, reference: Pose) -> None:
        one, other = (self._squared(p, n) for p, n in ((prediction, "prediction"), (reference, "reference")))
        shared = np.isfinite(one) & np.isfinite(other)
        if not shared.any():
            raise InputError("prediction and reference: no point is there for four frames in a row in both")
        a, b = (max(math.sqrt(values[shared].mean()), self.config.still) for values in (one, other))
        self.values.append(abs(math.log(a / b)))

    def _squared(self, pose: Pose, name: str) -> np.ndarray:
        """float64 [K]: the mean squared jerk of every compared point."""
        found = points_of(pose)
        shoulders = found.take(("left_shoulder", "right_shoulder")).points
        apart = np.linalg.norm(shoulders[:, 0] - shoulders[:, 1], axis=-1)
        apart = apart[np.isfinite(apart)]
        if not len(apart) or not np.median(apart) > 0:
            raise InputError(f"{name}: shows no shoulders in any frame", "jerk is measured in their width")
        points = found.take(POINTS[self.config.points]).points / np.median(apart)
        return squared_jerk(torch.from_numpy(points), fps=float(pose.body.fps)).numpy()

    def compute(self) -> dict[str, float]:
        return {"jerk": math.fsum(self.values) / len(self.values) if self.values else math.nan}

    def merge(self, other: Self) -> None:
        self.values += other.values

    def signature(self) -> str:
        return f"jerk|points:{self.config.points}|still:{self.config.still:g}|normalised:shoulders|version:1"
