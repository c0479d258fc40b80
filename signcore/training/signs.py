"""A dataset's notations with their poses, prepared once and kept in memory: what notation-to-pose methods learn from."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from signcore.contracts import Dataset
from signcore.errors import InputError
from signcore.types import preprocess

OTHERS = 64  # signs of all lengths that go with a batch
POOL = 8  # batches drawn together and sorted by length, so that a batch has little padding


@dataclass(frozen=True)
class Sign:
    """tokens: ids. points: float32 [T, K, 2], normalised, missing ones filled. confidence: float32 [T, K], 0 where missing.
    first: float32 [K', 2], the first frame's points of the whole layout; NaN where missing."""

    id: str
    notation: str
    language: str | None
    tokens: list[int]
    points: np.ndarray
    confidence: np.ndarray
    first: np.ndarray


class Batch(NamedTuple):
    tokens: Tensor  # int64 [B, L], 0 where padded
    pose: Tensor  # [B, N, K, 2]
    confidence: Tensor  # [B, N, K]
    absent: Tensor  # bool [B, N], True where padded
    position: int  # of the batch in the run: seeds the step's own random draws
    other_tokens: Tensor  # int64 [M, L'] of the batch's signs and of others of all lengths, which batches sorted by length lack
    other_frames: Tensor  # [M] how long those are


class Signs:
    """The samples of a dataset that have a notation and a pose, by split.

    encode: notation to tokens. names: the points that are learned. fps: poses of another rate are brought to this one. Samples that cannot be used are left out and counted:
    `skipped` says why of each.
    """

    def __init__(
        self,
        dataset: Dataset,
        encode: Callable[[str], list[int]],
        names: Sequence[str],
        *,
        layout: str = "openpose_137",
        preset: preprocess.Preset = "paper",
        max_length: int = 200,
        fps: float = 25.0,
        progress: Callable[[Iterable, int | None, str], Iterator] = lambda items, total, label: iter(items),
    ) -> None:
        self.dataset, self.names, self.skipped = dataset, tuple(names), list[str]()
        self.splits: dict[str, list[Sign]] = {"train": [], "test": []}
        for i in progress(range(len(dataset)), len(dataset), "signs"):
            sample = dataset[i]
            try:
                notation, pose = sample.notation, sample.pose
                if notation is None or pose is None:
                    raise InputError("has no notation" if notation is None else "has no pose")
                found = preprocess.prepared(pose, layout, preset)
                chosen = found.take(self.names)
                at = _instants(len(chosen.points), float(pose.body.fps), fps)
                if len(at) >= max_length:
                    raise InputError(f"has {len(at)} frames at {fps:g} a second, more than {max_length - 1}")
                sign = Sign(
                    sample.id or str(i),
                    notation,
                    sample.language,
                    encode(notation),
                    _sampled(preprocess.filled(chosen.points), at),
                    chosen.confidence[at.round().astype(int)].astype(np.float32),
                    found.points[0].astype(np.float32),
                )
                if len(sign.tokens) > max_length:
                    raise InputError(f"has {len(sign.tokens)} symbols, more than {max_length}")
            except InputError as error:
                self.skipped.append(f"{sample.id or i}: {error}")
                continue
            self.splits["train" if sample.split in (None, "train") else "test"].append(sign)
        if self.skipped:
            logging.getLogger("signcore").warning(
                "%d of %d samples left out; the first: %s", len(self.skipped), len(dataset), self.skipped[0]
            )
        if not self.splits["train"]:
            raise InputError("dataset: holds no sample with notation and pose to train on")

    def mean_first(self) -> np.ndarray:
        """[K', 2] of the whole layout: the mean first frame of the training signs; zero where none shows a point."""
        every = np.stack([sign.first for sign in self.splits["train"]])
        seen = np.isfinite(every).all(axis=-1)
        total = np.where(seen[..., None], every, 0).sum(axis=0)
        return (total / np.maximum(seen.sum(axis=0), 1)[:, None]).astype(np.float32)

    def batches(self, signs: Sequence[Sign], size: int, seed: int, start: int = 0) -> Iterator[Batch]:
        """Endless; every draw follows from `seed` and the batch's position."""
        position = start
        while True:
            random = np.random.Generator(np.random.PCG64([seed, position]))
            drawn = sorted(
                random.integers(len(signs), size=size * POOL).tolist(),
                key=lambda i: (len(signs[i].points), i),
            )
            part = int(random.integers(POOL)) * size
            others = [signs[i] for i in drawn[:: max(1, POOL * size // OTHERS)]]
            yield collate([signs[i] for i in drawn[part : part + size]], position, others)
            position += 1


def _instants(frames: int, fps: float, wanted: float) -> np.ndarray:
    """Where the frames of the wanted rate lie among the given ones; those themselves where the rates agree within 1 %."""
    if abs(fps - wanted) <= 0.01 * wanted:
        return np.arange(frames, dtype=np.float64)
    count = max(1, round(frames * wanted / fps))
    return np.minimum(np.arange(count) * fps / wanted, frames - 1)


def _sampled(points: np.ndarray, at: np.ndarray) -> np.ndarray:
    low = np.floor(at).astype(int)
    part = (at - low)[:, None, None]
    high = np.minimum(low + 1, len(points) - 1)
    return (points[low] * (1 - part) + points[high] * part).astype(np.float32)


def _tokens(signs: Sequence[Sign]) -> Tensor:
    tokens = torch.zeros(len(signs), max(len(s.tokens) for s in signs), dtype=torch.int64)
    for row, sign in zip(tokens, signs, strict=True):
        row[: len(sign.tokens)] = torch.tensor(sign.tokens)
    return tokens


def collate(signs: Sequence[Sign], position: int = 0, others: Sequence[Sign] | None = None) -> Batch:
    """Padded to the longest: tokens with 0, frames with the last frame and no confidence. others: by default the signs themselves."""
    others = signs if others is None else others
    frames = max(len(s.points) for s in signs)
    pose = np.zeros((len(signs), frames, *signs[0].points.shape[1:]), np.float32)
    confidence = np.zeros(pose.shape[:3], np.float32)
    absent = np.ones(pose.shape[:2], bool)
    for i, sign in enumerate(signs):
        count = len(sign.points)
        pose[i, :count], pose[i, count:] = sign.points, sign.points[-1]
        confidence[i, :count], absent[i, :count] = sign.confidence, False
    return Batch(
        _tokens(signs),
        torch.from_numpy(pose),
        torch.from_numpy(confidence),
        torch.from_numpy(absent),
        position,
        _tokens(others),
        torch.tensor([float(len(sign.points)) for sign in others]),
    )


def strips(
    names: Sequence[str], layout: str, *poses: np.ndarray
) -> np.ndarray:  # [T, K, 2] each -> uint8 [H, W, 3]
    """Normalised poses of some points of a layout, one strip of frames below the other."""
    from signcore.types import layouts
    from signcore.types.draw import pose_strip

    every = layouts.layout_names(layout)
    rows = []
    for points in poses:
        whole = np.full((len(points), len(every), 2), np.nan)
        whole[:, [every.index(n) for n in names]] = points
        rows.append(pose_strip(preprocess.in_pixels(whole, layout, fps=25, size=256)))
    return np.concatenate(rows)
