"""Poses in files of their own as datasets: a table of .pose files, and Ham2Pose's data.json with OpenPose's output."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
from pose_format import Pose

from signcore.contracts import Context, Sample
from signcore.errors import ConfigError, InputError
from signcore.plugins.datasets.config import Ham2PoseFilesConfig, PoseTableConfig
from signcore.types import layouts, read_pose, read_table, read_video
from signcore.types.poses import pose_from_keypoints
from signcore.types.tables import Row

T = TypeVar("T")
_PARTS = (
    ("pose_keypoints_2d", 25),
    ("face_keypoints_2d", 70),
    ("hand_left_keypoints_2d", 21),
    ("hand_right_keypoints_2d", 21),
)


class PoseTable:
    """One sample a row: path, and id, notation, glosses (separated by blanks), signer, language, split, video where the table has them.

    Paths, of the pose and of the video, are relative to the table. Raises InputError where the table or its column `path` is absent;
    a file that is absent or broken is named with its line when it is read.
    """

    def __init__(self, config: PoseTableConfig | None = None, context: Context | None = None) -> None:
        if config is None:
            raise ConfigError("dataset pose-table: path: is needed")
        self.config = config
        self.rows = read_table(config.path, ["path"])

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Sample:
        if not 0 <= index < len(self):
            raise IndexError(f"row {index} of {len(self)}")
        row = self.rows[index]
        value = {name: text or None for name, text in row.values.items()}
        glosses = value.get("glosses")
        return Sample(
            id=value.get("id") or str(row.values["path"]),
            pose=partial(self._read, read_pose, row, "path"),
            video=partial(self._read, read_video, row, "video") if value.get("video") else None,
            notation=value.get("notation"),
            glosses=glosses.split() if glosses else None,
            signer=value.get("signer"),
            language=value.get("language"),
            split=value.get("split"),
        )

    def _read(self, reader: Callable[[Path], T], row: Row, column: str) -> T:
        try:
            return reader(self.config.path.parent / row.values[column])
        except InputError as error:
            raise InputError(f"{self.config.path}:{row.line}: {error}", error.hint) from error


class Ham2PoseFiles:
    """The layout of Ham2Pose's data: data.json, and a folder ID/ of OpenPose's JSON, one file a frame, for each entry.

    Of each frame the first person, 137 points; a frame without a person is missing whole. Entries without a folder are
    left out. Left-handed signers are mirrored (section 4.1).
    """

    def __init__(self, config: Ham2PoseFilesConfig | None = None, context: Context | None = None) -> None:
        if config is None:
            raise ConfigError("dataset ham2pose-files: path: and keypoints: are needed")
        self.config = config
        if not config.keypoints.is_dir():
            raise InputError(f"{config.keypoints}: no such folder")
        rows = read_table(config.path, ["hamnosys"])
        self.rows = [r for r in rows if r.values.get("id") and (config.keypoints / r.values["id"]).is_dir()]
        if not self.rows:
            raise InputError(f"{config.keypoints}: holds no folder named as an entry of {config.path.name}")
        self.left_handed: set[str] = set()
        if config.left_handed is not None:
            try:
                self.left_handed = {
                    str(i) for i in json.loads(config.left_handed.read_text(encoding="utf-8"))
                }
            except (OSError, ValueError, TypeError) as error:
                raise InputError(f"{config.left_handed}: not a JSON list of ids ({error})") from error

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Sample:
        if not 0 <= index < len(self):
            raise IndexError(f"entry {index} of {len(self)}")
        value = self.rows[index].values
        id = value["id"]
        place = int.from_bytes(hashlib.sha256(id.encode()).digest()[:4], "big") / 2**32
        return Sample(
            id=id,
            pose=partial(self._pose, id),
            notation=value["hamnosys"],
            glosses=[value["type_name"]] if value.get("type_name") else None,
            language=value.get("language") or value.get("type_name_language") or _language(id),
            split="test" if place < self.config.test_share else "train",
        )

    def _pose(self, id: str) -> Pose:
        files = sorted((self.config.keypoints / id).glob("*.json"))
        if not files:
            raise InputError(f"{self.config.keypoints / id}: holds no .json files")
        frames = np.stack([_frame(f) for f in files])
        confidence = frames[..., 2]
        points = np.where((confidence > 0)[..., None], frames[..., :2], np.nan)
        pose = pose_from_keypoints(
            points,
            "openpose_137",
            fps=self.config.fps,
            width=self.config.size,
            height=self.config.size,
            confidence=confidence,
        )
        return layouts.mirror(pose) if id in self.left_handed else pose


def _language(id: str) -> str:
    """By the spelling of the ids (public code): numbers are DGS, names without a digit LSF."""
    if id.isdigit():
        return "dgs"
    lower = id.lower()
    for language in ("pjm", "gsl"):
        if language in lower:
            return language
    return "lsf" if not any(c.isdigit() for c in id) else "pjm"


def _frame(file: Path) -> np.ndarray:  # [137, 3]: x, y, confidence
    try:
        people = json.loads(file.read_text(encoding="utf-8"))["people"]
        if not people:
            return np.zeros((137, 3), np.float32)
        parts = [np.asarray(people[0][name], np.float32).reshape(count, 3) for name, count in _PARTS]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{file}: not a frame of OpenPose's output ({error})") from error
    return np.concatenate(parts)
