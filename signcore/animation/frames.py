"""Frames of any size to the square that the model works on, and points with them."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F


def placement(height: int, width: int, fit: str) -> tuple[int, int, int]:
    """x0, y0 and side of the square that is taken from a frame; with `pad` it reaches beyond the frame."""
    side = min(height, width) if fit == "crop" else max(height, width)
    return (width - side) // 2, (height - side) // 2, side


def fit_frame(
    frame: np.ndarray, size: int, fit: str = "crop"
) -> Tensor:  # uint8 [H, W, 3] -> [3, size, size] in [0, 1]
    """Centre crop, or padding with the border's pixels, then resizing with anti-aliasing."""
    height, width = frame.shape[:2]
    x0, y0, side = placement(height, width, fit)
    if x0 >= 0 and y0 >= 0:
        frame = frame[y0 : y0 + side, x0 : x0 + side]
    else:
        borders = [
            (max(-y0, 0), side - height - max(-y0, 0)),
            (max(-x0, 0), side - width - max(-x0, 0)),
            (0, 0),
        ]
        frame = np.pad(frame, borders, mode="edge")
    image = torch.from_numpy(np.ascontiguousarray(frame)).permute(2, 0, 1).float()[None] / 255
    if side != size:
        image = F.interpolate(image, (size, size), mode="bilinear", antialias=True).clamp(0, 1)
    return image[0]


def fit_points(points: np.ndarray, height: int, width: int, fit: str = "crop") -> np.ndarray:
    """[..., 2] x, y in [0, 1] across the frame -> the same across the square. Missing: NaN stays NaN."""
    x0, y0, side = placement(height, width, fit)
    size, origin = np.array([width, height], np.float32), np.array([x0, y0], np.float32)
    return ((points * size - origin) / side).astype(np.float32)


def to_bytes(images: Tensor) -> np.ndarray:  # [B, 3, H, W] in [0, 1] -> uint8 [B, H, W, 3]
    return (images.float().clamp(0, 1) * 255).round().to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()
