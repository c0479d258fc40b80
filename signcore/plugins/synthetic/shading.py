"""The colour of a point on the signer: skin with warm shadows, the painted face, nails and creases, hair, clothes.

`scene` is a flat array, so the compiled code takes any signer: its slots are named below and filled by `describe`.
Colours are sRGB 0..255. Only + - * / and square roots, as in `tracer`.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from signcore.plugins.synthetic import face
from signcore.plugins.synthetic.signer import NECKLINES, Signer

SKIN, HAIR, IRIS, CLOTHES, TRIM, LIGHT, KEY, AMBIENT, WARMTH = 0, 3, 6, 9, 12, 15, 18, 19, 20
HEAD, HEAD_AXES, HEAD_SIZE, NECK, TRUNK_AXES = 21, 24, 33, 34, 37
CLOSED, OPEN, RAISED, BROWS, LIPS, FACE_WIDTH, NECKLINE, STRIPED, SHOULDER, HAND = (
    46,
    47,
    48,
    49,
    50,
    51,
    52,
    53,
    54,
    55,
)
SLOTS = 56

EYE_X, EYE_Y, EYE_WIDTH, EYE_HEIGHT = face.EYE_X, face.EYE_Y, face.EYE_WIDTH, face.EYE_HEIGHT
BROW_Y, BROW_RAISE = face.BROW_Y, face.BROW_RAISE
MOUTH_Y, MOUTH_WIDTH, LIP, MOUTH_OPEN = face.MOUTH_Y, face.MOUTH_WIDTH, face.LIP, face.MOUTH_OPEN


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
    scene[STRIPED], scene[SHOULDER], scene[HAND] = float(look.striped), signer.body.shoulder, signer.body.hand
    return scene


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
def _paint_face(rgb, scene, x, y, z, facing):
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
    material, part = row[4], row[3]
    skin = True
    gloss = 0.10
    rgb[0], rgb[1], rgb[2] = scene[SKIN], scene[SKIN + 1], scene[SKIN + 2]
    if material == 1.0:
        hx, hy, hz = (x - scene[HEAD]), (y - scene[HEAD + 1]), (z - scene[HEAD + 2])
        size = scene[HEAD_SIZE]
        u = (hx * scene[HEAD_AXES] + hy * scene[HEAD_AXES + 1] + hz * scene[HEAD_AXES + 2]) / (
            size * scene[FACE_WIDTH]
        )
        v = (hx * scene[HEAD_AXES + 3] + hy * scene[HEAD_AXES + 4] + hz * scene[HEAD_AXES + 5]) / size
        w = (hx * scene[HEAD_AXES + 6] + hy * scene[HEAD_AXES + 7] + hz * scene[HEAD_AXES + 8]) / size
        facing = nx * scene[HEAD_AXES + 6] + ny * scene[HEAD_AXES + 7] + nz * scene[HEAD_AXES + 8]
        _paint_face(rgb, scene, u, v, w, facing)
    elif material == 2.0:
        skin, gloss = False, 0.16
        strand = grain(x * 420.0, y * 60.0, z * 420.0)
        for c in range(3):
            rgb[c] = scene[HAIR + c] * (0.72 + 0.5 * strand)
    elif material == 3.0 or material == 4.0:
        skin, gloss = False, 0.0
        _cloth(row, x, y, z, scene, rgb)
        if material == 3.0 and _bare(x, y, z, scene):
            skin, gloss = True, 0.06
            rgb[0], rgb[1], rgb[2] = scene[SKIN], scene[SKIN + 1], scene[SKIN + 2]
    elif material >= 5.0:
        _paint_hand(row, x, y, z, nx, ny, nz, scene, rgb)
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


@njit(nogil=True, error_model="numpy")
def _trunk_point(x, y, z, scene):
    dx, dy, dz = x - scene[NECK], y - scene[NECK + 1], z - scene[NECK + 2]
    a = TRUNK_AXES
    return (
        dx * scene[a] + dy * scene[a + 1] + dz * scene[a + 2],
        dx * scene[a + 3] + dy * scene[a + 4] + dz * scene[a + 5],
    )


@njit(nogil=True, error_model="numpy")
def _bare(x, y, z, scene):
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
def _cloth(row, x, y, z, scene, rgb):
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
def _paint_hand(row, x, y, z, nx, ny, nz, scene, rgb):
    """Nails, the creases at finger joints, a rosier palm side."""
    ax, ay, az = row[5], row[6], row[7]
    bx, by, bz = row[8] - ax, row[9] - ay, row[10] - az
    length = np.sqrt(bx * bx + by * by + bz * bz) + 1e-9
    px, py, pz = x - ax, y - ay, z - az
    t = (px * bx + py * by + pz * bz) / (length * length)
    back = nx * row[13] + ny * row[14] + nz * row[15]
    if row[4] == 7.0:  # the palm's thin axis points out of the palm where it has one
        if row[22] > 1.0:
            _mix(rgb, rgb[0] * 1.03 + 6.0, rgb[1] * 0.93, rgb[2] * 0.92, 0.6 * step(0.1, 0.7, back))
        return
    _mix(rgb, rgb[0] * 1.03 + 5.0, rgb[1] * 0.92, rgb[2] * 0.90, 0.6 * step(0.1, 0.7, -back))
    bend = step(0.16, 0.02, abs(t)) if row[3] >= 0.0 else 0.0
    _mix(rgb, rgb[0] * 0.80, rgb[1] * 0.70, rgb[2] * 0.68, 0.65 * bend * step(0.1, 0.5, abs(back)))
    if row[4] == 6.0:
        tip = step(0.55, 1.15, t)
        _mix(rgb, rgb[0] * 1.02, rgb[1] * 0.88, rgb[2] * 0.88, 0.6 * tip)
        cx, cy, cz = px - t * bx, py - t * by, pz - t * bz
        away = cx * row[13] + cy * row[14] + cz * row[15]
        wide = np.sqrt(max(0.0, cx * cx + cy * cy + cz * cz - away * away)) / row[12]
        nail = step(0.35, 0.50, t) * step(1.20, 1.08, t) * step(0.80, 0.62, wide) * step(0.35, 0.6, back)
        _mix(rgb, min(255.0, rgb[0] * 1.05 + 22.0), rgb[1] * 0.98 + 16.0, rgb[2] * 0.98 + 18.0, 0.8 * nail)
