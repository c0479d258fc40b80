"""Pose to maps: what the frozen pose estimator's head would show of its keypoints (PGMM section 3.1, P13, P14), and bones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from signcore.nn.coordinates import gaussians

if TYPE_CHECKING:
    from pose_format import Pose

LAYOUT = "pgmm_36"


def pose_points(pose: Pose, names: str | tuple[str, ...] = LAYOUT) -> np.ndarray:
    """float32 [T, P, 2] of the first person: x, y in [0, 1] across the pose's picture.

    names: the points wanted, or their layout. Missing: NaN.
    """
    from signcore.types import layouts
    from signcore.types.poses import keypoints

    size = pose.header.dimensions
    if isinstance(names, str):
        points = keypoints(layouts.to_layout(pose, names))
    else:
        have = {name: i for i, name in enumerate(layouts.names(pose.header)) if name}
        found = keypoints(pose)
        points = np.full((len(found), len(names), 2), np.nan, np.float32)
        for k, name in enumerate(names):
            if name in have:
                points[:, k] = found[:, have[name]]
    return (points + 0.5) / np.array([size.width, size.height], np.float32)


def point_names(names: str | tuple[str, ...] = LAYOUT) -> list[str]:
    from signcore.types import layouts

    return layouts.layout_names(names) if isinstance(names, str) else list(names)


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


def bone_chains(names: list[str]) -> list[list[int]]:
    """The points that `bones` joins in a map of its own each: of both sides the upper arm, the forearm, the palm's edge and the
    five fingers. A joint that is not among the names is left out of its chain."""
    index = {name: i for i, name in enumerate(names)}
    chains = []
    for side in ("left", "right"):
        parts = [("shoulder", "elbow"), ("elbow", "wrist"), tuple(f"hand_{i}" for i in (0, 5, 9, 13, 17, 0))]
        parts += [tuple(f"hand_{i}" for i in (0, *range(first, first + 4))) for first in range(1, 21, 4)]
        for part in parts:
            chains.append([index[name] for name in (f"{side}_{joint}" for joint in part) if name in index])
    return chains


def bones(
    points: Tensor,  # [B, P, 2] x, y in [0, 1] across the frame
    chains: list[list[int]],  # of `bone_chains`
    height: int,
    width: int,
    sigma: float,  # as a part of the frame
) -> tuple[Tensor, Tensor]:  # [B, C, H, W], [B, C, 2 H, 2 W]
    """exp(-d^2 / 2 sigma^2), d the distance from the nearest bone of a chain, at two sizes.

    The larger is made from the squared distances of the smaller, which are smooth: a quarter of the work.
    Missing: a chain is drawn straight past a missing joint; without any it is a map of zeros.
    """
    far = (6 * sigma) ** 2
    x = (torch.arange(width, device=points.device) + 0.5) / width
    y = (torch.arange(height, device=points.device) + 0.5) / height
    joints = [points[:, chain] for chain in chains]  # [B, J, 2] each
    for chain in joints:
        for k in range(1, chain.shape[1]):  # a missing joint is where the one before it is
            chain[:, k] = torch.where(chain[:, k].isnan(), chain[:, k - 1], chain[:, k])
    start, end = (
        torch.cat([c[:, i : c.shape[1] + i - 1] for c in joints], dim=1) for i in (0, 1)
    )  # [B, S, 2]
    way = end - start
    unit = way / (way**2).sum(dim=-1, keepdim=True).clamp_min(1e-9)
    at_x, at_y = x - start[..., :1], y - start[..., 1:]  # [B, S, W], [B, S, H]
    along = (at_y * unit[..., 1:])[..., :, None] + (at_x * unit[..., :1])[..., None, :]
    along = along.clamp_(0, 1)  # [B, S, H, W]
    away = (at_x[..., None, :] - along * way[..., :1, None]).square_()
    away += (at_y[..., :, None] - along * way[..., 1:, None]).square_()
    squared = points.new_full((len(points), len(chains), height, width), far)
    for k, of_chain in enumerate(away.split([max(len(chain) - 1, 0) for chain in chains], dim=1)):
        if of_chain.shape[1]:
            nearest = of_chain.nan_to_num_(nan=far).amin(dim=1)
            torch.minimum(squared[:, k], nearest, out=squared[:, k])
    larger = F.interpolate(squared, scale_factor=2, mode="bilinear")
    rate = -0.5 / sigma**2
    return squared.mul_(rate).exp_(), larger.mul_(rate).exp_()
