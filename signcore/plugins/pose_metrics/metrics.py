"""Distances between poses of any layout, over the points that Ham2Pose compares: upper body and hands."""

from __future__ import annotations

import math
from typing import Any, Self

import numpy as np
from pose_format import Pose

from signcore.contracts import Context
from signcore.errors import InputError
from signcore.types import layouts
from signcore.types.poses import keypoints

_ARMS = ("shoulder", "elbow", "wrist")
COMPARED = (  # Ham2Pose compares OpenPose's points 0 to 8 and both hands, 51 in all
    "nose",
    "neck",
    *(f"{side}_{joint}" for side in ("right", "left") for joint in _ARMS),
    "mid_hip",
    *(f"{side}_hand_{i}" for side in ("left", "right") for i in range(21)),
)


def compared(prediction: Pose, reference: Pose) -> tuple[np.ndarray, np.ndarray]:
    """Both poses' compared points that the two layouts share or can derive: float32 [T, K, 2], [S, K, 2]; NaN where missing."""
    both = []
    for pose in (prediction, reference):
        every = layouts.layout_names("openpose_137")
        points = keypoints(layouts.to_layout(pose, "openpose_137"))
        both.append({name: points[:, every.index(name)] for name in COMPARED})
    has = [{n for n, p in points.items() if np.isfinite(p).any()} for points in both]
    shared = [n for n in COMPARED if n in has[0] | has[1]]
    if not has[0] & has[1]:
        raise InputError("prediction: no compared point (arms, hands) is present in both poses")
    return tuple(np.stack([points[n] for n in shared], axis=1) for points in both)  # type: ignore[return-value]


def normalised(pose: Pose, points: np.ndarray, name: str) -> np.ndarray:
    """Centre of the shoulders to the origin, mean shoulder width to 1 (Ham2Pose section 4.1). Missing: stays NaN."""
    every = layouts.layout_names("openpose_137")
    body = keypoints(layouts.to_layout(pose, "openpose_137"))
    right, left = (body[:, every.index(f"{side}_shoulder")].astype(np.float64) for side in ("right", "left"))
    seen = np.isfinite(right + left).all(axis=-1)
    width = float(np.linalg.norm(right - left, axis=-1)[seen].mean()) if seen.any() else 0.0
    if width == 0:
        raise InputError(f"{name}: no frame shows both shoulders, so it cannot be normalised")
    centre = ((right + left) / 2)[seen].mean(axis=0)
    return (points - centre) / width


class _MeanOfPairs:
    name = ""

    def __init__(self, config: Any = None, context: Context | None = None) -> None:
        self.reset()

    def reset(self) -> None:
        self.values: list[float] = []
        self.series: dict[str, np.ndarray] = {}

    def compute(self) -> dict[str, float]:
        return {self.name: math.fsum(self.values) / len(self.values) if self.values else math.nan}

    def merge(self, other: Self) -> None:
        self.values += other.values


class APE(_MeanOfPairs):
    """Mean distance of compared points in the pose's units, frame by frame; the shorter pose is continued by zeros, as
    Ham2Pose's comparison does, so lengths that differ cost.

    Missing: a point missing in the reference costs nothing; one missing only in the prediction is at zero.
    """

    name = "ape"

    def update(self, prediction: Pose, reference: Pose) -> None:
        a, b = compared(prediction, reference)
        frames = max(len(a), len(b))
        a, b = (np.concatenate([p, np.zeros((frames - len(p), *p.shape[1:]), p.dtype)]) for p in (a, b))
        distance = np.linalg.norm(np.nan_to_num(a).astype(np.float64) - np.nan_to_num(b), axis=-1)
        distance[~np.isfinite(b).all(axis=-1)] = 0
        self.values.append(float(distance.mean()))
        self.series = {"ape": distance.mean(axis=1)}

    def signature(self) -> str:
        return "ape|points:arms+hands|units:pose|shorter:zeros|version:1"


class NDTW(_MeanOfPairs):
    """Mean over the compared points of each one's accumulated dynamic time warping cost, on shoulder-normalised poses
    (Ham2Pose eq. 6, 7); exact warping, not divided by the path's length.

    Missing: a frame pair costs 0 where the reference is missing, ‖reference‖/2 where only the prediction is.
    """

    name = "ndtw"

    def update(self, prediction: Pose, reference: Pose) -> None:
        import torch

        from signcore.kernels import dtw

        a, b = compared(prediction, reference)
        a, b = normalised(prediction, a, "prediction"), normalised(reference, b, "reference")
        cost = dtw(torch.from_numpy(b).double(), torch.from_numpy(a).double())
        self.values.append(float(cost.mean()))

    def signature(self) -> str:
        return "ndtw|points:arms+hands|normalised:shoulders|warping:exact|version:1"
