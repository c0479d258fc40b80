"""Sphere tracing of the solids, tile by tile, compiled by numba.

Only + - * / and square roots touch a pixel, without fast-math: the same table gives the same bytes on every machine.
Camera axes: x to the right, y down, z away from the camera.
"""

# mypy: allow-untyped-defs, allow-untyped-calls
# (numba infers the types of compiled functions)
from __future__ import annotations

from pathlib import Path
from zlib import crc32

import numpy as np
from numba import njit

from signcore.plugins.synthetic import distance, face, paint, scene, shading, solids
from signcore.plugins.synthetic.distance import pack, scene_distance, within
from signcore.plugins.synthetic.shading import shade
from signcore.plugins.synthetic.solids import (
    BLEND,
    CHAIN,
    ELLIPSOID,
    FACE,
    KIND,
    MATERIAL,
    PART,
    RADII,
    RADIUS_A,
    RADIUS_B,
    A,
    B,
)

STEPS = 160  # only rays that graze an outline need so many
TILE = 16  # pixels
REACH = 0.021  # metres around a hit within which solids shade it
MARGIN = 0.011  # metres kept around a tile's solids, for blending and for the darkening between fingers


@njit(nogil=True, error_model="numpy")
def _outlines(solids, focal, cx, cy):
    """Each solid's outline on the picture [P, 7]: from x, y to x, y and radius in pixels, nearest and farthest depth in metres."""
    outlines = np.empty((solids.shape[0], 7))
    for i in range(solids.shape[0]):
        row = solids[i]
        radius = max(row[RADIUS_A], row[RADIUS_B])
        if row[KIND] == ELLIPSOID:
            radius = max(row[RADII], max(row[RADII + 1], row[RADII + 2]))
        radius += MARGIN + row[BLEND]  # a solid melts into others up to its blend away
        front = max(0.05, min(row[A + 2], row[B + 2]) - radius)
        outlines[i, 0] = cx + focal * row[A] / row[A + 2]
        outlines[i, 1] = cy + focal * row[A + 1] / row[A + 2]
        outlines[i, 2] = cx + focal * row[B] / row[B + 2]
        outlines[i, 3] = cy + focal * row[B + 1] / row[B + 2]
        outlines[i, 4] = radius * focal / front
        outlines[i, 5], outlines[i, 6] = front, max(row[A + 2], row[B + 2]) + radius
    return outlines


@njit(nogil=True, error_model="numpy")
def _near(outlines, candidates, total, x, y, around, near):
    """List in `near` the candidate solids within `around` pixels of a point; returns how many, and the depths they span."""
    count, first, last = 0, 1e9, 0.0
    for j in range(total):
        i = candidates[j]
        ax, ay = outlines[i, 0], outlines[i, 1]
        bx, by = outlines[i, 2] - ax, outlines[i, 3] - ay
        px, py = x - ax, y - ay
        length = bx * bx + by * by
        if length > 1e-9:
            t = min(1.0, max(0.0, (px * bx + py * by) / length))
            px, py = px - t * bx, py - t * by
        reach = outlines[i, 4] + around
        if px * px + py * py <= reach * reach:
            near[count] = i
            count += 1
            first, last = min(first, outlines[i, 5]), max(last, outlines[i, 6])
    return count, first, last


@njit(nogil=True, error_model="numpy")
def _trace(packed, near, count, first, last, u, v, focal, cx, cy, tolerance):
    """March one ray; returns depth z and the solid hit, or (0, -1)."""
    dx, dy = (u - cx) / focal, (v - cy) / focal
    stretch = np.sqrt(dx * dx + dy * dy + 1.0)
    z = first
    for _ in range(STEPS):
        d, hit = scene_distance(packed, near, count, dx * z, dy * z, z)
        if d < tolerance:
            return z, hit
        z += 0.92 * d / stretch
        if z > last:
            return 0.0, -1
    return 0.0, -1


@njit(nogil=True, error_model="numpy")
def _sample(
    solids, packed, near, count, first, last, u, v, focal, cx, cy, tolerance, scene, casters, close, rgb
):
    """Trace and shade one ray into rgb [3]; returns (depth, solid) or (0, -1), rgb then untouched."""
    z, hit = _trace(packed, near, count, first, last, u, v, focal, cx, cy, tolerance)
    if hit < 0:
        return 0.0, -1
    x, y = (u - cx) / focal * z, (v - cy) / focal * z
    e = max(0.0007, tolerance)
    count = within(packed, near, count, x, y, z, REACH, close)
    a, _ = scene_distance(packed, close, count, x + e, y - e, z - e)
    b, _ = scene_distance(packed, close, count, x - e, y - e, z + e)
    c, _ = scene_distance(packed, close, count, x - e, y + e, z - e)
    d, _ = scene_distance(packed, close, count, x + e, y + e, z + e)
    nx, ny, nz = a - b - c + d, c + d - a - b, b + d - a - c
    length = np.sqrt(nx * nx + ny * ny + nz * nz) + 1e-12
    nx, ny, nz = nx / length, ny / length, nz / length
    # how much nearer the surroundings are than they should be: darkens creases and the gaps between fingers
    near_gap, _ = scene_distance(packed, close, count, x + 0.004 * nx, y + 0.004 * ny, z + 0.004 * nz)
    far_gap, _ = scene_distance(packed, close, count, x + 0.010 * nx, y + 0.010 * ny, z + 0.010 * nz)
    open_sky = 0.5 * min(1.0, max(0.0, near_gap / 0.004)) + 0.5 * min(1.0, max(0.0, far_gap / 0.010))
    shade(solids[hit], x, y, z, nx, ny, nz, open_sky, scene, casters, rgb)
    return z, hit


@njit(nogil=True, error_model="numpy")
def _render(solids, backdrop, focal, cx, cy, scene, casters, image, depth, parts):
    """Fill image [H, W, 3] float32 0..255, depth [H, W] metres (0: background) and parts [H, W].

    solids [P, COLUMNS] in camera metres, sorted by chain; backdrop [H, W, 3] float32. Pixels at an edge or with strong contrast
    are sampled four times more.
    """
    height, width = depth.shape
    owner = np.full((height, width), -1, dtype=np.int32)
    tolerance = max(0.0003, 0.12 * solids[0, A + 2] / focal)
    everything = np.arange(solids.shape[0]).astype(np.uint32)
    outlines = _outlines(solids, focal, cx, cy)
    rows, columns = (height + TILE - 1) // TILE, (width + TILE - 1) // TILE
    tiles = np.empty((rows * columns, solids.shape[0]), dtype=np.uint32)
    counts = np.zeros(rows * columns, dtype=np.int32)
    near = np.empty(solids.shape[0], dtype=np.uint32)
    close = np.empty(solids.shape[0], dtype=np.uint32)
    packed = pack(solids)
    rgb = np.zeros(3)
    for i in range(rows * columns):
        y0, x0 = (i // columns) * TILE, (i % columns) * TILE
        y1, x1 = min(height, y0 + TILE), min(width, x0 + TILE)
        middle = 0.5 * TILE
        counts[i], _, _ = _near(
            outlines, everything, everything.size, x0 + middle, y0 + middle, 0.7072 * TILE + 0.8, tiles[i]
        )
        for y in range(y0, y1):
            for x in range(x0, x1):
                for c in range(3):
                    rgb[c] = backdrop[y, x, c]
                z, hit = 0.0, -1
                count, first, last = _near(outlines, tiles[i], counts[i], x + 0.5, y + 0.5, 0.0, near)
                if count > 0:
                    z, hit = _sample(
                        solids, packed, near, count, first, last, x + 0.5, y + 0.5,
                        focal, cx, cy, tolerance, scene, casters, close, rgb,
                    )  # fmt: skip
                for c in range(3):
                    image[y, x, c] = rgb[c]
                depth[y, x] = z
                owner[y, x] = hit
                parts[y, x] = 0 if hit < 0 else int(solids[hit, PART])
    uneven = np.zeros((height, width), dtype=np.bool_)
    for y in range(height):
        for x in range(width):
            if x + 1 < width and _differ(image, depth, owner, solids, y, x, y, x + 1):
                uneven[y, x] = uneven[y, x + 1] = True
            if y + 1 < height and _differ(image, depth, owner, solids, y, x, y + 1, x):
                uneven[y, x] = uneven[y + 1, x] = True
    for y in range(height):
        for x in range(width):
            if not uneven[y, x]:
                continue
            i = (y // TILE) * columns + x // TILE
            count, first, last = _near(outlines, tiles[i], counts[i], x + 0.5, y + 0.5, 0.7072, near)
            if count == 0:
                continue
            red, green, blue = 0.0, 0.0, 0.0
            for s in range(4):  # a rotated grid: near-horizontal and near-vertical edges get four levels
                u = x + (0.375, 0.875, 0.125, 0.625)[s]
                v = y + (0.125, 0.375, 0.625, 0.875)[s]
                for c in range(3):
                    rgb[c] = backdrop[y, x, c]
                _sample(
                    solids, packed, near, count, first, last, u, v,
                    focal, cx, cy, tolerance, scene, casters, close, rgb,
                )  # fmt: skip
                red, green, blue = red + rgb[0], green + rgb[1], blue + rgb[2]
            image[y, x, 0], image[y, x, 1], image[y, x, 2] = red / 4.0, green / 4.0, blue / 4.0


@njit(nogil=True, error_model="numpy")
def _differ(image, depth, owner, solids, y0, x0, y1, x1):
    a, b = owner[y0, x0], owner[y1, x1]
    if a < 0 and b < 0:
        return False
    if a < 0 or b < 0 or solids[a, CHAIN] != solids[b, CHAIN] or abs(depth[y0, x0] - depth[y1, x1]) > 0.02:
        return True
    contrast = 0.0
    for c in range(3):
        contrast += abs(image[y0, x0, c] - image[y1, x1, c])
    return contrast > (30.0 if solids[a, MATERIAL] == FACE else 84.0)  # small faces live by fine lines


def _cached(stamp: int):
    """The one compiled entry that is kept on disk.

    numba renews a kept function only when its own file changes; `stamp`, read as a closure's cell, makes what it calls count too.
    """

    @njit(cache=True, nogil=True, error_model="numpy")
    def render(solids, backdrop, focal, cx, cy, scene, casters, image, depth, parts):
        if stamp < 0:
            return
        _render(solids, backdrop, focal, cx, cy, scene, casters, image, depth, parts)

    return render


_SOURCES = (distance, face, paint, scene, shading, solids)
render = _cached(crc32(b"".join(Path(str(source.__file__)).read_bytes() for source in _SOURCES)))
