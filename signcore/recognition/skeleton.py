"""Poses of any layout as normalised points that recognizers learn from or compare."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from signcore.errors import InputError
from signcore.types import layouts
from signcore.types.preprocess import UNSURE, filled

if TYPE_CHECKING:
    from pose_format import Pose

SIDES = ("left", "right")
ACTIVE = 0.15  # see `active`
SHORTEST = 8  # frames
_STILL = ("eye", "ear", "mouth", "hip", "spine", "neck")  # see `signing`
_LOWER = ("knee", "ankle", "heel", "toe", "foot")
_PARENTS = {  # what a bone begins at, nearest first
    **{f"{s}_{a}": (f"{s}_{b}",) for s in SIDES for a, b in (("elbow", "shoulder"), ("wrist", "elbow"), ("hand", "wrist"))},
    **{f"{s}_{f}": (f"{s}_wrist",) for s in SIDES for f in ("pinky", "index", "thumb", "hand_0")},
    **{f"{s}_hand_{i}": (f"{s}_hand_{0 if i % 4 == 1 else i - 1}",) for s in SIDES for i in range(1, 21)},
}  # fmt: skip
_ACROSS = [
    *((f"{s}_{a}", b) for s in SIDES for a in ("wrist", "hand") for b in ("nose", "head")),
    ("left_wrist", "right_wrist"), ("left_hand", "right_hand"),
    *((f"{s}_hand_8", f"{o}_hand_8") for s, o in (SIDES,)),
    *((f"{s}_hand_8", "nose") for s in SIDES),
]  # fmt: skip


@dataclass(frozen=True)
class Skeleton:
    """points: float32 [T, K, D], y down, the middle of the shoulders at 0 and their distance 1 (means over the clip).

    seen: bool [T, K]; where False the point was put between its neighbours in time, or is 0 if no frame shows it.
    Without shoulders the origin is the mean nose or head, else the mean of all points, and the unit the root mean square distance
    of the points from it.
    In three dimensions the signer is turned to face the camera.
    """

    names: tuple[str, ...]
    points: np.ndarray
    seen: np.ndarray
    fps: float

    def __len__(self) -> int:
        return len(self.points)

    def part(self, start: int, stop: int) -> Skeleton:
        """Frames start to stop, stop left out."""
        return replace(self, points=self.points[start:stop], seen=self.seen[start:stop])

    def take(self, names: Sequence[str]) -> Skeleton:
        """The named points in that order; those that are not there are 0 and not seen."""
        points = np.zeros((len(self), len(names), self.points.shape[2]), np.float32)
        seen = np.zeros((len(self), len(names)), bool)
        for k, name in enumerate(names):
            if name in self.names:
                column = self.names.index(name)
                points[:, k], seen[:, k] = self.points[:, column], self.seen[:, column]
        return replace(self, names=tuple(names), points=points, seen=seen)


def point_names(pose: Pose) -> list[str]:
    """signcore's name of every point, else the file's own, made unique."""
    theirs = [f"{p}" for c in pose.header.components for p in c.points]
    names = [ours or own for ours, own in zip(layouts.names(pose.header), theirs, strict=True)]
    return [n if names.index(n) == i else f"{n}#{i}" for i, n in enumerate(names)]


def skeleton(pose: Pose, dims: int | None = None) -> Skeleton:
    """Of the first person, without legs and face mesh. dims: coordinates; None takes the third only where it was measured,
    that is of a recording that is not in the pixels of a picture: what estimators say of depth is worse than nothing.

    Missing: a point with confidence up to 0.2 counts as missing. Raises InputError where no frame shows anybody.
    """
    if dims is None:
        dims = 3 if pose.header.dimensions.width <= 1 else 2
    names = point_names(pose)
    columns = [
        i for i, n in enumerate(names) if not any(w in n for w in _LOWER) and not n.startswith("mesh_")
    ]
    data = np.ma.getdata(pose.body.data)[:, 0, :, :dims][:, columns].astype(np.float64)
    sure = np.ma.getdata(pose.body.confidence)[:, 0][:, columns]
    hidden = np.ma.getmaskarray(pose.body.data)[:, 0][:, columns].any(axis=-1)
    seen = (sure > UNSURE) & ~hidden & np.isfinite(data).all(axis=-1)
    if not seen.any():
        raise InputError("pose: no frame shows a person")
    kept = tuple(names[i] for i in columns)
    data[~seen] = np.nan
    centre, unit = _frame(kept, data)
    points = filled((data - centre) / (unit or 1.0)).astype(np.float32)
    if points.shape[2] == 3 and all(f"{s}_shoulder" in kept for s in SIDES):
        points = _facing(kept, points)
    return Skeleton(kept, points, seen, float(pose.body.fps))


def _frame(names: tuple[str, ...], data: np.ndarray) -> tuple[np.ndarray, float]:
    """Origin [D] and unit of a clip."""
    if all(f"{s}_shoulder" in names for s in SIDES):
        left, right = (data[:, names.index(f"{s}_shoulder")] for s in SIDES)
        both = np.isfinite(left + right).all(axis=-1)
        width = float(np.linalg.norm((left - right)[both][:, :2], axis=-1).mean()) if both.any() else 0.0
        if width > 0:
            return ((left + right) / 2)[both].mean(axis=0), width
    for name in ("nose", "head", "neck"):
        if name in names:
            there = data[:, names.index(name)]
            good = np.isfinite(there).all(axis=-1)
            if good.any():
                return _around(data, there[good].mean(axis=0))
    return _around(data, np.nanmean(data, axis=(0, 1)))


def _around(data: np.ndarray, centre: np.ndarray) -> tuple[np.ndarray, float]:
    return centre, float(np.sqrt(np.nanmean(((data - centre) ** 2).sum(axis=-1))))


def _facing(names: tuple[str, ...], points: np.ndarray) -> np.ndarray:
    """Turned about the vertical so that the shoulders lie in the plane of the picture, on average."""
    line = (points[:, names.index("left_shoulder")] - points[:, names.index("right_shoulder")]).mean(axis=0)
    angle = np.arctan2(line[2], line[0])
    turn = np.array(
        [[np.cos(angle), 0, -np.sin(angle)], [0, 1, 0], [np.sin(angle), 0, np.cos(angle)]], np.float32
    )
    return points @ turn


def hands_of(found: Skeleton) -> np.ndarray:
    """[T, hands, D]: the wrists or hands, or all points where none has such a name."""
    wanted = {f"{s}_{n}" for s in SIDES for n in ("wrist", "hand")}
    columns = [i for i, n in enumerate(found.names) if n in wanted]
    return found.points[:, columns] if columns else found.points


def active(found: Skeleton) -> Skeleton:
    """A clip of one sign without the rest before and after: from where a hand has left its first place until none is far
    from its last one, by `ACTIVE` of the farthest way."""
    hands = hands_of(found)
    from_first, from_last = (
        np.linalg.norm(hands - there, axis=-1).max(axis=1) for there in (hands[:1], hands[-1:])
    )
    left = np.flatnonzero(from_first >= ACTIVE * from_first.max())
    back = np.flatnonzero(from_last >= ACTIVE * from_last.max())
    start, stop = int(left[0]), int(back[-1]) + 1
    return found.part(start, stop) if stop - start >= SHORTEST else found


def mirror_order(names: Sequence[str]) -> list[int]:
    """For every point the column of its mirror image; its own where the other side has none."""
    index = {n: i for i, n in enumerate(names)}
    return [index.get(layouts.mirror_name(n), i) for i, n in enumerate(names)]


def signing(names: Sequence[str]) -> tuple[str, ...]:
    """The points that sign: head or nose, shoulders, arms, hands. Face and trunk tell signers apart rather than signs.

    All of them where fewer than two hands, wrists or fingers are named.
    """
    hands = [n for n in names if any(w in n for w in ("wrist", "hand"))]
    return tuple(n for n in names if len(hands) < 2 or not any(w in n for w in _STILL))


def bones(names: Sequence[str]) -> list[tuple[int, int]]:
    """(column, column that it is measured from): limbs and fingers, and the hands from the head and from each other."""
    index = {n: i for i, n in enumerate(names)}
    found = [(index[n], index[p]) for n in names for p in _PARENTS.get(n, ()) if p in index]
    return found + [(index[a], index[b]) for a, b in _ACROSS if a in index and b in index]


def resampled(points: np.ndarray, places: np.ndarray) -> np.ndarray:
    """points [T, ...] at `places` [N] in frames, linearly between them."""
    places = np.clip(places, 0, len(points) - 1)
    low = np.floor(places).astype(int)
    high = np.minimum(low + 1, len(points) - 1)
    part = (places - low).reshape(-1, *[1] * (points.ndim - 1)).astype(np.float32)
    return (points[low] * (1 - part) + points[high] * part).astype(np.float32)


def smoothed(points: np.ndarray, sigma: float) -> np.ndarray:
    """points [T, ...] under a Gaussian of `sigma` frames; the ends are held."""
    reach = int(np.ceil(3 * sigma))
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    padded = np.concatenate([np.repeat(points[:1], reach, 0), points, np.repeat(points[-1:], reach, 0)])
    out = np.zeros(points.shape, np.result_type(points, np.float32))
    for i, weight in enumerate(weights / weights.sum()):
        out += weight * padded[i : i + len(points)]
    return out
