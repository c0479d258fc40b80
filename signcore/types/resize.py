"""Scaling and cropping of pictures: one way for inputs, previews and references."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np

from signcore.types.video import Video

Fit = Literal["crop", "pad"]


def fit_image(array: np.ndarray, height: int, width: int, fit: Fit = "crop") -> np.ndarray:
    """uint8 [H, W, 3] to [height, width, 3] without distortion.

    "crop" cuts the longer axis around the centre; "pad" keeps everything and fills with the mean colour of the border.
    """
    if array.shape[:2] == (height, width):
        return array
    import PIL.Image

    box = crop_box(array.shape[0], array.shape[1], height, width)
    picture = PIL.Image.fromarray(array)
    if fit == "crop":
        left, top, w, h = box
        return np.array(
            picture.resize((width, height), PIL.Image.Resampling.LANCZOS, box=(left, top, left + w, top + h))
        )
    scale = min(height / array.shape[0], width / array.shape[1])
    h, w = max(1, round(array.shape[0] * scale)), max(1, round(array.shape[1] * scale))
    border = np.concatenate([array[0], array[-1], array[:, 0], array[:, -1]]).mean(axis=0)
    out = np.empty((height, width, 3), np.uint8)
    out[:] = border.round()
    top, left = (height - h) // 2, (width - w) // 2
    out[top : top + h, left : left + w] = np.array(picture.resize((w, h), PIL.Image.Resampling.LANCZOS))
    return out


def crop_box(have_height: int, have_width: int, height: int, width: int) -> tuple[float, float, float, float]:
    """(left, top, width, height) of the largest centred part of a picture with the aspect of width x height."""
    scale = min(have_height / height, have_width / width)
    w, h = min(width * scale, have_width), min(height * scale, have_height)  # rounding may go past the edge
    return (have_width - w) / 2, (have_height - h) / 2, w, h


def fit_video(video: Video, height: int, width: int, fit: Fit = "crop") -> Video:
    """Every frame by `fit_image`, lazily."""
    if (video.height, video.width) == (height, width):
        return video

    def make(start: int) -> Iterator[np.ndarray]:
        return (fit_image(frame, height, width, fit) for frame in video[start:])

    fitted = Video.from_stream(make, len(video), height, width, video.fps)
    fitted.path = video.path
    return fitted
