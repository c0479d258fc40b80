"""The DTW score of Progressive Transformers' own evaluation; not nDTW: an L1 cost over whole frames, divided by frames."""

from __future__ import annotations

import math

import numpy as np


def warp(
    cost: np.ndarray, *, off_diagonal: float = 1.0, window: int | None = None, reach: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Accumulated cost [N, M] and path int [L, 2] of a cost matrix [N, M].

    off_diagonal: factor of what comes from the side or from below; window: cells farther than this from the diagonal are
    closed; reach: how many cells a step from the side may skip.
    """
    rows, columns = cost.shape
    table = np.full((rows + 1, columns + 1), math.inf)
    if window is not None:
        for i in range(1, rows + 1):
            table[i, max(1, i - window) : min(columns + 1, i + window + 1)] = 0
    else:
        table[1:, 1:] = 0
    table[0, 0] = 0
    table[1:, 1:] += np.where(np.isfinite(table[1:, 1:]), cost, 0)
    for i in range(rows):
        for j in range(columns):
            if window is not None and not max(0, i - window) <= j <= min(columns, i + window):
                continue
            before = [table[i, j]]
            for k in range(1, reach + 1):
                before += [
                    table[min(i + k, rows), j] * off_diagonal,
                    table[i, min(j + k, columns)] * off_diagonal,
                ]
            table[i + 1, j + 1] += min(before)
    return table[1:, 1:], _path(table)


def _path(table: np.ndarray) -> np.ndarray:
    i, j = table.shape[0] - 2, table.shape[1] - 2
    path = [(i, j)]
    while i > 0 or j > 0:
        move = int(np.argmin((table[i, j], table[i, j + 1], table[i + 1, j])))
        i, j = i - (move != 2), j - (move != 1)
        path.append((i, j))
    return np.array(path[::-1])


def dtw_score(reference: np.ndarray, hypothesis: np.ndarray) -> float:
    """reference [T, d + 1], hypothesis [T', d + 1], the last column the counter, the hypothesis with its given first frame.

    The frames before each one's largest counter are compared (at least one): warped L1 cost / reference frames.
    """
    hypothesis = hypothesis[1:]
    a, b = (x[: max(1, int(np.argmax(x[:, -1]))), :-1].astype(np.float64) for x in (reference, hypothesis))
    cost = np.abs(a[:, None] - b[None]).sum(axis=-1)
    return float(warp(cost)[0][-1, -1] / len(a))
