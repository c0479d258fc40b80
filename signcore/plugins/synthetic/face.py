"""The face: its solids, its 70 points in OpenPose's order, and the numbers that the face's painting shares with them.

Head axes: x to the image's right, y up, z forward, from the head's middle, in half head heights.
"""

from __future__ import annotations

import numpy as np

EYE_X, EYE_Y, EYE_WIDTH, EYE_HEIGHT = 0.300, 0.030, 0.150, 0.066
BROW_Y, BROW_RAISE = 0.260, 0.060
MOUTH_Y, MOUTH_WIDTH, LIP, MOUTH_OPEN = -0.565, 0.225, 0.058, 0.095

# ellipsoids: middle, radii. The face's surface in front is the front of these.
ELLIPSOIDS = (
    ((0.0, 0.22, -0.10), (0.66, 0.77, 0.82)),  # skull
    ((0.0, -0.22, 0.06), (0.555, 0.74, 0.62)),  # face
    ((0.0, -0.66, 0.28), (0.290, 0.300, 0.300)),  # chin
    ((-0.31, -0.22, 0.36), (0.240, 0.250, 0.240)),  # cheeks
    ((0.31, -0.22, 0.36), (0.240, 0.250, 0.240)),
    ((0.0, -0.57, 0.40), (0.270, 0.200, 0.250)),  # mouth
)
CONES = (  # from, to, radii
    ((-0.30, 0.20, 0.55), (0.30, 0.20, 0.55), 0.115, 0.115),  # brow ridge
    ((0.0, 0.14, 0.66), (0.0, -0.27, 0.80), 0.048, 0.082),  # nose
    ((-0.085, -0.33, 0.69), (0.085, -0.33, 0.69), 0.058, 0.058),  # its wings
)
EARS = ((-0.655, -0.03, -0.06), (0.655, -0.03, -0.06))
EAR_RADII = (0.060, 0.200, 0.120)


def front(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """How far forward the face's surface is at x, y; all in half head heights, any shape."""
    z = np.full(np.broadcast(x, y).shape, -0.15)
    for (cx, cy, cz), (rx, ry, rz) in ELLIPSOIDS:
        inside = 1.0 - ((x - cx) / rx) ** 2 - ((y - cy) / ry) ** 2
        z = np.maximum(z, np.where(inside > 0.0, cz + rz * np.sqrt(np.maximum(inside, 0.0)), z))
    return z


def points(expression: np.ndarray, width: float) -> np.ndarray:
    """The 70 face points [T, 70, 3] in head axes; expression [T, 3] is eyes closed, mouth open, brows raised.

    Order: jaw 0-16 from the signer's right ear over the chin, brows 17-26, nose 27-35, eyes 36-47, lips 48-67, pupils 68-69.
    """
    frames = len(expression)
    closed, opened, raised = expression[:, 0:1], expression[:, 1:2], expression[:, 2:3]
    xy = np.zeros((frames, 70, 2))
    turn = np.linspace(np.pi, 2.0 * np.pi, 17)
    xy[:, :17, 0], xy[:, :17, 1] = 0.60 * np.cos(turn), 0.02 + 0.96 * np.sin(turn)
    for first, side in ((17, -1.0), (22, 1.0)):
        s = np.linspace(0.0, 1.0, 5) if side > 0 else np.linspace(1.0, 0.0, 5)
        xy[:, first : first + 5, 0] = side * (0.13 + 0.36 * s)
        xy[:, first : first + 5, 1] = BROW_Y + BROW_RAISE * raised + 0.05 * (1.0 - (2.0 * s - 1.1) ** 2)
    xy[:, 27:31, 1] = np.linspace(0.10, -0.27, 4)
    xy[:, 31:36, 0] = np.linspace(-0.13, 0.13, 5)
    xy[:, 31:36, 1] = -0.385 - 0.02 * np.cos(np.linspace(-1.5, 1.5, 5))
    corner = np.array([-1.0, -0.4, 0.4, 1.0, 0.4, -0.4])
    lid = np.array([0.0, 1.0, 1.0, 0.0, -1.0, -1.0])
    for first, side in ((36, -1.0), (42, 1.0)):
        xy[:, first : first + 6, 0] = side * EYE_X + EYE_WIDTH * corner
        xy[:, first : first + 6, 1] = EYE_Y + 0.84 * EYE_HEIGHT * lid * np.where(lid > 0.0, 1.0 - closed, 1.0)
    gap = MOUTH_OPEN * opened
    s = np.linspace(-1.0, 1.0, 7)
    xy[:, 48:55, 0] = MOUTH_WIDTH * s
    xy[:, 48:55, 1] = MOUTH_Y + 0.85 * LIP * (1.0 - s * s)
    s = np.linspace(1.0, -1.0, 7)[1:-1]
    xy[:, 55:60, 0] = MOUTH_WIDTH * s
    xy[:, 55:60, 1] = MOUTH_Y - (LIP * 1.2 + 1.5 * gap) * (1.0 - s * s)
    s = np.linspace(-0.8, 0.8, 5)
    xy[:, 60:65, 0], xy[:, 60:65, 1] = MOUTH_WIDTH * s, MOUTH_Y + 0.2 * gap * (1.0 - s * s)
    s = np.array([0.4, 0.0, -0.4])
    xy[:, 65:68, 0], xy[:, 65:68, 1] = MOUTH_WIDTH * s, MOUTH_Y - 1.5 * gap * (1.0 - s * s)
    xy[:, 68], xy[:, 69] = (-EYE_X, EYE_Y), (EYE_X, EYE_Y)
    z = front(xy[..., 0], xy[..., 1])
    z[:, 27:31] = np.linspace(0.71, 0.90, 4)
    z[:, 31:36] = 0.74 + 0.07 * np.cos(np.linspace(-1.5, 1.5, 5))
    return np.stack([xy[..., 0] * width, xy[..., 1], z], axis=-1)
