"""TCD beside torch and a memory copy: `pytest benchmarks/bench_tcd.py --benchmark-only`, or `signcore bench tcd`."""

import pytest

from benchmarks.beside import beside
from signcore.kernels import measure


@pytest.mark.parametrize("case", measure.cases("tcd"), ids=lambda c: c.name)
def test_tcd(benchmark, capsys, case):
    beside(benchmark, capsys, case)
