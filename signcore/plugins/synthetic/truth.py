"""A clip's exact keypoints in the OpenPose layout of 137 points, and the hands that a pose estimator would lose."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from signcore.plugins.synthetic import face, geometry
from signcore.plugins.synthetic.render import View
from signcore.plugins.synthetic.skeleton import Joints
from signcore.types.poses import pose_from_keypoints

if TYPE_CHECKING:
    from pose_format import Pose

    from signcore.plugins.synthetic.signer import Signer

LEFT_HAND, RIGHT_HAND = slice(95, 116), slice(116, 137)
LOST_FRAMES = 4.0  # mean length of a run of frames in which a hand is lost


def world_points(joints: Joints, signer: Signer) -> np.ndarray:
    """World metres [T, 137, 3]: 25 body, 70 face, 21 left-hand, 21 right-hand points. Missing: NaN for the legs."""
    points = np.full((len(joints), 137, 3), np.nan)
    local = face.points(joints.expression, signer.look.face_width)
    points[:, 25:95] = joints.head[:, None] + signer.body.head * geometry.apply(
        joints.head_frame[:, None], local
    )
    points[:, LEFT_HAND], points[:, RIGHT_HAND] = joints.left.points, joints.right.points
    points[:, 0] = points[:, 25 + 30]
    points[:, 1] = joints.shoulders.mean(axis=1)
    for first, arm, side in ((2, joints.right, 1), (5, joints.left, 0)):
        points[:, first] = joints.shoulders[:, side]
        points[:, first + 1], points[:, first + 2] = arm.elbow, arm.wrist
    points[:, 8] = joints.hips.mean(axis=1)
    points[:, 9], points[:, 12] = joints.hips[:, 1], joints.hips[:, 0]
    points[:, 15:17] = points[:, 25 + 68 : 25 + 70]
    ears = np.array(face.EARS) * [signer.look.face_width, 1.0, 1.0]
    points[:, 17:19] = joints.head[:, None] + signer.body.head * geometry.apply(
        joints.head_frame[:, None], ears[None]
    )
    return points


def keypoints(joints: Joints, signer: Signer, view: View) -> tuple[np.ndarray, np.ndarray]:
    """Pixels [T, 137, 2] (pixel centres at whole numbers) and camera metres [T, 137, 3] (x right, y down, z away).

    Missing: NaN for the legs, and for points outside the picture; points behind the signer's own body are given.
    """
    points = world_points(joints, signer)
    pixels = view.to_pixels(points) - 0.5
    outside = ~((pixels >= -0.5) & (pixels < np.array([view.width, view.height]) - 0.5)).all(axis=-1)
    pixels[outside] = np.nan
    return pixels, view.to_camera(points)


def pose(joints: Joints, signer: Signer, view: View, fps: float, missing: float = 0.0, seed: int = 0) -> Pose:
    """A clip's pose: exact, or with each hand lost in a share `missing` of the frames, in runs, as estimators lose them."""
    pixels, _ = keypoints(joints, signer, view)
    if missing > 0.0:
        for hand, lost in zip((LEFT_HAND, RIGHT_HAND), lost_hands(len(joints), missing, seed), strict=True):
            pixels[lost, hand] = np.nan
    return pose_from_keypoints(pixels, "openpose_137", fps=fps, width=view.width, height=view.height)


def lost_hands(frames: int, share: float, seed: int) -> np.ndarray:
    """Which frames lose the left and the right hand [2, T] bool; runs of `LOST_FRAMES` on average."""
    draw = np.random.Generator(np.random.PCG64([3301, seed]))
    found = 1.0 / LOST_FRAMES
    lose = min(1.0, found * share / max(1.0 - share, 1e-9))
    lost = np.zeros((2, frames), dtype=bool)
    for hand in range(2):
        state = bool(draw.random() < share)
        for frame in range(frames):
            lost[hand, frame] = state
            state = bool(draw.random() >= found) if state else bool(draw.random() < lose)
    return lost
