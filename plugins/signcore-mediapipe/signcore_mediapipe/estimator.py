"""MediaPipe's Holistic solution, frame by frame."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from pose_format import Pose

from signcore.contracts import Context
from signcore.types import Video, layouts
from signcore.types.poses import pose_from_keypoints
from signcore.types.resize import fit_image
from signcore_mediapipe.config import MediaPipeConfig

os.environ.setdefault("GLOG_minloglevel", "2")  # its C++ logs every graph otherwise
from mediapipe.python.solutions import holistic

HANDS_AT = (501, 522)  # after 33 body and 468 face points
SURE = 0.5  # visibility from which a body point counts as seen; hips and legs below the picture are guesses


class MediaPipe:
    """Video to a pose in the layout `holistic` (33 body, 468 face, 21 + 21 hand points; x, y in pixels, z in the same scale).

    Missing: what MediaPipe does not find in a frame (body, face, a hand) is missing there, and so is a body point with a
    visibility under 0.5 or outside the picture by more than a tenth of its size.
    """

    def __init__(self, config: MediaPipeConfig | None = None, context: Context | None = None) -> None:
        self.config, self.context = config or MediaPipeConfig(), context or Context()

    def estimate(self, video: Video) -> Pose:
        c = self.config
        count = len(layouts.layout_names("holistic"))
        points = np.full((len(video), count, 3), np.nan, np.float32)
        confidence = np.zeros((len(video), count), np.float32)
        scale = max(1.0, c.enlarge / min(video.height, video.width))
        height, width = round(video.height * scale), round(video.width * scale)
        with holistic.Holistic(
            model_complexity=c.complexity,
            smooth_landmarks=c.smooth,
            min_detection_confidence=c.detection,
            min_tracking_confidence=c.tracking,
        ) as model:
            for t, frame in enumerate(self.context.progress(video, len(video), "pose")):
                found = model.process(fit_image(np.ascontiguousarray(frame), height, width))
                self._fill(points[t], confidence[t], found)
        points *= np.array([video.width, video.height, video.width], np.float32)
        return pose_from_keypoints(
            points, "holistic", fps=video.fps, width=video.width, height=video.height, confidence=confidence
        )

    def _fill(self, points: np.ndarray, confidence: np.ndarray, found: Any) -> None:
        """points [543, 3] in parts of the picture's size, confidence [543]."""
        body = _array(found.pose_landmarks)
        if body is not None:
            inside = ((body[:, :2] > -0.1) & (body[:, :2] < 1.1)).all(axis=1)
            sure = np.where(inside & (body[:, 3] >= SURE), body[:, 3], 0)
            points[:33], confidence[:33] = np.where(sure[:, None] > 0, body[:, :3], np.nan), sure
        face = _array(found.face_landmarks) if self.config.face else None
        if face is not None:
            points[33:501], confidence[33:501] = face[:468, :3], 1
        for start, hand in zip(
            HANDS_AT, (found.left_hand_landmarks, found.right_hand_landmarks), strict=True
        ):
            rows = _array(hand)
            if rows is not None:
                points[start : start + 21], confidence[start : start + 21] = rows[:, :3], 1


def _array(landmarks: Any) -> np.ndarray | None:
    if landmarks is None:
        return None
    return np.array([(p.x, p.y, p.z, p.visibility) for p in landmarks.landmark], np.float32)
