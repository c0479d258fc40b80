"""Keypoints in NumPy files as a dataset; nothing is unpickled."""

from __future__ import annotations

import zipfile
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from pose_format import Pose
from pose_format.numpy import NumPyPoseBody
from pose_format.pose_header import PoseHeader, PoseHeaderComponent, PoseHeaderDimensions

from signcore.contracts import Context, Sample
from signcore.errors import ConfigError, InputError
from signcore.plugins.datasets.config import KeypointArraysConfig
from signcore.types import layouts

COMPONENT = "KEYPOINTS"  # `layouts` knows our own names under it
_KINECT = {
    "Head": "head", "SpineMid": "spine", "SpineShoulder": "neck", "SpineBase": "mid_hip",
    "mouth_left": "left_mouth", "mouth_right": "right_mouth",
}  # fmt: skip


class KeypointArrays:
    """One sample a recording; the pose keeps the file's units, rate and missing points (NaN, or a confidence of 0).

    Of an .npz: frames float [sum T, K, C], offsets int [N + 1]; optional labels with class_names, or glosses, or the words of
    sentences (word_sentence, word_label, word_start), signers with
    signer_names, split, ids, keypoint_names, channel_names (x, y, z, then visibility or confidence), fps, width, height.
    Raises InputError where the file is absent, pickled, or its arrays contradict each other.
    """

    def __init__(self, config: KeypointArraysConfig | None = None, context: Context | None = None) -> None:
        if config is None:
            raise ConfigError("dataset keypoint-arrays: path: is needed")
        self.config = config
        path = config.path
        if path.is_dir():
            self.files = sorted(f for f in path.rglob("*.npy"))
            if not self.files:
                raise InputError(f"{path}: holds no .npy files")
            self.arrays: dict[str, np.ndarray] = {}
        else:
            self.files = []
            self.arrays = _read_npz(path)
        self._names = self._keypoints()

    def __len__(self) -> int:
        return len(self.files) or len(self.arrays["offsets"]) - 1

    def __getitem__(self, index: int) -> Sample:
        if not 0 <= index < len(self):
            raise IndexError(f"recording {index} of {len(self)}")
        if self.files:
            file = self.files[index]
            folders = file.relative_to(self.config.path).parts[:-1]
            return Sample(
                id=file.stem,
                pose=partial(self._of_file, file),
                glosses=list(folders[-1:]) or None,
                split="train",
            )
        signer = self._of("signers", index, "signer_names")
        split = self._of("split", index) or ("test" if signer in self.config.held_out else "train")
        gloss = self._of("labels", index, "class_names")
        sentence = self._of("glosses", index) or self._words(index)
        return Sample(
            id=self._of("ids", index) or f"{self.config.path.stem}-{index}",
            pose=partial(self._of_npz, index),
            glosses=[gloss] if gloss else sentence.split() if sentence else None,
            signer=signer,
            split=split,
        )

    def _words(self, index: int) -> str | None:
        if "word_sentence" not in self.arrays or "word_label" not in self.arrays:
            return None
        here = np.flatnonzero(self.arrays["word_sentence"] == index)
        if "word_start" in self.arrays:
            here = here[np.argsort(self.arrays["word_start"][here], kind="stable")]
        names = self.arrays.get("class_names")
        labels = [int(self.arrays["word_label"][i]) for i in here]
        return " ".join(str(n if names is None else names[n]) for n in labels)

    def _of(self, name: str, index: int, names: str | None = None) -> str | None:
        values = self.arrays.get(name)
        if values is None:
            return None
        if names is not None and names in self.arrays:
            return str(self.arrays[names][int(values[index])])
        return str(values[index])

    def _keypoints(self) -> list[str]:
        count = (
            np.load(self.files[0], mmap_mode="r", allow_pickle=False) if self.files else self.arrays["frames"]
        ).shape[1]
        if self.config.layout is not None:
            names = layouts.layout_names(self.config.layout)
        elif self.config.keypoints is not None:
            names = list(self.config.keypoints)
        elif "keypoint_names" in self.arrays:
            names = [_spelling(str(n)) for n in self.arrays["keypoint_names"]]
        else:
            names = [f"point_{i}" for i in range(count)]
        if len(names) != count:
            raise InputError(f"{self.config.path}: {count} points a frame, but {len(names)} names")
        return names

    def _of_file(self, file: Path) -> Pose:
        try:
            frames = np.load(file, allow_pickle=False)
        except (ValueError, OSError, EOFError) as error:
            raise InputError(f"{file}: not readable as .npy ({error})") from error
        return self._pose(frames, str(file), None, None)

    def _of_npz(self, index: int) -> Pose:
        start, stop = self.arrays["offsets"][index : index + 2]
        size = [self.arrays[n].reshape(-1) if n in self.arrays else None for n in ("width", "height")]
        width, height = (None if s is None else int(s[index if len(s) > 1 else 0]) for s in size)
        return self._pose(
            self.arrays["frames"][start:stop], f"{self.config.path}, recording {index}", width, height
        )

    def _pose(self, frames: np.ndarray, where: str, width: int | None, height: int | None) -> Pose:
        if frames.ndim != 3 or frames.shape[1] != len(self._names) or frames.shape[2] < 2 or not len(frames):
            raise InputError(
                f"{where}: expected [T, {len(self._names)}, 2 or more] with T at least 1, got {list(frames.shape)}"
            )
        channels = [
            str(c).lower() for c in self.arrays.get("channel_names", np.array(["x", "y", "z", "confidence"]))
        ]
        sure = next(
            (
                i
                for i, c in enumerate(channels[: frames.shape[2]])
                if c in ("visibility", "confidence", "score")
            ),
            None,
        )
        dims = [i for i in range(min(frames.shape[2], 3)) if i != sure]
        data = frames[..., dims].astype(np.float32)
        confidence = (
            np.ones(data.shape[:2], np.float32) if sure is None else frames[..., sure].astype(np.float32)
        )
        missing = ~np.isfinite(data).all(axis=-1) | ~(confidence > 0)
        if np.isinf(data[~missing]).any() or np.isinf(frames).any():
            raise InputError(f"{where}: has an infinite coordinate", "mark it missing with NaN")
        if self._upwards(data, missing):
            data[..., 1] *= -1
        data[missing] = 0
        confidence = np.where(missing, 0, np.minimum(confidence, 1)).astype(np.float32)
        mask = np.broadcast_to(missing[..., None], data.shape)
        fps = self.config.fps or float(self.arrays.get("fps", np.array(25.0)))
        index = {name: i for i, name in enumerate(self._names)}
        limbs = [(index[a], index[b]) for a, b in _LIMBS if a in index and b in index]
        part = PoseHeaderComponent(
            COMPONENT, self._names, limbs, [(60, 110, 220)] * max(1, len(limbs)), "XYZC"[: len(dims)] + "C"
        )
        header = PoseHeader(0.2, PoseHeaderDimensions(width or 1, height or 1, 0), [part])
        return Pose(
            header, NumPyPoseBody(fps, np.ma.masked_array(data, mask=mask)[:, None], confidence[:, None])
        )

    def _upwards(self, data: np.ndarray, missing: np.ndarray) -> bool:
        if self.config.up != "auto":
            return self.config.up == "up"
        index = {name: i for i, name in enumerate(self._names)}
        heights = []
        for group in (
            ("nose", "head", "neck"),
            ("mid_hip", "left_hip", "left_wrist", "left_hand", "right_hand"),
        ):
            column = next((index[n] for n in group if n in index), None)
            if column is None or missing[:, column].all():
                return False
            heights.append(float(data[~missing[:, column], column, 1].mean()))
        return heights[0] > heights[1]


_LIMBS = [
    ("head", "neck"), ("nose", "neck"), ("left_shoulder", "right_shoulder"),
    *((f"{s}_{a}", f"{s}_{b}") for s in ("left", "right") for a, b in (("shoulder", "elbow"), ("elbow", "wrist"), ("wrist", "hand"))),
    ("left_shoulder", "left_hip"), ("right_shoulder", "right_hip"), ("left_hip", "right_hip"),
]  # fmt: skip


def _spelling(name: str) -> str:
    """ShoulderLeft to left_shoulder; names that are spelled so already stay."""
    if name in _KINECT:
        return _KINECT[name]
    for side in ("Left", "Right"):
        if name.endswith(side):
            return f"{side.lower()}_{name.removesuffix(side).lower()}"
    return name if name.islower() else name.lower()


def _read_npz(path: Path) -> dict[str, np.ndarray]:
    if not path.is_file():
        raise InputError(f"{path}: no such file or folder")
    try:
        with np.load(path, allow_pickle=False) as opened:
            arrays: dict[str, Any] = {name: opened[name] for name in opened.files}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, KeyError) as error:
        raise InputError(f"{path}: not readable as .npz without pickles ({error})") from error
    for name in ("frames", "offsets"):
        if name not in arrays:
            raise InputError(f"{path}: holds no array {name!r}; there are: {', '.join(arrays) or 'none'}")
    frames, offsets = arrays["frames"], arrays["offsets"]
    if frames.ndim != 3 or frames.dtype.kind != "f":
        raise InputError(
            f"{path}: frames: expected floats [sum T, K, C], got {frames.dtype} {list(frames.shape)}"
        )
    if (
        offsets.ndim != 1
        or len(offsets) < 2
        or offsets[0] != 0
        or offsets[-1] != len(frames)
        or (np.diff(offsets) < 1).any()
    ):
        raise InputError(
            f"{path}: offsets: expected rising numbers from 0 to {len(frames)}, one more than recordings"
        )
    for name in ("labels", "signers", "split", "glosses", "ids"):
        if name in arrays and len(arrays[name]) != len(offsets) - 1:
            raise InputError(f"{path}: {name}: {len(arrays[name])} entries for {len(offsets) - 1} recordings")
    return arrays
