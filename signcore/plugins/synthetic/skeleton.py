"""The upper body: proportions, the arm's inverse kinematics, and the joints of a whole clip.

World axes: x to the image's right, y up, z towards the camera; metres; the origin lies between the shoulder joints.
Each arm is solved in its *own* axes: x points outwards, away from the body's middle, so one solution serves both arms.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from signcore.plugins.synthetic import geometry, hand

DOWN = np.array([0.42, -0.85, -0.32])  # where an elbow hangs: down, a little out and back
WRIST_LIMIT = np.deg2rad(68.0)
SWIVELS = np.deg2rad(
    np.arange(-40.0, 101.0, 10.0)
)  # [K] turns of the elbow about the line from shoulder to wrist


@dataclass(frozen=True)
class Proportions:
    """Bone lengths in metres."""

    shoulder: float = 0.170  # from the body's middle to the shoulder joint
    upper_arm: float = 0.285
    forearm: float = 0.250
    hand: float = 0.192
    head: float = 0.121  # half of the head's height
    neck: float = 0.085  # from the shoulders' height to the head's pivot below the ears
    hip: float = 0.105  # from the body's middle to the hip joint
    trunk: float = 0.500  # from the shoulders down to the hips


@dataclass(frozen=True)
class Arm:
    """One arm over a clip, in its own axes (x outwards) or in the world's."""

    elbow: np.ndarray  # [T, 3]
    wrist: np.ndarray  # [T, 3]
    frame: np.ndarray  # [T, 3, 3] rows: the hand's side (towards the thumb), direction, palm
    points: np.ndarray  # [T, 21, 3]
    backs: np.ndarray  # [T, 15, 3]


def hand_frame(direction: np.ndarray, palm: np.ndarray) -> np.ndarray:
    """Rows (side, direction, palm) [..., 3, 3] from a finger direction and a rough palm normal, in the arm's own axes."""
    direction = geometry.unit(direction)
    palm = geometry.perpendicular(palm, direction)
    return np.stack([-geometry.cross(direction, palm), direction, palm], axis=-2)


def elbow_at(shoulder: np.ndarray, wrist: np.ndarray, body: Proportions, swivel: np.ndarray) -> np.ndarray:
    """The elbow [..., 3] of a two-bone arm; a wrist out of reach must have been drawn in with `within_reach`.

    swivel: radians [...] about the line from shoulder to wrist; 0 hangs down, positive lifts the elbow outwards.
    """
    line = wrist - shoulder
    distance = np.maximum(geometry.norm(line), 1e-6)
    axis = line / distance[..., None]
    along = (body.upper_arm**2 - body.forearm**2 + distance**2) / (2.0 * distance)
    radius = np.sqrt(np.maximum(body.upper_arm**2 - along**2, 0.0))
    hang = geometry.perpendicular(np.broadcast_to(DOWN, axis.shape), axis)
    hang = geometry.rotate(hang, axis, -swivel)
    return shoulder + along[..., None] * axis + radius[..., None] * hang


def within_reach(shoulder: np.ndarray, wrist: np.ndarray, body: Proportions) -> np.ndarray:
    """Wrists [..., 3] drawn towards the shoulder where the arm is too short, pushed off where it cannot fold so far.

    Both limits set in softly, over some centimetres, so a hand that passes them does not jerk.
    """
    line = wrist - shoulder
    distance = geometry.norm(line)
    far = 0.985 * (body.upper_arm + body.forearm)
    near = 0.36 * (body.upper_arm + body.forearm)
    kept = 0.5 * (distance + near + np.sqrt((distance - near) ** 2 + 0.04**2))
    kept = 0.5 * (kept + far - np.sqrt((kept - far) ** 2 + 0.02**2))
    return shoulder + geometry.unit(line) * kept[..., None]


def solve_arm(
    wrist: np.ndarray,  # [T, 3] metres, in the arm's own axes
    frame: np.ndarray,  # [T, 3, 3] the hand's wished axes
    angles: np.ndarray,  # [T, 5, 4] degrees
    shoulder: np.ndarray,  # [T, 3]
    body: Proportions,
    smoothing: float = 0.0,  # samples
) -> Arm:
    """Wrist paths to a whole arm: the elbow swivels to where the wrist bends least, softly, so it never jumps.

    The wish for the hand's direction gives way where the wrist would bend by more than `WRIST_LIMIT`.
    """
    wrist = within_reach(shoulder, wrist, body)
    k = len(SWIVELS)
    elbows = elbow_at(
        shoulder[:, None], wrist[:, None], body, np.broadcast_to(SWIVELS, (len(wrist), k))
    )  # [T, K, 3]
    fore = geometry.unit(wrist[:, None] - elbows)
    bend = np.arccos(np.clip(geometry.dot(fore, frame[:, None, 1]), -1.0, 1.0))
    inside = np.maximum(0.20 - elbows[..., 0], 0.0) / 0.05  # an elbow belongs beside the trunk
    cost = (bend / 0.8) ** 2 + (SWIVELS / 1.0) ** 2 + inside**2
    weight = np.exp(-2.0 * (cost - cost.min(axis=1, keepdims=True)))
    swivel = (weight * SWIVELS).sum(axis=1) / weight.sum(axis=1)
    elbow = elbow_at(shoulder, wrist, body, geometry.smooth(swivel, smoothing))
    frame = limit_wrist(geometry.unit(wrist - elbow), frame)
    local, backs = hand.joints(angles)
    points = wrist[:, None] + body.hand * geometry.apply(frame[:, None], local)
    return Arm(elbow, wrist, frame, points, geometry.apply(frame[:, None], backs))


def limit_wrist(forearm: np.ndarray, frame: np.ndarray) -> np.ndarray:
    """Hand axes [T, 3, 3] turned towards the forearm [T, 3] until the wrist bends by less than `WRIST_LIMIT`."""
    bend = np.arccos(np.clip(geometry.dot(forearm, frame[:, 1]), -1.0, 1.0))
    allowed = bend / np.sqrt(np.sqrt(1.0 + (bend / WRIST_LIMIT) ** 4))
    axis = geometry.unit(geometry.cross(frame[:, 1], forearm))
    return geometry.rotate(frame, axis[:, None], (bend - allowed)[:, None])


def mirrored(arm: Arm) -> Arm:
    """The same arm on the body's other side."""
    flip = np.array([-1.0, 1.0, 1.0])
    return Arm(arm.elbow * flip, arm.wrist * flip, arm.frame * flip, arm.points * flip, arm.backs * flip)


@dataclass(frozen=True)
class Joints:
    """A clip's joints in world metres. `left` and `right` are the signer's own."""

    left: Arm
    right: Arm
    shoulders: np.ndarray  # [T, 2, 3] left, right
    hips: np.ndarray  # [T, 2, 3] left, right
    neck: np.ndarray  # [T, 3] between the shoulders
    head: np.ndarray  # [T, 3] the head's middle
    head_frame: np.ndarray  # [T, 3, 3] rows: right of the image, up, forward
    expression: np.ndarray  # [T, 3] eyes closed, mouth open, brows raised; each 0..1

    def __len__(self) -> int:
        return len(self.neck)


def head_middle(body: Proportions, frame: np.ndarray, neck: np.ndarray) -> np.ndarray:
    """Where the head's middle [T, 3] is when it turns about the top of the neck."""
    pivot = neck + np.array([0.0, body.neck, -0.005])
    return pivot + body.head * (0.84 * frame[:, 1] + 0.10 * frame[:, 2])
