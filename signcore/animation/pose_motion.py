"""Motion from poses alone: the thin-plate splines' control points are mixtures of the pose's points, so that a pose drives a picture."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from signcore.animation.network import MOTION_SIZE
from signcore.errors import InputError
from signcore.nn.keypoint_detector import POINTS

HEAD = ("nose", "left_eye", "right_eye", "left_ear", "right_ear", "face_", "mesh_")
# where a point that no frame shows is drawn: its parent, and the way from there in shoulder widths; the signer's left is at the
# picture's right, and x points to that side for `left_` points (mirrored for `right_`)
STANDARD: dict[str, tuple[str, float, float]] = {
    "nose": ("", 0.0, -0.55), "eye": ("nose", 0.09, -0.1), "ear": ("nose", 0.2, -0.05), "hip": ("", 0.32, 1.3),
    "elbow": ("shoulder", 0.1, 0.75), "wrist": ("elbow", -0.05, 0.6), "hand_0": ("wrist", 0.0, 0.03),
}  # fmt: skip
FINGER = {
    0: 0.0,
    1: 0.1,
    2: 0.2,
    3: 0.3,
    4: 0.38,
}  # of a joint of the hand from the wrist, in shoulder widths
INITIAL = 6.0  # logit of the point that a control point starts at
BODY = (
    ("nose", "left_eye", "right_eye", "left_shoulder", "right_shoulder"),
    ("left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "nose"),
)
SIDED = (
    ("{}_shoulder", "{}_elbow", "{}_wrist", "nose", "{other}_shoulder"),
    ("{}_elbow", "{}_wrist", "{}_hand_0", "{}_hand_5", "{}_hand_17"),
    ("{}_hand_0", "{}_hand_2", "{}_hand_5", "{}_hand_9", "{}_hand_17"),
    ("{}_hand_4", "{}_hand_8", "{}_hand_12", "{}_hand_16", "{}_hand_20"),
    ("{}_hand_0", "{}_hand_5", "{}_hand_8", "{}_hand_17", "{}_hand_20"),
    ("{}_hand_0", "{}_hand_9", "{}_hand_12", "{}_hand_13", "{}_hand_16"),
    ("{}_hand_0", "{}_hand_2", "{}_hand_4", "{}_hand_5", "{}_hand_8"),
)


class PoseKeypoints(nn.Module):
    """Five control points a spline, each a convex mixture of the pose's points: [B, P, 2] in [0, 1], none missing, to [B, 5K, 2] in
    [-1, 1]. The mixtures are learned; they start at joints that move together. What is affine in the pose is so in the control
    points, so that a body of other proportions moves alike."""

    def __init__(self, transforms: int, names: list[str]) -> None:
        super().__init__()
        logits = torch.zeros(transforms * POINTS, len(names))
        logits[torch.arange(len(logits)), _starts(transforms, names)] = INITIAL
        self.logits = nn.Parameter(logits)

    def forward(self, points: Tensor) -> Tensor:
        mixed = self.logits.softmax(dim=1).to(points) @ points
        # as `heatmaps`: pixel centres lie at (i + 0.5) / size, and at -1 .. 1 from the first to the last
        return (2 * mixed * MOTION_SIZE - MOTION_SIZE) / (MOTION_SIZE - 1)


def _starts(transforms: int, names: list[str]) -> list[int]:
    groups: list[tuple[str, ...]] = [*BODY]
    for group in SIDED:
        for side, other in (("left", "right"), ("right", "left")):
            groups.append(tuple(name.format(side, other=other) for name in group))
    known = [[names.index(n) for n in group] for group in groups if all(n in names for n in group)]
    if not known:  # points of another kind: five spread over all of them, another five for every spline
        known = [
            [(i + j * len(names) // POINTS) % len(names) for j in range(POINTS)] for i in range(transforms)
        ]
    return [index for i in range(transforms) for index in known[i % len(known)]]


def completed(points: np.ndarray, names: list[str]) -> np.ndarray:
    """float32 [T, P, 2], x and y in one unit, without gaps.

    A missing point keeps its way from the point that it hangs on (a finger from its wrist, a wrist from its elbow), taken from
    the frames around it that show both; one that no frame shows is that of a standard body. Raises InputError where no frame
    shows both shoulders.
    """
    found = np.array(points, np.float32)
    index = {name: i for i, name in enumerate(names)}
    if "left_shoulder" not in index or "right_shoulder" not in index:
        raise InputError("pose: has no shoulders to place the other points by")
    pair = [index["left_shoulder"], index["right_shoulder"]]
    both = np.isfinite(found[:, pair]).all(axis=(1, 2))
    if not both.any():
        raise InputError("pose: no frame shows both shoulders, so nobody can be moved by it")
    for k in pair:
        found[:, k] = _filled(found[:, k], np.zeros(2))
    width = float(np.median(np.linalg.norm(found[both][:, pair[0]] - found[both][:, pair[1]], axis=1)))
    middle = found[:, pair].mean(axis=1)
    for name in sorted((n for n in names if index[n] not in pair), key=lambda n: _depth(n, index)):
        k = index[name]
        parent, way = _hangs(name, index)
        base = middle if parent is None else found[:, index[parent]]
        found[:, k] = base + _filled(found[:, k] - base, np.array(way, np.float32) * width)
    return found


def bridged(points: np.ndarray, names: list[str], longest: int) -> np.ndarray:
    """float32 [T, P, 2], where a point that was lost for at most `longest` frames, and seen before and after, is as `completed` has it:
    on its way from the point that it hangs on. Longer gaps, and those at either end, stay. No frame with shoulders: nothing is filled."""
    lost = ~np.isfinite(points).all(axis=-1)  # [T, P]
    if not longest or not lost.any():
        return points
    try:
        whole = completed(points, names)
    except InputError:
        return points
    times = np.arange(len(points))[:, None]
    before = np.maximum.accumulate(
        np.where(lost, -len(points), times), axis=0
    )  # the last frame that showed the point
    after = np.minimum.accumulate(np.where(lost, 2 * len(points), times)[::-1], axis=0)[::-1]
    short = lost & (before >= 0) & (after < len(points)) & (after - before - 1 <= longest)
    return np.where(short[..., None], whole, points)


def _filled(values: np.ndarray, otherwise: np.ndarray) -> np.ndarray:  # [T, 2]
    seen = np.flatnonzero(np.isfinite(values).all(axis=1))
    if len(seen) == 0:
        return np.broadcast_to(np.float32(otherwise), values.shape)
    times = np.arange(len(values))
    return np.stack([np.interp(times, seen, values[seen, c]) for c in range(2)], axis=1).astype(np.float32)


def _hangs(name: str, index: dict[str, int]) -> tuple[str | None, tuple[float, float]]:
    """The point that another one hangs on (None: the middle of the shoulders), and the standard way from it in shoulder widths."""
    side = next((s for s in ("left", "right") if name.startswith(f"{s}_")), "")
    part = name.removeprefix(f"{side}_")
    sign = -1.0 if side == "right" else 1.0
    if part.startswith("hand_") and part != "hand_0":
        joint = int(part.removeprefix("hand_"))
        finger, rank = divmod(joint - 1, 4)
        parent, x, y = "hand_0", 0.06 * (1 - finger), FINGER[rank + 1]
    elif part in STANDARD:
        parent, x, y = STANDARD[part]
    elif name.startswith(HEAD):
        parent, x, y = "nose", 0.0, 0.1
    else:
        return None, (0.0, 0.5)
    for there in (f"{side}_{parent}", parent):
        if there in index:
            return there, (sign * x, y)
    return None, (sign * (x + 0.5 * bool(side)), y)


def _depth(name: str, index: dict[str, int]) -> int:
    parent, _ = _hangs(name, index)
    return 0 if parent is None or parent.endswith("_shoulder") else 1 + _depth(parent, index)


def person_mask(points: Tensor, names: list[str], height: int, width: int) -> Tensor:
    """[B, P, 2] in [0, 1], none missing, to [B, 1, H, W]: 1 where the person may be, falling to 0 beside; generous, so that hair
    and sleeves are inside. Of limbs, hands and head by the points; of the trunk from the shoulders to the picture's lower edge."""
    index = {name: i for i, name in enumerate(names)}
    left, right = points[:, index["left_shoulder"]], points[:, index["right_shoulder"]]
    across = (left - right).norm(dim=-1)[:, None]  # [B, 1]
    low = torch.stack([left[:, 0], torch.ones_like(left[:, 0])], dim=-1)
    low_right = torch.stack([right[:, 0], torch.ones_like(right[:, 0])], dim=-1)
    middle, down = (left + right) / 2, (low + low_right) / 2
    parts = [(left, right, 0.25), (left, low, 0.3), (right, low_right, 0.3), (middle, down, 0.55)]
    if "nose" in index:
        parts.append((points[:, index["nose"]], middle, 0.55))
    for name in names:
        parent, _ = _hangs(name, index)
        if (
            parent is not None
            and not name.startswith(HEAD)
            and name not in ("left_shoulder", "right_shoulder")
        ):
            thick = 0.14 if "_hand_" in name else 0.24
            parts.append((points[:, index[parent]], points[:, index[name]], thick))
    rows = (torch.arange(height, device=points.device) + 0.5) / height
    columns = (torch.arange(width, device=points.device) + 0.5) / width
    grid = torch.stack(torch.meshgrid(columns, rows, indexing="xy"), dim=-1).reshape(1, -1, 2).to(points)
    mask = points.new_zeros(len(points), height * width)
    for start, end, thick in parts:
        way = (end - start)[:, None]
        along = ((grid - start[:, None]) * way).sum(-1) / (way**2).sum(-1).clamp(min=1e-9)
        nearest = start[:, None] + along.clamp(0, 1)[..., None] * way
        away = (grid - nearest).norm(dim=-1) / across
        mask = torch.maximum(
            mask, (1.5 - away / thick).mul(2).clamp(0, 1)
        )  # 1 within the thickness, 0 from 1.5 of it
    return mask.view(-1, 1, height, width)


def retargeted(driving: np.ndarray, source: np.ndarray, names: list[str]) -> np.ndarray:
    """Driving points [T, P, 2] on the source's body [P, 2], neither with gaps, in one unit.

    The middle of the shoulders and their width become the source's, in the median over the frames; the head, whose size and
    height differ most between persons and pictures, is moved to where the source's is.
    """
    index = {name: i for i, name in enumerate(names)}
    here, there = (_trunk(points, names)[0] for points in (driving, source[None]))
    moved = there + (driving - here) * body_scale(driving, source, names)
    head = [i for i, name in enumerate(names) if name.startswith(HEAD)]
    if "nose" in index:
        moved[:, head] += source[index["nose"]] - np.median(moved[:, index["nose"]], axis=0)
    return moved.astype(np.float32)


def body_scale(driving: np.ndarray, source: np.ndarray, names: list[str]) -> float:
    """The source's shoulder width [P, 2] by the driving one's [T, P, 2], its median. Raises InputError where one is nothing."""
    width, wanted = (_trunk(points, names)[1] for points in (driving, source[None]))
    if width < 1e-6 or wanted < 1e-6:
        raise InputError("pose: its shoulders lie in one point, so it cannot be scaled to another body")
    return wanted / width


def _trunk(points: np.ndarray, names: list[str]) -> tuple[np.ndarray, float]:
    """The middle of the shoulders [2] and their distance, in the median over [T, P, 2]."""
    left, right = names.index("left_shoulder"), names.index("right_shoulder")
    across = np.linalg.norm(points[:, left] - points[:, right], axis=-1)
    return np.median((points[:, left] + points[:, right]) / 2, axis=0), float(np.median(across))
