"""rtmlib's detector and pose model, frame by frame; the models are files of the user's, nothing is downloaded."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from pose_format import Pose
from rtmlib import YOLOX, RTMPose

from signcore.contracts import Context
from signcore.errors import WeightsError
from signcore.types import Video, layouts
from signcore.types.poses import pose_from_keypoints
from signcore_rtmlib.config import DWPoseConfig, RTMWConfig, WholeBodyConfig

LAYOUT = "coco_wholebody_133"
PERSON = 0  # COCO's class, of detectors that tell several
SAME = 0.3  # overlap (intersection over union) from which a box is that of the person followed so far


class WholeBody:
    """Video to a pose in the layout `coco_wholebody_133` (17 body, 6 feet, 68 face, 21 + 21 hand points; x, y in pixels).

    With a detector the signer is the person with the largest box, and then the one whose box overlaps the last one most.
    Missing: points under `threshold`, and all of a frame in which nobody is detected. Without a detector the whole picture
    is taken for a person, and the model's own confidence decides.
    Raises WeightsError where a model is not given, absent, or not one of this kind.
    """

    name = ""
    example = ""
    config: WholeBodyConfig

    def __init__(self, config: WholeBodyConfig | None = None, context: Context | None = None) -> None:
        self.config, self.context = config or WholeBodyConfig(), context or Context()
        model = self.config.model or self.context.weights
        if model is None:
            raise WeightsError(
                f"{self.name}: no model is given",
                f"get {self.example} and set model to it, or give --weights FILE",
            )
        self._device = _device(self.context.device)
        self._pose = self._load(RTMPose, Path(model))
        self._people = None if self.config.detector is None else self._load(YOLOX, self.config.detector)
        self._check(Path(model))

    def estimate(self, video: Video) -> Pose:
        count = len(layouts.layout_names(LAYOUT))
        points = np.full((len(video), count, 2), np.nan, np.float32)
        confidence = np.zeros((len(video), count), np.float32)
        last: np.ndarray | None = None
        for t, frame in enumerate(self.context.progress(video, len(video), "pose")):
            picture = np.ascontiguousarray(frame[..., ::-1] if self.config.channels == "bgr" else frame)
            last = self._signer(picture, last)
            if last is None:
                continue
            found, scores = self._pose(picture, bboxes=[last])
            sure = np.clip(scores[0], 0, 1)
            there = sure >= max(self.config.threshold, 1e-6)
            points[t, there], confidence[t, there] = found[0][there], sure[there]
        return pose_from_keypoints(
            points, LAYOUT, fps=video.fps, width=video.width, height=video.height, confidence=confidence
        )

    def _signer(self, picture: np.ndarray, last: np.ndarray | None) -> np.ndarray | None:
        """x0, y0, x1, y1 of the person who signs, or None."""
        if self._people is None:
            return np.array([0, 0, picture.shape[1], picture.shape[0]], np.float32)
        boxes = self._people(picture)
        if self._people.det_mode == "multiclass":
            boxes = [box for box, kind in zip(*boxes, strict=True) if kind == PERSON]
        if not len(boxes):
            return None
        same = [0.0 if last is None else _overlap(box, last) for box in boxes]
        if max(same) >= SAME:
            return np.asarray(boxes[int(np.argmax(same))], np.float32)
        return np.asarray(max(boxes, key=_area), np.float32)

    def _load(self, kind: Any, file: Path) -> Any:
        if not file.is_file():  # rtmlib would take it for an address and download
            raise WeightsError(f"{self.name}: {file}: no such model file")
        try:
            with contextlib.redirect_stdout(io.StringIO()):  # it prints what it loads
                model = kind(str(file), backend="onnxruntime", device=self._device)
        except Exception as error:  # onnxruntime has a dozen classes of its own
            raise WeightsError(
                f"{self.name}: {file}: not a readable ONNX model ({(str(error).splitlines() or ['?'])[0]})"
            ) from error
        taken = model.session.get_inputs()[0].shape
        if len(taken) != 4 or not all(isinstance(side, int) for side in taken[2:]):
            raise WeightsError(
                f"{self.name}: {file}: takes {taken}, not pictures [N, 3, H, W] of a fixed size"
            )
        height, width = taken[2:]
        model.model_input_size = (width, height) if kind is RTMPose else (height, width)
        if kind is YOLOX:
            last = model.session.get_outputs()[0].shape[-1]
            model.det_mode = "multiclass" if isinstance(last, int) and last > 5 else "human"
        return model

    def _check(self, file: Path) -> None:
        made = [o.shape for o in self._pose.session.get_outputs()]
        wanted = len(layouts.layout_names(LAYOUT))
        if len(made) != 2 or any(len(shape) != 3 or shape[1] != wanted for shape in made):
            raise WeightsError(
                f"{self.name}: {file}: makes {made}, not simcc_x and simcc_y [N, {wanted}, W]",
                f"is it a whole-body model, such as {self.example}?",
            )


class RTMW(WholeBody):
    __doc__ = WholeBody.__doc__
    name = "rtmw"
    example = "rtmw-dw-x-l_simcc-cocktail14_270e-384x288_20231122.onnx"

    def __init__(self, config: RTMWConfig | None = None, context: Context | None = None) -> None:
        super().__init__(config or RTMWConfig(), context)


class DWPose(WholeBody):
    __doc__ = WholeBody.__doc__
    name = "dwpose"
    example = "dw-ll_ucoco_384.onnx"

    def __init__(self, config: DWPoseConfig | None = None, context: Context | None = None) -> None:
        super().__init__(config or DWPoseConfig(), context)


def _device(asked: str) -> str:
    """The CPU where onnxruntime was built without CUDA: it would fall back too, with a page of warnings."""
    return asked if "CUDAExecutionProvider" in onnxruntime.get_available_providers() else "cpu"


def _area(box: np.ndarray) -> float:
    return float(max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1]))


def _overlap(a: np.ndarray, b: np.ndarray) -> float:
    inner = np.concatenate([np.maximum(a[:2], b[:2]), np.minimum(a[2:4], b[2:4])])
    both = _area(inner) if (inner[2:] > inner[:2]).all() else 0.0
    return both / max(_area(a) + _area(b) - both, 1e-9)
