from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from pose_format import Pose

    from signcore.types import Video


@runtime_checkable
class Estimator(Protocol):
    """Video to pose. Built as `Estimator(config, context)`.

    `estimate(video)` returns a `pose_format.Pose` with as many frames as the video, the video's fps, the header's
    dimensions equal to (width, height), and x, y in pixels of the video (origin top left, y down).
    Missing: a point that was not found has confidence 0 and is masked; a frame without anybody is all missing.
    """

    def estimate(self, video: Video) -> Pose: ...
