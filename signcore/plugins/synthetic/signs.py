"""Signs as timed targets: a row of the lexicon, a signer's proportions and habits, and a start time make both hands' targets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from signcore.plugins.synthetic import geometry, hand
from signcore.plugins.synthetic.lexicon import ROWS
from signcore.plugins.synthetic.motion import Target
from signcore.plugins.synthetic.skeleton import Proportions, hand_frame

WORDS = {  # directions in the arm's own axes
    "up": (0.0, 1.0, 0.0), "down": (0.0, -1.0, 0.0), "out": (1.0, 0.0, 0.0), "in": (-1.0, 0.0, 0.0),
    "fwd": (0.0, 0.0, 1.0), "back": (0.0, 0.0, -1.0),
}  # fmt: skip
PLANES = {"front": ((1, 0, 0), (0, 1, 0)), "side": ((0, 0, 1), (0, 1, 0)), "top": ((1, 0, 0), (0, 0, 1))}
SPACE = {  # in front of the body: (out, up, forward) in arm lengths of the average signer, metres
    "neutral": (0.13, -0.15, 0.27), "centre": (0.11, -0.17, 0.27), "side": (0.25, -0.08, 0.23),
    "wide": (0.22, -0.17, 0.26), "high": (0.14, 0.05, 0.27), "low": (0.20, -0.30, 0.25), "above": (0.20, 0.30, 0.16),
}  # fmt: skip
FACE = {  # on the head: (out, up, forward) in half head heights from the head's middle
    "forehead": (0.10, 0.58, 0.95), "temple": (0.62, 0.36, 0.62), "eye": (0.30, 0.02, 0.98), "ear": (0.84, -0.05, 0.15),
    "cheek": (0.50, -0.32, 0.80), "mouth": (0.02, -0.56, 1.02), "chin": (0.02, -0.92, 0.90), "face": (0.12, 0.02, 1.30),
}  # fmt: skip
TRUNK = {  # (out, up, forward) in half shoulder widths from between the shoulders
    "chest": (0.12, -0.85, 0.86), "shoulder": (-0.60, -0.20, 0.62),
}  # fmt: skip
PLACES = (*SPACE, *FACE, *TRUNK, "base")
BASE_PLACE = (0.03, -0.20, 0.26)  # the middle of the still hand, in its own arm's axes


@dataclass(frozen=True)
class Habits:
    """How one signer differs from another in the form of signs."""

    tempo: float = 1.0  # seconds are divided by it
    place: tuple[float, float, float] = (0.0, 0.0, 0.0)  # metres added to every place
    size: float = 1.0  # of movements
    looseness: float = 0.0  # degrees by which straight fingers stay bent
    spread: float = 0.0  # degrees


@dataclass(frozen=True)
class Form:
    """One sign's targets for both hands; `other` is None where the other hand does not take part."""

    dominant: list[Target]
    other: list[Target] | None
    duration: float


def direction(words: str) -> np.ndarray:
    """`up+in` -> unit vector [3] in the arm's own axes."""
    return geometry.unit(np.sum([WORDS[word] for word in words.split("+")], axis=0))


def handshape(name: str, habits: Habits) -> np.ndarray:
    """A handshape's angles [5, 4] in degrees, as this signer makes it."""
    angles = hand.HANDSHAPES[name].copy()
    angles[1:, 1:] += habits.looseness * np.array([0.6, 1.0, 0.6])
    angles[1:, 0] *= 1.0 + habits.spread / 20.0
    return angles


def place(name: str, body: Proportions) -> np.ndarray:
    """A place of the body or of the space before it [3], metres, in the arm's own axes."""
    if name in SPACE:
        reach = (body.upper_arm + body.forearm) / 0.535
        return np.array(SPACE[name]) * reach
    if name in TRUNK:
        return np.array(TRUNK[name]) * body.shoulder
    return np.array([0.0, body.neck + 0.84 * body.head, 0.005]) + np.array(FACE[name]) * body.head


def _moves(text: str) -> list[tuple[str, float, int]]:
    """`fwd:12*2 wiggle` -> [("fwd", 12.0, 2), ("wiggle", 0.0, 1)]."""
    moves = []
    for word in text.split():
        head, _, repeat = word.partition("*")
        kind, _, amount = head.partition(":")
        moves.append((kind, float(amount or 0.0), int(repeat or 1)))
    return moves


def _progress(kind: str, repeat: int) -> tuple[np.ndarray, np.ndarray]:
    """Key times 0..1 and, at each, how far the movement has come 0..1."""
    if kind.startswith("circle"):
        steps = np.linspace(0.0, 1.0, 8 * repeat + 1)
        return steps, steps * repeat
    if kind == "tap":
        return np.linspace(0.0, 1.0, 2 * repeat + 1), np.array([0.0, 1.0] * repeat + [0.0])
    if kind == "wiggle" or kind.startswith("arc"):
        steps = np.linspace(0.0, 1.0, 25 if kind == "wiggle" else 7)
        return steps, steps
    return np.linspace(0.0, 1.0, 2 * repeat), np.array([0.0, 1.0] * repeat)


def _shift(kind: str, amount: float, s: float, palm: np.ndarray) -> np.ndarray:
    """Displacement [3] in metres when a movement of `amount` cm has come to `s`."""
    size = amount / 100.0
    if kind == "tap":
        return -palm * size * s
    if kind.startswith("circle-"):
        a, b = (np.array(axis, dtype=np.float64) for axis in PLANES[kind[7:]])
        turn = 2.0 * np.pi * s
        return size * (a * np.sin(turn) + b * (np.cos(turn) - 1.0))
    if kind.startswith("arc-"):
        bulge, _, along = kind[4:].partition("/")
        return size * (direction(along) * s + 0.5 * direction(bulge) * 4.0 * s * (1.0 - s))
    if kind in ("twist", "nod", "wiggle", "hold"):
        return np.zeros(3)
    return size * s * direction(kind)


def _turned(frame: np.ndarray, kind: str, amount: float, s: float) -> np.ndarray:
    if kind == "twist":  # about the fingers, from one side of the wished palm to the other
        return geometry.rotate(frame, frame[1][None], np.array([np.deg2rad(amount) * (s - 0.5)]))
    if kind == "nod":  # at the wrist, towards the palm
        return geometry.rotate(frame, frame[0][None], np.array([-np.deg2rad(amount) * (s - 0.3)]))
    return frame


def sign(gloss: str, body: Proportions, habits: Habits, start: float) -> Form:
    """One gloss as targets from `start` seconds on. Raises KeyError for a gloss that is not in the lexicon."""
    shapes, fingers, palm, where, touch, movement, hands = ROWS[gloss]
    first, _, last = shapes.partition(">")
    frame = hand_frame(direction(fingers), direction(palm))
    moves = _moves(movement)
    base = None
    if "/" in hands:
        base_shape, base_fingers, base_palm = hands.split("/")
        base_frame = hand_frame(direction(base_fingers), direction(base_palm))
        middle = np.array(BASE_PLACE) + np.array(habits.place) * [0, 1, 1]
        base = middle - _touching("palm", handshape(base_shape, habits), base_frame, body)
        spot = middle * [-1, 1, 1] + 0.030 * (base_frame[2] * [-1, 1, 1])
        if base_palm == "down":
            spot = middle * [-1, 1, 1] + np.array([0.0, 0.045, 0.0])
    else:
        spot = place(where, body) + np.array(habits.place)
        if hands != "one":  # two hands need room side by side
            spot[0] = max(spot[0], 0.062)
    ends = [handshape(first, habits), handshape(last or first, habits)]
    wrist = spot - _touching(touch, ends[0], frame, body)
    duration = _duration(moves, bool(last)) / habits.tempo

    def targets(phase: float) -> list[Target]:
        made = []
        for t in _key_times(moves):
            shift, turned, angles = np.zeros(3), frame, ends[0] + (ends[1] - ends[0]) * t
            for kind, amount, repeat in moves:
                times, progress = _progress(kind, repeat)
                s = float(np.interp(t, times, progress)) + (phase if kind.startswith("circle") else 0.0)
                shift = shift + habits.size * _shift(kind, amount, s, frame[2])
                turned = _turned(turned, kind, amount, s)
                if kind == "wiggle":
                    angles = angles + 36.0 * _wiggle(t)
            eased = not any(kind.startswith(("circle", "arc", "wiggle")) for kind, _, _ in moves)
            made.append(Target(start + t * duration, wrist + shift, turned, angles, eased or t == 0.0))
        return made

    if base is not None:
        hold = handshape(base_shape, habits)
        still = [Target(start + t * duration, base, base_frame, hold) for t in (0.0, 1.0)]
        return Form(targets(0.0), still, duration)
    if hands == "one":
        return Form(targets(0.0), None, duration)
    return Form(targets(0.0), targets(0.5 if hands == "alt" else 0.0), duration)


def rest(body: Proportions, habits: Habits, time: float) -> Target:
    """Both hands at ease before the waist."""
    wrist = np.array([0.15, -0.67 * body.trunk, 0.185])
    frame = hand_frame(np.array([-0.62, -0.38, 0.52]), np.array([-0.35, -0.6, -0.7]))
    return Target(time, wrist, frame, handshape("rest", habits))


def _touching(touch: str, angles: np.ndarray, frame: np.ndarray, body: Proportions) -> np.ndarray:
    """From the wrist to the touching part of the hand [3], metres, in the arm's own axes."""
    points, _ = hand.joints(angles)
    tips = points[[8, 12, 16, 20]]
    local = {
        "tip": tips[int(np.argmax(tips[:, 1]))] * 0.98,
        "palm": np.array([-0.01, 0.42, 0.10]),
        "side": points[5] + np.array([0.05, 0.05, 0.0]),
        "thumb": points[4],
    }[touch]
    return body.hand * geometry.apply(frame, local)


def _key_times(moves: list[tuple[str, float, int]]) -> np.ndarray:
    return np.unique(np.concatenate([np.round(_progress(kind, repeat)[0], 9) for kind, _, repeat in moves]))


def _duration(moves: list[tuple[str, float, int]], changes: bool) -> float:
    """Seconds at tempo 1."""
    longest = 0.44 if changes else 0.34
    for kind, amount, repeat in moves:
        if kind.startswith("circle"):
            longest = max(longest, 0.46 * repeat)
        elif kind == "wiggle":
            longest = max(longest, 0.8)
        elif kind != "hold":
            strokes = 2 * repeat if kind == "tap" else 2 * repeat - 1
            stroke = 0.20 + (0.0011 if kind in ("twist", "nod") else 0.007) * amount
            longest = max(longest, stroke * strokes)
    return longest


def _wiggle(t: float) -> np.ndarray:
    """Degrees [5, 4] of one unit of finger wiggling at time 0..1: a wave that runs over the fingers."""
    angles = np.zeros((5, 4))
    for finger in range(1, 5):
        wave = 0.5 - 0.5 * np.cos(2.0 * np.pi * (3.0 * t + finger / 4.0))
        angles[finger, 1:] = wave * np.array([1.0, 0.7, 0.4])
    return angles
