"""Average keypoint distance: are body, hands and face where they are in the truth?"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from signcore.contracts import Context
from signcore.errors import ContractError, InputError
from signcore.plugins.video_metrics import regions
from signcore.plugins.video_metrics.config import AKDConfig
from signcore.plugins.video_metrics.frames import check
from signcore.types.video import Video

if TYPE_CHECKING:
    from pose_format import Pose

CARRIED = "carried"
PART = 1024  # frames that an estimator is given at once


class AKD:
    """Mean distance, in pixels of the reference, over all keypoints that were found in both videos; 0 for a copy.

    `akd-missing`: the share of the keypoints found in the reference that the prediction lacks; it has no part in the
    distance, so read the two together. Points are matched by name, whatever the layouts; only x and y count.
    An estimator sees at most 1,024 frames at once.
    """

    def __init__(self, config: AKDConfig | None = None, context: Context | None = None) -> None:
        self.config, self.context = config or AKDConfig(), context or Context()
        self.estimator: Any = None
        self.by, settings = CARRIED, "the videos' own poses"
        if self.config.estimator != CARRIED:
            self.by, self.estimator, settings = _estimator(self.config.estimator, self.context)
        self.about = f"estimator:{self.by}|{settings}"
        self.reset()

    def reset(self) -> None:
        self.total = 0.0
        self.both = self.missing = 0
        self.series: dict[str, np.ndarray] = {}

    def update(self, prediction: Video, reference: Video) -> None:
        check(prediction, reference)
        sums, counts, missing = [], [], 0
        for pair in self._poses(prediction, reference):
            a, b = self._matched(*pair, reference.width, reference.height)
            seen_a, seen_b = np.isfinite(a).all(axis=-1), np.isfinite(b).all(axis=-1)
            apart = np.where(seen_a & seen_b, np.linalg.norm(a - b, axis=-1), 0.0)
            sums.append(apart.sum(axis=1))
            counts.append((seen_a & seen_b).sum(axis=1))
            missing += int((seen_b & ~seen_a).sum())
        total, count = np.concatenate(sums), np.concatenate(counts)
        self.total += math.fsum(total)
        self.both += int(count.sum())
        self.missing += missing
        self.series = {"akd": np.where(count > 0, total / np.maximum(count, 1), np.nan)}

    def _poses(self, prediction: Video, reference: Video) -> Iterator[tuple[Pose, Pose]]:
        if self.estimator is None:
            why = "and akd is to compare the poses that the videos carry"
            yield (
                regions.pose_of(prediction, "prediction", why),
                regions.pose_of(reference, "reference", why),
            )
            return
        for start in range(0, len(reference), PART):
            part = slice(start, start + PART)
            yield self._estimated(prediction[part]), self._estimated(reference[part])

    def _estimated(self, video: Video) -> Pose:
        pose = self.estimator.estimate(video)
        if len(pose.body.data) != len(video):
            raise ContractError(
                f"estimator {self.by} returned {len(pose.body.data)} frames for a video of {len(video)}"
            )
        return pose

    def _matched(self, a: Pose, b: Pose, width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
        """[T, P, 2] of both: the points that both layouts have and the settings want."""
        from signcore.types import layouts

        columns = [{n: i for i, n in enumerate(layouts.names(pose.header)) if n} for pose in (a, b)]
        names = [n for n in columns[1] if n in columns[0] and self._wanted(n)]
        if not names:
            wanted = "" if self.config.points == "all" else f" of the {self.config.points}"
            raise InputError(f"prediction: its pose has no points{wanted} in common with the reference's")
        first, second = (
            regions.pixels(pose, width, height)[:, [column[n] for n in names]]
            for pose, column in zip((a, b), columns, strict=True)
        )
        return first, second

    def _wanted(self, name: str) -> bool:
        hand, face = regions.is_hand(name), regions.is_face(name)
        return {"all": True, "hands": hand, "face": face, "body": not (hand or face)}[self.config.points]

    def compute(self) -> dict[str, float]:
        found = self.both + self.missing
        return {
            "akd": self.total / self.both if self.both else math.nan,
            "akd-missing": self.missing / found if found else math.nan,
        }

    def merge(self, other: AKD) -> None:
        self.total += other.total
        self.both += other.both
        self.missing += other.missing

    def signature(self) -> str:
        return f"akd|{self.about}|points:{self.config.points}|unit:pixels|version:1"


def _estimator(name: str | None, context: Context) -> tuple[str, Any, str]:
    """(name, estimator, what its signature says of it): the one named, or the first installed."""
    from signcore.registry import PUBLISHED, registry
    from signcore.runs.plan import ESTIMATORS

    if name is None:
        installed = registry.names("estimator")
        name = next((n for n in ESTIMATORS if n in installed), None)
    if name is None:
        package = PUBLISHED["estimator", ESTIMATORS[0]]
        raise InputError(
            "estimator: akd needs one, and none is installed",
            f"pip install {package}, or estimator={CARRIED} where the videos carry poses",
        )
    record, _ = registry.find("estimator", name)
    made = registry.load("estimator", name, replace(context, weights=None))
    return name, made, f"from:{record.distribution} {record.version}|frames-at-once:{PART}"
