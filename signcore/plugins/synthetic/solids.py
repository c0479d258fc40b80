"""The table of solids, one row each, that the figure is made of and the tracer draws; and the names of the body's parts.

Solids of one chain melt into each other (a palm and its knuckles), solids of different chains only touch (two fingers).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

# columns; A, B, AXES and RADII take three or nine each
KIND, CHAIN, BLEND, PART, MATERIAL = 0, 1, 2, 3, 4
A, B, RADIUS_A, RADIUS_B = 5, 8, 11, 12  # a limb's ends; an ellipsoid's middle, twice
AXES, FLAT, RADII, COLUMNS = 13, 22, 23, 26  # a limb is thinner by the factor FLAT along the first axis
CONE, ELLIPSOID = 0.0, 1.0
SKIN, FACE, HAIR, CLOTH, SLEEVE, FINGER, TIP, PALM = 0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0  # materials

PARTS = (
    "background", "torso", "neck", "head", "hair",
    "left_upper_arm", "left_forearm", "left_palm",
    "left_thumb", "left_index", "left_middle", "left_ring", "left_pinky",
    "right_upper_arm", "right_forearm", "right_palm",
    "right_thumb", "right_index", "right_middle", "right_ring", "right_pinky",
)  # fmt: skip
ARM_PARTS = {"left": 5, "right": 13}
Z = np.array([0.0, 0.0, 1.0])


class Solids:
    """Collects one frame's solids in world metres."""

    def __init__(self) -> None:
        self.rows: list[list[float]] = []
        self.chain = 0
        self.blend = 0.0

    def start(self, blend: float) -> None:
        """Begin a chain whose solids melt over `blend` metres."""
        self.chain += 1
        self.blend = blend

    def cone(
        self,
        a: np.ndarray,
        b: np.ndarray,
        ra: float,
        rb: float,
        part: int,
        material: float,
        thin: np.ndarray = Z,
        flat: float = 1.0,
    ) -> None:
        """A limb from a to b, radii ra to rb, thinner by the factor `flat` along the unit vector `thin`."""
        self.rows.append(
            [CONE, self.chain, self.blend, part, material, *a, *b, ra, rb, *thin, 0, 0, 0, 0, 0, 0, flat, 0, 0, 0]
        )  # fmt: skip

    def ellipsoid(
        self, middle: np.ndarray, axes: np.ndarray, radii: Sequence[float], part: int, material: float
    ) -> None:
        self.rows.append(
            [ELLIPSOID, self.chain, self.blend, part, material, *middle, *middle, 0, 0, *axes[0], *axes[1], *axes[2], 1.0, *radii]
        )  # fmt: skip

    def array(self) -> np.ndarray:
        return np.array(self.rows, dtype=np.float64)
