"""Where a notation points: directions, the hand's axes, and the places of the body and of a hand.

Axes of this module are the dominant hand's: x to its side (right for a right-handed signer), y up, z forward; metres.
The other arm's own axes are the same with x turned round (`FLIP`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from signcore.plugins.synthetic import geometry, hand
from signcore.plugins.synthetic.skeleton import Proportions, hand_frame
from signcore.types.hamnosys.structure import Bearing, Blend, Spot, mark
from signcore.types.hamnosys.symbols import SYMBOLS

FLIP = np.array([-1.0, 1.0, 1.0])
FLESH = 0.010  # metres between a joint of a finger and its skin
_AXES = {
    "u": (0, 1, 0), "d": (0, -1, 0), "r": (1, 0, 0), "l": (-1, 0, 0), "o": (0, 0, 1), "i": (0, 0, -1),
}  # fmt: skip
_PREFIXES = ("hamextfinger", "hampalm", "hammove", "hamcircle")


def direction(symbols: str) -> np.ndarray:
    """The unit vector [3] of a direction symbol, or half-way between several: `hammoveul` is up and left."""
    total = np.zeros(3)
    for symbol in symbols:
        name = SYMBOLS[symbol].name
        letters = next(name[len(prefix) :] for prefix in _PREFIXES if name.startswith(prefix))
        total += geometry.unit(np.sum([_AXES[c] for c in letters], axis=0).astype(float))
    return geometry.unit(total)


def _symbols(bearing: Bearing | Blend[Bearing]) -> str:
    if isinstance(bearing, Blend):
        return _symbols(bearing.first) + _symbols(bearing.second)
    return bearing.symbols


def finger_direction(bearing: Bearing | Blend[Bearing]) -> np.ndarray:
    return direction(_symbols(bearing))


def palm_normal(palm: Bearing | Blend[Bearing], fingers: np.ndarray) -> np.ndarray:
    """Where the palm faces [3] when the fingers point along `fingers` [3].

    A palm symbol is drawn for fingers that point straight out (or straight in, for fingers that point to the body), and goes
    with the hand when the fingers turn from there the short way: so `palmd` of upright fingers faces away from the body.
    """
    drawn = direction(_symbols(palm))
    pole = np.array([0.0, 0.0, 1.0 if fingers[2] > -1e-9 else -1.0])
    axis = geometry.cross(pole, fingers)
    size = float(geometry.norm(axis))
    if size < 1e-9:
        return drawn
    angle = np.arctan2(size, float(geometry.dot(pole, fingers)))
    return geometry.rotate(drawn[None], (axis / size)[None], np.array([angle]))[0]


def axes_of(fingers: np.ndarray, palm: Bearing | Blend[Bearing], dominant: bool) -> np.ndarray:
    """The hand's axes [3, 3], rows side, direction, palm, in that arm's own axes."""
    flip = np.ones(3) if dominant else FLIP
    return hand_frame(fingers * flip, palm_normal(palm, fingers) * flip)


# Places of the body: (to the side, up, forward) and how far `at its side` and `beside it` are; the skin's normal is forward.
_HEAD = {  # in half head heights from the head's middle
    "head": (0.0, 0.10, 0.98), "headtop": (0.0, 1.02, 0.10), "forehead": (0.0, 0.52, 0.93), "eyebrows": (0.0, 0.28, 0.98),
    "eyes": (0.0, 0.04, 0.98), "nose": (0.0, -0.22, 1.10), "nostrils": (0.0, -0.38, 1.06), "ear": (0.68, -0.03, 0.05),
    "earlobe": (0.66, -0.24, 0.10), "cheek": (0.36, -0.32, 0.82), "lips": (0.0, -0.57, 1.0), "tongue": (0.0, -0.62, 1.02),
    "teeth": (0.0, -0.56, 1.01), "chin": (0.0, -0.92, 0.86), "underchin": (0.0, -1.08, 0.60), "neck": (0.0, -1.32, 0.42),
}  # fmt: skip
_HEAD_AT = {  # x of `at its side`, where it is not 0.45
    "ear": 0.68, "earlobe": 0.66, "eyes": 0.30, "eyebrows": 0.30, "cheek": 0.46, "nose": 0.14, "nostrils": 0.12, "lips": 0.22,
    "tongue": 0.15, "teeth": 0.15, "chin": 0.22, "underchin": 0.25, "neck": 0.40, "forehead": 0.44, "head": 0.60, "headtop": 0.40,
}  # fmt: skip
_TRUNK = {  # in half shoulder widths from between the shoulders
    "shouldertop": (0.0, 0.22, 0.35), "shoulders": (0.0, -0.12, 0.66), "chest": (0.0, -0.80, 0.80),
    "stomach": (0.0, -1.60, 0.80), "belowstomach": (0.0, -2.25, 0.80), "neutralspace": (0.0, -0.95, 0.80),
}  # fmt: skip
_SIDEWAYS = {"ear", "earlobe"}
# Parts of a hand: a point in its own axes (side, direction, palm), hand lengths, and the skin's normal there.
_HAND = {
    "palm": ((-0.02, 0.36, 0.06), (0, 0, 1)), "handback": ((-0.02, 0.34, -0.07), (0, 0, -1)),
    "thumbside": ((0.16, 0.40, 0.02), (1, 0, 0)), "pinkyside": ((-0.21, 0.34, 0.02), (-1, 0, 0)),
    "thumbball": ((0.11, 0.18, 0.09), (0.4, 0, 1)), "wristback": ((0.0, -0.04, -0.11), (0, 0, -1)),
    "wristpulse": ((0.0, -0.04, 0.11), (0, 0, 1)),
}  # fmt: skip
_FINGERS = ("thumb", "indexfinger", "middlefinger", "ringfinger", "pinky")
DISTANCE = {"": 0.24, "close": 0.055, "touch": 0.0, "interlock": -0.02, "cross": -0.01, "behind": -0.12, "brushing": 0.006, "armextended": 0.42}  # fmt: skip


@dataclass(frozen=True)
class Point:
    """A place: where [3] its skin is, and the normal [3] out of it."""

    where: np.ndarray
    normal: np.ndarray

    def between(self, other: Point) -> Point:
        return Point((self.where + other.where) / 2.0, geometry.unit(self.normal + other.normal))


def names(symbols: str) -> list[str]:
    return [SYMBOLS[c].name.removeprefix("ham") for c in symbols]


def contact_name(symbols: str) -> str:
    """The nearest of the contact symbols; "" where there is none."""
    return min(names(symbols), key=lambda n: DISTANCE[n] if n != "behind" else 9.0, default="")


def is_body(spot: Spot) -> bool:
    return SYMBOLS[spot.symbols[0]].slot in ("head location", "trunk location", "neutral space")


def on_body(spot: Spot, body: Proportions) -> Point:
    """A place of the head or the trunk. The side mark before it means the other side, after it the dominant side."""
    name = names(spot.symbols)[0]
    side, beside = 0.0, False
    for sign, marks in ((-1.0, spot.before), (1.0, spot.after)):
        if marks in (mark("lrat"), mark("lrbeside")):
            side, beside = sign, marks == mark("lrbeside")
    if name in _HEAD:
        x, y, z = _HEAD[name]
        if side:
            x = side * _HEAD_AT[name]
            z = z - (0.0 if name in _SIDEWAYS else 0.22 * abs(x))
        if beside:  # off the side of the head
            x, z = side * max(abs(x), 0.70), 0.35 * z
        middle = np.array([0.0, body.neck + 0.84 * body.head, 0.005])
        where = middle + body.head * np.array([x, y, z])
        sideways = name in _SIDEWAYS or beside
        outwards = np.array([np.sign(x), 0.0, 0.15]) if sideways else np.array([0.35 * x, 0.0, 1.0])
        if name == "headtop":
            outwards = np.array([0.0, 1.0, 0.1])
        if name == "underchin":
            outwards = np.array([0.0, -0.8, 0.6])
        return Point(where, geometry.unit(outwards))
    x, y, z = _TRUNK[name]
    if side:
        x = side * (1.25 if beside else 0.85 if name == "shouldertop" else 0.62)
    normal = (
        np.array([0.0, 1.0, 0.35])
        if name == "shouldertop" and side and not beside
        else np.array([0.0, 0.0, 1.0])
    )
    return Point(body.shoulder * np.array([x, y, z]), geometry.unit(normal))


def on_hand(spot: Spot, wrist: np.ndarray, frame: np.ndarray, angles: np.ndarray, body: Proportions) -> Point:
    """A part of a hand that stands so, in the axes in which `wrist` [3] and `frame` [3, 3] are given."""
    local, normal = _hand_part(names(spot.symbols), angles)
    return Point(
        wrist + body.hand * geometry.apply(frame, local), geometry.unit(geometry.apply(frame, normal))
    )


def _hand_part(words: list[str], angles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    points, backs = hand.joints(angles)
    fingers = [_FINGERS.index(w) for w in words if w in _FINGERS]
    part = next((w for w in words if w.startswith("finger")), "")
    region = next((w for w in words if w in _HAND), "")
    if not fingers and not part:
        local, normal = _HAND[region]
        return np.array(local), np.array(normal, float)
    if not fingers:
        stretch = points[[8, 12, 16, 20], 1]
        fingers = [f for f in range(1, 5) if stretch[f - 1] > stretch.max() - 0.18] or [1]
    part = part or ("fingertip" if fingers != [0] else "fingerpad")
    if region == "handback" and part == "fingermidjoint":
        part = "fingerbase" if not fingers else part
    made = [_finger_part(points, backs, finger, part, region) for finger in fingers]
    return np.mean([m[0] for m in made], axis=0), geometry.unit(np.sum([m[1] for m in made], axis=0))


def _finger_part(
    points: np.ndarray, backs: np.ndarray, finger: int, part: str, region: str
) -> tuple[np.ndarray, np.ndarray]:
    base, middle, end, tip = points[1 + 4 * finger : 5 + 4 * finger]
    back = backs[3 * finger + 2]
    along = geometry.unit(tip - end)
    thick = 0.045
    if part == "fingertip":
        return tip + 0.5 * thick * along, along
    if part == "fingernail":
        return (tip + end) / 2.0 + thick * back, back
    if part == "fingerpad":
        facing = back if region == "handback" else -back
        return tip * 0.75 + end * 0.25 + thick * facing, facing
    side = np.array([1.0, 0.0, 0.0])
    if part == "fingerside":
        return middle + thick * side, side
    knuckle, behind = (base, backs[3 * finger]) if part == "fingerbase" else (middle, backs[3 * finger + 1])
    outwards = -behind if region == "palm" else behind
    bent = float(geometry.dot(geometry.unit(middle - base), geometry.unit(tip - middle))) < 0.6
    if (
        part == "fingermidjoint" and not bent and region != "handback"
    ):  # of a straight finger: its length from the inside
        outwards = -behind
    return knuckle + thick * outwards, outwards


def facing_part(
    frame: np.ndarray, angles: np.ndarray, towards: np.ndarray, reach: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """The part of a hand that comes first in the direction `towards` [3]: its point and normal [3] in the hand's own axes.

    reach: how much it counts that a part is far out in that direction, beside that it faces there.
    """
    points, _ = hand.joints(angles)
    options = [(np.array(local), np.array(normal, float), 0.0) for local, normal in list(_HAND.values())[:4]]
    tips = points[[8, 12, 16, 20]]
    stretched = tips[:, 1] > 0.62
    if stretched.any():  # a hand that points with few fingers touches with their tips, unless they point away
        few = 1 <= int(stretched.sum()) <= 2
        chosen = tips[stretched].mean(axis=0) + np.array([0.0, 0.03, 0.0])
        options.append((chosen, np.array([0.0, 1.0, 0.0]), 1.3 if few else 0.10))
    else:  # a fist's knuckles, or the bent fingers' middles
        middles = points[[6, 10, 14, 18]].mean(axis=0)
        options.append((middles, np.array([0.0, 1.0, 0.0]), 0.0))

    def score(local: np.ndarray, normal: np.ndarray, bonus: float) -> float:
        return float(geometry.dot(geometry.apply(frame, normal + reach * local), towards)) + bonus

    local, normal, _ = max(options, key=lambda option: score(*option))
    return local, normal
