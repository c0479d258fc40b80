"""Corpora of signed sentences with glosses, and AUTSL, in the layouts that they are distributed in."""

from __future__ import annotations

import csv
import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from pose_format import Pose

from signcore.contracts import Context, Sample
from signcore.errors import ConfigError, InputError
from signcore.plugins.datasets.estimated import Estimated
from signcore.plugins.datasets.sentence_config import (
    ASLLRPConfig,
    AUTSLConfig,
    CSLDailyConfig,
    PhoenixConfig,
)
from signcore.types import Video, read_pose, read_text, read_video


@dataclass(frozen=True)
class _Clip:
    name: str
    media: Path  # a video, or a folder of frames
    glosses: list[str]
    signer: str | None
    split: str


class _Corpus(ABC):
    """Clips in the order of their names' table. The video is read when asked for; the pose is NAME.pose of `poses`, or beside it."""

    name = ""
    language = ""

    def __init__(self, config: Any = None, context: Context | None = None) -> None:
        if config is None:
            raise ConfigError(f"dataset {self.name}: path: is needed")
        self.config, self.estimated = config, Estimated(config.estimator, context)
        if not config.path.is_dir():
            raise InputError(f"{config.path}: no such folder")
        self.clips = list(self.listed())
        if not self.clips:
            raise InputError(f"{config.path}: no clip of {self.name} is named there")

    @abstractmethod
    def listed(self) -> Iterable[_Clip]: ...

    def fps(self) -> float | None:
        """Of folders of frames; a video file knows its own."""
        return getattr(self.config, "fps", None)

    def __len__(self) -> int:
        return len(self.clips)

    def __getitem__(self, index: int) -> Sample:
        if not 0 <= index < len(self):
            raise IndexError(f"clip {index} of {len(self)}")
        clip = self.clips[index]
        pose, there = self._pose_file(clip), clip.media.exists()
        makes = there and self.config.estimator is not None
        return Sample(
            id=clip.name,
            video=partial(self._video, clip) if there else None,
            pose=partial(self._pose, pose, clip) if pose.is_file() or makes else None,
            glosses=clip.glosses,
            signer=clip.signer,
            language=self.language,
            split=clip.split,
        )

    def _pose_file(self, clip: _Clip) -> Path:
        folder = clip.media.parent if self.config.poses is None else self.config.poses
        found: Path = folder / f"{clip.name}.pose"
        return found

    def _pose(self, file: Path, clip: _Clip) -> Pose | None:
        return read_pose(file) if file.is_file() else self.estimated.of(clip.name, partial(self._video, clip))

    def _video(self, clip: _Clip) -> Video:
        return read_video(clip.media, fps=self.fps() if clip.media.is_dir() else None)


class ASLLRP(_Corpus):
    """The continuous signing of the ASLLRP (SignStream 3): a table with a row for each sign, and videos of the utterances.

    The signs of an utterance, by their first frames, are its sentence; hidden rows are left out, and so are the signs of the
    other hand that begin on the same frame as the one before.
    """

    name, language = "asllrp", "asl"
    config: ASLLRPConfig

    def listed(self) -> Iterable[_Clip]:
        config = self.config
        file = config.table
        if file is None:
            tables = sorted(config.path.glob("asllrp_sentence_signs_*.csv"))
            if len(tables) != 1:
                raise InputError(
                    f"{config.path}: holds {len(tables)} tables asllrp_sentence_signs_*.csv",
                    "name one as table",
                )
            file = tables[0]
        start = "Start frame of the sign video"
        rows = _table(file, ",", ["Utterance video filename", config.label, start])
        utterances: dict[str, list[tuple[int, str, str]]] = {}
        for line, row in rows:
            if row.get("Hidden", "").strip().upper() in ("T", "TRUE") or not row[config.label].strip():
                continue
            try:
                frame = int(float(row[start]))
            except ValueError:
                raise InputError(f"{file}:{line}: {start} is no number, {row[start]!r}") from None
            gloss = "-".join(row[config.label].split())
            signer = row.get("Source collection", "").split("_")[0]
            utterances.setdefault(row["Utterance video filename"].strip(), []).append((frame, gloss, signer))
        for name, signs in utterances.items():
            signs.sort(key=lambda s: s[0])
            glosses = [g for i, (f, g, _) in enumerate(signs) if i == 0 or f != signs[i - 1][0]]
            media = next((p for p in (config.path / name, config.path / "videos" / name) if p.exists()), None)
            stem = Path(name).stem
            share = int.from_bytes(hashlib.sha256(stem.encode()).digest()[:4], "big") / 2**32
            split = "test" if share < config.test_share else "train"
            yield _Clip(stem, media or config.path / name, glosses, signs[0][2] or None, split)


class AUTSL(_Corpus):
    """AUTSL: PART_labels.csv (`signerN_sampleN,class`), SignList_ClassId_TR_EN.csv, and videos PART/NAME_color.mp4."""

    name, language = "autsl", "tsl"
    config: AUTSLConfig

    def listed(self) -> Iterable[_Clip]:
        path, words = self.config.path, self._words()
        found = False
        for part, split in (
            ("train", "train"),
            ("val", "validation"),
            ("validation", "validation"),
            ("test", "test"),
        ):
            for file in (
                path / f"{part}_labels.csv",
                path / f"{part}_ground_truth.csv",
                path / f"{part}.csv",
            ):
                if not file.is_file():
                    continue
                found = True
                for line, cells in enumerate(csv.reader(read_text(file).splitlines()), 1):
                    if len(cells) != 2 or not cells[1].strip().isdigit():
                        raise InputError(f"{file}:{line}: expected NAME,CLASS, got {','.join(cells)!r}")
                    number = int(cells[1])
                    if words is not None and number not in words:
                        raise InputError(
                            f"{file}:{line}: class {number} is not in SignList_ClassId_TR_EN.csv"
                        )
                    gloss = str(number) if words is None else words[number]
                    media = path / part / f"{cells[0]}_color.mp4"
                    yield _Clip(cells[0], media, [gloss], cells[0].split("_")[0], split)
                break
        if not found:
            raise InputError(f"{path}: holds no train_labels.csv")

    def _words(self) -> dict[int, str] | None:
        file = self.config.path / "SignList_ClassId_TR_EN.csv"
        if self.config.language == "number" or not file.is_file():
            return None
        column = self.config.language.upper()
        rows = _table(file, ",", ["ClassId", column])
        return {int(row["ClassId"]): "-".join(row[column].split()) for _, row in rows}

    def _pose_file(self, clip: _Clip) -> Path:
        return clip.media.with_suffix(".pose") if self.config.poses is None else super()._pose_file(clip)


class Phoenix(_Corpus):
    """RWTH-PHOENIX-Weather 2014 T: annotations/manual/PHOENIX-2014-T.PART.corpus.csv with name, speaker, orth; folders of frames."""

    name, language = "phoenix-2014t", "dgs"
    config: PhoenixConfig

    def listed(self) -> Iterable[_Clip]:
        for part, split in (("train", "train"), ("dev", "validation"), ("test", "test")):
            file = self.config.path / "annotations" / "manual" / f"PHOENIX-2014-T.{part}.corpus.csv"
            if not file.is_file():
                if part == "train":
                    raise InputError(f"{file}: no such table")
                continue
            for _, row in _table(file, "|", ["name", "speaker", "orth"]):
                media = self.config.path / self.config.frames / part / row["name"]
                yield _Clip(row["name"], media, row["orth"].split(), row["speaker"], split)


class CSLDaily(_Corpus):
    """CSL-Daily: sentence_label/video_map.txt (`index|name|length|gloss|char|word|postag`), a table of splits (`name|split`),
    and folders of frames. The pickled tables beside them are not read."""

    name, language = "csl-daily", "csl"
    config: CSLDailyConfig

    def listed(self) -> Iterable[_Clip]:
        root = self.config.path
        file = _first(root / "sentence_label" / "video_map.txt", root / "video_map.txt")
        splits = _first(root / "sentence_label" / self.config.split_file, root / self.config.split_file)
        names = {"train": "train", "dev": "validation", "test": "test"}
        of = {row["name"]: row["split"] for _, row in _table(splits, "|", ["name", "split"])}
        for line, row in _table(file, "|", ["name", "gloss"]):
            if row["name"] not in of:
                raise InputError(f"{file}:{line}: {row['name']} is not in {splits.name}")
            split = names.get(of[row["name"]], of[row["name"]])
            signer = next((p for p in row["name"].split("_") if p[:1] == "P" and p[1:].isdigit()), None)
            media = root / self.config.frames / row["name"]
            yield _Clip(row["name"], media, row["gloss"].split(), signer, split)


def _first(*files: Path) -> Path:
    for file in files:
        if file.is_file():
            return file
    raise InputError(f"{files[0]}: no such table")


def _table(file: Path, separator: str, columns: list[str]) -> list[tuple[int, dict[str, str]]]:
    """(line, values by column). Raises InputError where the file or a column is absent, or a line has too many or few cells."""
    lines = csv.reader(
        read_text(file).splitlines(),
        delimiter=separator,
        quoting=csv.QUOTE_NONE if separator == "|" else csv.QUOTE_MINIMAL,
    )
    head = [c.strip() for c in next(lines, [])]
    for column in columns:
        if column not in head:
            raise InputError(f"{file}: has no column {column!r}; there are: {', '.join(head) or 'none'}")
    rows = []
    for cells in lines:
        if not any(cells):
            continue
        if len(cells) != len(head):
            raise InputError(f"{file}:{lines.line_num}: {len(cells)} columns, the first line has {len(head)}")
        rows.append((lines.line_num, dict(zip(head, cells, strict=True))))
    return rows
