"""A notated handshape as joint angles [5, 4] in degrees, in the terms of `hand.joints`."""

from __future__ import annotations

import numpy as np

from signcore.types.hamnosys.structure import BETWEEN, Blend, Detail, Handshape, mark
from signcore.types.hamnosys.symbols import BY_NAME, SYMBOLS

FINGERS = {
    mark(name): i for i, name in enumerate(("thumb", "indexfinger", "middlefinger", "ringfinger", "pinky"))
}
_BENDS = {  # at the knuckle, the middle joint and the end joint
    "": (2, 4, 3),
    mark("fingerstraightmod"): (62, 8, 4),
    mark("fingerbendmod"): (34, 44, 24),
    mark("fingerhookmod"): (10, 84, 50),
    mark("doublebent"): (78, 86, 6),
    mark("doublehooked"): (44, 100, 66),
}
_CURLED = np.array([(2, 84, 100, 62), (0, 86, 102, 62), (-2, 87, 102, 62), (-5, 88, 100, 60)], float)
_TOGETHER, _SPREAD = (1, 0, -1, -3), (15, 4, -9, -24)
_STRETCHED = {"fist": (), "flathand": (1, 2, 3, 4), "finger2": (1,), "finger23": (1, 2), "finger23spread": (1, 2), "finger2345": (1, 2, 3, 4)}  # fmt: skip
_THUMBS = {  # by thumb symbol: of a hand whose fingers are stretched, of a closed one, of a pinch or a C (then added)
    "": ((24, 10, 6, 4), (20, 30, 12, 8), (0, 0, 0, 0)),
    mark("thumboutmod"): ((58, 10, 4, -6), (66, 6, 0, -8), (24, -20, -12, -14)),
    mark("thumbacrossmod"): ((26, 42, 48, 30), (32, 42, 44, 46), (-14, 4, 18, 14)),
    mark("thumbopenmod"): ((42, 52, 6, 12), (46, 46, 8, 12), (10, 4, -10, -10)),
}
# Thumb, then index to little finger; the fingertips meet the thumb's (pinch) or are a few centimetres off (C).
_ROUND_PINCH = ((26, 36, 35, 36), (-1, 52, 51, 28), (0, 45, 55, 34), (-2, 46, 54, 33), (1, 49, 42, 25))
_FLAT_PINCH = ((12, 40, 23, 13), (-5, 69, 18, 8), (0, 68, 20, 8), (-1, 65, 22, 10), (4, 66, 10, 4))
_ROUND_CEE = ((38, 54, 14, 17), (-3, 36, 43, 23), (-1, 35, 52, 28), (-1, 36, 50, 27), (1, 38, 38, 19))
_FLAT_CEE = ((28, 54, 12, 8), (-5, 58, 8, 4), (-1, 59, 13, 7), (-1, 59, 13, 7), (4, 59, 5, 2))
_ALONE = {  # the same with the index finger only, whose tip the thumb then meets alone
    _ROUND_PINCH: ((32, 42, 25, 30), (2, 53, 52, 29)),
    _FLAT_PINCH: ((26, 45, 15, 8), (2, 71, 18, 8)),
    _ROUND_CEE: ((43, 47, 8, 14), (2, 32, 43, 24)),
    _FLAT_CEE: ((38, 45, 7, 5), (3, 54, 12, 6)),
}
_MEETING = {  # round form, flat form, fingers that meet the thumb, whether the others are stretched
    "pinch12": (_ROUND_PINCH, _FLAT_PINCH, (1,), False),
    "pinchall": (_ROUND_PINCH, _FLAT_PINCH, (1, 2, 3, 4), False),
    "pinch12open": (_ROUND_PINCH, _FLAT_PINCH, (1,), True),
    "cee12": (_ROUND_CEE, _FLAT_CEE, (1,), False),
    "ceeall": (_ROUND_CEE, _FLAT_CEE, (1, 2, 3, 4), False),
    "ceeopen": (_ROUND_CEE, _FLAT_CEE, (1,), True),
}
_BASES = {BY_NAME["ham" + name].character: name for name in (*_STRETCHED, *_MEETING)}


def hand_angles(shape: Handshape | Blend[Handshape]) -> np.ndarray:
    """Joint angles [5, 4] in degrees. Half-way between two handshapes: the mean of their angles."""
    if isinstance(shape, Blend):
        return (hand_angles(shape.first) + hand_angles(shape.second)) / 2.0
    name = _BASES[shape.base]
    slots = {SYMBOLS[c].slot: c for c in shape.marks}
    thumb, bending = slots.get("thumb", ""), slots.get("bending", "")
    if name in _MEETING:
        angles = _meeting(name, bending, shape.details)
        angles[0] += _THUMBS[thumb][2]
    else:
        angles = np.zeros((5, 4))
        angles[1:] = _CURLED
        spread = _SPREAD if "5" in name or "spread" in name else _TOGETHER
        for finger in _STRETCHED[name]:
            angles[finger] = (spread[finger - 1], *_BENDS[bending])
        if name == "finger23spread":
            angles[2, 0] = -9
        angles[0] = _thumb(thumb, name)
        if (
            name == "fist" and bending
        ):  # the curl itself is bent: knuckles straighter or only the outer joints
            angles[1:, 1:] = (np.array(_BENDS[bending]) + 2.0 * angles[1:, 1:]) / 3.0
    for i, detail in enumerate(shape.details):
        _apply(angles, detail, shape.details[:i], name)
    return angles


def _thumb(symbol: str, name: str) -> tuple[float, ...]:
    open_hand = len(_STRETCHED[name]) == 4
    if name == "finger2345" and not symbol:
        return (36, 14, 8, 4)
    return _THUMBS[symbol][0 if open_hand else 1]


def _meeting(name: str, bending: str, details: tuple[Detail, ...]) -> np.ndarray:
    """Pinches and Cs. Fingers named without a mark are those that meet the thumb, in place of the usual ones."""
    round_form, flat_form, fingers, stretched = _MEETING[name]
    named = tuple(FINGERS[c] for d in details if not d.marks for c in d.fingers if c in FINGERS)
    fingers = tuple(f for f in named if f) or fingers
    flat = bending == mark("fingerstraightmod")
    form = flat_form if flat else round_form
    angles = np.zeros((5, 4))
    angles[1:] = _CURLED
    if stretched:
        angles[1:] = [(s, *_BENDS[""]) for s in _SPREAD]
    alone = fingers == (1,)
    angles[0] = _ALONE[form][0] if alone else form[0]
    for finger in fingers:
        angles[finger] = _ALONE[form][1] if alone else form[finger]
        if bending and not flat:  # hooked and the like: half-way, so that the tips still meet nearly
            angles[finger, 1:] = (angles[finger, 1:] * 2.0 + _BENDS[bending]) / 3.0
    return angles


def _apply(angles: np.ndarray, detail: Detail, before: tuple[Detail, ...], name: str) -> None:
    """What a detail says of its fingers, in place."""
    slot = SYMBOLS[detail.marks].slot if detail.marks else ""
    fingers = [FINGERS[c] for c in detail.fingers if c in FINGERS]
    if BETWEEN in detail.fingers and 0 not in fingers:  # the thumb looks out between two fingers
        angles[0] = (14, 44, 20, 4) if 3 in fingers else (20, 46, 18, 4)
        return
    if len(fingers) == 1 and slot in ("", "finger part") and before and _touches(before[-1]):
        _cross(angles, FINGERS[before[-1].fingers], fingers[0])
        return
    for finger in fingers:
        if finger == 0:
            if slot == "bending":
                angles[0, 2:] = {mark("fingerhookmod"): (44, 58), mark("fingerstraightmod"): (40, 4)}.get(detail.marks, (30, 34))  # fmt: skip
        elif slot == "bending":
            angles[finger] = (_side(angles, finger), *_BENDS[detail.marks])
        elif slot == "size":
            angles[finger] = (_SPREAD[finger - 1], *_BENDS[""])
        elif slot == "finger part":
            if angles[finger, 2] > 90.0:
                angles[finger] = (_TOGETHER[finger - 1], *_BENDS[""])
        elif name not in _MEETING:
            curled = angles[finger, 2] > 90.0
            lone = finger == 4 and angles[3, 2] > 90.0
            spread = -7.0 if lone else _TOGETHER[finger - 1]
            angles[finger] = (spread, *_BENDS[""]) if curled else (angles[finger, 0], 40.0, 8.0, 4.0)


def _touches(detail: Detail) -> bool:
    """Whether it says with which part a finger lies on the finger that is named next."""
    return len(detail.fingers) == 1 and bool(detail.marks) and SYMBOLS[detail.marks].slot == "finger part"


def _cross(angles: np.ndarray, first: int, second: int) -> None:
    """The second finger lies before the first, across it."""
    for finger in (first, second):
        if finger and angles[finger, 2] > 90.0:
            angles[finger] = (0.0, *_BENDS[""])
    if first and second:
        side = float(np.sign(second - first))
        angles[second, :2] = (9.0 * side, angles[second, 1] + 12.0)
        angles[first, 0] = -9.0 * side


def _side(angles: np.ndarray, finger: int) -> float:
    return float(angles[finger, 0]) if angles[finger, 2] <= 90.0 else float(_TOGETHER[finger - 1])
