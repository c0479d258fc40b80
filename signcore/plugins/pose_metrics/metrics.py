"""Distances between poses of any layout (Ham2Pose section 7); 0 is best, but for PCK.

`update` judges pairs; `prepare` and `matrix` judge whole sets at once, for ranks and retrieval: the query is the reference.
Poses are hidden, trimmed and, where the name begins with n, normalised by the shoulders (section 4.1). A score is a mean
over the points that either pose's layout has (eq. 7). A prediction that lacks points which its reference shows is cheap
under eq. 6, so that share is told beside the score, as NAME-missing.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, Self, TypeVar

import numpy as np
from pose_format import Pose

from signcore.contracts import Context
from signcore.errors import InputError
from signcore.plugins.pose_metrics.config import (
    FrameConfig,
    MotionConfig,
    PCKConfig,
    PointsConfig,
    WarpConfig,
)
from signcore.types import layouts
from signcore.types.preprocess import COMPARED, filled, prepared

SIDES = ("left", "right")
POINTS = {
    "compared": COMPARED,
    "all": tuple(layouts.layout_names("openpose_137")),
    "arms": tuple(n for n in COMPARED if n.endswith(("shoulder", "elbow", "wrist"))),
    "hands": tuple(n for n in COMPARED if "_hand_" in n),
}
RESAMPLED = 32  # frames to which `dtw-motion` brings a clip
SMOOTHED = 2.0  # frames of the Gaussian before speeds are taken
SPEED = 6.0  # weight of a speed (shoulder widths a 32nd of the clip) beside a position
DEPTH = 0.4  # weight of the third coordinate, which cameras measure worst

Config = TypeVar("Config", bound=PointsConfig)


@dataclass(frozen=True)
class Judged:
    """What a metric keeps of a pose. points: float64 [T, K, D], NaN where missing. has: bool [K], what the layout has."""

    points: np.ndarray
    has: np.ndarray
    fps: float


class _PoseMetric(ABC, Generic[Config]):
    """Mean over pairs of a distance."""

    name = ""
    normalise = True

    def __init__(self, config: Config | None = None, context: Context | None = None) -> None:
        self.config: Config = config if config is not None else self._default()
        self.reset()

    @staticmethod
    @abstractmethod
    def _default() -> Any: ...

    @abstractmethod
    def distance(self, reference: Judged, prediction: Judged) -> float: ...

    @abstractmethod
    def about(self) -> str: ...

    def reset(self) -> None:
        self.values: list[float] = []
        self.absent: list[float] = []
        self.series: dict[str, np.ndarray] = {}

    def prepare(self, pose: Pose, name: str = "pose") -> Judged:
        """Raises InputError where the pose shows no point that is compared, or, normalised, no shoulders."""
        names = POINTS[self.config.points]
        has = np.array(layouts.available(pose.header, names))
        if not has.any():
            raise InputError(f"{name}: its layout has no point that {self.name} compares")
        try:
            found = prepared(
                pose,
                preset=self.config.preset,
                normalise=self.normalise,
                focus=self.config.preset == "upstream",
            ).take(names)
        except InputError as error:
            raise InputError(f"{name}: {str(error).removeprefix('pose: ')}", error.hint) from error
        points = np.where(has[:, None], found.points, np.nan)
        if not np.isfinite(points).any():
            raise InputError(f"{name}: no point that {self.name} compares (arms, hands) is present")
        return Judged(points, has, float(pose.body.fps))

    def update(self, prediction: Pose, reference: Pose) -> None:
        other, one = self.prepare(prediction, "prediction"), self.prepare(reference, "reference")
        one, other = _columns(one, other)
        self.series = {}
        self.values.append(self.distance(one, other))
        seen = np.isfinite(one.points[..., 0]).any(axis=0)
        self.absent.append(float(np.isnan(other.points[:, seen, 0]).mean()) if seen.any() else 0.0)

    def matrix(self, references: Sequence[Judged], others: Sequence[Judged]) -> np.ndarray:
        """float64 [N, M]: the distance of every other from every reference."""
        has = np.any([j.has for j in (*references, *others)], axis=0)
        rows, columns = ([_picked(j, has) for j in group] for group in (references, others))
        return self.distances(rows, columns)

    def distances(self, references: Sequence[Judged], others: Sequence[Judged]) -> np.ndarray:
        return np.array([[self.distance(a, b) for b in others] for a in references])

    def compute(self) -> dict[str, float]:
        count = len(self.values)
        told = {self.name: math.fsum(self.values) / count if count else math.nan}
        if any(self.absent):
            told[f"{self.name}-missing"] = math.fsum(self.absent) / count
        return told

    def merge(self, other: Self) -> None:
        self.values += other.values
        self.absent += other.absent

    def signature(self) -> str:
        space = "shoulders" if self.normalise else "none"
        space += "+focus" if self.config.preset == "upstream" else ""
        return f"{self.name}|points:{self.config.points}|normalised:{space}|prepared:{self.config.preset}|{self.about()}|version:2"


def _picked(of: Judged, has: np.ndarray) -> Judged:
    return Judged(of.points[:, has], has, of.fps)


def _columns(one: Judged, other: Judged) -> tuple[Judged, Judged]:
    has = one.has | other.has
    return _picked(one, has), _picked(other, has)


class _ByFrame(_PoseMetric[FrameConfig]):
    """Frame by frame, mean over frames and points of a power of the distance.

    Missing: a point missing in the reference costs nothing; one missing only in the prediction is at zero, and the shorter
    pose is continued by zeros (as Ham2Pose's comparison does). With missing="skip" only points and frames of both count.
    """

    power = 1

    @staticmethod
    def _default() -> FrameConfig:
        return FrameConfig()

    def distance(self, reference: Judged, prediction: Judged) -> float:
        a, b = reference.points, prediction.points
        if self.config.missing == "skip":
            frames = min(len(a), len(b))
            away = np.linalg.norm(a[:frames] - b[:frames], axis=-1) ** self.power
            self.series = {self.name: _mean_seen(away)}
            return float(np.nanmean(away)) if np.isfinite(away).any() else math.nan
        frames = max(len(a), len(b))
        a, b = (np.concatenate([p, np.zeros((frames - len(p), *p.shape[1:]))]) for p in (a, b))
        away = np.linalg.norm(np.nan_to_num(b) - a, axis=-1) ** self.power
        away = np.nan_to_num(away)
        self.series = {self.name: away.mean(axis=1)}
        return float(away.mean())

    def distances(self, references: Sequence[Judged], others: Sequence[Judged]) -> np.ndarray:
        if self.config.missing == "skip":
            return super().distances(references, others)
        lengths = np.array([len(o.points) for o in others])
        longest = int(lengths.max())
        padded = np.zeros((len(others), longest, *others[0].points.shape[1:]), np.float32)
        for row, other in zip(padded, others, strict=True):
            row[: len(other.points)] = np.nan_to_num(other.points)
        out = np.empty((len(references), len(others)))
        for i, reference in enumerate(references):
            a, own = reference.points.astype(np.float32), len(reference.points)
            shared = min(own, longest)
            away = np.einsum("mtkd,mtkd->mtk", d := padded[:, :shared] - a[:shared], d)
            total = np.nan_to_num(away if self.power == 2 else np.sqrt(away)).sum(
                axis=(1, 2), dtype=np.float64
            )
            if own > longest:
                total += np.nan_to_num(np.linalg.norm(a[longest:], axis=-1) ** self.power).sum()
            else:
                rest = np.linalg.norm(padded[:, own:], axis=-1) ** self.power
                total += rest.sum(axis=(1, 2), dtype=np.float64)
            out[i] = total / (np.maximum(own, lengths) * a.shape[1])
        return out

    def about(self) -> str:
        return f"missing:{self.config.missing}|frames:in-step"


def _mean_seen(values: np.ndarray) -> np.ndarray:
    seen = np.isfinite(values)
    return np.where(
        seen.any(axis=1), np.where(seen, values, 0).sum(axis=1) / np.maximum(seen.sum(axis=1), 1), np.nan
    )


class MSE(_ByFrame):
    name, normalise, power = "mse", False, 2


class APE(_ByFrame):
    name, normalise = "ape", False


class NMSE(_ByFrame):
    name, power = "nmse", 2


class NAPE(_ByFrame):
    name = "nape"


class _Warped(_PoseMetric[WarpConfig]):
    """Accumulated dynamic time warping cost (eq. 6, 7), not divided by the path's length.

    Missing: a frame pair costs 0 where the reference is missing, ‖reference‖/2 where only the prediction is.
    """

    @staticmethod
    def _default() -> WarpConfig:
        return WarpConfig()

    def distance(self, reference: Judged, prediction: Judged) -> float:
        return float(self._costs([reference], [prediction], np.float64)[0, 0])

    def distances(self, references: Sequence[Judged], others: Sequence[Judged]) -> np.ndarray:
        return self._costs(references, others, np.float32)

    def _costs(self, references: Sequence[Judged], others: Sequence[Judged], dtype: Any) -> np.ndarray:
        from signcore.kernels import dtw_matrix

        how = self._how()
        clips = [[_tensor(j.points, dtype) for j in group] for group in (references, others)]
        return dtw_matrix(*clips, **how).double().numpy()

    def _how(self) -> dict[str, Any]:
        if self.config.method == "fastdtw":
            return {"method": "fastdtw", "radius": self.config.radius, "variant": self.config.variant}
        return {"align": "keypoint"}

    def about(self) -> str:
        if self.config.method == "fastdtw":
            return f"warping:fastdtw-{self.config.variant}-radius{self.config.radius}"
        return "warping:exact"


def _tensor(points: np.ndarray, dtype: Any) -> Any:
    import torch

    return torch.from_numpy(np.ascontiguousarray(points, dtype))


class DTW(_Warped):
    name, normalise = "dtw", False


class NDTW(_Warped):
    name = "ndtw"


class DTWJoint(_Warped):
    """One path for the whole pose, whose frame cost is the mean over the points (DTW-MJE)."""

    name = "dtw-joint"

    @staticmethod
    def _default() -> Any:
        return PointsConfig()

    def _how(self) -> dict[str, Any]:
        return {"align": "pose"}

    def about(self) -> str:
        return "warping:exact|path:joint"


class PCK(_PoseMetric[PCKConfig]):
    """Share of the reference's points that the prediction has within `threshold`, from 0 to 1 (best); the prediction is
    brought to the reference's length by its nearest frames. Missing: a point missing in the prediction is wrong."""

    name = "pck"

    @staticmethod
    def _default() -> PCKConfig:
        return PCKConfig()

    def distance(self, reference: Judged, prediction: Judged) -> float:
        a, b = reference.points, prediction.points
        b = b[np.linspace(0, len(b) - 1, len(a)).round().astype(int)]
        seen = np.isfinite(a).all(axis=-1)
        with np.errstate(invalid="ignore"):
            right = np.linalg.norm(a - b, axis=-1) <= self.config.threshold
        self.series = {
            self.name: np.where(seen.any(1), (right & seen).sum(1) / np.maximum(seen.sum(1), 1), np.nan)
        }
        return float(right[seen].mean())

    def distances(self, references: Sequence[Judged], others: Sequence[Judged]) -> np.ndarray:
        return 1 - super().distances(references, others)  # so that the least is the nearest

    def about(self) -> str:
        return f"threshold:{self.config.threshold:g}|frames:resampled"


class LengthError(_PoseMetric[PointsConfig]):
    """Difference of the trimmed lengths, in frames of the reference's rate (section 7)."""

    name = "length-error"

    @staticmethod
    def _default() -> PointsConfig:
        return PointsConfig()

    def distance(self, reference: Judged, prediction: Judged) -> float:
        return abs(len(prediction.points) / prediction.fps * reference.fps - len(reference.points))

    def about(self) -> str:
        return "unit:frames"


class DTWMotion(_PoseMetric[Any]):
    """Which sign is it: joint warping of both wrists' places, of their place to each other and of their speeds, in clips
    of 32 frames, the lesser of the pose and, with `mirror`, its mirror image. It does not look at the fingers.

    Missing: a wrist is put between its neighbours in time.
    """

    name = "dtw-motion"

    @staticmethod
    def _default() -> MotionConfig:
        return MotionConfig()

    def prepare(self, pose: Pose, name: str = "pose") -> Judged:
        try:
            found = prepared(pose, None, dims=3).take([f"{s}_wrist" for s in SIDES])
        except InputError as error:
            raise InputError(f"{name}: {str(error).removeprefix('pose: ')}", error.hint) from error
        if not np.isfinite(found.points).all(axis=-1).any():
            raise InputError(f"{name}: shows no wrist")
        points = _resampled(_smoothed(filled(found.points), SMOOTHED), RESAMPLED)
        points[..., 2:] *= DEPTH
        return Judged(points, np.ones(2, bool), float(pose.body.fps))

    def update(self, prediction: Pose, reference: Pose) -> None:
        self.values.append(
            self.distance(self.prepare(reference, "reference"), self.prepare(prediction, "prediction"))
        )

    def distance(self, reference: Judged, prediction: Judged) -> float:
        return float(self.matrix([reference], [prediction])[0, 0])

    def matrix(self, references: Sequence[Judged], others: Sequence[Judged]) -> np.ndarray:
        from signcore.kernels import dtw_matrix

        queries = [_tensor(_motion(j.points), np.float32) for j in references]
        costs = dtw_matrix(queries, [_tensor(_motion(j.points), np.float32) for j in others], align="pose")
        if self.config.mirror:
            mirrored = [_tensor(_motion(_mirrored(j.points)), np.float32) for j in others]
            costs = costs.minimum(dtw_matrix(queries, mirrored, align="pose"))
        return costs.double().numpy()

    def about(self) -> str:
        return ""

    def signature(self) -> str:
        return f"{self.name}|points:wrists|mirror:{'yes' if self.config.mirror else 'no'}|frames:{RESAMPLED}|speed:{SPEED:g}|depth:{DEPTH:g}|version:1"


def _mirrored(wrists: np.ndarray) -> np.ndarray:
    return wrists[:, ::-1] * np.where(np.arange(wrists.shape[2]) == 0, -1, 1)


def _smoothed(points: np.ndarray, sigma: float) -> np.ndarray:
    reach = math.ceil(3 * sigma)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    padded = np.pad(points, ((reach, reach), (0, 0), (0, 0)), mode="edge")
    return sum(w * padded[i : i + len(points)] for i, w in enumerate(weights / weights.sum()))  # type: ignore[return-value]


def _resampled(points: np.ndarray, count: int) -> np.ndarray:
    at = np.linspace(0, len(points) - 1, count)
    low = np.floor(at).astype(int)
    part = (at - low)[:, None, None]
    return points[low] * (1 - part) + points[np.minimum(low + 1, len(points) - 1)] * part


def _motion(wrists: np.ndarray) -> np.ndarray:  # [T, 2, D] -> [T, 5, D]
    speed = SPEED * np.gradient(wrists, axis=0)
    return np.concatenate([wrists, wrists[:, :1] - wrists[:, 1:], speed], axis=1)
