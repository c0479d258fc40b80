"""The data that moves between parts: Video, Image, Pose, Tracks, notation and glosses."""

from __future__ import annotations

from signcore._lazy import lazy

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
}
__all__ = list(_WHERE)
__getattr__, __dir__ = lazy(__name__, _WHERE)
