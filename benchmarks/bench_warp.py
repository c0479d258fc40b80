"""warp beside `grid_sample * mask` of the same memory format, and a sweep over channels: `signcore bench warp`, or

pytest benchmarks/bench_warp.py --benchmark-only -q
"""

import pytest

from benchmarks.beside import beside
from signcore.kernels.measure import warp

CHANNELS = (1, 2, 3, 4, 5, 7, 8, 12, 16, 17, 24, 32, 48, 64, 100, 128, 200, 256, 384, 512)
SWEEP = [warp.case((4, c, 128, 128), last, direction) for c in CHANNELS for last, direction in warp.BOTH]


@pytest.mark.parametrize("case", [*warp.CASES, *SWEEP], ids=lambda c: c.name)
def test_warp(benchmark, capsys, case):
    beside(benchmark, capsys, case)
