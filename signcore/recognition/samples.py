"""What recognizers are given: a pose, a video that carries one, a dataset's sample."""

from __future__ import annotations

from typing import Any

from pose_format import Pose

from signcore.contracts import Sample
from signcore.errors import InputError
from signcore.types.poses import check_pose


def has_pose(video: Any) -> bool:
    """Whether a Video carries its pose or has a .pose beside it."""
    path = getattr(video, "path", None)
    return getattr(video, "pose", None) is not None or (
        path is not None and path.with_suffix(".pose").is_file()
    )


def pose_of(sample: Any) -> Pose:
    """The pose of a Pose, a Sample, or a Video that carries its own or has a .pose beside it. Raises InputError."""
    if isinstance(sample, Pose):
        check_pose(sample)
        return sample
    if isinstance(sample, Sample):
        if sample.pose is None:
            raise InputError(f"{sample.id or 'sample'}: has no pose")
        return sample.pose
    if getattr(sample, "pose", None) is not None:
        found: Pose = sample.pose
        return found
    path = getattr(sample, "path", None)
    if path is not None and path.with_suffix(".pose").is_file():
        from signcore.types import read_pose

        return read_pose(path.with_suffix(".pose"))
    raise InputError(
        f"{type(sample).__name__.lower()}: has no pose", "give --pose, or name an --estimator that makes one"
    )
