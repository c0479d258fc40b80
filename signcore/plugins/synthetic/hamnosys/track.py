"""Sampled motion of one hand, and how pieces of it are joined, overlaid, repeated and held."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from signcore.plugins.synthetic import geometry
from signcore.plugins.synthetic.motion import RATE, Trajectory, minimum_jerk
from signcore.plugins.synthetic.skeleton import hand_frame
from signcore.types.hamnosys.structure import Bearing, Blend, Handshape


@dataclass(frozen=True)
class Stance:
    """How one hand stands: wrist [3] metres and axes [3, 3] in its arm's own axes, angles [5, 4] degrees, and as notated.

    fingers [3]: the finger direction in the dominant hand's axes.
    """

    wrist: np.ndarray
    frame: np.ndarray
    angles: np.ndarray
    shape: Handshape | Blend[Handshape]
    fingers: np.ndarray
    palm: Bearing | Blend[Bearing]

    def at(self, wrist: np.ndarray) -> Stance:
        return replace(self, wrist=wrist)


@dataclass(frozen=True)
class Track(Trajectory):
    """One hand at `RATE`: wrist [N, 3], frame [N, 3, 3], angles [N, 5, 4]; N may be 0."""

    def __len__(self) -> int:
        return len(self.wrist)

    def last(self, stance: Stance) -> Stance:
        """The stance at the end; `stance` tells what is notated of it."""
        if not len(self):
            return stance
        return replace(stance, wrist=self.wrist[-1], frame=self.frame[-1], angles=self.angles[-1])

    def first(self, stance: Stance) -> Stance:
        if not len(self):
            return stance
        return replace(stance, wrist=self.wrist[0], frame=self.frame[0], angles=self.angles[0])


def samples(seconds: float) -> int:
    return max(1, round(seconds * RATE))


def held(stance: Stance, count: int) -> Track:
    def many(value: np.ndarray) -> np.ndarray:
        return np.broadcast_to(value, (count, *value.shape))

    return Track(many(stance.wrist), many(stance.frame), many(stance.angles))


def joined(tracks: Sequence[Track]) -> Track:
    return Track(
        np.concatenate([t.wrist for t in tracks]),
        np.concatenate([t.frame for t in tracks]),
        np.concatenate([t.angles for t in tracks]),
    )


def between(start: Stance, end: Stance, progress: np.ndarray) -> Track:
    """From one stance to another: straight, and turning the short way; progress [N] goes to 1."""
    axis, angle = geometry.turn_between(start.frame, end.frame)
    p = progress[:, None]
    return Track(
        start.wrist + p * (end.wrist - start.wrist),
        geometry.rotate(start.frame[None], axis[None, None], p * angle),
        start.angles + p[..., None] * (end.angles - start.angles),
    )


def eased(count: int, flowing: bool = False) -> np.ndarray:
    """[count] from just above 0 to 1: at rest at both ends, or flowing at a constant speed."""
    s = np.arange(1, count + 1) / count
    return s if flowing else minimum_jerk(s)


def shifted(stance: Stance, shift: np.ndarray) -> Track:
    """The hand moves by shift [N, 3] and is otherwise still."""
    track = held(stance, len(shift))
    return Track(stance.wrist + shift, track.frame, track.angles)


def resampled(track: Track, count: int) -> Track:
    """The same motion in `count` samples."""
    if len(track) == count:
        return track
    at = np.linspace(1.0 / count, 1.0, count) * len(track) - 1.0
    at = np.clip(at, 0.0, len(track) - 1.0)
    low = np.floor(at).astype(int)
    high = np.minimum(low + 1, len(track) - 1)
    part = at - low

    def mixed(values: np.ndarray) -> np.ndarray:
        p = part.reshape(-1, *[1] * (values.ndim - 1))
        return values[low] * (1.0 - p) + values[high] * p

    frame = mixed(track.frame)
    return Track(mixed(track.wrist), hand_frame(frame[:, 1], frame[:, 2]), mixed(track.angles))


def overlaid(start: Stance, tracks: Sequence[Track]) -> Track:
    """Several motions at once: from the same stance, each stretched to the longest, their changes added up."""
    count = max(len(t) for t in tracks)
    tracks = [resampled(t, count) for t in tracks]
    if len(tracks) == 1:
        return tracks[0]
    wrist = start.wrist + sum(t.wrist - start.wrist for t in tracks)
    angles = start.angles + sum(t.angles - start.angles for t in tracks)
    frame = np.broadcast_to(start.frame, (count, 3, 3))
    for track in tracks:
        turn = np.einsum("ji,njk->nik", start.frame, track.frame)
        frame = np.einsum("nij,njk->nik", frame, turn)
    return Track(wrist, hand_frame(frame[:, 1], frame[:, 2]), angles)


def apart(track: Track) -> float:
    """Metres, or the same in turns and bends, between a motion's last stance and its first."""
    if not len(track):
        return 0.0
    turn = float(np.abs(track.frame[-1] - track.frame[0]).max())
    bend = float(np.abs(track.angles[-1] - track.angles[0]).max())
    return max(float(geometry.norm(track.wrist[-1] - track.wrist[0])), 0.1 * turn, bend / 400.0)
