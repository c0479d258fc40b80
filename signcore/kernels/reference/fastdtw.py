from __future__ import annotations

import math

import torch
from torch import Tensor

from signcore.kernels.reference.dtw import pair_costs

Cell = tuple[int, int]


def fastdtw(reference: Tensor, other: Tensor, *, radius: int, variant: str) -> Tensor:
    """[T, K, D], [S, K, D] -> float64 [K]: each keypoint by itself."""
    points = [
        fastdtw_path(reference[:, k], other[:, k], radius=radius, variant=variant)[0]
        for k in range(reference.shape[1])
    ]
    return torch.stack(points) if points else torch.zeros(0, dtype=torch.float64)


def fastdtw_path(reference: Tensor, other: Tensor, *, radius: int, variant: str) -> tuple[Tensor, Tensor]:
    """[T, D], [S, D] -> distance, path [L, 2] of (reference, other). Salvador and Chan's recursion; rows are `other`."""
    cost, path = _level(other.double(), reference.double(), radius, variant)
    return torch.tensor(cost, dtype=torch.float64), torch.tensor([(j, i) for i, j in path], dtype=torch.int64)


def _level(x: Tensor, y: Tensor, radius: int, variant: str) -> tuple[float, list[Cell]]:
    """Halve both, warp the halves, search around their path. x: other (rows); y: reference (columns)."""
    edges = variant == "compiled" and radius > 0  # with radius 0 that build's rule would leave no path at all
    if min(len(x), len(y)) < radius + 2:
        return _warp(x, y, [(0, len(y) - 1)] * len(x), variant, edges)
    _, path = _level(_halved(x), _halved(y), radius, variant)
    return _warp(x, y, _window(path, len(x), len(y), radius, variant), variant, edges)


def _halved(x: Tensor) -> Tensor:
    """Means of frames 2i and 2i + 1, NaN where either is; an odd last frame is dropped."""
    half = len(x) // 2
    return (x[0 : 2 * half : 2] + x[1 : 2 * half : 2]) / 2


def _window(path: list[Cell], rows: int, columns: int, radius: int, variant: str) -> list[tuple[int, int]]:
    """First and last column of every row: the coarse path with `radius` cells around each of its cells, doubled."""
    coarse = path[-1][0] + 1
    first = [min(j for i, j in path if i == row) for row in range(coarse)]
    last = [max(j for i, j in path if i == row) for row in range(coarse)]
    window = []
    for row in range(rows):
        i = row // 2  # beyond the coarse path's last row where `rows` is odd: there the builds differ
        clamped = min(i, coarse - 1) if variant == "compiled" or radius == 0 else i
        low = first[max(0, clamped - radius)] - radius
        high = last[min(coarse - 1, i + radius)] + radius
        window.append((max(0, 2 * low), min(columns - 1, 2 * high + 1)))
    window[-1] = (window[-1][0], columns - 1)  # with radius 0 an odd last column would be out of reach
    return window


def _warp(
    x: Tensor, y: Tensor, window: list[tuple[int, int]], variant: str, edges: bool
) -> tuple[float, list[Cell]]:
    costs = pair_costs(y[:, None], x[:, None])[..., 0].T.tolist()  # [rows, columns]; y is the reference
    table: dict[Cell, tuple[float, Cell]] = {(-1, -1): (0.0, (-1, -1))}

    def at(i: int, j: int) -> float:
        return table[i, j][0] if (i, j) in table else math.inf

    for i, (low, high) in enumerate(window):
        for j in range(low, high + 1):
            cost = costs[i][j]
            up, left, diagonal = at(i - 1, j), at(i, j - 1), at(i - 1, j - 1)
            if edges and i > 0 and j > window[i - 1][1]:
                diagonal = (
                    math.inf
                )  # the compiled build never steps diagonally beyond the previous row's right edge
            moves = [(up, (i - 1, j)), (left, (i, j - 1)), (diagonal, (i - 1, j - 1))]
            if variant == "python":  # the first minimum of the sums
                table[i, j] = min(((before + cost, cell) for before, cell in moves), key=lambda move: move[0])
            else:  # up or left only where strictly cheaper
                chosen = (
                    moves[0] if up < left and up < diagonal else moves[1] if left < diagonal else moves[2]
                )
                table[i, j] = (chosen[0] + cost, chosen[1])
    path, cell = [], (len(x) - 1, len(y) - 1)
    while cell[0] >= 0 and cell[1] >= 0:
        path.append(cell)
        cell = table[cell][1]
    return table[len(x) - 1, len(y) - 1][0], path[::-1]
