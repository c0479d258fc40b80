"""Joints to solids: trunk, neck, arms and hands of one frame."""

from __future__ import annotations

import numpy as np

from signcore.plugins.synthetic.head import add_hair, add_head
from signcore.plugins.synthetic.signer import Signer
from signcore.plugins.synthetic.skeleton import Joints
from signcore.plugins.synthetic.solids import (
    ARM_PARTS,
    CLOTH,
    FINGER,
    PALM,
    PARTS,
    SKIN,
    SLEEVE,
    TIP,
    Solids,
    Z,
)

FLESH = np.array(  # [5, 4] radii at the ends of a finger's three bones, in hand lengths
    [
        [0.062, 0.058, 0.053, 0.040],
        [0.049, 0.046, 0.042, 0.033],
        [0.050, 0.047, 0.042, 0.033],
        [0.047, 0.044, 0.040, 0.031],
        [0.042, 0.039, 0.036, 0.028],
    ]
)


def figure(joints: Joints, frame: int, signer: Signer) -> np.ndarray:
    """One frame's table [P, COLUMNS] in world metres."""
    table = Solids()
    _trunk(table, joints, frame, signer)
    add_head(table, joints, frame, signer)
    add_hair(table, joints, frame, signer)
    for side in ("left", "right"):
        _arm(table, joints, frame, signer, side)
    return table.array()


def _trunk(table: Solids, joints: Joints, frame: int, signer: Signer) -> None:
    body, thick = signer.body, signer.look.build
    neck, hips = joints.neck[frame], joints.hips[frame].mean(axis=0)
    wide = body.shoulder
    table.start(0.045)
    torso = PARTS.index("torso")

    def along(height: float, x: float = 0.0, z: float = 0.0) -> np.ndarray:
        return neck + (hips - neck) * height + np.array([x, 0.0, z])

    ribs, waist, pelvis = 0.96 * wide * thick, 0.81 * wide * thick, 0.90 * wide * thick
    thin = ribs / 0.107
    table.cone(along(0.30, 0.0, -0.006), along(0.62, 0.0, -0.008), ribs, waist, torso, CLOTH, Z, thin)
    table.cone(along(0.62, 0.0, -0.008), along(1.02, 0.0, -0.012), waist, pelvis, torso, CLOTH, Z, thin)
    table.cone(along(1.02, 0.0, -0.012), along(1.60, 0.0, -0.012), pelvis, pelvis, torso, CLOTH, Z, thin)
    left, right = along(0.06, wide - 0.012, -0.02), along(0.06, 0.012 - wide, -0.02)
    table.cone(right, left, 0.053 * thick, 0.053 * thick, torso, CLOTH)
    sleeve = min(signer.look.sleeve, 0.45)
    for i, arm in enumerate((joints.left, joints.right)):  # the sleeve's top melts into the trunk
        top = joints.shoulders[frame, i]
        end = top + sleeve * (arm.elbow[frame] - top)
        table.cone(top, end, 0.055 * thick, (0.055 - 0.007 * sleeve) * thick, torso, CLOTH)
    for side in (-1.0, 1.0):
        nape = neck + [side * 0.030, 0.62 * body.neck, -0.040]
        table.cone(nape, neck + [side * (wide - 0.01), -0.006, -0.025], 0.030, 0.046, torso, CLOTH)
    table.start(0.02)
    _, up, forward = joints.head_frame[frame]
    top = joints.head[frame] + body.head * (-0.42 * up - 0.20 * forward)
    table.cone(neck + [0.0, -0.01, -0.022], top, 0.058 * thick, 0.054 * thick, PARTS.index("neck"), SKIN)


def _arm(table: Solids, joints: Joints, frame: int, signer: Signer, side: str) -> None:
    arm = joints.left if side == "left" else joints.right
    shoulder = joints.shoulders[frame, 0 if side == "left" else 1]
    elbow, wrist, axes = arm.elbow[frame], arm.wrist[frame], arm.frame[frame]
    part, thick, long = ARM_PARTS[side], signer.look.build, signer.body.hand
    sleeve = signer.look.sleeve
    upper, fore = elbow - shoulder, wrist - elbow
    table.start(0.020)
    cover = min(sleeve, 1.0)
    end = (0.053 - 0.007 * cover) * thick + 0.002
    table.cone(shoulder, shoulder + cover * upper, 0.053 * thick, end, part, SLEEVE)
    if sleeve > 1.0:
        cover = sleeve - 1.0
        end = (0.047 - 0.014 * cover) * thick
        table.cone(elbow, elbow + cover * fore, 0.047 * thick, end, part + 1, SLEEVE)
    table.start(0.030)
    if sleeve < 1.0:
        table.cone(shoulder + 0.3 * upper, elbow, 0.046 * thick, 0.039 * thick, part, SKIN)
    # no skin under a sleeve: it would shine through at the outline
    bulge = elbow + max(0.32, sleeve - 1.06) * fore
    if sleeve < 1.3:
        table.cone(elbow, bulge, 0.036 * thick, 0.039 * thick, part + 1, SKIN)
    start, end = (0.039 - 0.0100 * max(0.0, sleeve - 1.38) / 0.62) * thick, 0.0285 * thick
    lower = (bulge, wrist - 0.03 * fore, start, end, part + 1, SKIN, axes[2], 1.22)
    table.cone(*lower)
    table.start(0.013)
    table.cone(*lower)  # the wrist melts into the palm too
    _palm(table, arm.points[frame], wrist, axes, long, part + 2)
    _fingers(table, arm.points[frame], arm.backs[frame], long, part + 3)


def _palm(
    table: Solids, points: np.ndarray, wrist: np.ndarray, axes: np.ndarray, long: float, part: int
) -> None:
    """Five bones under flesh, the balls of thumb and little finger, and the first stretch of every finger."""

    def at(side: float, direction: float, palm: float) -> np.ndarray:
        return wrist + long * (side * axes[0] + direction * axes[1] + palm * axes[2])

    table.cone(at(0.0, -0.05, 0.0), at(0.0, 0.12, 0.0), 0.118 * long, 0.120 * long, part, PALM, axes[2], 1.28)
    for finger, root in ((1, 0.066), (2, 0.020), (3, -0.030), (4, -0.074)):
        knuckle = points[1 + 4 * finger]
        table.cone(at(root, 0.10, 0.0), knuckle, 0.078 * long, 0.056 * long, part, PALM, axes[2], 1.06)
        stub = knuckle + 0.28 * (points[2 + 4 * finger] - knuckle)
        table.cone(knuckle, stub, FLESH[finger, 0] * 1.04 * long, FLESH[finger, 0] * long, part, PALM)
    thumb = points[1]
    table.cone(thumb - 0.02 * long * axes[0], points[2], 0.082 * long, 0.064 * long, part, PALM)
    table.cone(
        thumb + 0.55 * (points[2] - thumb), at(0.085, 0.36, 0.015), 0.046 * long, 0.036 * long, part, PALM
    )
    table.cone(at(-0.085, 0.13, 0.035), at(-0.135, 0.32, 0.022), 0.062 * long, 0.050 * long, part, PALM)


def _fingers(table: Solids, points: np.ndarray, backs: np.ndarray, long: float, part: int) -> None:
    for finger in range(5):
        table.start(0.004)
        for bone in range(3):
            a, b = points[1 + 4 * finger + bone], points[2 + 4 * finger + bone]
            if finger == 0 and bone == 0:  # most of the thumb's first bone lies in the palm
                a = a + 0.6 * (b - a)
            ra, rb = FLESH[finger, bone] * long, FLESH[finger, bone + 1] * long
            material = TIP if bone == 2 else FINGER
            table.cone(
                a, b, ra, rb, part + finger, material, backs[3 * finger + bone], 1.10 if bone == 2 else 1.02
            )
