"""The DTW family beside its peers, one thread. `make bench`, or `pytest benchmarks/bench_dtw.py --benchmark-only`.

Each group is one size; compare rows of a group. Peers that are not installed are left out by name.
"""

from __future__ import annotations

import importlib

import numpy as np
import pytest
import torch

from benchmarks.inputs import PAIR, trajectories
from signcore.kernels import dtw, dtw_matrix, fastdtw
from signcore.kernels import numpy as door


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def fresh(benchmark, function, make, rounds, warm=1):
    """Time `function` on new inputs each round."""
    seeds = iter(range(10_000))
    benchmark.pedantic(function, setup=lambda: (make(next(seeds)), {}), rounds=rounds, warmup_rounds=warm)


def nan_aware(a, b):
    if np.isnan(b).any():
        return 0.0
    return np.linalg.norm(b) / 2 if np.isnan(a).any() else np.linalg.norm(a - b)


def arrays(size, dtype=np.float64):
    def make(seed):
        return tuple(c.astype(dtype) for c in trajectories(seed, 2, **size))

    return make


def tensors(size, dtype):
    return lambda seed: tuple(torch.from_numpy(c).to(dtype) for c in trajectories(seed, 2, **size))


def peer(name):
    return pytest.importorskip(name, reason=f"{name} is not installed in this environment")


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["f32", "f64"])
@pytest.mark.benchmark(group="one pair, T = S = 100, K = 137, D = 2")
def test_signcore_dtw(benchmark, dtype):
    fresh(benchmark, dtw, tensors(PAIR, dtype), rounds=50)


@pytest.mark.benchmark(group="one pair, T = S = 100, K = 137, D = 2")
@pytest.mark.parametrize("variant", ["python", "compiled"])
def test_signcore_fastdtw(benchmark, variant):
    fresh(benchmark, lambda a, b: fastdtw(a, b, variant=variant), tensors(PAIR, torch.float64), rounds=50)


@pytest.mark.benchmark(group="one pair, T = S = 100, K = 137, D = 2")
def test_signcore_numpy_door(benchmark):
    fresh(benchmark, lambda a, b: door.dtw(a, b, threads=1), arrays(PAIR, np.float32), rounds=50)


@pytest.mark.benchmark(group="one pair, T = S = 100, K = 137, D = 2")
def test_pypi_fastdtw_with_the_nan_aware_distance(benchmark):
    package = peer("fastdtw")

    def run(a, b):
        return [package.fastdtw(b[:, k], a[:, k], radius=1, dist=nan_aware)[0] for k in range(a.shape[1])]

    fresh(benchmark, run, arrays(PAIR), rounds=2, warm=0)


def exact_peers():
    def aeon():
        function = importlib.import_module("aeon.distances").dtw_distance
        return lambda a, b: function(a.T, b.T)

    def dtaidistance():
        function = importlib.import_module("dtaidistance.dtw_ndim").distance_fast
        return lambda a, b: function(np.ascontiguousarray(a), np.ascontiguousarray(b))

    def tslearn():
        function = importlib.import_module("tslearn.metrics").dtw
        return lambda a, b: function(a, b)

    return {"aeon": aeon, "dtaidistance": dtaidistance, "tslearn": tslearn}


@pytest.mark.parametrize("name", list(exact_peers()))
@pytest.mark.parametrize(
    "size",
    [PAIR, {"frames": 1000, "points": 8, "dims": 2}, {"frames": 1000, "points": 1, "dims": 2}],
    ids=str,
)
def test_exact_peers(benchmark, name, size):
    peer(name)
    function = exact_peers()[name]()
    benchmark.group = group(size)

    def run(a, b):
        return [function(a[:, k], b[:, k]) for k in range(a.shape[1])]

    fresh(benchmark, run, arrays(size), rounds=5)


def group(size):
    if size == PAIR:
        return "one pair, T = S = 100, K = 137, D = 2"
    return f"long, T = S = {size['frames']}, K = {size['points']}, D = {size['dims']}"


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["f32", "f64"])
@pytest.mark.parametrize("points", [8, 1])
def test_signcore_long(benchmark, points, dtype):
    size = {"frames": 1000, "points": points, "dims": 2}
    benchmark.group = group(size)
    fresh(benchmark, dtw, tensors(size, dtype), rounds=30)


POSE = {"frames": 100, "points": 137, "dims": 3}


@pytest.mark.benchmark(group="one path for the pose, T = S = 100, K = 137, D = 3")
def test_signcore_pose(benchmark):
    fresh(benchmark, lambda a, b: dtw(a, b, align="pose"), tensors(POSE, torch.float32), rounds=50)


@pytest.mark.benchmark(group="one path for the pose, T = S = 100, K = 137, D = 3")
def test_numpy_dtw_mje(benchmark):
    """A plain NumPy DTW-MJE, as toolkits have it: the cost matrix frame by frame, then the table in Python."""

    def run(a, b):
        costs = np.array([[np.linalg.norm(x - y, axis=-1).mean() for y in b] for x in a])
        table = np.full((len(a) + 1, len(b) + 1), np.inf)
        table[0, 0] = 0
        for i in range(len(a)):
            for j in range(len(b)):
                table[i + 1, j + 1] = costs[i, j] + min(table[i, j], table[i, j + 1], table[i + 1, j])
        return table[-1, -1]

    fresh(benchmark, run, arrays(POSE), rounds=3)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.benchmark(group="matrix of 100 x 100 clips of 50 to 150 frames, K = 137")
def test_signcore_matrix(benchmark, threads):
    torch.set_num_threads(threads)

    def make(seed):
        random = np.random.default_rng(seed)
        clips = [
            torch.from_numpy(trajectories(seed + i, 1, int(random.integers(50, 151)), 137, 2)[0]).float()
            for i in range(100)
        ]
        return clips, clips

    fresh(benchmark, dtw_matrix, make, rounds=2, warm=0)
