"""Clips of a dataset as LMT sees them: a fixed number of frames, square, one gloss each."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor

from signcore import weights
from signcore.animation.clips import split
from signcore.animation.frames import fit_frame, fit_points, to_bytes
from signcore.animation.heatmaps import hand_boxes, point_names, pose_points
from signcore.contracts import Dataset, Sample
from signcore.errors import InputError, WeightsError
from signcore.plugins.lmt.config import LMTConfig
from signcore.types.video import Video

SHOWN = 3  # nearest glosses that are named


@dataclass(frozen=True)
class Clip:
    """frames: uint8 [T, size, size, 3]. boxes: of the hands, float32 [T, 2, 4] x0 y0 x1 y1 in [0, 1], NaN where missing. fps: of the frames."""

    id: str
    gloss: str
    frames: np.ndarray
    boxes: np.ndarray
    fps: float


_kept: WeakKeyDictionary[Dataset, dict[tuple, Clip]] = WeakKeyDictionary()  # the rows of a table share them


class Clips:
    """The training and held-out clips of a dataset (`parted`), kept in memory once they were read.

    Samples with no gloss or several are left out. Raises InputError where none remains.
    """

    def __init__(self, dataset: Dataset, config: LMTConfig) -> None:
        if len(dataset) == 0:
            raise InputError("dataset: holds no clips")
        self.dataset, self.config = dataset, config
        self.glosses = {
            i: s.glosses[0]
            for i, s in ((i, dataset[i]) for i in range(len(dataset)))
            if s.glosses is not None and len(s.glosses) == 1
        }
        if not self.glosses:
            raise InputError(
                "dataset: has no clip of exactly one gloss",
                "LMT learns single signs; of the synthetic signer: --set dataset.max_glosses=1",
            )
        self.indices = parted(dataset, self.glosses, config.held_out)
        if not self.indices["train"]:
            raise InputError("dataset: has no clip of one gloss in its split 'train'")
        self.vocabulary = sorted({self.glosses[i] for i in self.indices["train"]})

    def __getitem__(self, index: int) -> Clip:
        config = self.config
        key = (index, config.size, config.clip_frames, config.sampling, config.centre_frames, config.fit, still_frames(config))  # fmt: skip
        kept = _kept.setdefault(self.dataset, {})
        if key not in kept:
            kept[key] = read(self.dataset[index], config)
        return kept[key]

    def held_out(self) -> list[int]:
        """Indices, spread over the held-out clips whose gloss is known; over those of training where there is none."""
        found = self._known_held_out() or self.indices["train"]
        most = self.config.evaluate_clips
        return [found[k * len(found) // most] for k in range(most)] if len(found) > most else found

    def _known_held_out(self) -> list[int]:
        known = set(self.vocabulary)
        return [i for i in self.indices["held-out"] if self.glosses[i] in known]

    def warnings(self) -> list[str]:
        """What may surprise who trains on them, a line each."""
        told = []
        if left := len(self.dataset) - len(self.glosses):
            told.append(f"{left} samples without exactly one gloss are left out")
        if len(self.vocabulary) == 1:
            told.append(f"all clips show {self.vocabulary[0]}: nothing is learned of what a gloss changes")
        if not self._known_held_out():
            told.append("no held-out clip shows a gloss that is trained: scores are of training clips")
        return told

    def labels(self, indices: list[int]) -> Tensor:  # int64 [B]
        return torch.tensor([self.vocabulary.index(self.glosses[i]) for i in indices])


def parted(dataset: Dataset, glosses: dict[int, str], held_out: float) -> dict[str, list[int]]:
    """Indices of clips of one gloss by "train" and "held-out": `signcore.animation.clips.split`; but where no split is named, and
    signers are not told apart or share no gloss, the last clip of as many glosses, each of which keeps one to train on."""
    found = {part: [i for i in some if i in glosses] for part, some in split(dataset, held_out).items()}
    if held_out == 0 or any(dataset[i].split not in (None, "train") for i in found["held-out"]):
        return found
    trained = {glosses[i] for i in found["train"]}
    signers = {dataset[i].signer for i in glosses}
    if len(signers) > 1 and any(glosses[i] in trained for i in found["held-out"]):
        return found
    of: dict[str, list[int]] = {}
    for i, gloss in glosses.items():
        of.setdefault(gloss, []).append(i)
    last_first = zip_longest(*(some[:0:-1] for some in of.values()))
    order = [i for some in last_first for i in some if i is not None]
    held = sorted(order[: max(1, round(held_out * len(glosses)))])
    return {"train": [i for i in glosses if i not in set(held)], "held-out": held}


def still_frames(config: LMTConfig) -> int:
    """How many frames at a clip's beginning hold its first one: a slice of codes that does not give the sign away (L1)."""
    return config.downsample[0] if config.still == "repeat" else 1


def places(count: int, config: LMTConfig) -> np.ndarray:  # int64 [clip_frames]
    """Which frames of a video of `count` make the clip (L13); a video that is too short repeats frames."""
    first, last = 0, count - 1
    if config.sampling == "centre":
        span = min(config.centre_frames, count)
        first = (count - span) // 2
        last = first + span - 1
    held = still_frames(config)
    moving = np.linspace(first, last, config.clip_frames - held + 1).round().astype(int)
    return np.concatenate([np.full(held - 1, first), moving])


def read(sample: Sample, config: LMTConfig) -> Clip:
    """Raises InputError where a sample has no frames, or a pose of other frames."""
    video = sample.video
    if video is None or len(video) == 0:
        raise InputError(f"{sample.id}: has no video frames")
    wanted = places(len(video), config)
    frames = fitted(video, wanted, config)
    boxes = np.full((len(wanted), 2, 4), np.nan, np.float32)
    pose = video.pose if video.pose is not None else sample.pose  # the exact one where there is one
    if pose is not None and len(pose.body.data) == len(video):
        points = fit_points(pose_points(pose), video.height, video.width, config.fit)
        boxes = hand_boxes(points[wanted], point_names())
    spread = len(wanted) - still_frames(config)
    rate = video.fps * spread / max(1, int(wanted[-1] - wanted[0]))
    return Clip(sample.id, (sample.glosses or [""])[0], frames, boxes, rate)


def fitted(video: Video, wanted: np.ndarray, config: LMTConfig) -> np.ndarray:  # uint8 [T, size, size, 3]
    made = {
        int(i): to_bytes(fit_frame(video[int(i)], config.size, config.fit)[None])[0]
        for i in np.unique(wanted)
    }
    return np.stack([made[int(i)] for i in wanted])


def as_tensor(frames: np.ndarray) -> Tensor:  # uint8 [..., T, H, W, 3] -> [..., 3, T, H, W] in [-0.5, 0.5]
    return torch.from_numpy(np.ascontiguousarray(frames)).movedim(-1, -4).float() / 255 - 0.5


def as_frames(video: Tensor) -> np.ndarray:  # [3, T, H, W] in [-0.5, 0.5] -> uint8 [T, H, W, 3]
    return to_bytes(video.movedim(0, 1) + 0.5)


def label_of(gloss: str, vocabulary: list[str]) -> int:
    """Raises InputError for an unknown gloss, and names the nearest known ones."""
    if gloss in vocabulary:
        return vocabulary.index(gloss)
    folded = {known.casefold(): known for known in reversed(vocabulary)}
    if gloss.strip().casefold() in folded:
        return vocabulary.index(folded[gloss.strip().casefold()])
    near = difflib.get_close_matches(gloss.casefold(), folded, SHOWN, 0.0)
    names = ", ".join(folded[name] for name in near)
    raise InputError(f"gloss: {gloss!r} is not in the vocabulary of {len(vocabulary)}", f"nearest: {names}")


def same_vocabulary(vocabulary: list[str], source: str | Path) -> None:
    """Raises WeightsError, with some of what differs, where weights with a second stage know other glosses than the data have."""
    trained = [str(gloss) for gloss in weights.read(source)[0].get("vocabulary", [])]
    if not trained or vocabulary == trained:
        return
    missing, more = sorted(set(vocabulary) - set(trained)), sorted(set(trained) - set(vocabulary))
    told = [
        f"{len(names)} {what} ({', '.join(names[:SHOWN])}{', ...' if len(names) > SHOWN else ''})"
        for names, what in ((missing, "only in the data"), (more, "only in the weights"))
        if names
    ]
    raise WeightsError(
        f"{source}: weights of another vocabulary: {'; '.join(told) or 'in another order'}",
        "train the second stage anew: generator.stages=second, generator.stage_one=FILE",
    )
