"""The shapes of movements: displacement [N, 3] of the hand over time, and how long they take."""

from __future__ import annotations

import numpy as np

from signcore.plugins.synthetic import geometry
from signcore.plugins.synthetic.hamnosys.space import direction, names
from signcore.plugins.synthetic.hamnosys.track import eased, samples
from signcore.types.hamnosys.structure import Move
from signcore.types.hamnosys.symbols import SYMBOLS

STRAIGHT = {"": 0.14, "small": 0.065, "large": 0.25}  # metres
RADIUS = {"": 0.055, "small": 0.03, "large": 0.095}
BULGE = {"": 0.45, "small": 0.25, "large": 0.8}  # of half the way
WAVE = {"": 0.028, "small": 0.016, "large": 0.05}  # metres
ANGLE = {"": 34.0, "small": 20.0, "large": 52.0}  # degrees
WAVES = 3
_CLOCK = {"u": 0, "ur": 1, "r": 2, "dr": 3, "d": 4, "dl": 5, "l": 6, "ul": 7}  # eighths of a turn, clockwise


def sizes(marks: str) -> tuple[str, str]:
    """The size of the way, and of what comes after a path symbol: each "", "small" or "large"."""
    way = bulge = ""
    shaped = False
    for word in names(marks):
        if word.startswith(("arc", "wavy", "zigzag")):
            shaped = True
        elif word in ("smallmod", "largemod"):
            if shaped:
                bulge = word[:5]
            else:
                way = word[:5]
    return way, bulge


def pace(marks: str) -> float:
    """By what seconds are multiplied."""
    words = names(marks)
    factor = 1.0
    for word, by in (("fast", 0.65), ("slow", 1.8), ("tense", 1.2)):
        if word in words:
            factor *= by
    return factor


def progress(count: int, marks: str, flowing: bool) -> np.ndarray:
    """[count] of 0..1: how far a movement has come."""
    words = names(marks)
    if "halt" in words:  # full speed until it stops
        s = np.arange(1, count + 1) / count
        return s * s * (2.0 - s)
    if "increasing" in words:
        return eased(count, flowing) ** 1.6
    return 1.0 - (1.0 - eased(count, flowing)) ** 1.6 if "decreasing" in words else eased(count, flowing)


def seconds(move: Move, way: float) -> float:
    """How long a movement over `way` metres takes at tempo 1."""
    slot = SYMBOLS[move.symbol].slot
    if slot == "circle":
        rounds = 1 + names(move.marks).count("clockfull")
        base = rounds * (0.36 + 1.6 * RADIUS[sizes(move.marks)[0]])
    elif slot == "hand movement":
        base = 0.8 if names(move.symbol)[0] == "fingerplay" else 0.45
    elif slot == "wrist movement":
        base = 0.3
    elif slot == "no motion":
        base = 0.2
    elif names(move.symbol)[0] in ("movecross", "moveX"):
        base = 0.9
    else:
        base = 0.20 + 0.75 * way
        if any(w in ("wavy", "zigzag") for w in names(move.marks)):
            base += 0.35
        elif any(w.startswith("arc") for w in names(move.marks)):
            base += 0.08
    return base * pace(move.marks)


def straight(way: np.ndarray, marks: str, flowing: bool, count: int) -> np.ndarray:
    """Along way [3] in metres, with its bulge, wave or zigzag: [count, 3], ending at `way`."""
    length = float(geometry.norm(way))
    s = progress(count, marks, flowing)
    path = s[:, None] * way
    along = way / max(length, 1e-9)
    words = names(marks)
    bulge = sizes(marks)[1]
    for word in words:
        if word.startswith("arc"):
            out = _bulge(word[3:], along)
            path = path + (BULGE[bulge] * length * 2.0 * s * (1.0 - s))[:, None] * out
        elif word in ("wavy", "zigzag"):
            phase = 2.0 * np.pi * WAVES * s
            height = np.sin(phase) if word == "wavy" else 2.0 / np.pi * np.arcsin(np.sin(phase))
            if "increasing" in words:
                height = height * s * 1.5
            elif "decreasing" in words:
                height = height * (1.0 - s) * 1.5
            size = WAVE[bulge] * (1.0 if word == "wavy" else 1.15)
            path = path + (size * height)[:, None] * _across(along, words)
    return path


def _bulge(letter: str, along: np.ndarray) -> np.ndarray:
    """The unit vector [3] of a bulge, across the way; where it would lie along it: forwards for up and left, else back."""
    axis = {"u": (0.0, 1.0, 0.0), "d": (0.0, -1.0, 0.0), "l": (-1.0, 0.0, 0.0), "r": (1.0, 0.0, 0.0)}[letter]
    across = np.array(axis) - float(geometry.dot(np.array(axis), along)) * along
    if float(geometry.norm(across)) < 0.3:
        across = np.array([0.0, 0.0, 1.0 if letter in "ul" else -1.0])
        across = across - float(geometry.dot(across, along)) * along
    return geometry.unit(across)


def _across(along: np.ndarray, words: list[str]) -> np.ndarray:
    """The unit vector [3] of a wave: as an ellipse mark says, wide or high; else sideways, of a sideways way up and down."""
    side = np.array([1.0, 0.0, 0.0]) if abs(along[0]) < 0.75 else np.array([0.0, 1.0, 0.0])
    if "ellipseh" in words:
        side = np.array([1.0, 0.0, 0.0])
    elif "ellipsev" in words:
        side = np.array([0.0, 1.0, 0.0])
    elif "ellipseur" in words or "ellipseul" in words:
        side = np.array([1.0 if "ellipseur" in words else -1.0, 1.0, 0.0])
    if abs(float(geometry.dot(geometry.unit(side), along))) > 0.9:
        side = np.array([0.0, 0.0, 1.0])
    return geometry.perpendicular(side, along)


def circle(move: Move, seconds_: float, size: float) -> np.ndarray:
    """[N, 3] round a circle or an ellipse, clockwise to one who looks along its axis; begins at 0."""
    axis = direction(move.symbol)
    words = names(move.marks)
    # the drawing's up and right, as seen along the axis
    up = np.array([0.0, 1.0, 0.0]) if abs(axis[1]) < 0.9 else np.array([0.0, 0.0, 1.0])
    up = geometry.perpendicular(up, axis)
    right = geometry.cross(up, axis)
    rounds = 1 + words.count("clockfull")
    start = next((_CLOCK[w[5:]] for w in words if w.startswith("clock") and w != "clockfull"), 0)
    first = start * np.pi / 4.0
    turn = first + 2.0 * np.pi * rounds * np.arange(1, samples(seconds_) + 1) / samples(seconds_)
    wide, high, tilt = 1.0, 1.0, 0.0
    for word, shape in (("ellipseh", (1.25, 0.5, 0.0)), ("ellipsev", (0.5, 1.25, 0.0)), ("ellipseur", (1.25, 0.5, np.pi / 4.0)), ("ellipseul", (1.25, 0.5, -np.pi / 4.0))):  # fmt: skip
        if word in words:
            wide, high, tilt = shape
    radius = size * RADIUS[sizes(move.marks)[0]]
    grow = np.ones_like(turn)
    if "increasing" in words:
        grow = np.linspace(0.6, 1.4, len(turn))
    elif "decreasing" in words:
        grow = np.linspace(1.4, 0.6, len(turn))

    def at(angle: np.ndarray) -> np.ndarray:
        x, y = wide * np.sin(angle), high * np.cos(angle)
        x, y = x * np.cos(tilt) - y * np.sin(tilt), x * np.sin(tilt) + y * np.cos(tilt)
        return radius * (x[..., None] * right + y[..., None] * up)

    return at(turn) * grow[:, None] - at(np.array(first)) * grow[0]


def drawn(move: Move, seconds_: float, size: float) -> np.ndarray:
    """[N, 3] the strokes of a plus sign or an X before the signer, ending where they began."""
    reach = size * STRAIGHT[sizes(move.marks)[0]] / 2.0
    if names(move.symbol)[0] == "movecross":
        corners = [(0, 0), (0, 1), (0, -1), (0, 0), (-1, 0), (1, 0), (0, 0)]
    else:
        corners = [(0, 0), (-1, 1), (1, -1), (1, 1), (-1, -1), (0, 0)]
    points = reach * np.array([(x, y, 0.0) for x, y in corners])
    s = eased(samples(seconds_)) * (len(points) - 1)
    return np.stack([np.interp(s, np.arange(len(points)), points[:, k]) for k in range(3)], axis=-1)


def turned(move: Move, frame: np.ndarray, count: int, hand_turns: int) -> np.ndarray:
    """[count, 3, 3] the hand's axes [3, 3] while it nods, swings, twists, stirs or bends at the wrist."""
    word = names(move.symbol)[0]
    size = np.deg2rad(ANGLE[sizes(move.marks)[0]])
    s = np.arange(1, count + 1) / count
    wave = np.sin(2.0 * np.pi * hand_turns * s)
    side, fingers, palm = (np.broadcast_to(frame[i], (count, 3)) for i in range(3))
    many = np.broadcast_to(frame, (count, 3, 3))
    if word == "nodding":  # towards the palm and back
        angle = -size * (0.5 - 0.5 * np.cos(2.0 * np.pi * hand_turns * s))
        return geometry.rotate(many, side[:, None], angle[:, None])
    if word == "swinging":
        return geometry.rotate(many, palm[:, None], (0.7 * size * wave)[:, None])
    if word == "twisting":
        return geometry.rotate(many, fingers[:, None], (1.2 * size * wave)[:, None])
    if word in ("stircw", "stirccw"):
        sign = 1.0 if word == "stircw" else -1.0
        other = 1.0 - np.cos(2.0 * np.pi * hand_turns * s)
        once = geometry.rotate(many, palm[:, None], (sign * 0.6 * size * wave)[:, None])
        return geometry.rotate(once, side[:, None], (-0.4 * size * other)[:, None])
    axis, sign = {"wristtopulse": (side, -1.0), "wristtoback": (side, 1.0), "wristtothumb": (palm, 1.0), "wristtopinky": (palm, -1.0)}[word]  # fmt: skip
    return geometry.rotate(many, axis[:, None], (sign * size * eased(count))[:, None])


def fingers_playing(angles: np.ndarray, marks: str, count: int) -> np.ndarray:
    """[count, 5, 4] a wave that runs over the fingers [5, 4], about three times a second."""
    s = np.arange(1, count + 1) / count
    waves = max(2, round(3.2 * count / samples(1.0)))
    size = ANGLE[sizes(marks)[0]]
    many = np.repeat(angles[None], count, axis=0)
    fade = np.minimum(1.0, 6.0 * np.minimum(s, 1.0 - s))
    for finger in range(1, 5):
        wave = fade * (0.5 - 0.5 * np.cos(2.0 * np.pi * (waves * s + finger / 4.0)))
        room = 1.0 if angles[finger, 2] < 70.0 else -0.5  # curled fingers open a little
        many[:, finger, 1:] += size * room * wave[:, None] * np.array([1.0, 0.7, 0.4])
    return many
