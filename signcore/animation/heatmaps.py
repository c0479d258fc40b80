"""Pose to heatmaps: what the frozen pose estimator's head would show of 36 keypoints (PGMM section 3.1, P13, P14)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from signcore.nn.coordinates import gaussians

if TYPE_CHECKING:
    from pose_format import Pose

LAYOUT = "pgmm_36"


def pose_points(pose: Pose, names: tuple[str, ...] | None = None) -> np.ndarray:
    """float32 [T, P, 2] of the first person: x, y in [0, 1] across the pose's picture.

    names: the points wanted, or None for the 36 of `pgmm_36`. Missing: NaN.
    """
    from signcore.types import layouts
    from signcore.types.poses import keypoints

    size = pose.header.dimensions
    if names is None:
        points = keypoints(layouts.to_layout(pose, LAYOUT))
    else:
        have = {name: i for i, name in enumerate(layouts.names(pose.header)) if name}
        found = keypoints(pose)
        points = np.full((len(found), len(names), 2), np.nan, np.float32)
        for k, name in enumerate(names):
            if name in have:
                points[:, k] = found[:, have[name]]
    return (points + 0.5) / np.array([size.width, size.height], np.float32)


def point_names(names: tuple[str, ...] | None = None) -> list[str]:
    from signcore.types import layouts

    return layouts.layout_names(LAYOUT) if names is None else list(names)


def mirrored_order(names: list[str]) -> list[int]:
    """For every point the index of the point on the other side (of itself on the middle line, or where there is none)."""
    from signcore.types.layouts import mirror_name

    index = {name: i for i, name in enumerate(names)}
    return [index.get(mirror_name(name), i) for i, name in enumerate(names)]


def hand_boxes(points: np.ndarray, names: list[str], margin: float = 0.2) -> np.ndarray:
    """[..., P, 2] -> [..., 2, 4]: x0, y0, x1, y1 around each hand's points (left, right) with a margin on every side.

    Units: those of the points. Missing: NaN where a hand has fewer than three points.
    """
    boxes = np.full((*points.shape[:-2], 2, 4), np.nan, np.float32)
    for side, prefix in enumerate(("left_hand_", "right_hand_")):
        columns = [i for i, name in enumerate(names) if name.startswith(prefix)]
        if not columns:
            continue
        hand = points[..., columns, :]
        seen = np.isfinite(hand).all(axis=-1, keepdims=True)
        low = np.where(seen, hand, np.inf).min(axis=-2)
        high = np.where(seen, hand, -np.inf).max(axis=-2)
        border = margin * (high - low).max(axis=-1, keepdims=True)
        box = np.concatenate([low - border, high + border], axis=-1)
        boxes[..., side, :] = np.where(seen.sum(axis=-2) >= 3, box, np.nan)
    return boxes


def heatmaps(
    points: Tensor,  # [B, P, 2] x, y in [0, 1] across the frame
    height: int,
    width: int,
    sigma: float,  # as a part of the frame
) -> Tensor:  # [B, P, H, W]
    """One bump a point. Missing: a point with a NaN coordinate gives a map of zeros."""
    # pixel centres at (i + 0.5) / width; `gaussians` puts them at -1 .. 1 from the first centre to the last
    size = points.new_tensor([width, height])
    return gaussians((2 * points * size - size) / (size - 1), height, width, (2 * sigma) ** 2)
