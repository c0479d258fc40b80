"""Videos as the frames that networks read."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from signcore.types import Video
from signcore.types.resize import fit_image


def frames_of(video: Video, fps: float, size: int) -> np.ndarray:
    """uint8 [N, size, size, 3] at `fps`: the whole picture, brought to a square."""
    step = round(video.fps / fps)
    if step >= 1 and abs(video.fps / step - fps) <= 0.01 * fps:
        return np.stack([fit_image(frame, size, size) for frame in video[::step]])
    count = max(1, round(len(video) * fps / video.fps))
    places = np.minimum((np.arange(count) * video.fps / fps).round().astype(int), len(video) - 1)
    out: list[np.ndarray] = []
    for i, frame in enumerate(video):  # in order: a file is decoded once
        if len(out) < count and places[len(out)] == i:
            fitted = fit_image(frame, size, size)
            while len(out) < count and places[len(out)] == i:
                out.append(fitted)
    return np.stack(out)


def to_network(frames: np.ndarray) -> Tensor:
    """uint8 [..., H, W, 3] to float32 [..., 3, H, W], -1 to 1."""
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(frames, -1, -3))).float() / 127.5 - 1
