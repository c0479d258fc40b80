"""The data that moves between parts: Video, Image, Pose, Tracks, notation and glosses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from signcore._lazy import lazy

if TYPE_CHECKING:
    from pose_format import Pose

    from signcore.types import hamnosys, layouts
    from signcore.types.decode import read_video
    from signcore.types.encode import write_video
    from signcore.types.image import Image, read_image, write_image
    from signcore.types.poses import read_pose, write_pose
    from signcore.types.tables import read_table, read_text
    from signcore.types.tracks import Tracks
    from signcore.types.video import Video

_WHERE = {
    "Image": "signcore.types.image",
    "read_image": "signcore.types.image",
    "write_image": "signcore.types.image",
    "Video": "signcore.types.video",
    "read_video": "signcore.types.decode",
    "write_video": "signcore.types.encode",
    "Pose": "signcore.types.poses",
    "read_pose": "signcore.types.poses",
    "write_pose": "signcore.types.poses",
    "Tracks": "signcore.types.tracks",
    "read_table": "signcore.types.tables",
    "read_text": "signcore.types.tables",
    "layouts": "signcore.types.layouts",
    "hamnosys": "signcore.types.hamnosys",
}
__all__ = [
    "Image",
    "Pose",
    "Tracks",
    "Video",
    "hamnosys",
    "layouts",
    "read_image",
    "read_pose",
    "read_table",
    "read_text",
    "read_video",
    "write_image",
    "write_pose",
    "write_video",
]
__getattr__, __dir__ = lazy(__name__, _WHERE)
