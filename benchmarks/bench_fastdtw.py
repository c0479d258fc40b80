"""FastDTW beside its peer: `pytest benchmarks/bench_fastdtw.py --benchmark-only`, or `signcore bench fastdtw`."""

import pytest

from benchmarks.beside import beside
from signcore.kernels import measure


@pytest.mark.parametrize("case", measure.cases("fastdtw"), ids=lambda c: c.name)
def test_fastdtw(benchmark, capsys, case):
    beside(benchmark, capsys, case)
