"""Videos on disk as a dataset."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Any

from pose_format import Pose

from signcore.contracts import Context, Sample
from signcore.errors import ConfigError, InputError
from signcore.plugins.datasets.config import LSA64Config, VideoFolderConfig
from signcore.plugins.datasets.estimated import Estimated
from signcore.types import read_pose, read_video
from signcore.types.decode import SUFFIXES
from signcore.types.video import Video, pose_frames

LSA64_GLOSSES = (
    "OPAQUE", "RED", "GREEN", "YELLOW", "BRIGHT", "LIGHT-BLUE", "COLORS", "PINK", "WOMEN", "ENEMY", "SON", "MAN", "AWAY", "DRAWER",
    "BORN", "LEARN", "CALL", "SKIMMER", "BITTER", "SWEET-MILK", "MILK", "WATER", "FOOD", "ARGENTINA", "URUGUAY", "COUNTRY",
    "LAST-NAME", "WHERE", "MOCK", "BIRTHDAY", "BREAKFAST", "PHOTO", "HUNGRY", "MAP", "COIN", "MUSIC", "SHIP", "NONE", "NAME",
    "PATIENCE", "PERFUME", "DEAF", "TRAP", "RICE", "BARBECUE", "CANDY", "CHEWING-GUM", "SPAGHETTI", "YOGURT", "ACCEPT", "THANKS",
    "SHUT-DOWN", "APPEAR", "TO-LAND", "CATCH", "HELP", "DANCE", "BATHE", "BUY", "COPY", "RUN", "REALIZE", "GIVE", "FIND",
)  # fmt: skip
SPLITS = ("train", "validation", "test")
TAKE = re.compile(r"(.*[^\W\d_].*?)[-_ ]\d+")  # anna-1: who signs, and which recording


class VideoFolder:
    """One sample a video file, in the order of their paths; glosses and split from the folders that a file lies in, the signer from a
    name like anna-1.mp4 (a name that is the gloss is nobody's).

    With `config.held_out` the end of every clip is a sample of its own, of the split test; those come last.
    The pose of NAME.mp4 is NAME.pose, else `config.estimator`'s, else None. Both are cut to `start`..`stop`.
    Raises InputError where the path is absent or holds no videos, or where a pose and its video differ in length.
    """

    def __init__(self, config: VideoFolderConfig | None = None, context: Context | None = None) -> None:
        if config is None:
            raise ConfigError("dataset video-folder: path: is needed")
        self.config, self.context = config, context or Context()
        root = config.path
        if not root.exists():
            raise InputError(f"{root}: no such folder or video")
        self.files = (
            [root] if root.is_file() else sorted(f for f in root.rglob("*") if f.suffix.lower() in SUFFIXES)
        )
        if not self.files:
            raise InputError(f"{root}: holds no videos", f"expected {', '.join(SUFFIXES)}")
        self.estimated = Estimated(config.estimator, context)

    def __len__(self) -> int:
        return len(self.files) * (2 if self.config.held_out else 1)

    def __getitem__(self, index: int) -> Sample:
        if not 0 <= index < len(self):
            raise IndexError(f"clip {index} of {len(self)}")
        ends, number = divmod(index, len(self.files))
        file = self.files[number]
        about = self._about(file)
        if self.config.held_out:
            about["split"] = "test" if ends else "train"
        return Sample(
            id=f"{file.stem}-end" if ends else file.stem,
            video=partial(self._video, file, bool(ends)),
            pose=partial(self._pose, index),
            **about,
        )

    def _about(self, file: Path) -> dict[str, Any]:
        """What a file's place or name says of its sample."""
        folders = list(file.relative_to(self.config.path).parts[:-1]) if self.config.path.is_dir() else []
        split = folders.pop(0) if folders and folders[0] in SPLITS else None
        named = TAKE.fullmatch(file.stem)
        signer = named[1] if named and named[1].casefold() not in map(str.casefold, folders) else None
        return {"glosses": folders[-1:] or None, "split": split, "signer": signer}

    def _cut(self, length: int, end: bool) -> slice:
        start, stop = int(length * self.config.start), max(1, round(length * self.config.stop))
        middle = stop - round((stop - start) * self.config.held_out)
        return slice(middle, stop) if end else slice(start, middle)

    def _video(self, file: Path, end: bool) -> Video:
        video = read_video(file)
        return video[self._cut(len(video), end)]

    def _pose(self, index: int) -> Pose | None:
        ends, number = divmod(index, len(self.files))
        file, end = self.files[number], bool(ends)
        beside = file.with_suffix(".pose")
        if beside.is_file():
            pose, length = read_pose(beside), len(read_video(file))
            if len(pose.body.data) != length:
                raise InputError(f"{beside}: {len(pose.body.data)} frames, but {file.name} has {length}")
            return pose_frames(pose, range(length)[self._cut(length, end)])
        return self.estimated.of(f"{index}", partial(self._video, file, end))


class LSA64(VideoFolder):
    """LSA64 (Ronchetti et al., 2016) as its owners distribute it: SIGN_SIGNER_REPETITION.mp4, 64 signs of 10 signers.

    Glosses are the sign's English name, signers 1 to 10. The split test is of the classes `config.test_classes` (PGMM's: 57 to
    64), all others train. Raises InputError where a file is named otherwise.
    """

    config: LSA64Config

    def _about(self, file: Path) -> dict[str, Any]:
        parts = file.stem.split("_")
        if len(parts) != 3 or not all(part.isdigit() for part in parts) or not 1 <= int(parts[0]) <= 64:
            raise InputError(
                f"{file}: is not named as LSA64's videos are", "SIGN_SIGNER_REPETITION, as 057_003_001.mp4"
            )
        sign, signer, _ = map(int, parts)
        split = "test" if sign in self.config.test_classes else "train"
        return {"glosses": [LSA64_GLOSSES[sign - 1]], "signer": str(signer), "split": split}
