"""The hand: handshapes as joint angles, and joint angles to the 21 points of a hand.

A hand's own axes are (side, direction, palm): towards the thumb, from the wrist along the straight middle finger,
and out of the palm. Lengths are fractions of the hand's length (wrist to the tip of the straight middle finger).
"""

from __future__ import annotations

import numpy as np

# Points in the order of OpenPose and MediaPipe: the wrist, then base to tip of each finger.
KNUCKLES = np.array(  # [5, 3] (side, direction, palm): where the thumb's and the fingers' first joints sit
    [
        [0.110, 0.120, 0.045],
        [0.130, 0.475, 0.000],
        [0.020, 0.490, -0.012],
        [-0.085, 0.462, -0.004],
        [-0.178, 0.412, 0.016],
    ]
)
BONES = np.array(  # [5, 3] the lengths beyond that joint
    [
        [0.245, 0.180, 0.150],
        [0.225, 0.128, 0.105],
        [0.248, 0.148, 0.112],
        [0.230, 0.140, 0.110],
        [0.185, 0.104, 0.098],
    ]
)

# A finger: (spread towards the thumb, bend at the knuckle, at the middle joint, at the end joint), in degrees.
# The thumb: (swing away from the index in the palm's plane, lift out of that plane, bend at its middle joint, at its end).
_CURLED = ((2, 84, 100, 62), (0, 86, 102, 62), (-2, 87, 102, 62), (-5, 88, 100, 60))
_STRAIGHT = ((1, 2, 4, 3), (0, 2, 4, 3), (-1, 2, 4, 3), (-3, 2, 4, 3))
_SPREAD = ((15, 2, 5, 3), (4, 0, 4, 3), (-9, 1, 4, 3), (-24, 3, 5, 3))
_BESIDE, _OUT, _UP = (24, 10, 6, 4), (52, 12, 4, -4), (66, 4, 0, -10)
_ACROSS, _OVER, _TUCKED = (26, 42, 48, 30), (32, 42, 44, 46), (28, 38, 46, 52)


def _shape(thumb: tuple, index: tuple, middle: tuple, ring: tuple, pinky: tuple) -> np.ndarray:
    return np.array([thumb, index, middle, ring, pinky], dtype=np.float64)


HANDSHAPES: dict[str, np.ndarray] = {  # [5, 4] degrees
    "rest": _shape((30, 22, 14, 12), (4, 16, 24, 14), (0, 18, 28, 16), (-3, 20, 31, 18), (-8, 22, 30, 18)),
    "fist": _shape(_OVER, *_CURLED),
    "thumb": _shape(_UP, *_CURLED),
    "flat": _shape(_BESIDE, *_STRAIGHT),
    "bent": _shape(_BESIDE, (1, 78, 8, 4), (0, 80, 8, 4), (-1, 80, 8, 4), (-3, 80, 8, 4)),
    "five": _shape(_OUT, *_SPREAD),
    "four": _shape(_ACROSS, *_SPREAD),
    "three": _shape(_OUT, _SPREAD[0], (-4, 0, 4, 3), *_CURLED[2:]),
    "w": _shape(_TUCKED, (14, 2, 4, 3), (1, 0, 4, 3), (-13, 2, 5, 3), (-5, 78, 92, 50)),
    "index": _shape(_OVER, (1, 2, 3, 2), *_CURLED[1:]),
    "hook": _shape(_OVER, (1, 14, 84, 52), *_CURLED[1:]),
    "v": _shape(_TUCKED, (14, 2, 4, 3), (-9, 2, 4, 3), *_CURLED[2:]),
    "u": _shape(_TUCKED, (-1, 2, 4, 3), (1, 2, 4, 3), *_CURLED[2:]),
    "hook-v": _shape(_TUCKED, (14, 12, 82, 48), (-9, 12, 82, 48), *_CURLED[2:]),
    "l": _shape((68, 8, 0, -6), (2, 2, 3, 2), *_CURLED[1:]),
    "y": _shape((64, 8, 0, -6), *_CURLED[:3], (-20, 2, 5, 3)),
    "i": _shape(_OVER, *_CURLED[:3], (-7, 2, 5, 3)),
    "horns": _shape(_TUCKED, (4, 2, 4, 3), *_CURLED[1:3], (-13, 2, 5, 3)),
    "love": _shape((64, 8, 0, -6), (6, 2, 4, 3), *_CURLED[1:3], (-15, 2, 5, 3)),
    "c": _shape((38, 46, 10, 16), (3, 34, 44, 24), (0, 36, 46, 24), (-2, 38, 46, 24), (-5, 40, 46, 24)),
    "o": _shape((36, 50, 22, 30), (3, 48, 56, 34), (0, 50, 56, 34), (-2, 52, 56, 34), (-5, 54, 56, 34)),
    "flat-o": _shape((32, 50, 16, 20), (2, 58, 22, 10), (0, 60, 24, 12), (-3, 60, 24, 12), (-7, 60, 24, 12)),
    "claw": _shape(_OUT, (12, 14, 52, 34), (3, 12, 54, 34), (-8, 13, 54, 34), (-20, 16, 52, 34)),
    "pinch": _shape((34, 46, 24, 28), (4, 50, 54, 28), (2, 12, 14, 8), (-8, 6, 10, 6), (-20, 3, 8, 5)),
    "g": _shape((36, 34, 12, 4), (2, 34, 12, 6), *_CURLED[1:]),
}


def joints(angles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Finger angles [..., 5, 4] in degrees to points and finger backs in the hand's own axes.

    Returns points [..., 21, 3] in hand lengths (the wrist is the origin), and for each of the 15 bones beyond the first joints
    (thumb's three, then each finger's) the unit vector [..., 15, 3] out of its back, the side of the nail.
    """
    turn = np.deg2rad(angles)
    points = np.zeros((*angles.shape[:-2], 21, 3))
    backs = np.zeros((*angles.shape[:-2], 15, 3))
    for finger in range(5):
        along, bend = _thumb(turn[..., 0, :]) if finger == 0 else _finger(turn[..., finger, :])
        where = np.broadcast_to(KNUCKLES[finger], along.shape)
        points[..., 1 + 4 * finger, :] = where
        flexion = np.zeros_like(turn[..., finger, 0])
        for bone in range(3):
            if finger == 0:
                flexion = flexion + (turn[..., 0, bone + 1] if bone else 0.0)
            else:
                flexion = flexion + turn[..., finger, bone + 1]
            c, s = np.cos(flexion)[..., None], np.sin(flexion)[..., None]
            where = where + (along * c + bend * s) * BONES[finger, bone]
            points[..., 2 + 4 * finger + bone, :] = where
            backs[..., 3 * finger + bone, :] = along * s - bend * c
    return points, backs


def _finger(turn: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The straight finger's direction, and the direction in which it bends, each [..., 3]."""
    zero = np.zeros_like(turn[..., 0])
    return np.stack([np.sin(turn[..., 0]), np.cos(turn[..., 0]), zero], -1), np.stack(
        [zero, zero, zero + 1.0], -1
    )


def _thumb(turn: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first thumb bone's direction, and the direction in which the thumb bends: across the palm."""
    swing, lift = turn[..., 0], turn[..., 1]
    along = np.stack([np.sin(swing) * np.cos(lift), np.cos(swing) * np.cos(lift), np.sin(lift)], -1)
    across = np.array([-1.0, 0.05, 0.22])
    bend = across - along * (along * across).sum(-1, keepdims=True)
    return along, bend / np.sqrt((bend * bend).sum(-1, keepdims=True))
