"""What the compiled code must know of signer, light and moment: a flat array, so that it takes any signer."""

from __future__ import annotations

import numpy as np

from signcore.plugins.synthetic.signer import NECKLINES, Signer

# slots; colours, directions and places take three each, axes nine
SKIN, HAIR, IRIS, CLOTHES, TRIM, LIGHT, KEY, AMBIENT, WARMTH = 0, 3, 6, 9, 12, 15, 18, 19, 20
HEAD, HEAD_AXES, HEAD_SIZE, NECK, TRUNK_AXES = 21, 24, 33, 34, 37
CLOSED, OPEN, RAISED, BROWS, LIPS, FACE_WIDTH, NECKLINE, STRIPED = 46, 47, 48, 49, 50, 51, 52, 53
SLOTS = 54


def describe(signer: Signer) -> np.ndarray:
    """The signer's part of a scene [SLOTS]; the slots that change from frame to frame are left 0."""
    scene = np.zeros(SLOTS)
    look, camera = signer.look, signer.camera
    for slot, colour in (
        (SKIN, look.skin),
        (HAIR, look.hair),
        (IRIS, look.iris),
        (CLOTHES, look.clothes),
        (TRIM, look.trim),
    ):
        scene[slot : slot + 3] = colour
    scene[KEY], scene[AMBIENT], scene[WARMTH] = camera.key, camera.ambient, camera.warmth
    scene[HEAD_SIZE], scene[BROWS], scene[LIPS] = signer.body.head, look.brows, look.lips
    scene[FACE_WIDTH], scene[NECKLINE] = look.face_width, NECKLINES.index(look.neckline)
    scene[STRIPED] = float(look.striped)
    return scene
