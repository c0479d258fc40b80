"""Frames of any size to the square that the model works on, and points with them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from signcore.errors import InputError


class Square(NamedTuple):
    """Of a frame, in pixels; it may reach beyond the frame."""

    x0: int
    y0: int
    side: int


SHOULDERS_WIDE = (
    3.4  # a person's square, in shoulder widths: from above the head to the hips, with room for the arms
)
SHOULDERS_DOWN = 0.42  # where the shoulders lie in it, as a part of its side


def person_square(points: np.ndarray, names: list[str], height: int, width: int) -> Square:
    """The square around a signer, the same for persons of any size and place in the picture.

    points: [T, P, 2] in [0, 1] across frames of `height` and `width` pixels. Raises InputError where no frame shows both shoulders.
    """
    if "left_shoulder" not in names or "right_shoulder" not in names:
        raise InputError("fit=person: the pose has no shoulders to find the person by")
    pair = points[:, [names.index("left_shoulder"), names.index("right_shoulder")]] * (width, height)
    pair = pair[np.isfinite(pair).all(axis=(1, 2))]
    if len(pair) == 0:
        raise InputError("fit=person: no frame's pose shows both shoulders")
    across = float(np.median(np.linalg.norm(pair[:, 0] - pair[:, 1], axis=-1)))
    x, y = np.median(pair.mean(axis=1), axis=0)
    side = max(8, round(SHOULDERS_WIDE * across))
    return Square(round(x - side / 2), round(y - SHOULDERS_DOWN * side), side)


def placement(height: int, width: int, fit: str | Square) -> Square:
    """The square that is taken from a frame; with `pad` it reaches beyond the frame."""
    if isinstance(fit, Square):
        return fit
    side = min(height, width) if fit == "crop" else max(height, width)
    return Square((width - side) // 2, (height - side) // 2, side)


def fit_frame(
    frame: np.ndarray, size: int, fit: str | Square = "crop"
) -> Tensor:  # uint8 [H, W, 3] -> [3, size, size] in [0, 1]
    """The square of a frame, the border's pixels beyond it, resized with anti-aliasing."""
    height, width = frame.shape[:2]
    x0, y0, side = placement(height, width, fit)
    if x0 < 0 or y0 < 0 or x0 + side > width or y0 + side > height:
        rows = np.clip(np.arange(y0, y0 + side), 0, height - 1)
        columns = np.clip(np.arange(x0, x0 + side), 0, width - 1)
        frame = frame[rows[:, None], columns]
    else:
        frame = frame[y0 : y0 + side, x0 : x0 + side]
    image = torch.from_numpy(np.ascontiguousarray(frame)).permute(2, 0, 1).float()[None] / 255
    if side != size:
        image = F.interpolate(image, (size, size), mode="bilinear", antialias=True).clamp(0, 1)
    return image[0]


def fit_points(points: np.ndarray, height: int, width: int, fit: str | Square = "crop") -> np.ndarray:
    """[..., 2] x, y in [0, 1] across the frame -> the same across the square. Missing: NaN stays NaN."""
    x0, y0, side = placement(height, width, fit)
    size, origin = np.array([width, height], np.float32), np.array([x0, y0], np.float32)
    return ((points * size - origin) / side).astype(np.float32)


def to_bytes(images: Tensor) -> np.ndarray:  # [B, 3, H, W] in [0, 1] -> uint8 [B, H, W, 3]
    return (images.float().clamp(0, 1) * 255).round().to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()
