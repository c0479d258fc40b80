"""The five tracks that SignX reads (section 3.1), and how they are made from poses, depth, segmentation, and other people's estimators.

name           width  a frame's numbers
smplerx        165    55 SMPL-X joints x 3: axis-angle, radians
dwpose         384    128 points (18 body, 21 a hand, 68 face) x (x, y, confidence), the shoulders' middle at 0, their distance 1
mediapipe      258    33 body points x (x, y, z, visibility), 21 points a hand x (x, y, z), in the same units
depth          576    a grid of 24 x 24 cells, row by row: inverse depth, 1 at the nearest of the clip, 0 far away
segmentation   576    the same grid: what is seen there, `PART_VALUES`
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from signcore.errors import InputError
from signcore.recognition.skeleton import SIDES, mirror_order, resampled, skeleton
from signcore.types import layouts
from signcore.types.tracks import Tracks

if TYPE_CHECKING:
    from pose_format import Pose

    from signcore.types import Video

WIDTHS = {"smplerx": 165, "dwpose": 384, "mediapipe": 258, "depth": 576, "segmentation": 576}
CELLS = 24  # a side of the grid
PART_VALUES = {
    "background": 0.0,
    "torso": 0.2,
    "hair": 0.3,
    "head": 0.4,
    "arm": 0.6,
    "left_hand": 0.8,
    "right_hand": 1.0,
}
_BODY_18 = (
    "nose", "neck", "right_shoulder", "right_elbow", "right_wrist", "left_shoulder", "left_elbow", "left_wrist", "right_hip",
    "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle", "right_eye", "left_eye", "right_ear", "left_ear",
)  # fmt: skip
DWPOSE = (
    *_BODY_18,
    *(f"{s}_hand_{i}" for s in SIDES for i in range(21)),
    *(f"face_{i}" for i in range(68)),
)
MEDIAPIPE_BODY = tuple(layouts.layout_names("holistic")[:33])
MEDIAPIPE_HANDS = tuple(f"{s}_hand_{i}" for s in SIDES for i in range(21))


def check_known(tracks: Tracks) -> None:
    """Raise InputError for a track of a known name and another width."""
    for name, width in tracks.widths.items():
        if name in WIDTHS and width != WIDTHS[name]:
            raise InputError(
                f"tracks: {name} has {width} numbers a frame, it must have {WIDTHS[name]}",
                "see signcore.recognition.tracks for what they are",
            )


def from_pose(pose: Pose) -> Tracks:
    """The tracks `dwpose` and `mediapipe` of a pose of any known layout.

    Missing: a point has confidence 0, and the place between its neighbours in time. A frame without any point is absent.

    Raises InputError where no frame shows anybody.
    """
    have = {n for n in layouts.names(pose.header) if n}
    wanted = layouts.to_layout(pose, "openpose_137") if "neck" not in have else pose
    found = skeleton(wanted, 2)
    taken = found.take(DWPOSE)
    dwpose = np.concatenate([taken.points, taken.seen[..., None].astype(np.float32)], axis=2)
    features = {"dwpose": dwpose.reshape(len(dwpose), -1)}
    body, hands = found.take(MEDIAPIPE_BODY), found.take(MEDIAPIPE_HANDS)
    flat = np.zeros((len(found), 33, 4), np.float32)
    flat[..., :2], flat[..., 3] = body.points, body.seen
    both = np.zeros((len(found), 42, 3), np.float32)
    both[..., :2] = hands.points
    features["mediapipe"] = np.concatenate([flat.reshape(len(flat), -1), both.reshape(len(both), -1)], axis=1)
    there = found.seen.any(axis=1)
    features = {name: np.where(there[:, None], values, 0) for name, values in features.items()}
    return Tracks(features, found.fps, {name: there.copy() for name in features})


def grid(pictures: np.ndarray) -> np.ndarray:
    """[T, H, W] to [T, 576]: the mean of every cell of 24 x 24; pictures smaller than that are repeated first."""
    frames, height, width = pictures.shape
    grow = [max(1, -(-CELLS // side)) for side in (height, width)]
    pictures = pictures.repeat(grow[0], axis=1).repeat(grow[1], axis=2)
    rows, columns = (np.linspace(0, side, CELLS + 1).round().astype(int) for side in pictures.shape[1:])
    whole = np.zeros((frames, pictures.shape[1] + 1, pictures.shape[2] + 1))
    whole[:, 1:, 1:] = pictures.cumsum(axis=1, dtype=np.float64).cumsum(axis=2)
    sums = np.diff(np.diff(whole[:, rows][:, :, columns], axis=1), axis=2)
    cells = sums / (np.diff(rows)[:, None] * np.diff(columns)[None])
    return cells.reshape(frames, CELLS * CELLS).astype(np.float32)


def from_depth(depth: np.ndarray) -> np.ndarray:
    """Metres or any unit [T, H, W], infinite where nothing is, to the track `depth` [T, 576]."""
    near = np.where(np.isfinite(depth) & (depth > 0), 1.0 / np.maximum(depth, 1e-6), 0.0)
    cells = grid(near)
    return cells / max(float(cells.max()), 1e-6)


def from_parts(parts: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """Part numbers [T, H, W] with their names, as `PART_VALUES` spells them, to the track `segmentation` [T, 576].

    A name that is not known counts as background.
    """
    table = np.array([PART_VALUES.get(n, 0.0) for n in names])
    return grid(table[parts])


def joined(many: Sequence[Tracks]) -> Tracks:
    """Tracks of one clip made by several estimators. Raises InputError where lengths differ by more than a frame or so,
    rates differ, or a name comes twice."""
    first = many[0]
    lengths = {len(t) for t in many}
    if max(lengths) - min(lengths) > 1:
        told = ", ".join(f"{'+'.join(t.features)} {len(t)}" for t in many)
        raise InputError(f"tracks: of different lengths ({told})", "make all of them from the same frames")
    if any(abs(t.fps - first.fps) > 0.01 * first.fps for t in many):
        raise InputError(f"tracks: of different rates ({', '.join(f'{t.fps:g}' for t in many)})")
    names = [n for t in many for n in t.features]
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice:
        raise InputError(f"tracks: {twice[0]} is given twice")
    count = min(lengths)
    return Tracks(
        {n: v[:count] for t in many for n, v in t.features.items()},
        first.fps,
        {n: v[:count] for t in many for n, v in t.presence.items()},
    )


def at_rate(tracks: Tracks, fps: float) -> Tracks:
    """Brought to another rate; a frame is present where both of its neighbours are."""
    if abs(tracks.fps - fps) <= 0.01 * fps or not len(tracks):
        return tracks
    count = max(1, round(len(tracks) * fps / tracks.fps))
    places = np.minimum(np.arange(count) * tracks.fps / fps, len(tracks) - 1)
    there = {n: resampled(v.astype(np.float32), places) > 0.99 for n, v in tracks.presence.items()}
    features = {n: resampled(v, places) * there[n][:, None] for n, v in tracks.features.items()}
    return Tracks(features, fps, there)


def mirrored(tracks: Tracks) -> Tracks:
    """The tracks of the mirrored picture. A track of an unknown name is absent: what its mirror image is is not known."""
    features, presence = {}, dict(tracks.presence)
    for name, values in tracks.features.items():
        features[name] = _MIRRORS[name](values) if name in _MIRRORS else np.zeros_like(values)
        if name not in _MIRRORS:
            presence[name] = np.zeros(len(values), bool)
    return Tracks(features, tracks.fps, presence)


def _mirrored_points(values: np.ndarray, names: Sequence[str], width: int) -> np.ndarray:
    points = values.reshape(len(values), len(names), width)[:, mirror_order(names)].copy()
    points[..., 0] *= -1
    return points.reshape(len(values), -1)


def _mirrored_smplerx(values: np.ndarray) -> np.ndarray:
    turns = values.reshape(len(values), 55, 3)[:, _SMPLX_ORDER] * np.array([1, -1, -1], np.float32)
    return turns.reshape(len(values), -1)


def _mirrored_grid(values: np.ndarray) -> np.ndarray:
    return values.reshape(len(values), CELLS, CELLS)[:, :, ::-1].reshape(len(values), -1)


def _mirrored_segmentation(values: np.ndarray) -> np.ndarray:
    """The hands change their names; cells of mixed parts, between the values of both, go to the other's place too."""
    out = _mirrored_grid(values)
    left, right = PART_VALUES["left_hand"], PART_VALUES["right_hand"]
    return np.where(out > (left + PART_VALUES["arm"]) / 2, left + right - out, out).astype(np.float32)


_SMPLX_ORDER = [
    0, 2, 1, 3, 5, 4, 6, 8, 7, 9, 11, 10, 12, 14, 13, 15, 17, 16, 19, 18, 21, 20, 22, 24, 23, *range(40, 55), *range(25, 40),
]  # fmt: skip
_MIRRORS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "dwpose": lambda v: _mirrored_points(v, DWPOSE, 3),
    "mediapipe": lambda v: np.concatenate(
        [_mirrored_points(v[:, :132], MEDIAPIPE_BODY, 4), _mirrored_points(v[:, 132:], MEDIAPIPE_HANDS, 3)],
        axis=1,
    ),
    "smplerx": _mirrored_smplerx,
    "depth": _mirrored_grid,
    "segmentation": _mirrored_segmentation,
}


def collected(video: Video, estimators: Mapping[str, Any], *, pose: Pose | None = None) -> Tracks:
    """The adapter to estimators: what each makes of a video becomes the track of its name.

    estimators: by track name; each has `estimate(video)` and returns a Pose (then `dwpose` and `mediapipe` come of it),
    Tracks, or an array [T, d]. pose: the video's own, used like an estimator's. An estimator that fails leaves its track
    absent, with one line in the log. Raises InputError where nothing is left.
    """
    import logging

    from pose_format import Pose

    made: list[Tracks] = []

    def take(value: Any, name: str) -> None:
        if isinstance(value, Pose):
            value = from_pose(value)
        elif not isinstance(value, Tracks):
            value = Tracks({name: np.asarray(value, np.float32)}, video.fps)
        have = {n for t in made for n in t.features}
        fresh = {n: v for n, v in value.features.items() if n not in have}
        if fresh:
            made.append(Tracks(fresh, value.fps, {n: value.presence[n] for n in fresh}))

    sources = [("pose", lambda: pose)] if pose is not None else []
    sources += [(name, lambda e=e: e.estimate(video)) for name, e in estimators.items()]  # type: ignore[misc]
    for name, make in sources:
        try:
            take(make(), name)
        except Exception as error:  # somebody else's estimator: the other tracks are still good
            logging.getLogger("signcore").warning("track %s is left out: %s", name, error)
    if not made:
        raise InputError("tracks: no estimator made any")
    found = joined(made)
    check_known(found)
    return found
