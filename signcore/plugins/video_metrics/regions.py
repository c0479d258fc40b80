"""Where the hands or the face are in the frames of a reference, by its pose."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from signcore.errors import InputError
from signcore.types.video import Video

if TYPE_CHECKING:
    from pose_format import Pose

MARGIN = 0.2  # of a box's longer side, on every side
LEAST = 3  # points that make a box
ABOUT = f"margin:{MARGIN:g}|least-points:{LEAST}"
_FACE = ("nose", "left_eye", "right_eye", "left_ear", "right_ear")


def pose_of(video: Video, name: str, why: str) -> Pose:
    """The pose that a video carries, or the .pose beside its file. Raises InputError where there is none, or not for these frames."""
    pose = video.pose
    if pose is None and video.path is not None and video.path.with_suffix(".pose").is_file():
        from signcore.types.poses import read_pose

        pose = read_pose(video.path.with_suffix(".pose"))
    if pose is None:
        raise InputError(f"{name}: carries no pose, {why}", "put a NAME.pose beside the video")
    if len(pose.body.data) != len(video):
        raise InputError(f"{name}: its pose has {len(pose.body.data)} frames, the video {len(video)}")
    size = pose.header.dimensions
    if min(size.width, size.height) < 1:
        raise InputError(f"{name}: its pose does not say how large its picture is")
    return pose


def pixels(pose: Pose, width: int, height: int) -> np.ndarray:
    """[T, K, 2] of the first person, in pixels of frames of this size. Missing: NaN."""
    from signcore.types.poses import keypoints

    size = pose.header.dimensions
    scale = np.array([width / size.width, height / size.height])
    return (keypoints(pose).astype(np.float64) + 0.5) * scale - 0.5


def is_hand(name: str, sides: tuple[str, ...] = ("left", "right")) -> bool:
    return name.startswith(tuple(f"{side}_hand_" for side in sides))


def is_face(name: str) -> bool:
    return name in _FACE or name.startswith(("face_", "mesh_"))


def boxes(reference: Video, region: str) -> np.ndarray:
    """[T, R, 4] x0, y0, x1, y1 in pixels around each hand (R = 2: left, right) or the face (R = 1), with a margin.

    Missing: NaN where a frame has fewer than three of its points.
    Raises InputError where the reference has no pose, or one of a layout without such points.
    """
    from signcore.types import layouts

    pose = pose_of(reference, "reference", f"which says where the {region} {_IS[region]}")
    names = layouts.names(pose.header)
    groups = [[is_face(n) for n in names]]
    if region == "hands":
        groups = [[is_hand(n, (side,)) for n in names] for side in ("left", "right")]
    if max(sum(group) for group in groups) < LEAST:
        raise InputError(f"reference: its pose has no points of the {region}")
    points = pixels(pose, reference.width, reference.height)
    return np.stack([_box(points[:, np.array(group, bool)]) for group in groups], axis=1)


_IS = {"hands": "are", "face": "is"}


def _box(points: np.ndarray) -> np.ndarray:  # [T, P, 2] -> [T, 4]
    if points.shape[1] == 0:
        return np.full((len(points), 4), np.nan)
    seen = np.isfinite(points).all(axis=-1)
    low = np.where(seen[..., None], points, np.inf).min(axis=1)
    high = np.where(seen[..., None], points, -np.inf).max(axis=1)
    enough = seen.sum(axis=1) >= LEAST
    low[~enough], high[~enough] = np.nan, np.nan
    border = MARGIN * (high - low).max(axis=-1, keepdims=True)
    return np.concatenate([low - border, high + border], axis=-1)


def inside(boxes: np.ndarray, height: int, width: int) -> np.ndarray:
    """[n, R, 4] -> bool [n, H, W]: pixels whose centre is in any of a frame's boxes. Missing: a NaN box holds nothing."""
    x0, y0, x1, y1 = (boxes[..., None, i] for i in range(4))  # [n, R, 1]
    x, y = np.arange(width), np.arange(height)
    columns, rows = (x >= x0) & (x <= x1), (y >= y0) & (y <= y1)
    return (rows[..., :, None] & columns[..., None, :]).any(axis=1)
