"""From a pose as recorded to points that can be compared or learned: hiding, trimming and normalising (Ham2Pose section 4.1).

Points are float [T, K, D] with D 2 or 3, NaN where missing, K in the order of `names` (signcore's own names, see `layouts`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from signcore.errors import InputError
from signcore.types import layouts

if TYPE_CHECKING:
    from pose_format import Pose

Preset = Literal["paper", "upstream"]
_LEGS = {  # the middle of the hips stays
    f"{side}_{part}"
    for side in ("left", "right")
    for part in ("knee", "ankle", "heel", "big_toe", "small_toe", "foot_index", "hip")
}
SHOULDERS = 0.25  # of a made picture's side: how wide the shoulders are drawn
CENTRE = (0.5, 0.45)  # of a made picture: where their middle lies
COMPARED = (  # Ham2Pose compares OpenPose's points 0 to 8 and both hands, 51 in all (section 7.1)
    "nose",
    "neck",
    *(f"{side}_{joint}" for side in ("right", "left") for joint in ("shoulder", "elbow", "wrist")),
    "mid_hip",
    *(f"{side}_hand_{i}" for side in ("left", "right") for i in range(21)),
)
UNSURE = 0.2  # confidence up to which a point counts as missing
REPAIR = 15.0  # pixels between body wrist and hand root from which the hand's root is moved (upstream)
_FACE = {"paper": 0.2, "upstream": 0.5}  # mean confidence of the face that a frame must exceed to be kept


@dataclass(frozen=True)
class Points:
    """points: float64 [T, K, D], NaN where missing. confidence: [T, K] in 0..1."""

    names: tuple[str, ...]
    points: np.ndarray
    confidence: np.ndarray

    def column(self, name: str) -> int | None:
        return self.names.index(name) if name in self.names else None

    def take(self, names: Sequence[str]) -> Points:
        """The named points, in that order; those that are not there are missing."""
        found = [self.column(n) for n in names]
        points = np.full((len(self.points), len(names), self.points.shape[2]), np.nan)
        confidence = np.zeros((len(self.points), len(names)))
        for k, column in enumerate(found):
            if column is not None:
                points[:, k], confidence[:, k] = self.points[:, column], self.confidence[:, column]
        return replace(self, names=tuple(names), points=points, confidence=confidence)

    def hidden(self, where: np.ndarray) -> Points:
        """where: bool, broadcast over [T, K]: these become missing."""
        where = np.broadcast_to(where, self.confidence.shape)
        return replace(
            self,
            points=np.where(where[..., None], np.nan, self.points),
            confidence=np.where(where, 0, self.confidence),
        )


def points_of(pose: Pose, layout: str | None = None, dims: int = 2) -> Points:
    """In the pose's units; layout: convert to this one, else the pose's own named points.
    dims: at most as many coordinates as the pose has. Raises InputError where it shows several people, or no known point."""
    if pose.body.data.shape[1] != 1:
        raise InputError(f"pose: shows {pose.body.data.shape[1]} people", "keep the one who signs")
    if layout is not None:
        pose = layouts.to_layout(pose, layout)
    names = layouts.names(pose.header)
    known = [i for i, name in enumerate(names) if name]
    if not known:
        raise InputError("pose: none of its points has a name that is known", "convert it to a known layout")
    data = np.ma.getdata(pose.body.data)[:, 0, :, :dims][:, known].astype(np.float64)
    confidence = np.ma.getdata(pose.body.confidence)[:, 0][:, known].astype(np.float64)
    missing = np.ma.getmaskarray(pose.body.data)[:, 0][:, known].any(axis=-1) | (confidence == 0)
    named = Points(tuple(names[i] for i in known), data, confidence)
    return named.hidden(missing)


def repaired_wrists(of: Points) -> Points:
    """A hand's root that is far from the body's wrist takes its place, where the wrist is sure (public code; in pixels)."""
    points = of.points.copy()
    for side in ("left", "right"):
        wrist, root = of.column(f"{side}_wrist"), of.column(f"{side}_hand_0")
        if wrist is None or root is None:
            continue
        # signed, as the public code has it: only a root above or to the left of the wrist is moved
        away = np.nan_to_num(points[:, wrist]) - np.nan_to_num(points[:, root])
        far = (away.max(axis=-1) > REPAIR) & (of.confidence[:, wrist] > UNSURE)
        far &= np.isfinite(points[:, root]).all(axis=-1)
        points[far, root] = points[far, wrist]
    return replace(of, points=points)


def hidden_legs(of: Points) -> Points:
    return of.hidden(np.array([name in _LEGS for name in of.names]))


def hidden_unsure(of: Points, threshold: float = UNSURE) -> Points:
    return of.hidden(of.confidence.astype(np.float32) <= np.float32(threshold))


def trimmed(of: Points, face: float, hands: float = UNSURE) -> Points:
    """Without leading and trailing frames in which the face's mean confidence is at most `face`, or that of both wrists
    together at most `hands`. A pose that never shows a face is judged by its wrists. Raises InputError where no frame is left."""
    keep = np.ones(len(of.points), bool)
    ever = of.confidence.any(axis=0)  # a layout may name more of a face than its maker finds
    on_face = [i for i, n in enumerate(of.names) if n.startswith(("face_", "mesh_")) and ever[i]]
    if on_face:
        keep &= of.confidence[:, on_face].mean(axis=1) > face
    wrists = [i for i, name in enumerate(of.names) if name in ("left_wrist", "right_wrist")]
    if wrists:
        keep &= of.confidence[:, wrists].sum(axis=1) > hands
    good = np.flatnonzero(keep)
    if not len(good):
        raise InputError("pose: no frame shows a face and a hand")
    part = slice(good[0], good[-1] + 1)
    return replace(of, points=of.points[part], confidence=of.confidence[part])


def normalised(of: Points, name: str = "pose") -> Points:
    """The middle of the shoulders, averaged over frames, to the origin; the mean distance of the shoulders to 1."""
    columns = [of.column(f"{side}_shoulder") for side in ("right", "left")]
    if None in columns:
        raise InputError(f"{name}: has no shoulders, so it cannot be normalised")
    right, left = (of.points[:, c] for c in columns)
    seen = np.isfinite(right + left).all(axis=-1)
    width = float(np.linalg.norm(right - left, axis=-1)[seen].mean()) if seen.any() else 0.0
    if width == 0:
        raise InputError(f"{name}: no frame shows both shoulders, so it cannot be normalised")
    centre = ((right + left) / 2)[seen].mean(axis=0)
    return replace(of, points=(of.points - centre) / width)


def focused(of: Points) -> Points:
    """The least x and the least y of all points and frames to zero (public code)."""
    least = np.nanmin(of.points.reshape(-1, of.points.shape[2]), axis=0)
    return replace(of, points=of.points - least)


def prepared(
    pose: Pose,
    layout: str | None = "openpose_137",
    preset: Preset = "paper",
    *,
    normalise: bool = True,
    focus: bool = False,
    dims: int = 2,
) -> Points:
    """What Ham2Pose learns from and compares (section 4.1).

    paper: unsure points hidden, trimmed (face above 0.2), legs hidden, normalised. upstream, the public code's order and
    thresholds: wrists repaired, normalised, legs and unsure points hidden, trimmed (face above 0.5); `focus` then moves
    the least coordinates to zero before points are hidden, as its metric does.
    Raises InputError where no frame shows a face and a hand, or none both shoulders.
    """
    points = points_of(pose, layout, dims)
    if preset == "paper":
        points = hidden_legs(trimmed(hidden_unsure(points), _FACE[preset]))
        points = normalised(points) if normalise else points
        return focused(points) if focus else points
    if not focus:
        points = repaired_wrists(points)
    if normalise:
        points = normalised(points)
    if focus:
        points = focused(points)
    return trimmed(hidden_unsure(hidden_legs(points)), _FACE[preset], 0.0 if focus else UNSURE)


def chosen_names(layout: str, which: Literal["compared", "all"]) -> list[str]:
    """Names of a layout's points: all, or those that Ham2Pose compares, in the layout's order."""
    return [n for n in layouts.layout_names(layout) if which == "all" or n in COMPARED]


def in_pixels(points: np.ndarray, layout: str, *, fps: float, size: int) -> Pose:
    """A normalised pose [T, K, 2] of a whole layout, in a square picture of `size` pixels, upper body in view, legs hidden."""
    from signcore.types.poses import pose_from_keypoints

    names = layouts.layout_names(layout)
    placed = points * (SHOULDERS * size) + np.multiply(CENTRE, size)
    placed[:, [name in _LEGS for name in names]] = np.nan
    return pose_from_keypoints(placed, layout, fps=fps, width=size, height=size)


def filled(points: np.ndarray, default: np.ndarray | None = None) -> np.ndarray:
    """[T, K, D] with missing points put between their neighbours in time, and held before the first and after the last.
    A point that no frame shows takes default [K, D], or zero."""
    out = np.array(points, np.float64)
    here = np.arange(len(out))
    seen = np.isfinite(out).all(axis=-1)
    for k in np.flatnonzero(~seen.all(axis=0)):
        good = seen[:, k]
        if good.any():
            for axis in range(out.shape[2]):
                out[:, k, axis] = np.interp(here, here[good], out[good, k, axis])
        else:
            out[:, k] = 0 if default is None else default[k]
    return out
