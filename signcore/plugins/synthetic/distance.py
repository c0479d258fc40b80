"""How far a point is from the solids: signed distances in metres, melted within each chain, compiled by numba.

Only + - * / and square roots, without fast-math, so every machine gets the same bits.
"""

# mypy: allow-untyped-defs, allow-untyped-calls
# (numba infers the types of compiled functions)
from __future__ import annotations

import numpy as np
from numba import njit

from signcore.plugins.synthetic.solids import (
    AXES,
    BLEND,
    CHAIN,
    CONE,
    ELLIPSOID,
    FLAT,
    KIND,
    RADII,
    RADIUS_A,
    RADIUS_B,
    A,
    B,
)  # fmt: skip

# columns of the packed table: what every distance needs, computed once a frame
_KIND, _CHAIN, _BLEND, _PLACE, _LINE, _PER_SQUARE, _RADIUS, _GROWTH, _SQUEEZE, _PER_FLAT, _THIN = (
    0,
    1,
    2,
    3,
    6,
    9,
    10,
    11,
    12,
    13,
    14,
)
_TURN, _PER_RADIUS, _PACKED = 6, 15, 18  # an ellipsoid's, in place of a limb's from _LINE on


@njit(nogil=True, error_model="numpy")
def pack(solids):
    """[P, COLUMNS] to [P, 18]."""
    packed = np.zeros((solids.shape[0], _PACKED))
    for i in range(solids.shape[0]):
        packed[i, _KIND], packed[i, _CHAIN], packed[i, _BLEND] = (
            solids[i, KIND],
            solids[i, CHAIN],
            solids[i, BLEND],
        )
        for c in range(3):
            packed[i, _PLACE + c] = solids[i, A + c]
        if solids[i, KIND] == ELLIPSOID:
            for c in range(9):
                packed[i, _TURN + c] = solids[i, AXES + c]
            for c in range(3):
                packed[i, _PER_RADIUS + c] = 1.0 / solids[i, RADII + c]
            continue
        square = 0.0
        for c in range(3):
            packed[i, _LINE + c] = solids[i, B + c] - solids[i, A + c]
            square += packed[i, _LINE + c] * packed[i, _LINE + c]
            packed[i, _THIN + c] = solids[i, AXES + c]
        packed[i, _PER_SQUARE] = 1.0 / max(square, 1e-12)
        packed[i, _RADIUS], packed[i, _GROWTH] = (
            solids[i, RADIUS_A],
            solids[i, RADIUS_B] - solids[i, RADIUS_A],
        )
        packed[i, _SQUEEZE] = solids[i, FLAT] * solids[i, FLAT] - 1.0
        packed[i, _PER_FLAT] = 1.0 / solids[i, FLAT]
    return packed


@njit(nogil=True, error_model="numpy")
def solid_distance(packed, i, x, y, z):
    """Signed distance from a point to solid i; a lower bound where the solid is flattened."""
    px, py, pz = x - packed[i, _PLACE], y - packed[i, _PLACE + 1], z - packed[i, _PLACE + 2]
    if packed[i, _KIND] == CONE:
        bx, by, bz = packed[i, _LINE], packed[i, _LINE + 1], packed[i, _LINE + 2]
        t = min(1.0, max(0.0, (px * bx + py * by + pz * bz) * packed[i, _PER_SQUARE]))
        qx, qy, qz = px - t * bx, py - t * by, pz - t * bz
        across = qx * packed[i, _THIN] + qy * packed[i, _THIN + 1] + qz * packed[i, _THIN + 2]
        away = np.sqrt(qx * qx + qy * qy + qz * qz + across * across * packed[i, _SQUEEZE])
        # a limb's outline leaves its ends without a slope, so limbs that continue one another show no seam
        return (away - packed[i, _RADIUS] - t * t * (3.0 - 2.0 * t) * packed[i, _GROWTH]) * packed[
            i, _PER_FLAT
        ]
    u = px * packed[i, _TURN] + py * packed[i, _TURN + 1] + pz * packed[i, _TURN + 2]
    v = px * packed[i, _TURN + 3] + py * packed[i, _TURN + 4] + pz * packed[i, _TURN + 5]
    w = px * packed[i, _TURN + 6] + py * packed[i, _TURN + 7] + pz * packed[i, _TURN + 8]
    pu, pv, pw = packed[i, _PER_RADIUS], packed[i, _PER_RADIUS + 1], packed[i, _PER_RADIUS + 2]
    u, v, w = u * pu, v * pv, w * pw
    k0 = np.sqrt(u * u + v * v + w * w)
    u, v, w = u * pu, v * pv, w * pw
    k1 = np.sqrt(u * u + v * v + w * w)
    return k0 * (k0 - 1.0) / max(k1, 1e-9)


@njit(nogil=True, error_model="numpy")
def scene_distance(packed, near, count, x, y, z):
    """Distance to the union of the listed solids, and the solid that is nearest."""
    best, nearest, nearest_distance = 1e9, -1, 1e9
    chain, melted = -1.0, 1e9
    for j in range(count):
        i = near[j]
        d = solid_distance(packed, i, x, y, z)
        if packed[i, _CHAIN] != chain:
            best = min(best, melted)
            chain, melted = packed[i, _CHAIN], d
        else:
            k = packed[i, _BLEND]
            h = k - abs(melted - d)
            melted = min(melted, d)
            if h > 0.0:
                melted -= h * h / (4.0 * k)
        if d < nearest_distance:
            nearest_distance, nearest = d, i
    return min(best, melted), nearest


@njit(nogil=True, error_model="numpy")
def within(packed, near, count, x, y, z, reach, close):
    """List in `close` those of the listed solids that matter within `reach` metres of a point; returns how many."""
    kept = 0
    for j in range(count):
        i = near[j]
        if solid_distance(packed, i, x, y, z) < reach + packed[i, _BLEND]:
            close[kept] = i
            kept += 1
    return kept
