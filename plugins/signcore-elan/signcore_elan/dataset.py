"""Annotated recordings as samples."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from pose_format import Pose

from signcore.contracts import Context, Sample
from signcore.errors import ConfigError, InputError
from signcore.types import Video, read_pose, read_table, read_video
from signcore.types.decode import SUFFIXES
from signcore.types.video import pose_frames
from signcore_elan.config import ElanConfig
from signcore_elan.eaf import Annotation, Document

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Recording:
    """An .eaf file, and what the folder or the table says of it; name: what its samples' ids begin with."""

    eaf: Path
    name: str
    about: dict[str, str]


@dataclass(frozen=True)
class Clip:
    """A sample to be: a part of a recording, or the whole where `end` is None."""

    recording: Recording
    document: Document
    id: str
    glosses: list[str]
    signer: str | None
    begin: float = 0.0
    end: float | None = None


class Elan:
    """A sample an annotation, in the order of files and times: its part of the video, its gloss, its signer.

    Glosses are the annotations' values, with "-" for blanks: a gloss is one word. An annotation lies in the sentence in which
    its middle does. The signer is the table's column, else the tier's participant; the split is by `held_out`, else the
    table's column or the first folder (train, validation, test). The pose is NAME.pose beside the video NAME.mp4, if any.
    Raises InputError where path, files, tiers or annotations are absent; a video that is absent, or ends before its
    annotation, is told when it is read.
    """

    def __init__(self, config: ElanConfig | None = None, context: Context | None = None) -> None:
        if config is None:
            raise ConfigError("dataset elan: path: is needed")
        self.config = config
        self._videos: dict[Path, Video] = {}
        self.clips = [clip for recording in _recordings(config.path) for clip in self._clips(recording)]
        if not self.clips:
            raise InputError(
                f"{config.path}: its tiers {', '.join(config.tiers)} hold no annotations", "set tiers"
            )

    def __len__(self) -> int:
        return len(self.clips)

    def __getitem__(self, index: int) -> Sample:
        if not 0 <= index < len(self):
            raise IndexError(f"sample {index} of {len(self)}")
        clip = self.clips[index]
        about = clip.recording.about
        signer = about.get("signer") or clip.signer
        split = about.get("split")
        if self.config.held_out:
            split = "test" if signer in self.config.held_out else "train"
        return Sample(
            id=clip.id,
            video=partial(self._video, clip),
            pose=partial(self._pose, clip),
            glosses=clip.glosses,
            signer=signer,
            language=about.get("language") or self.config.language,
            split=split,
        )

    def _clips(self, recording: Recording) -> list[Clip]:
        document = Document(recording.eaf)
        signs = document.annotations(self.config.tiers)
        make = partial(Clip, recording, document)
        if self.config.samples == "recordings":
            return [make(recording.name, [_gloss(s) for s in signs], _signer(signs))] if signs else []
        if self.config.samples == "annotations":
            return [make(f"{recording.name}/{s.id}", [_gloss(s)], s.signer, s.begin, s.end) for s in signs]
        clips = []
        for sentence in document.annotations((str(self.config.sentences),)):
            inside = [s for s in signs if sentence.begin <= (s.begin + s.end) / 2 < sentence.end]
            if inside:
                made = make(
                    f"{recording.name}/{sentence.id}",
                    [_gloss(s) for s in inside],
                    _signer(inside),
                    sentence.begin,
                    sentence.end,
                )
                clips.append(made)
        return clips

    def _file(self, clip: Clip) -> tuple[Path, float]:
        """The clip's video, and where in it the recording's time begins."""
        eaf, camera, media = clip.recording.eaf, self.config.camera, clip.document.media
        offset = media[camera].offset if camera < len(media) else 0.0
        named = clip.recording.about.get("video")
        if named:
            return Path(named), offset
        if not media and camera == 0:
            beside = (eaf.with_suffix(suffix) for suffix in SUFFIXES)
            if found := next((file for file in beside if file.is_file()), None):
                return found, offset
        if camera >= len(media):
            raise InputError(f"{eaf}: links {len(media)} videos, camera {camera} is asked for")
        return media[camera].find(eaf, self.config.media), offset

    def _whole(self, clip: Clip) -> tuple[Video, slice]:
        """The clip's recording, whose index is made once, and which frames are the clip's."""
        file, offset = self._file(clip)
        if file not in self._videos:
            self._videos[file] = read_video(file)
        video = self._videos[file]
        if clip.end is None:
            return video, slice(0, len(video))
        margin = self.config.margin
        start = max(0, round((clip.begin + offset - margin) * video.fps))
        stop = min(len(video), max(start + 1, round((clip.end + offset + margin) * video.fps)))
        if start >= stop:
            raise InputError(
                f"{clip.recording.eaf}: {clip.id} begins at {clip.begin:.2f} s, but {file.name} ends at {video.seconds:.2f} s",
                "is it the right video? set media or camera",
            )
        return video, slice(start, stop)

    def _video(self, clip: Clip) -> Video:
        video, frames = self._whole(clip)
        return video[frames]

    def _pose(self, clip: Clip) -> Pose | None:
        beside = self._file(clip)[0].with_suffix(".pose")
        if not beside.is_file():
            return None
        video, frames = self._whole(clip)
        pose = read_pose(beside)
        if len(pose.body.data) != len(video):
            raise InputError(f"{beside}: {len(pose.body.data)} frames, but its video has {len(video)}")
        return pose_frames(pose, range(len(video))[frames])


def _gloss(sign: Annotation) -> str:
    return "-".join(sign.value.split())


def _signer(signs: list[Annotation]) -> str | None:
    """The signer of all, or None where there are several."""
    signers = {s.signer for s in signs}
    return signers.pop() if len(signers) == 1 else None


def _recordings(path: Path) -> list[Recording]:
    if path.is_dir():
        files = sorted(p for p in path.rglob("*.eaf") if not p.name.startswith("."))
        if not files:
            raise InputError(f"{path}: holds no .eaf files")
        return [_of_folder(file, path) for file in files]
    if path.suffix.lower() == ".eaf" or not path.exists():
        return [Recording(path, path.stem, {})]
    rows = read_table(path, ["eaf"])
    return [_of_row(path, row.values) for row in rows]


def _of_folder(file: Path, root: Path) -> Recording:
    inner = file.relative_to(root)
    about = {"split": inner.parts[0]} if inner.parts[0] in SPLITS else {}
    return Recording(file, inner.with_suffix("").as_posix(), about)


def _of_row(table: Path, values: dict[str, Any]) -> Recording:
    about = {k: values[k] for k in ("signer", "language", "split") if values.get(k)}
    if values.get("video"):
        about["video"] = str(table.parent / values["video"])
    return Recording(table.parent / values["eaf"], values.get("id") or values["eaf"], about)
