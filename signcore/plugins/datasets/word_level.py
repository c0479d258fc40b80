"""WLASL and NMFs-CSL as they are distributed: one sign a clip."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from pose_format import Pose
from pose_format.numpy import NumPyPoseBody
from pose_format.pose_header import PoseHeader, PoseHeaderDimensions

from signcore.contracts import Context, Sample
from signcore.errors import ConfigError, InputError
from signcore.plugins.datasets.estimated import Estimated
from signcore.plugins.datasets.word_level_config import NMFsCSLConfig, WLASLConfig
from signcore.types import read_pose, read_text, read_video
from signcore.types.decode import SUFFIXES
from signcore.types.video import Video, pose_frames

SPLITS = {"train": "train", "val": "validation", "test": "test"}
LIST_NAME = "WLASL_v0.3.json"


@dataclass(frozen=True)
class _Entry:
    id: str
    file: Path
    gloss: str
    split: str
    signer: str | None = None
    first: int = 1  # of the frames that are meant, from 1
    last: int = -1  # -1: to the end
    box: tuple[int, int, int, int] | None = None  # x0, y0, x1, y1 in pixels


class _Listed:
    """Samples by a list; clips that it names and that are not on disk are left out and told once."""

    def __init__(self, name: str, entries: list[_Entry], estimated: Estimated) -> None:
        self.estimated = estimated
        self.entries = [entry for entry in entries if entry.file.exists()]
        if not self.entries:
            where = f"; the first looked for: {entries[0].file}" if entries else ""
            raise InputError(f"{name}: none of the {len(entries)} clips that it lists is on disk{where}")
        left = len(entries) - len(self.entries)
        if left:
            logging.getLogger("signcore").warning(
                "%s: %d of %d clips are not on disk", name, left, len(entries)
            )

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, index: int) -> Sample:
        if not 0 <= index < len(self):
            raise IndexError(f"clip {index} of {len(self)}")
        entry = self.entries[index]
        return Sample(
            id=entry.id,
            video=partial(_video, entry),
            pose=partial(self._pose, entry),
            glosses=[entry.gloss],
            signer=entry.signer,
            split=entry.split,
            language=self.language,
        )

    def _pose(self, entry: _Entry) -> Pose | None:
        beside = entry.file.with_suffix(".pose")
        if not beside.is_file():
            return self.estimated.of(entry.id, partial(_video, entry))
        pose, box = read_pose(beside), _box(entry)
        pose = pose_frames(pose, range(len(pose.body.data))[_frames(entry, len(pose.body.data))])
        return pose if box is None else _cropped(pose, *box)

    language: str | None = None


class WLASL(_Listed):
    """WLASL (Li et al. 2020): `WLASL_v0.3.json` names gloss, split, signer, frames and box of every video.

    Subsets are the first glosses of that list, as the authors cut them; where `nslt_N.json` lies beside it, its clips and splits are
    taken. The pose of ID.mp4 is ID.pose, else None. Raises InputError where the list is absent or malformed, or no clip is there.
    """

    language = "ase"

    def __init__(self, config: WLASLConfig | None = None, context: Context | None = None) -> None:
        if config is None:
            raise ConfigError("dataset wlasl: path: is needed")
        self.config, self.context = config, context or Context()
        listed = _json(config.path / LIST_NAME)
        subset = config.path / f"nslt_{config.glosses}.json"
        own = _json(subset) if subset.is_file() else None
        entries = list(self._entries(listed, own))
        super().__init__(str(config.path / LIST_NAME), entries, Estimated(config.estimator, context))

    def _entries(self, listed: Any, own: Any) -> Iterator[_Entry]:
        try:
            for word in listed[: self.config.glosses]:
                for clip in word["instances"]:
                    name = str(clip["video_id"])
                    if own is not None and name not in own:
                        continue
                    split = str(clip["split"] if own is None else own[name]["subset"])
                    whole = not self.config.trim
                    x0, y0, x1, y1 = (int(v) for v in clip["bbox"])
                    yield _Entry(
                        name,
                        self.config.path / "videos" / f"{name}.mp4",
                        str(word["gloss"]),
                        SPLITS[split],
                        str(clip["signer_id"]),
                        1 if whole else int(clip["frame_start"]),
                        -1 if whole else int(clip["frame_end"]),
                        (x0, y0, x1, y1) if self.config.box else None,
                    )
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"{self.config.path / LIST_NAME}: not a list of glosses with instances ({type(error).__name__}: {error})"
            ) from error


class NMFsCSL(_Listed):
    """NMFs-CSL (Hu et al. 2021): lists of training and test clips with the number of their word, and folders of frames.

    A line is `PATH LABEL` or `PATH,LABEL`; a path names a folder of images or a video, with or without its suffix. A signer
    is read from a P-number in the path (`P03_...`), where there is one. Raises InputError where a list is absent or a line has no
    label.
    """

    language = "csl"

    def __init__(self, config: NMFsCSLConfig | None = None, context: Context | None = None) -> None:
        if config is None:
            raise ConfigError("dataset nmfs-csl: path: is needed")
        self.config, self.context = config, context or Context()
        root = config.path
        if not root.is_dir():
            raise InputError(f"{root}: no such folder")
        names = dict(_pairs(config.names)) if config.names is not None else {}
        entries = []
        for split in ("train", "test"):
            lists = sorted([*root.glob(f"{split}*.txt"), *root.glob(f"{split}*.csv")])
            if not lists:
                raise InputError(f"{root}: holds no list {split}*.txt")
            for file in lists:
                for clip, label in _pairs(file):
                    signer = re.search(r"(?:^|/)(P\d+)", clip)
                    entries.append(
                        _Entry(
                            clip,
                            self._file(clip),
                            names.get(label, label),
                            split,
                            signer[1] if signer else None,
                        )
                    )
        super().__init__(str(root), entries, Estimated(config.estimator, context))

    def _file(self, clip: str) -> Path:
        root = self.config.path
        starts = [self.config.clips] if self.config.clips else [root, root / "jpg_video", root / "videos"]
        tries = [start / f"{clip}{suffix}" for start in starts for suffix in ("", *SUFFIXES)]
        return next((path for path in tries if path.exists()), tries[0])


def _pairs(file: Path) -> Iterator[tuple[str, str]]:
    """What comes before the last comma, tabulator or blank of a line, and what after it."""
    for number, line in enumerate(read_text(file).splitlines(), 1):
        if not line.strip():
            continue
        found = re.fullmatch(r"\s*(.+?)[\s,]+([^\s,]+)\s*", line)
        if found is None:
            raise InputError(f"{file}: line {number} has no label: {line.strip()!r}")
        yield (found[1], found[2])


def _json(file: Path) -> Any:
    try:
        return json.loads(read_text(file))
    except ValueError as error:
        raise InputError(f"{file}: not readable as JSON ({error})") from error


def _frames(entry: _Entry, count: int) -> slice:
    """The annotated frames; all where the video was cut to them already, and is shorter."""
    last = count if entry.last < 0 else entry.last
    if entry.first < 1 or entry.first > count or last > count or last < entry.first:
        return slice(0, count)
    return slice(entry.first - 1, last)


def _video(entry: _Entry) -> Video:
    video = read_video(entry.file)
    video = video[_frames(entry, len(video))]
    box = _box(entry)
    if box is None:
        return video
    x0, y0, x1, y1 = box
    crop: Callable[[int], np.ndarray] = lambda i: np.ascontiguousarray(video[i][y0:y1, x0:x1])  # noqa: E731
    return Video.from_frames(crop, len(video), y1 - y0, x1 - x0, video.fps)


def _box(entry: _Entry) -> tuple[int, int, int, int] | None:
    """x0, y0, x1, y1 within the picture; None where the list gives no box, or an empty one."""
    if entry.box is None:
        return None
    video = read_video(entry.file)
    x0, y0, x1, y1 = entry.box
    x0, y0, x1, y1 = max(x0, 0), max(y0, 0), min(x1, video.width), min(y1, video.height)
    return (x0, y0, x1, y1) if x1 > x0 and y1 > y0 else None


def _cropped(pose: Pose, x0: int, y0: int, x1: int, y1: int) -> Pose:
    """In the pixels of the box."""
    body, header = pose.body, pose.header
    data = body.data.copy()
    data[..., :2] = data[..., :2] - np.array([x0, y0], np.float32)
    size = PoseHeaderDimensions(x1 - x0, y1 - y0, header.dimensions.depth)
    cropped = PoseHeader(header.version, size, header.components)
    return Pose(cropped, NumPyPoseBody(body.fps, data, body.confidence))
