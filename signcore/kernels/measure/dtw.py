"""The DTW family beside PyPI fastdtw and the exact peers."""

from __future__ import annotations

import functools
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
import torch

from signcore.kernels.dtw import dtw, dtw_matrix
from signcore.kernels.fastdtw import fastdtw
from signcore.kernels.measure import Call, Case


def walks(seed: int, count: int, frames: int, points: int, dims: int) -> list[np.ndarray]:
    """Smooth random walks [frames, points, dims], float64."""
    random = np.random.default_rng(seed)
    return [random.normal(size=(frames, points, dims)).cumsum(axis=0) * 0.1 for _ in range(count)]


def pair(frames: int, points: int, dims: int = 2) -> Callable[[int], tuple[np.ndarray, ...]]:
    return lambda seed: tuple(walks(seed, 2, frames, points, dims))


def ours(function: Callable[..., Any], dtype: torch.dtype, **options: Any) -> Call:
    def prepare(a: np.ndarray, b: np.ndarray) -> Callable[[], Any]:
        x, y = torch.from_numpy(a).to(dtype), torch.from_numpy(b).to(dtype)
        return lambda: function(x, y, **options)

    return prepare


def each_point(function: Callable[[np.ndarray, np.ndarray], Any]) -> Call:
    """A peer that takes one trajectory at a time, as [frames, dims]."""

    def prepare(a: np.ndarray, b: np.ndarray) -> Callable[[], Any]:
        points = [(np.ascontiguousarray(a[:, k]), np.ascontiguousarray(b[:, k])) for k in range(a.shape[1])]
        return lambda: [function(x, y) for x, y in points]

    return prepare


def nan_aware(a: np.ndarray, b: np.ndarray) -> float:
    if np.isnan(b).any():
        return 0.0
    return float(np.linalg.norm(b) / 2 if np.isnan(a).any() else np.linalg.norm(a - b))


def pypi_fastdtw() -> Call:
    package = import_module("fastdtw")
    return each_point(lambda a, b: package.fastdtw(b, a, radius=1, dist=nan_aware)[0])


def aeon() -> Call:
    function = import_module("aeon.distances").dtw_distance
    warm = np.zeros((2, 3))
    function(warm, warm)  # compiles
    return each_point(lambda a, b: function(a.T, b.T))


def dtaidistance() -> Call:
    return each_point(import_module("dtaidistance.dtw_ndim").distance_fast)


def tslearn() -> Call:
    function = import_module("tslearn.metrics").dtw
    warm = np.zeros((3, 2))
    function(warm, warm)
    return each_point(function)


def dtw_python() -> Call:
    import contextlib
    import io

    with contextlib.redirect_stdout(io.StringIO()):  # it greets
        function = import_module("dtw").dtw
    return each_point(lambda a, b: function(a, b, distance_only=True, step_pattern="symmetric1").distance)


EXACT = {"aeon": aeon, "dtaidistance": dtaidistance, "tslearn": tslearn, "dtw-python": dtw_python}


def fastest(wanted: float) -> dict[str, float]:
    return dict.fromkeys(EXACT, wanted)


def numpy_mje() -> Call:
    """A plain NumPy DTW-MJE, as toolkits have it: the cost matrix frame by frame, then the table in Python."""

    def run(a: np.ndarray, b: np.ndarray) -> float:
        costs = np.array([[np.linalg.norm(x - y, axis=-1).mean() for y in b] for x in a])
        table = np.full((len(a) + 1, len(b) + 1), np.inf)
        table[0, 0] = 0
        for i in range(len(a)):
            for j in range(len(b)):
                table[i + 1, j + 1] = costs[i, j] + min(table[i, j], table[i, j + 1], table[i + 1, j])
        return float(table[-1, -1])

    return lambda a, b: functools.partial(run, a, b)


def clips(count: int, least: int = 50, most: int = 150) -> Callable[[int], tuple[list[torch.Tensor]]]:
    def make(seed: int) -> tuple[list[torch.Tensor]]:
        lengths = np.random.default_rng(seed).integers(least, most + 1, count)
        return ([torch.from_numpy(walks(i, 1, int(n), 137, 2)[0]).float() for i, n in enumerate(lengths)],)

    return make


def matrix(threads: int) -> Call:
    def prepare(all_clips: list[torch.Tensor]) -> Callable[[], Any]:
        def run() -> Any:
            torch.set_num_threads(threads)
            return dtw_matrix(all_clips, all_clips)

        return run

    return prepare


def cells(frames: int, points: int, dims: int = 2) -> dict[str, Any]:
    """A cell's arithmetic: 3 a coordinate; a root, two scales, two minima, an addition."""
    count = float(frames * frames * points)
    return {"work": count, "unit": "Gcell/s", "flops": count * (3 * dims + 6)}


SIZE = "T = S = 100, K = 137"
CASES = [
    Case(
        "dtw",
        f"float32, {SIZE}, D = 2",
        pair(100, 137),
        ours(dtw, torch.float32),
        {"PyPI fastdtw": pypi_fastdtw, **EXACT},
        {"PyPI fastdtw": 3800, **fastest(12)},
        **cells(100, 137),
    ),
    Case(
        "dtw",
        f"float64, {SIZE}, D = 2",
        pair(100, 137),
        ours(dtw, torch.float64),
        EXACT,
        fastest(3),
        **cells(100, 137),
    ),
    Case(
        "dtw",
        f"pose, {SIZE}, D = 3",
        pair(100, 137, 3),
        ours(dtw, torch.float32, align="pose"),
        {"NumPy DTW-MJE": numpy_mje},
        {
            "NumPy DTW-MJE": 110
        },  # 300 x the 180 ms of the best-known toolkit is 0.6 ms; this plain one takes 66
        **cells(100, 137, 3),
    ),
    Case(
        "dtw",
        "float32, T = S = 1,000, K = 8, D = 2",
        pair(1000, 8),
        ours(dtw, torch.float32),
        EXACT,
        fastest(12),
        **cells(1000, 8),
    ),
    Case(
        "dtw",
        "float32, T = S = 1,000, K = 1, D = 2",
        pair(1000, 1),
        ours(dtw, torch.float32),
        EXACT,
        fastest(6),
        **cells(1000, 1),
    ),
    Case(
        "dtw_matrix",
        "100 x 100 clips of 50 to 150 frames, K = 137",
        clips(100),
        matrix(2),
        {"one thread": lambda: matrix(1)},
        {"one thread": 1.9},
        threads=2,
        rounds=3,
        **cells(100, 137 * 100 * 100),
    ),
    Case(
        "fastdtw",
        f"python, radius 1, {SIZE}, D = 2",
        pair(100, 137),
        ours(fastdtw, torch.float64),
        {"PyPI fastdtw": pypi_fastdtw},
        {"PyPI fastdtw": 1150},
    ),
    Case(
        "fastdtw",
        f"compiled, radius 1, {SIZE}, D = 2",
        pair(100, 137),
        ours(fastdtw, torch.float64, variant="compiled"),
        {"PyPI fastdtw": pypi_fastdtw},
        {"PyPI fastdtw": 1150},
    ),
]
