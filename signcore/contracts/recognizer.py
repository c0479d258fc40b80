from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from pose_format import Pose

    from signcore.types import Tracks, Video


@dataclass(frozen=True)
class Hypothesis:
    """One reading of a clip. score: log-probability (<= 0). times: (start, end) in seconds a gloss, or None."""

    glosses: list[str]
    score: float
    times: list[tuple[float, float]] | None = None


@runtime_checkable
class Recognizer(Protocol):
    """Video, pose or tracks to glosses. Built as `Recognizer(config, context)`.

    `recognize(sample)` returns hypotheses, best first. A clip with nobody in it gives one empty hypothesis.
    """

    def recognize(self, sample: Video | Pose | Tracks) -> list[Hypothesis]: ...
