"""Light on a point of the signer: skin with warm shadows, hair, clothes, and the shadows that the hands throw.

Only + - * / and square roots, as in `tracer`.
"""

# mypy: allow-untyped-defs, allow-untyped-calls
# (numba infers the types of compiled functions)
from __future__ import annotations

import numpy as np
from numba import njit

from signcore.plugins.synthetic import solids
from signcore.plugins.synthetic.paint import bare, grain, paint_cloth, paint_face, paint_hand, step
from signcore.plugins.synthetic.scene import (
    AMBIENT,
    FACE_WIDTH,
    HAIR,
    HEAD,
    HEAD_AXES,
    HEAD_SIZE,
    KEY,
    LIGHT,
    SKIN,
    WARMTH,
)


@njit(nogil=True, error_model="numpy")
def _shadow(x, y, z, scene, casters, part):
    """How much of the key light hands and forearms leave at a point, 0..1.

    casters [S, 8]: from, to, radius, and how many rows follow that belong to it: a row that bounds an arm's solids precedes them.
    """
    lit = 1.0
    lx, ly, lz = scene[LIGHT], scene[LIGHT + 1], scene[LIGHT + 2]
    i = -1
    while i + 1 < casters.shape[0]:
        i += 1
        followers = int(casters[i, 7])
        if followers > 0:
            ax, ay, az = casters[i, 0] - x, casters[i, 1] - y, casters[i, 2] - z
            s = ax * lx + ay * ly + az * lz
            reach = casters[i, 6] + 0.006 + 0.16 * (abs(s) + casters[i, 6])
            if (
                s < -casters[i, 6]
                or ax * ax + ay * ay + az * az - s * s > reach * reach
                or (casters[i, 3] == part)
            ):
                i += followers
            continue
        ax, ay, az = casters[i, 0] - x, casters[i, 1] - y, casters[i, 2] - z
        bx, by, bz = (
            casters[i, 3] - casters[i, 0],
            casters[i, 4] - casters[i, 1],
            casters[i, 5] - casters[i, 2],
        )
        # nearest approach of the ray to the light and the caster's axis
        ab, al, bl = ax * bx + ay * by + az * bz, ax * lx + ay * ly + az * lz, bx * lx + by * ly + bz * lz
        bb = bx * bx + by * by + bz * bz
        rest = bb - bl * bl
        t = 0.0
        if rest > 1e-9:
            t = min(1.0, max(0.0, (al * bl - ab) / rest))
        s = al + t * bl
        if s < 0.012:
            continue
        qx, qy, qz = ax + t * bx - s * lx, ay + t * by - s * ly, az + t * bz - s * lz
        gap = np.sqrt(qx * qx + qy * qy + qz * qz) - casters[i, 6]
        soft = 0.006 + 0.16 * s
        lit = min(lit, 0.30 + 0.70 * step(-soft, soft, gap) + 0.5 * min(s, 1.0))
    return min(1.0, lit)


@njit(nogil=True, error_model="numpy")
def shade(row, x, y, z, nx, ny, nz, open_sky, scene, casters, rgb):
    """Write the colour [3] of a point of the solid `row` with the given normal; open_sky: 1 where nothing is close by."""
    material, part = row[solids.MATERIAL], row[solids.PART]
    skin = True
    gloss = 0.10
    rgb[0], rgb[1], rgb[2] = scene[SKIN], scene[SKIN + 1], scene[SKIN + 2]
    if material == solids.FACE:
        hx, hy, hz = (x - scene[HEAD]), (y - scene[HEAD + 1]), (z - scene[HEAD + 2])
        size = scene[HEAD_SIZE]
        u = (hx * scene[HEAD_AXES] + hy * scene[HEAD_AXES + 1] + hz * scene[HEAD_AXES + 2]) / (
            size * scene[FACE_WIDTH]
        )
        v = (hx * scene[HEAD_AXES + 3] + hy * scene[HEAD_AXES + 4] + hz * scene[HEAD_AXES + 5]) / size
        w = (hx * scene[HEAD_AXES + 6] + hy * scene[HEAD_AXES + 7] + hz * scene[HEAD_AXES + 8]) / size
        facing = nx * scene[HEAD_AXES + 6] + ny * scene[HEAD_AXES + 7] + nz * scene[HEAD_AXES + 8]
        paint_face(rgb, scene, u, v, w, facing)
    elif material == solids.HAIR:
        skin, gloss = False, 0.16
        strand = grain(x * 420.0, y * 60.0, z * 420.0)
        for c in range(3):
            rgb[c] = scene[HAIR + c] * (0.72 + 0.5 * strand)
    elif material == solids.CLOTH or material == solids.SLEEVE:
        skin, gloss = False, 0.0
        paint_cloth(x, y, z, scene, rgb)
        if material == solids.CLOTH and bare(x, y, z, scene):
            skin, gloss = True, 0.06
            rgb[0], rgb[1], rgb[2] = scene[SKIN], scene[SKIN + 1], scene[SKIN + 2]
    elif material >= solids.FINGER:
        paint_hand(row, x, y, z, nx, ny, nz, scene, rgb)
    lx, ly, lz = scene[LIGHT], scene[LIGHT + 1], scene[LIGHT + 2]
    toward = nx * lx + ny * ly + nz * lz
    shadow = 1.0
    if casters.shape[0] > 0 and toward > -0.3:
        shadow = _shadow(x, y, z, scene, casters, 0.0 if part < 5.0 else (1.0 if part < 13.0 else 2.0))
    distance = np.sqrt(x * x + y * y + z * z)
    graze = max(0.0, -(nx * x + ny * y + nz * z) / distance)
    sky = scene[AMBIENT] * (0.74 - 0.26 * ny) * (0.30 + 0.70 * open_sky)
    rim = 0.76 + 0.24 * min(1.0, graze * 1.6)
    for c in range(3):
        # light bleeds through skin, red farthest: warm terminators instead of grey ones
        wrap = ((0.36, 0.20, 0.13)[c]) if skin else 0.10
        lit = max(0.0, (toward + wrap) / (1.0 + wrap))
        tint = 1.0 + 0.06 * scene[WARMTH] * (1.0, 0.1, -1.0)[c]
        fill = sky * ((1.0, 0.93, 0.90)[c] if skin and open_sky < 0.85 else 1.0)
        rgb[c] = rgb[c] * rim * (fill + scene[KEY] * tint * lit * shadow * (0.55 + 0.45 * open_sky))
    if gloss > 0.0:
        hx, hy, hz = lx - x / distance, ly - y / distance, lz - z / distance
        half = np.sqrt(hx * hx + hy * hy + hz * hz)
        shine = max(0.0, (nx * hx + ny * hy + nz * hz) / half)
        shine = shine * shine
        shine = shine * shine
        shine = shine * shine
        shine = shine * shine
        for c in range(3):
            rgb[c] += 255.0 * gloss * scene[KEY] * shine * shadow
    for c in range(3):
        rgb[c] = min(255.0, max(0.0, rgb[c]))
