"""MediaPipe's Holistic solution, frame by frame."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from pose_format import Pose

from signcore.contracts import Context
from signcore.types import Video
from signcore.types.resize import fit_image
from signcore_mediapipe.config import MediaPipeConfig
from signcore_mediapipe.landmarks import Part, Points

os.environ.setdefault("GLOG_minloglevel", "2")  # its C++ logs every graph otherwise
try:
    from mediapipe.python.solutions import holistic
except ModuleNotFoundError as error:
    if error.name != "mediapipe.python":
        raise
    raise ImportError(
        "this release of mediapipe has no Holistic solution; use the estimator mediapipe-tasks, or mediapipe 0.10.21"
    ) from error


class MediaPipe:
    """Video to a pose in the layout `holistic` (33 body, 468 face, 21 + 21 hand points; x, y in pixels, z in the same scale).

    Missing: what MediaPipe does not find in a frame (body, face, a hand) is missing there, and so is a body point with a
    visibility under 0.5 or outside the picture by more than a tenth of its size.
    """

    def __init__(self, config: MediaPipeConfig | None = None, context: Context | None = None) -> None:
        self.config, self.context = config or MediaPipeConfig(), context or Context()

    def estimate(self, video: Video) -> Pose:
        c = self.config
        points = Points(video)
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
                face = _array(found.face_landmarks) if c.face else None
                hands = _array(found.left_hand_landmarks), _array(found.right_hand_landmarks)
                points.fill(t, _array(found.pose_landmarks), face, hands)
        return points.pose()


def _array(landmarks: Any) -> Part:
    if landmarks is None:
        return None
    return np.array([(p.x, p.y, p.z, p.visibility) for p in landmarks.landmark], np.float32)
