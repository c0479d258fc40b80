"""MediaPipe's landmarks as the points of the layout `holistic`: what both estimators do alike."""

from __future__ import annotations

import numpy as np
from pose_format import Pose

from signcore.types import Video, layouts
from signcore.types.poses import pose_from_keypoints

FACE_AT, HANDS_AT = 33, (501, 522)  # after 33 body and 468 face points
SURE = 0.5  # visibility from which a body point counts as seen; hips and legs below the picture are guesses

Part = np.ndarray | None  # [N, 4] x, y, z in parts of the picture's size, visibility; None: not found


class Points:
    """The points of a whole video, filled frame by frame."""

    def __init__(self, video: Video) -> None:
        count = len(layouts.layout_names("holistic"))
        self.video = video
        self.points = np.full((len(video), count, 3), np.nan, np.float32)
        self.confidence = np.zeros((len(video), count), np.float32)

    def fill(self, t: int, body: Part, face: Part, hands: tuple[Part, Part]) -> None:
        """Frame t. hands: the signer's left and right."""
        points, confidence = self.points[t], self.confidence[t]
        if body is not None:
            inside = ((body[:, :2] > -0.1) & (body[:, :2] < 1.1)).all(axis=1)
            sure = np.where(inside & (body[:, 3] >= SURE), body[:, 3], 0)
            points[:FACE_AT], confidence[:FACE_AT] = np.where(sure[:, None] > 0, body[:, :3], np.nan), sure
        if face is not None:  # ten more points, of the irises, are not in the layout
            points[FACE_AT : HANDS_AT[0]], confidence[FACE_AT : HANDS_AT[0]] = face[:468, :3], 1
        for start, hand in zip(HANDS_AT, hands, strict=True):
            if hand is not None:
                points[start : start + 21], confidence[start : start + 21] = hand[:, :3], 1

    def pose(self) -> Pose:
        video = self.video
        scale = np.array([video.width, video.height, video.width], np.float32)
        return pose_from_keypoints(
            self.points * scale,
            "holistic",
            fps=video.fps,
            width=video.width,
            height=video.height,
            confidence=self.confidence,
        )
