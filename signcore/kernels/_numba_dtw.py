"""The DTW family in numba on float64 arrays, for machines without a compiler; imported only when it is used."""

from __future__ import annotations

import numpy as np
from numba import njit

_JIT = {"cache": True, "nogil": True, "error_model": "numpy"}


@njit(**_JIT)
def _missing(point):  # [D]
    for d in range(len(point)):  # noqa: SIM110 (numba takes no generator expressions)
        if np.isnan(point[d]):
            return True
    return False


@njit(**_JIT)
def _cost(reference, other):  # [D] x2; Ham2Pose eq. 6
    if _missing(reference):
        return 0.0
    squares = 0.0
    if _missing(other):
        for value in reference:
            squares += value * value
        return np.sqrt(squares) / 2
    for d in range(len(reference)):
        step = other[d] - reference[d]
        squares += step * step
    return np.sqrt(squares)


@njit(**_JIT)
def _width(frames, others, band):
    return max(frames, others) if band < 0 else max(band, abs(frames - others))


@njit(**_JIT)
def keypoint_costs(reference, other, band):  # [T, K, D], [S, K, D] -> [K]
    frames, others, points = len(reference), len(other), reference.shape[1]
    width = _width(frames, others, band)
    out = np.empty(points)
    row = np.empty(others + 1)
    for k in range(points):
        row[:] = np.inf
        row[0] = 0.0
        for t in range(frames):
            low, high = max(0, t - width), min(others - 1, t + width)
            diagonal, left = row[low], np.inf
            row[low] = np.inf
            for s in range(low, high + 1):
                up = row[s + 1]
                left = min(left, min(up, diagonal)) + _cost(reference[t, k], other[s, k])
                diagonal = up
                row[s + 1] = left
        out[k] = row[others]
    return out


@njit(**_JIT)
def pose_cost(reference, other, band):  # -> float
    frames, others, points = len(reference), len(other), reference.shape[1]
    width = _width(frames, others, band)
    row = np.full(others + 1, np.inf)
    row[0] = 0.0
    for t in range(frames):
        present = 0
        for k in range(points):
            present += not _missing(reference[t, k])
        low, high = max(0, t - width), min(others - 1, t + width)
        diagonal, left = row[low], np.inf
        row[low] = np.inf
        for s in range(low, high + 1):
            cost = 0.0
            for k in range(points):
                cost += _cost(reference[t, k], other[s, k])
            up = row[s + 1]
            left = min(left, min(up, diagonal)) + cost / max(1, present)
            diagonal = up
            row[s + 1] = left
    return row[others]


@njit(**_JIT)
def fast_costs(reference, other, radius, variant):
    out = np.empty(reference.shape[1])
    for k in range(len(out)):
        out[k] = _fast(other[:, k].copy(), reference[:, k].copy(), radius, variant)[0]
    return out


@njit(**_JIT)
def _fast(
    x, y, radius, variant
):  # other [S, D], reference [T, D] -> distance, path [L, 2] of (other, reference)
    xs, ys = [x], [y]
    while min(len(xs[-1]), len(ys[-1])) >= radius + 2:
        a, b = xs[-1], ys[-1]
        n, m = len(a) // 2, len(b) // 2
        xs.append((a[0 : 2 * n : 2] + a[1 : 2 * n : 2]) / 2)
        ys.append((b[0 : 2 * m : 2] + b[1 : 2 * m : 2]) / 2)
    a, b = xs[-1], ys[-1]
    low = np.zeros(len(a), np.int64)
    high = np.full(len(a), len(b) - 1)
    cost, path = _walk(a, b, low, high, variant, variant == 1 and radius > 0)
    for level in range(len(xs) - 2, -1, -1):
        a, b = xs[level], ys[level]
        low, high = _expanded(path, len(a), len(b), radius, variant)
        cost, path = _walk(a, b, low, high, variant, variant == 1 and radius > 0)
    return cost, path


@njit(**_JIT)
def _expanded(path, rows, columns, radius, variant):
    coarse = path[-1, 0] + 1
    first, last = np.full(coarse, columns), np.full(coarse, -1)
    for c in range(len(path)):
        i, j = path[c, 0], path[c, 1]
        first[i], last[i] = min(first[i], j), max(last[i], j)
    low, high = np.empty(rows, np.int64), np.empty(rows, np.int64)
    for row in range(rows):
        i = row // 2
        clamped = min(i, coarse - 1) if variant == 1 or radius == 0 else i
        low[row] = max(0, 2 * (first[max(0, clamped - radius)] - radius))
        high[row] = min(columns - 1, 2 * (last[min(coarse - 1, i + radius)] + radius) + 1)
    high[rows - 1] = columns - 1
    return low, high


@njit(**_JIT)
def _walk(x, y, low, high, variant, edges):
    rows, columns = len(x), len(y)
    before, current = np.full(columns + 1, np.inf), np.full(columns + 1, np.inf)
    moves = np.zeros((rows, columns), np.uint8)
    before[0] = 0.0
    for i in range(rows):
        left, diagonal = np.inf, before[low[i]]
        edge = high[i - 1] if edges and i > 0 else columns
        current[:] = np.inf
        for j in range(low[i], high[i] + 1):
            cost, up = _cost(y[j], x[i]), before[j + 1]
            if j > edge:
                diagonal = np.inf
            if variant == 0:
                best, move = up + cost, 0
                if left + cost < best:
                    best, move = left + cost, 1
                if diagonal + cost < best:
                    best, move = diagonal + cost, 2
            elif up < left and up < diagonal:
                best, move = up + cost, 0
            elif left < diagonal:
                best, move = left + cost, 1
            else:
                best, move = diagonal + cost, 2
            moves[i, j] = move
            diagonal = up
            left = best
            current[j + 1] = best
        before, current = current, before
    path = np.empty((rows + columns, 2), np.int64)
    count, i, j = 0, rows - 1, columns - 1
    while i >= 0 and j >= 0:
        path[count, 0], path[count, 1] = i, j
        count += 1
        move = moves[i, j]
        i -= move != 1
        j -= move != 0
    return before[columns], path[:count][::-1].copy()


def fast_path(
    reference: np.ndarray, other: np.ndarray, radius: int, variant: int
) -> tuple[float, np.ndarray]:
    """[T, D], [S, D] -> distance, path [L, 2] of (reference, other)."""
    cost, path = _fast(other, reference, radius, variant)
    return float(cost), np.ascontiguousarray(path[:, ::-1])
