"""The DTW family beside its peers: `pytest benchmarks/bench_dtw.py --benchmark-only`, or `signcore bench dtw`."""

import pytest

from benchmarks.beside import beside
from signcore.kernels import measure


@pytest.mark.parametrize(
    "case", [c for op in ("dtw", "dtw_matrix") for c in measure.cases(op)], ids=lambda c: f"{c.op}: {c.name}"
)
def test_dtw(benchmark, capsys, case):
    beside(benchmark, capsys, case)
