"""SPOTER's 54 points, how it normalises them, and how it makes other clips of them.

Points are float [T, 12, 2] of the body and [T, 42, 2] of the hands; a point whose x is 0 is missing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pose_format import Pose

from signcore.recognition.skeleton import SIDES, point_names
from signcore.types.preprocess import UNSURE

BODY = (
    "nose", "neck", "right_eye", "left_eye", "right_ear", "left_ear", "right_shoulder", "left_shoulder", "right_elbow",
    "left_elbow", "right_wrist", "left_wrist",
)  # fmt: skip
_FINGERS = (
    0,
    8,
    7,
    6,
    5,
    12,
    11,
    10,
    9,
    16,
    15,
    14,
    13,
    20,
    19,
    18,
    17,
    4,
    3,
    2,
    1,
)  # OpenPose's numbers, SPOTER's order
HANDS = tuple(f"{side}_hand_{i}" for side in SIDES for i in _FINGERS)
INSTEAD = {"neck": ("left_shoulder", "right_shoulder"), "nose": ("head",), "left_eye": ("head",)}
SHEAR, SQUEEZE, ROTATION, ARMS, ARM_CHANCE = 0.1, 0.15, 13.0, 4.0, 0.3  # degrees where they turn
Points = NDArray[np.float64]


def points_of(pose: Pose) -> tuple[Points, Points]:
    """Of the first person, y up as SPOTER has it, parts of the picture's height. A point that the layout lacks, or that is
    unsure, is missing; the neck may be the middle of the shoulders, nose and eye the head."""
    names = point_names(pose)
    data = np.ma.getdata(pose.body.data)[:, 0, :, :2].astype(np.float64)
    hidden = np.ma.getmaskarray(pose.body.data)[:, 0].any(axis=-1) | (
        np.ma.getdata(pose.body.confidence)[:, 0] <= UNSURE
    )
    seen = data[~hidden]
    low, high = (seen.min(axis=0), seen.max(axis=0)) if len(seen) else (np.zeros(2), np.ones(2))
    unit = max(float((high - low).max()), 1e-9)
    placed = (data - low) / unit + [2.0, 0.0]  # away from 0, which means missing
    placed[..., 1] = 3.0 - placed[..., 1]
    placed[hidden] = 0

    def of(name: str) -> np.ndarray:
        if name in names:
            return placed[:, names.index(name)]
        parts = [placed[:, names.index(n)] for n in INSTEAD.get(name, ()) if n in names]
        if not parts:
            return np.zeros((len(placed), 2))
        there = np.all([p[:, :1] != 0 for p in parts], axis=0)
        return np.where(there, np.mean(parts, axis=0), 0)

    return np.stack([of(n) for n in BODY], axis=1), np.stack([of(n) for n in HANDS], axis=1)


def normalised_body(body: Points) -> Points:
    """Into a box of six by six head units around the neck (the distance of the shoulders, or from neck to nose), from a unit
    above the left eye down; y is measured from its lower end. A frame without shoulders takes the box before it; frames
    before the first box stay as they are. A box ends at the picture's edge at 0."""
    neck, nose, eye = (body[:, BODY.index(n)] for n in ("neck", "nose", "left_eye"))
    right, left = (body[:, BODY.index(f"{s}_shoulder")] for s in ("right", "left"))
    shoulders = (left[:, 0] != 0) & (right[:, 0] != 0)
    head = (neck[:, 0] != 0) & (nose[:, 0] != 0)
    unit = np.hypot(*np.where(shoulders[:, None], left - right, neck - nose).T)
    top = eye[:, 1] + unit
    start = np.maximum(np.stack([neck[:, 0] - 3 * unit, top], axis=1), 0)
    end = np.maximum(np.stack([neck[:, 0] + 3 * unit, top - 6 * unit], axis=1), 0)
    # every frame's box is its own or the last one before it
    last = np.maximum.accumulate(np.where(shoulders | head, np.arange(len(body)), -1))
    start, end = start[last, None], end[last, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        x = (body[..., 0] - start[..., 0]) / (end[..., 0] - start[..., 0])
        y = (body[..., 1] - end[..., 1]) / (start[..., 1] - end[..., 1])
    there = (body[..., :1] != 0) & (last >= 0)[:, None, None]
    return np.where(there, np.stack([x, y], axis=-1), body)


def normalised_hands(hands: Points) -> Points:
    """Each hand into its own square box, a tenth of its longer side wider all around."""
    hand = hands.reshape(len(hands), 2, 21, 2)
    seen = hand != 0
    low = np.where(seen, hand, np.inf).min(axis=2)
    high = np.where(seen, hand, -np.inf).max(axis=2)
    complete = np.isfinite(low).all(axis=-1)  # [T, 2]
    low, high = (np.where(complete[..., None], side, 0.0) for side in (low, high))
    sides = high - low
    longer = sides.max(axis=-1, keepdims=True)
    margin = 0.1 * longer + (longer - sides) / 2
    start, end = (low - margin)[:, :, None], (high + margin)[:, :, None]
    boxed = complete & (end != start).all(axis=-1)[..., 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        found = (hand - start) / (end - start)
    return np.where(boxed[..., None, None] & seen[..., :1], found, hand).reshape(hands.shape)


def rotated(points: Points, degrees: float) -> Points:
    """About the middle (0.5, 0.5)."""
    return _turned(points, np.array([0.5, 0.5]), degrees)


def _turned(points: Points, about: np.ndarray, degrees: float) -> Points:
    angle = np.deg2rad(degrees)
    away = points - about
    cosine, sine = np.cos(angle), np.sin(angle)
    return about + np.stack(
        [cosine * away[..., 0] - sine * away[..., 1], sine * away[..., 0] + cosine * away[..., 1]], axis=-1
    )


def squeezed(body: Points, left: float, right: float) -> Points:
    """The unit square's sides move in; the hands stay, as in the public code."""
    return _projected(body, [(left, 1), (1 - right, 1), (left, 0), (1 - right, 0)])


def tilted(body: Points, ratio: float, first: bool) -> Points:
    """One side of the unit square is farther away: the left one (`first`) or the right one."""
    corners = (
        [(ratio, 1 - ratio), (1, 1), (ratio, ratio), (1, 0)]
        if first
        else [(0, 1), (1 - ratio, 1 - ratio), (0, 0), (1 - ratio, ratio)]
    )
    return _projected(body, corners)


def _projected(points: Points, corners: list[tuple[float, float]]) -> Points:
    """The homography that brings the unit square's corners (0,1), (1,1), (0,0), (1,0) there; what was missing stays so."""
    rows, values = [], []
    for (x, y), (u, v) in zip([(0, 1), (1, 1), (0, 0), (1, 0)], corners, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -x * u, -y * u], [0, 0, 0, x, y, 1, -x * v, -y * v]]
        values += [u, v]
    matrix = np.append(np.linalg.solve(np.array(rows, float), np.array(values, float)), 1).reshape(3, 3)
    flat = np.concatenate([points, np.ones((*points.shape[:-1], 1))], axis=-1) @ matrix.T
    out: Points = flat[..., :2] / flat[..., 2:]
    return np.where((points == 0).all(axis=-1, keepdims=True), 0, out)


def turned_arms(body: Points, degrees: dict[str, list[float | None]]) -> Points:
    """Turn an arm about the neck, then about the shoulder, then about the elbow, and what hangs on each; by side, None for
    not at all. The hands stay, as in the public code."""
    out = body.copy()
    for side in SIDES:
        chain = [BODY.index(n) for n in ("neck", f"{side}_shoulder", f"{side}_elbow", f"{side}_wrist")]
        for place, angle in enumerate(degrees[side]):
            if angle is not None:
                for joint in chain[place + 1 :]:
                    out[:, joint] = _turned(out[:, joint], out[:, chain[place]], angle)
    return out


def augmented(body: Points, hands: Points, random: np.random.Generator) -> tuple[Points, Points]:
    """One of SPOTER's four, drawn evenly."""
    kind = int(random.integers(4))
    if kind == 0:
        angle = random.uniform(-ROTATION, ROTATION)
        return rotated(body, angle), rotated(hands, angle)
    if kind == 1:
        return tilted(body, random.uniform(0, SHEAR), bool(random.random() < 0.5)), hands
    if kind == 2:
        return squeezed(body, *random.uniform(0, SQUEEZE, 2)), hands
    angles: dict[str, list[float | None]] = {
        side: [random.uniform(-ARMS, ARMS) if random.random() < ARM_CHANCE else None for _ in range(3)]
        for side in SIDES
    }
    return turned_arms(body, angles), hands
