from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from signcore.contracts import Context
from signcore.errors import InputError
from signcore.types import read_pose
from signcore.types.files import sha256
from signcore.types.video import Video

if TYPE_CHECKING:
    from pose_format import Pose


class Estimator:
    """The exact pose of a rendering: what the video carries, or the .pose that `write_rendering` left beside it."""

    def __init__(self, config: Any = None, context: Context | None = None) -> None:
        self.context = context or Context()

    def estimate(self, video: Video) -> Pose:
        """Raises InputError for a video that is no rendering of the synthetic signer, or was changed since."""
        if video.pose is not None:
            return video.pose
        hint = "name another estimator: this one knows only renderings of the synthetic signer"
        if video.path is None:
            raise InputError("video: made elsewhere, its pose is not known", hint)
        beside, mark = video.path.with_suffix(".pose"), video.path.with_suffix(".pose.json")
        if not beside.is_file() or not mark.is_file():
            raise InputError(f"{video.path}: no rendering's {beside.name} and {mark.name} beside it", hint)
        try:
            written = json.loads(mark.read_text())
            ours = written["maker"] == "signcore synthetic"
            same = ours and (written["video"], written["pose"]) == (sha256(video.path), sha256(beside))
        except (OSError, ValueError, KeyError, TypeError):
            same = False
        if not same:
            raise InputError(f"{video.path}: {beside.name} was not written for this video", hint)
        pose = read_pose(beside)
        size = pose.header.dimensions
        if (len(pose.body.data), size.width, size.height) != (len(video), video.width, video.height):
            raise InputError(
                f"{video.path}: {beside.name} has {len(pose.body.data)} frames, the video {len(video)}", hint
            )
        return pose
