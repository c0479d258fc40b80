"""Notations to a clip's joints: one sign after another, without going back to rest in between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from signcore.plugins.synthetic import geometry, signs
from signcore.plugins.synthetic.embodiment import embody_paths
from signcore.plugins.synthetic.hamnosys.again import check_length
from signcore.plugins.synthetic.hamnosys.sign import perform_sign
from signcore.plugins.synthetic.hamnosys.track import Stance, Track, between, eased, held, joined, samples
from signcore.plugins.synthetic.motion import RATE, SMOOTHING, Trajectory
from signcore.plugins.synthetic.signer import Signer
from signcore.plugins.synthetic.skeleton import Joints, hand_frame
from signcore.types.hamnosys.parser import parse
from signcore.types.hamnosys.structure import Bearing, Handshape, Notation, mark

LEAD = 0.10  # seconds at rest before the first movement and after the last


@dataclass(frozen=True)
class Performance:
    """joints at the video's rate; times: (start, end) in seconds of each sign, without its transitions."""

    joints: Joints
    times: tuple[tuple[float, float], ...]
    fps: float


def plan(
    notations: Sequence[Notation], signer: Signer, at_rest: bool = True
) -> tuple[list[Track], list[tuple[float, float]]]:
    """Both hands' motion at `RATE` (dominant, other), not smoothed yet, and the time span of each sign in seconds."""
    body, habits = signer.body, signer.habits
    rest = _rest(signer)
    tracks: list[list[Track]] = [[], []]
    spans: list[tuple[float, float]] = []
    here: list[Stance] = []

    def go(there: list[Stance]) -> None:
        if here:
            far = max(float(geometry.norm(a.wrist - b.wrist)) for a, b in zip(here, there, strict=True))
            count = samples((0.18 + 0.62 * far) / habits.tempo)
            for have, a, b in zip(tracks, here, there, strict=True):
                have.append(between(a, b, eased(count)))
        here[:] = there

    def hold(stances: list[Stance], seconds: float) -> None:
        for have, stance in zip(tracks, stances, strict=True):
            have.append(held(stance, samples(seconds)))

    if at_rest:
        go([rest, rest])
        hold(here, LEAD)
    for notation in notations:
        for sign in notation:
            form = perform_sign(sign, body, habits)
            other = form.other if form.other is not None else held(rest, len(form.dominant))
            made = [form.dominant, other]
            go([t.first(rest) for t in made])
            start = sum(len(t) for t in tracks[0]) / RATE
            for have, track in zip(tracks, made, strict=True):
                have.append(track)
            spans.append((start, start + len(form.dominant) / RATE))
            here[:] = [t.last(rest) for t in made]
            check_length(sum(map(len, tracks[0])))
    if at_rest:
        go([rest, rest])
        hold(here, LEAD)
    return [joined(have) for have in tracks], spans


def perform(
    notations: Sequence[Notation | str],
    signer: Signer,
    fps: float = 25.0,
    at_rest: bool = True,
    variant: int = 0,
) -> Performance:
    """The joints of one notation or several. variant: seeds what differs between two takes (sway, blinks, mouthing).

    Raises InputError for a notation that does not parse, and for signs that take longer than `again.LONGEST` seconds.
    """
    parsed = [parse(n) if isinstance(n, str) else n for n in notations]
    tracks, spans = plan(parsed, signer, at_rest)
    smoothed = [_smooth(track) for track in tracks]
    duration = (len(smoothed[0].wrist) - 1) / RATE
    joints = embody_paths(smoothed, signer, fps, duration, spans, variant)
    return Performance(joints, tuple(spans), fps)


def frontal(signer: Signer, left_handed: bool = False, turn: float = 0.0) -> Signer:
    """The signer before a camera that sees the hands above the head as well. turn: radians, 0 straight before it."""
    camera = signer.camera
    camera = replace(camera, x=0.0, yaw=turn, y=camera.y + 0.06, extent=camera.extent + 0.12)
    return replace(signer, left_handed=left_handed, camera=camera)


def _smooth(track: Track) -> Trajectory:
    sigma = SMOOTHING * RATE
    frame = geometry.smooth(track.frame, sigma)
    frame = hand_frame(frame[:, 1], frame[:, 2])
    return Trajectory(geometry.smooth(track.wrist, sigma), frame, geometry.smooth(track.angles, sigma))


def _rest(signer: Signer) -> Stance:
    rest = signs.rest(signer.body, signer.habits, 0.0)
    shape, palm = Handshape(mark("flathand")), Bearing(mark("palmd"))
    return Stance(rest.wrist, rest.frame, rest.angles, shape, np.array([0.0, 0.0, 1.0]), palm)
