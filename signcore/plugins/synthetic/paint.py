"""What is painted on the solids: the face, necklines and stripes, nails and creases.

Colours are sRGB 0..255, changed in place. Only + - * / and square roots, as in `tracer`.
"""

# mypy: allow-untyped-defs, allow-untyped-calls
# (numba infers the types of compiled functions)
from __future__ import annotations

import numpy as np
from numba import njit

from signcore.plugins.synthetic.face import (
    BROW_RAISE,
    BROW_Y,
    EYE_HEIGHT,
    EYE_WIDTH,
    EYE_X,
    EYE_Y,
    LIP,
    MOUTH_OPEN,
    MOUTH_WIDTH,
    MOUTH_Y,
)
from signcore.plugins.synthetic.scene import (
    BROWS,
    CLOSED,
    CLOTHES,
    HAIR,
    IRIS,
    LIPS,
    NECK,
    NECKLINE,
    OPEN,
    RAISED,
    SKIN,
    STRIPED,
    TRIM,
    TRUNK_AXES,
)  # fmt: skip
from signcore.plugins.synthetic.solids import AXES, FLAT, MATERIAL, PALM, RADIUS_B, TIP, A, B


@njit(nogil=True, error_model="numpy")
def step(low, high, x):
    """0 below low, 1 above high, smooth between."""
    t = min(1.0, max(0.0, (x - low) / (high - low)))
    return t * t * (3.0 - 2.0 * t)


@njit(nogil=True, error_model="numpy")
def grain(x, y, z):
    """Smooth noise in 0..1 with one lump a unit; integer hashing, so exact everywhere."""
    i, j, k = int(np.floor(x)), int(np.floor(y)), int(np.floor(z))
    fx, fy, fz = x - i, y - j, z - k
    fx, fy, fz = fx * fx * (3.0 - 2.0 * fx), fy * fy * (3.0 - 2.0 * fy), fz * fz * (3.0 - 2.0 * fz)
    total = 0.0
    for corner in range(8):
        a, b, c = corner & 1, (corner >> 1) & 1, corner >> 2
        h = ((i + a) * 73856093) ^ ((j + b) * 19349663) ^ ((k + c) * 83492791)
        h = (h ^ (h >> 13)) * 1274126177
        h = (h ^ (h >> 16)) & 1023
        weight = (fx if a else 1.0 - fx) * (fy if b else 1.0 - fy) * (fz if c else 1.0 - fz)
        total += weight * h / 1023.0
    return total


@njit(nogil=True, error_model="numpy")
def _mix(rgb, red, green, blue, share):
    rgb[0] += (red - rgb[0]) * share
    rgb[1] += (green - rgb[1]) * share
    rgb[2] += (blue - rgb[2]) * share


@njit(nogil=True, error_model="numpy")
def paint_face(rgb, scene, x, y, z, facing):
    """Paint brows, eyes, nostrils and lips at head coordinates x, y, z (half head heights); facing: the normal's forward part."""
    cheek = 1.0 / (1.0 + 30.0 * ((abs(x) - 0.33) * (abs(x) - 0.33) + (y + 0.22) * (y + 0.22)))
    _mix(rgb, rgb[0] * 1.02, rgb[1] * 0.86, rgb[2] * 0.84, 0.35 * cheek)
    if z < 0.2 or facing < 0.05:
        return
    dx, dy = abs(x) - EYE_X, y - EYE_Y
    socket = 1.0 / (1.0 + 22.0 * dx * dx + 60.0 * (dy - 0.05) * (dy - 0.05))
    _mix(rgb, rgb[0] * 0.72, rgb[1] * 0.62, rgb[2] * 0.60, 0.42 * socket)
    side = dx / EYE_WIDTH
    if abs(side) < 1.35 and abs(dy) < 0.16:
        lid = EYE_HEIGHT * max(0.0, 1.0 - side * side)
        upper, lower = lid * (1.0 - scene[CLOSED]) - 0.012 * scene[CLOSED], -0.72 * lid
        upper = max(upper, lower)
        inside = step(-0.006, 0.006, upper - dy) * step(-0.006, 0.006, dy - lower)
        if inside > 0.0 and upper - lower > 0.01:
            _mix(rgb, 232.0, 226.0, 220.0, inside * 0.92)
            r = np.sqrt(dx * dx + dy * dy)
            iris = inside * step(0.070, 0.058, r)
            _mix(rgb, scene[IRIS], scene[IRIS + 1], scene[IRIS + 2], iris)
            _mix(rgb, 14.0, 12.0, 12.0, inside * step(0.034, 0.026, r))
            glint = (x - EYE_X * (1.0 if x > 0.0 else -1.0) - 0.02) ** 2 + (dy - 0.025) ** 2
            _mix(rgb, 250.0, 250.0, 250.0, inside * step(0.0004, 0.00015, glint))
            _mix(rgb, rgb[0] * 0.55, rgb[1] * 0.5, rgb[2] * 0.5, inside * step(0.04, 0.0, upper - dy))
        lash = step(0.020, 0.006, abs(dy - upper - 0.004)) * step(1.25, 0.95, abs(side))
        _mix(rgb, 34.0, 24.0, 20.0, 0.85 * lash)
        under = step(0.014, 0.004, abs(dy - lower)) * step(1.1, 0.8, abs(side))
        _mix(rgb, rgb[0] * 0.55, rgb[1] * 0.48, rgb[2] * 0.46, 0.6 * under)
        fold = step(0.014, 0.004, abs(dy - EYE_HEIGHT * max(0.0, 1.15 - side * side) - 0.034)) * step(
            1.2, 0.8, abs(side)
        )
        _mix(rgb, rgb[0] * 0.66, rgb[1] * 0.58, rgb[2] * 0.56, 0.6 * fold)
    along = (abs(x) - 0.13) / 0.36
    if -0.15 < along < 1.15:
        arch = BROW_Y + BROW_RAISE * scene[RAISED] + 0.05 * (1.0 - (2.0 * along - 1.1) * (2.0 * along - 1.1))
        thick = 0.042 * scene[BROWS] * (1.15 - 0.75 * max(along, 0.0))
        brow = step(1.25, 0.55, abs(y - arch) / thick) * step(-0.15, 0.02, along) * step(1.15, 0.95, along)
        _mix(
            rgb,
            scene[HAIR] * 0.7 + 8.0,
            scene[HAIR + 1] * 0.65 + 6.0,
            scene[HAIR + 2] * 0.6 + 5.0,
            0.86 * brow,
        )
    hole = (abs(x) - 0.065) * (abs(x) - 0.065) * 1.3 + (y + 0.400) * (y + 0.400) * 3.0
    _mix(rgb, 46.0, 24.0, 20.0, 0.75 * step(0.0030, 0.0010, hole))
    wing = abs(np.sqrt((abs(x) - 0.09) * (abs(x) - 0.09) + (y + 0.33) * (y + 0.33)) - 0.085)
    if abs(x) > 0.1:
        _mix(rgb, rgb[0] * 0.72, rgb[1] * 0.62, rgb[2] * 0.6, 0.25 * step(0.03, 0.005, wing))
    s = x / MOUTH_WIDTH
    if abs(s) < 1.3 and -1.1 < y < -0.4:
        bow = max(0.0, 1.0 - s * s)
        gap = MOUTH_OPEN * scene[OPEN]
        cupid = 0.80 + 0.20 * step(0.0, 0.35, abs(s))
        top = MOUTH_Y + LIP * 0.85 * bow * scene[LIPS] * cupid
        bottom = MOUTH_Y - (LIP * 1.2 * scene[LIPS] + 1.5 * gap) * bow
        high, low = MOUTH_Y + 0.2 * gap * bow, MOUTH_Y - 1.5 * gap * bow
        lip = step(-0.012, 0.010, top - y) * step(-0.012, 0.010, y - bottom) * step(1.08, 0.92, abs(s))
        _mix(
            rgb,
            scene[SKIN] * 0.78 + 14.0,
            scene[SKIN + 1] * 0.50 + 6.0,
            scene[SKIN + 2] * 0.50 + 8.0,
            0.85 * lip,
        )
        seam = step(0.016, 0.004, max(low - y, y - high)) * step(1.06, 0.9, abs(s))
        _mix(rgb, 70.0, 26.0, 26.0, 0.85 * seam)
        tooth = (
            step(-0.004, 0.004, high - 0.012 - y)
            * step(-0.004, 0.004, y - high + 0.06)
            * step(-0.004, 0.004, y - low - 0.006)
        )
        _mix(rgb, 222.0, 214.0, 204.0, 0.9 * tooth * step(0.9, 0.7, abs(s)))
        crease = step(0.05, 0.0, abs(y - bottom + 0.045)) * step(0.8, 0.2, abs(s))
        _mix(rgb, rgb[0] * 0.8, rgb[1] * 0.72, rgb[2] * 0.7, 0.4 * crease)


@njit(nogil=True, error_model="numpy")
def _trunk_point(x, y, z, scene):
    dx, dy, dz = x - scene[NECK], y - scene[NECK + 1], z - scene[NECK + 2]
    a = TRUNK_AXES
    return (
        dx * scene[a] + dy * scene[a + 1] + dz * scene[a + 2],
        dx * scene[a + 3] + dy * scene[a + 4] + dz * scene[a + 5],
    )


@njit(nogil=True, error_model="numpy")
def bare(x, y, z, scene):
    """Whether the neckline leaves this point of the trunk uncovered."""
    u, v = _trunk_point(x, y, z, scene)
    kind = scene[NECKLINE]
    if kind == 0.0:
        return u * u / 0.0064 + (v - 0.045) * (v - 0.045) / 0.0081 < 1.0
    if kind == 1.0:
        return v > -0.135 + 1.75 * abs(u) and abs(u) < 0.095
    if kind == 2.0:
        return u * u / 0.0056 + (v - 0.075) * (v - 0.075) / 0.0014 < 1.0
    return u * u / 0.0144 + (v - 0.05) * (v - 0.05) / 0.0100 < 1.0


@njit(nogil=True, error_model="numpy")
def paint_cloth(x, y, z, scene, rgb):
    u, v = _trunk_point(x, y, z, scene)
    fold = grain(u * 16.0 + 40.0, v * 9.0 + 40.0, z * 14.0)
    weave = grain(x * 260.0, y * 260.0, z * 260.0)
    stripe = 0.0
    if scene[STRIPED] > 0.5:
        height = (v + 4.0) / 0.045
        height = height - np.floor(height)
        stripe = step(0.0, 0.06, height) * step(0.46, 0.40, height)
    for c in range(3):
        colour = scene[CLOTHES + c] + (scene[TRIM + c] - scene[CLOTHES + c]) * 0.8 * stripe
        rgb[c] = colour * (0.80 + 0.30 * fold + 0.08 * (weave - 0.5)) + 5.0


@njit(nogil=True, error_model="numpy")
def paint_hand(row, x, y, z, nx, ny, nz, scene, rgb):
    """Nails, the creases at finger joints, a rosier palm side."""
    ax, ay, az = row[A], row[A + 1], row[A + 2]
    bx, by, bz = row[B] - ax, row[B + 1] - ay, row[B + 2] - az
    length = np.sqrt(bx * bx + by * by + bz * bz) + 1e-9
    px, py, pz = x - ax, y - ay, z - az
    t = (px * bx + py * by + pz * bz) / (length * length)
    back = nx * row[AXES] + ny * row[AXES + 1] + nz * row[AXES + 2]
    if row[MATERIAL] == PALM:  # the palm's thin axis points out of the palm where it has one
        if row[FLAT] > 1.0:
            _mix(rgb, rgb[0] * 1.03 + 6.0, rgb[1] * 0.93, rgb[2] * 0.92, 0.6 * step(0.1, 0.7, back))
        return
    _mix(rgb, rgb[0] * 1.03 + 5.0, rgb[1] * 0.92, rgb[2] * 0.90, 0.6 * step(0.1, 0.7, -back))
    bend = step(0.16, 0.02, abs(t))
    _mix(rgb, rgb[0] * 0.80, rgb[1] * 0.70, rgb[2] * 0.68, 0.65 * bend * step(0.1, 0.5, abs(back)))
    if row[MATERIAL] == TIP:
        tip = step(0.55, 1.15, t)
        _mix(rgb, rgb[0] * 1.02, rgb[1] * 0.88, rgb[2] * 0.88, 0.6 * tip)
        cx, cy, cz = px - t * bx, py - t * by, pz - t * bz
        away = cx * row[AXES] + cy * row[AXES + 1] + cz * row[AXES + 2]
        wide = np.sqrt(max(0.0, cx * cx + cy * cy + cz * cz - away * away)) / row[RADIUS_B]
        nail = step(0.35, 0.50, t) * step(1.20, 1.08, t) * step(0.80, 0.62, wide) * step(0.35, 0.6, back)
        _mix(rgb, min(255.0, rgb[0] * 1.05 + 22.0), rgb[1] * 0.98 + 16.0, rgb[2] * 0.98 + 18.0, 0.8 * nail)
