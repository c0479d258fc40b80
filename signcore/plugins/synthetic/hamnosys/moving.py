"""Single movements as tracks: a way, a circle, a movement within the hand, a change of posture, a way to a place."""

from __future__ import annotations

import numpy as np

from signcore.plugins.synthetic import geometry
from signcore.plugins.synthetic.hamnosys import paths, space
from signcore.plugins.synthetic.hamnosys.space import FLIP
from signcore.plugins.synthetic.hamnosys.stances import Active
from signcore.plugins.synthetic.hamnosys.track import Stance, Track, between, held, joined, samples, shifted
from signcore.plugins.synthetic.signs import Habits
from signcore.types.hamnosys.structure import Action, Blend, Move, Replace, Symmetry
from signcore.types.hamnosys.symbols import SYMBOLS

_STROKES = ("movecross", "moveX")
_AFTER_HALT, _BEFORE_REST = 0.12, 0.15  # seconds without motion

AnyMove = Move | Blend[Move]


def marks_of(move: AnyMove) -> str:
    return move.first.marks + move.second.marks if isinstance(move, Blend) else move.marks


def goes_somewhere(action: Action) -> bool:
    """Whether it is a straight way, which a place that follows ends."""
    move = action.first if isinstance(action, Blend) else action
    return isinstance(move, Move) and _is_straight(move)


def _is_straight(move: Move) -> bool:
    return SYMBOLS[move.symbol].slot == "straight movement" and space.names(move.symbol)[0] not in _STROKES


def for_hand(shift: np.ndarray, hand: int, active: Active, symmetry: Symmetry | None) -> np.ndarray:
    """A displacement [N, 3] in the dominant hand's axes as this hand makes it, in its own axes."""
    if hand == 0:
        return shift
    if active != (True, True) or symmetry is None:
        return shift * FLIP
    up = -1.0 if symmetry.opposite_heights else 1.0
    out = -1.0 if symmetry.opposite_depths else 1.0
    return shift * np.array([1.0, up, out]) * (1.0 if symmetry.mirrored else FLIP)


def moved(
    action: AnyMove,
    stances: list[Stance],
    active: Active,
    symmetry: Symmetry | None,
    habits: Habits,
    flowing: bool = False,
) -> list[Track]:
    """A movement from these stances by the active hands, the others still for as long."""
    move = action.first if isinstance(action, Blend) else action
    slot, word, words = SYMBOLS[move.symbol].slot, space.names(move.symbol)[0], space.names(marks_of(action))
    way = _way(action, habits.size)
    seconds = paths.seconds(move, float(geometry.norm(way))) / habits.tempo
    count = samples(seconds)
    shift: np.ndarray | None = None
    if slot == "circle":
        shift = paths.circle(move, seconds, habits.size)
        if isinstance(action, Blend):
            shift = (shift + paths.circle(action.second, seconds, habits.size)[: len(shift)]) / 2.0
    elif word in _STROKES:
        shift = paths.drawn(move, seconds, habits.size)
    elif slot == "straight movement":
        shift = paths.straight(way, marks_of(action), flowing, count)
    tracks = []
    for hand, stance in enumerate(stances):
        track = held(stance, count)
        if active[hand] and shift is not None:
            track = shifted(stance, for_hand(shift, hand, active, symmetry))
        elif active[hand] and word == "fingerplay":
            track = Track(track.wrist, track.frame, paths.fingers_playing(stance.angles, move.marks, count))
        elif active[hand] and slot != "no motion":
            track = Track(track.wrist, paths.turned(move, stance.frame, count, 1), track.angles)
        before = held(stance, samples(_BEFORE_REST / habits.tempo) if "rest" in words else 0)
        after = held(track.last(stance), samples(_AFTER_HALT) if "halt" in words else 0)
        tracks.append(joined([before, track, after]))
    return tracks


def _way(action: AnyMove, size: float) -> np.ndarray:
    """The displacement [3] of a straight movement in metres; of any other zero."""
    if isinstance(action, Blend):
        ways = [_way(action.first, size), _way(action.second, size)]
        length = (float(geometry.norm(ways[0])) + float(geometry.norm(ways[1]))) / 2.0
        return geometry.unit(ways[0] + ways[1]) * length
    if not _is_straight(action):
        return np.zeros(3)
    return space.direction(action.symbol) * paths.STRAIGHT[paths.sizes(action.marks)[0]] * size


def approached(
    goals: list[Stance],
    stances: list[Stance],
    move: AnyMove | None,
    symmetry: Symmetry | None,
    habits: Habits,
    flowing: bool = False,
) -> list[Track]:
    """The wrists' way to these goals, in the shape of `move` where there is one."""
    ways = [g.wrist - s.wrist for g, s in zip(goals, stances, strict=True)]
    length = max(float(geometry.norm(way)) for way in ways)
    marks = marks_of(move) if move is not None else ""
    count = samples((0.20 + 0.75 * length) * paths.pace(marks) / habits.tempo)
    tracks = []
    for hand, (way, stance) in enumerate(zip(ways, stances, strict=True)):
        mirror = hand == 1 and not (symmetry is not None and symmetry.mirrored)
        flip = FLIP if mirror else np.ones(3)
        tracks.append(shifted(stance, paths.straight(way * flip, marks, flowing, count) * flip))
    return tracks


def replaced(
    action: Replace, stances: list[Stance], new: list[Stance], habits: Habits, flowing: bool = False
) -> list[Track]:
    """From these stances to the new ones; growing or shrinking, one finger changes after another."""
    marks = action.before + action.marks
    words = space.names(marks)
    rolling = "increasing" in words or "decreasing" in words
    count = samples((0.55 if rolling else 0.32) * paths.pace(marks) / habits.tempo)
    s = np.arange(1, count + 1) / count
    tracks = []
    for stance, goal in zip(stances, new, strict=True):
        track = between(stance, goal, paths.progress(count, "" if rolling else marks, flowing))
        if rolling:  # from the index finger where it grows, from the little one where it shrinks
            angles = track.angles.copy()
            for finger in range(1, 5):
                turn = finger - 1 if "increasing" in words else 4 - finger
                part = np.clip(s * 2.0 - turn / 3.0, 0.0, 1.0)[:, None]
                change = goal.angles[finger] - stance.angles[finger]
                angles[:, finger] = stance.angles[finger] + part * change
            track = Track(track.wrist, track.frame, angles)
        tracks.append(track)
    return tracks
