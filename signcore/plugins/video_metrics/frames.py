"""Pairs of videos a few frames at a time, and what metrics with a number for every frame share."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, Self

import numpy as np

from signcore.contracts import Context
from signcore.errors import InputError
from signcore.plugins.video_metrics import regions
from signcore.types.video import Video

CHUNK = 16  # frames at most
CHUNK_PIXELS = 1 << 20  # of a video's chunk, where one frame is not more
WORKED_PIXELS = 1 << 17  # of the part of a chunk that is worked on in floating point, likewise


def chunk_frames(video: Video) -> int:
    """How many frames of this size are worked on at once."""
    return min(CHUNK, max(1, CHUNK_PIXELS // max(1, video.height * video.width)))


def chunks(prediction: Video, reference: Video) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """uint8 [n, H, W, 3] of both, n up to `chunk_frames`."""
    count = chunk_frames(reference)
    a: list[np.ndarray] = []
    b: list[np.ndarray] = []
    for x, y in zip(prediction, reference, strict=True):
        a.append(x)
        b.append(y)
        if len(a) == count:
            yield np.stack(a), np.stack(b)
            a, b = [], []
    if a:
        yield np.stack(a), np.stack(b)


def parts(chunk: np.ndarray) -> Iterator[slice]:
    """uint8 [n, H, W, 3] -> which frames to work on together in floating point."""
    count = max(1, WORKED_PIXELS // (chunk.shape[1] * chunk.shape[2]))
    return (slice(start, start + count) for start in range(0, len(chunk), count))


def check(prediction: Video, reference: Video, least: int = 1) -> None:
    for name, video in (("prediction", prediction), ("reference", reference)):
        if len(video) < least:
            raise InputError(f"{name}: {len(video)} frames, the metric needs at least {least}")
    if prediction.shape != reference.shape:
        sizes = [f"{len(v)} frames of {v.width}x{v.height}" for v in (prediction, reference)]
        raise InputError(
            f"prediction: {sizes[0]}, but the reference has {sizes[1]}", "bring both to one size and length"
        )


class PerFrame(ABC):
    """A metric whose every frame gives a number, from uint8 pairs; the score is their mean over all frames that count.

    In a region (setting `region`) a frame's number is of the pixels inside the boxes; frames without a box do not count.
    """

    name = ""
    about = ""
    least_side = 1  # pixels

    def __init__(self, config: Any = None, context: Context | None = None) -> None:
        self.config, self.context = config, context or Context()
        self.region: str = getattr(config, "region", "frame")
        self.reset()

    @property
    def label(self) -> str:
        """What the score is called."""
        return self.name if self.region == "frame" else f"{self.name}-{self.region}"

    def reset(self) -> None:
        self.total, self.frames = 0.0, 0
        self.series: dict[str, np.ndarray] = {}

    @abstractmethod
    def values(self, a: np.ndarray, b: np.ndarray, inside: np.ndarray | None) -> np.ndarray:
        """uint8 [n, H, W, 3] x2 and bool [n, H, W] (None: everywhere) -> [n]"""

    def update(self, prediction: Video, reference: Video) -> None:
        check(prediction, reference)
        if min(reference.height, reference.width) < self.least_side:
            raise InputError(
                f"prediction: {reference.width}x{reference.height} px, {self.name} needs at least {self.least_side} px a side"
            )
        boxes = None if self.region == "frame" else regions.boxes(reference, self.region)
        values = np.full(len(reference), np.nan)
        start = 0
        for a, b in chunks(prediction, reference):
            part = slice(start, start + len(a))
            if boxes is None:
                values[part] = self.values(a, b, None)
            else:
                inside = regions.inside(boxes[part], *a.shape[1:3])
                counts = inside.any(axis=(1, 2))
                if counts.any():
                    values[part][counts] = self.values(a[counts], b[counts], inside[counts])
            start += len(a)
        counted = values[~np.isnan(values)]
        self.total += math.fsum(counted)
        self.frames += len(counted)
        self.series = {self.label: self.shown(values)}

    def shown(self, values: np.ndarray) -> np.ndarray:
        return values

    def compute(self) -> dict[str, float]:
        return {self.label: self.total / self.frames if self.frames else math.nan}

    def merge(self, other: Self) -> None:
        self.total += other.total
        self.frames += other.frames

    def signature(self) -> str:
        where = "" if self.region == "frame" else f"|region:{self.region}|{regions.ABOUT}"
        return f"{self.name}|{self.about}{where}|version:1"
