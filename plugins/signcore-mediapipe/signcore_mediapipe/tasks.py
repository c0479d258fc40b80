"""MediaPipe's tasks: models in .task files of the user's, all in one or one a part."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from pose_format import Pose

from signcore.contracts import Context
from signcore.errors import ConfigError, WeightsError
from signcore.types import Video
from signcore.types.resize import fit_image
from signcore_mediapipe.config import MediaPipeTasksConfig
from signcore_mediapipe.landmarks import Part, Points

os.environ.setdefault("GLOG_minloglevel", "2")  # its C++ logs every graph otherwise
import mediapipe
from mediapipe.tasks.python import BaseOptions, vision

SHOULDERS, WRISTS = (11, 12), (15, 16)  # the body's left and right


class MediaPipeTasks:
    """Video to a pose in the layout `holistic` (33 body, 468 face, 21 + 21 hand points; x, y in pixels, z in the same scale).

    With `model` one holistic landmarker finds all; with `pose`, `hands` and `face` each of those finds its part, the pose
    one person, and a hand is that of the nearer wrist. Missing: as the estimator `mediapipe` has it.
    Raises ConfigError where no model is given, WeightsError where one is absent, damaged or of another kind.
    """

    def __init__(self, config: MediaPipeTasksConfig | None = None, context: Context | None = None) -> None:
        self.config, self.context = config or MediaPipeTasksConfig(), context or Context()
        c = self.config
        whole = c.model or (Path(self.context.weights) if self.context.weights else None)
        parts = {"pose": c.pose, "hands": c.hands, "face": c.face}
        if whole is None and c.pose is None:
            raise ConfigError(
                "mediapipe-tasks: no model is given",
                "set model to a holistic_landmarker.task, or pose (and hands, face) to landmarkers of their own",
            )
        if whole is not None and any(parts.values()):
            raise ConfigError("mediapipe-tasks: model finds all parts", "leave pose, hands and face out")
        self._files = {"holistic": whole} if whole else {k: v for k, v in parts.items() if v is not None}
        for file in self._files.values():
            if not file.is_file():
                raise WeightsError(f"mediapipe-tasks: {file}: no such model file")
        with self._models():  # what cannot be loaded is told before any video is read
            pass

    def estimate(self, video: Video) -> Pose:
        points = Points(video)
        scale = max(1.0, self.config.enlarge / min(video.height, video.width))
        height, width = round(video.height * scale), round(video.width * scale)
        time = -1
        with self._models() as models:
            for t, frame in enumerate(self.context.progress(video, len(video), "pose")):
                picture = fit_image(np.ascontiguousarray(frame), height, width)
                image = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=picture)
                time = max(time + 1, round(1000 * t / video.fps))  # ms, and each later than the last
                found = {part: detect(image, time) for part, detect in models.items()}
                points.fill(t, *(_whole if "holistic" in found else _parts)(found, width / height))
        return points.pose()

    @contextmanager
    def _models(self) -> Iterator[dict[str, Callable[[Any, int], Any]]]:
        """What finds a part in an image at a time: a tracker each, new for every video."""
        with ExitStack() as stack:
            yield {
                part: self._detector(stack.enter_context(self._load(part, file)))
                for part, file in self._files.items()
            }

    def _load(self, part: str, file: Path) -> Any:
        c = self.config
        kind, options = {
            "holistic": (vision.HolisticLandmarker, vision.HolisticLandmarkerOptions),
            "pose": (vision.PoseLandmarker, vision.PoseLandmarkerOptions),
            "hands": (vision.HandLandmarker, vision.HandLandmarkerOptions),
            "face": (vision.FaceLandmarker, vision.FaceLandmarkerOptions),
        }[part]
        sure = {
            "holistic": {
                "min_pose_detection_confidence": c.detection,
                "min_face_detection_confidence": c.detection,
                "min_pose_landmarks_confidence": c.tracking,
                "min_face_landmarks_confidence": c.tracking,
                "min_hand_landmarks_confidence": c.tracking,
            },
            "pose": {
                "min_pose_detection_confidence": c.detection,
                "min_pose_presence_confidence": c.tracking,
            },
            "hands": {
                "num_hands": 2,
                "min_hand_detection_confidence": c.detection,
                "min_hand_presence_confidence": c.tracking,
            },
            "face": {
                "min_face_detection_confidence": c.detection,
                "min_face_presence_confidence": c.tracking,
            },
        }[part]
        base = BaseOptions(model_asset_path=str(file))
        try:
            return kind.create_from_options(
                options(base_options=base, running_mode=vision.RunningMode.VIDEO, **sure)
            )
        except (RuntimeError, ValueError, OSError) as error:
            raise WeightsError(
                f"mediapipe-tasks: {file}: not a model for {part} ({(str(error).splitlines() or ['?'])[0][:200]})",
                f"a {'holistic' if part == 'holistic' else part.removesuffix('s')}_landmarker.task is wanted",
            ) from error

    def _detector(self, model: Any) -> Callable[[Any, int], Any]:
        if isinstance(model, vision.HolisticLandmarker) and hasattr(model, "_process_video_data"):
            return lambda image, time: _holistic(model, image, time)
        found: Callable[[Any, int], Any] = model.detect_for_video
        return found


def _holistic(model: Any, image: Any, time: int) -> Any:
    """`detect_for_video` of mediapipe 0.10, whose own reads packets that are not there: the process dies where a hand is missing."""
    from mediapipe.python import packet_creator, packet_getter

    packets = model._process_video_data({"image_in": packet_creator.create_image(image).at(time * 1000)})

    def of(name: str) -> Any:
        packet = packets[f"{name}_landmarks"]
        return [] if packet.is_empty() else packet_getter.get_proto(packet).landmark

    return SimpleNamespace(**{f"{n}_landmarks": of(n) for n in ("pose", "face", "left_hand", "right_hand")})


def _whole(found: dict[str, Any], aspect: float) -> tuple[Part, Part, tuple[Part, Part]]:
    of = found["holistic"]
    hands = _array(of.left_hand_landmarks), _array(of.right_hand_landmarks)
    return _array(of.pose_landmarks), _array(of.face_landmarks), hands


def _parts(found: dict[str, Any], aspect: float) -> tuple[Part, Part, tuple[Part, Part]]:
    """aspect: width by height, since landmarks are in parts of both."""
    body = _array(next(iter(found["pose"].pose_landmarks), None))
    face = _array(next(iter(found["face"].face_landmarks), None)) if "face" in found else None
    if body is None or "hands" not in found:
        return body, face, (None, None)

    def apart(a: np.ndarray, b: np.ndarray) -> float:
        return float(np.hypot((a[0] - b[0]) * aspect, a[1] - b[1]))

    hands = [h for h in map(_array, found["hands"].hand_landmarks) if h is not None]
    most = apart(*body[list(SHOULDERS)])  # a hand that is further from the wrist is somebody else's
    away = {
        (side, i): distance
        for side, wrist in enumerate(WRISTS)
        for i, hand in enumerate(hands)
        if (distance := apart(hand[0], body[wrist])) <= most
    }
    chosen: list[Part] = [None, None]
    while away:  # the nearest pair first; the handedness that MediaPipe tells is that of mirrored pictures
        side, i = min(away, key=lambda pair: away[pair])
        chosen[side] = hands[i]
        away = {pair: d for pair, d in away.items() if pair[0] != side and pair[1] != i}
    return body, face, (chosen[0], chosen[1])


def _array(landmarks: Any) -> Part:
    if not landmarks:
        return None
    rows = [(p.x, p.y, p.z, 1.0 if p.visibility is None else p.visibility) for p in landmarks]
    return np.array(rows, np.float32)
