"""The head's solids and its hair; eyes, brows and lips are painted on (`paint`)."""

from __future__ import annotations

import numpy as np

from signcore.plugins.synthetic import face
from signcore.plugins.synthetic.signer import Signer
from signcore.plugins.synthetic.skeleton import Joints
from signcore.plugins.synthetic.solids import FACE, HAIR, PARTS, Solids


def add_head(table: Solids, joints: Joints, frame: int, signer: Signer) -> None:
    """The skull, chin, cheeks, brow ridge, nose and ears; eyes, brows and lips are painted on in `shading`."""
    size, axes, middle = signer.body.head, joints.head_frame[frame], joints.head[frame]
    wide, open_mouth = signer.look.face_width, joints.expression[frame, 1]
    head = PARTS.index("head")

    def at(x: float, y: float, z: float) -> np.ndarray:
        return middle + size * (x * wide * axes[0] + y * axes[1] + z * axes[2])

    table.start(0.014)
    for i, (centre, radii) in enumerate(face.ELLIPSOIDS):
        drop = 0.07 * open_mouth if i == 2 else 0.0
        table.ellipsoid(
            at(centre[0], centre[1] - drop, centre[2]),
            axes,
            (radii[0] * size * wide, radii[1] * size, radii[2] * size),
            head,
            FACE,
        )
    for a, b, ra, rb in face.CONES:
        table.cone(at(*a), at(*b), ra * size, rb * size, head, FACE)
    for ear in face.EARS:
        table.ellipsoid(at(*ear), axes, [r * size for r in face.EAR_RADII], head, FACE)


def add_hair(table: Solids, joints: Joints, frame: int, signer: Signer) -> None:
    size, axes, middle, style = (
        signer.body.head,
        joints.head_frame[frame],
        joints.head[frame],
        signer.look.style,
    )
    if style == "bald":
        return
    wide = signer.look.face_width
    hair = PARTS.index("hair")

    def at(x: float, y: float, z: float) -> np.ndarray:
        return middle + size * (x * wide * axes[0] + y * axes[1] + z * axes[2])

    def ball(x: float, y: float, z: float, rx: float, ry: float, rz: float) -> None:
        table.ellipsoid(at(x, y, z), axes, (rx * size * wide, ry * size, rz * size), hair, HAIR)

    table.start(0.02)
    full = 0.70 if style == "crop" else 0.745
    ball(0.0, 0.36, -0.20, full, full + 0.055, 0.83 if style == "crop" else 0.86)
    if style in ("long", "bob"):
        end = -1.75 if style == "long" else -0.85
        for side in (-1.0, 1.0):
            table.cone(
                at(side * 0.60, 0.15, -0.20),
                at(side * 0.66, end, -0.16),
                0.19 * size,
                0.15 * size,
                hair,
                HAIR,
            )
        ball(0.0, -0.25 if style == "bob" else -0.6, -0.50, 0.68, 0.70 if style == "bob" else 1.15, 0.42)
    elif style == "bun":
        ball(0.0, 1.12, -0.40, 0.30, 0.27, 0.30)
    elif style == "curly":
        for turn in np.linspace(-0.35, 1.35, 7) * np.pi:
            ball(0.66 * float(np.cos(turn)), 0.36 + 0.62 * float(np.sin(turn)), -0.16, 0.30, 0.30, 0.42)
