"""A dataset of a few squares that walk."""

from __future__ import annotations

import numpy as np

from signcore.contracts import Sample
from signcore.types.video import Video

GLOSSES = ("LEFT", "RIGHT")


def walking(number: int, mirrored: bool = True) -> Sample:
    """A bright square that walks to the side that its gloss says; with mirrored=False up or down, which mirrors leave."""
    gloss, frames = GLOSSES[number % 2], np.full((12, 20, 24, 3), 40 + number, np.uint8)
    for t in range(12):
        way = (t if gloss == "RIGHT" else -t) * 2 // 3
        if mirrored:
            frames[t, 8:13, max(10 + way, 0) : 15 + way] = (220, 180, 90)
        else:
            frames[t, max(8 + way, 0) : 13 + way, 10:15] = (220, 180, 90)
    video = Video.from_array(frames, 10)
    return Sample(id=f"walk-{number}", video=video, glosses=[gloss], signer=f"signer {number}")


class Walks:
    def __init__(self, count: int = 6, mirrored: bool = True) -> None:
        self.samples = [walking(i, mirrored) for i in range(count)]

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> Sample:
        return self.samples[index]
