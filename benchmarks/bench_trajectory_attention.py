"""Trajectory and temporal attention beside the naive formulation and SDPA, with the memory of each.

`signcore bench trajectory_attention`, or pytest benchmarks/bench_trajectory_attention.py --benchmark-only -q
"""

from pathlib import Path

import pytest
import torch

from benchmarks.beside import beside
from signcore.kernels.measure import trajectory_attention


def resident(field):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) / 1024


def extra_memory(call):
    """Peak resident memory of a call above what was there before, in MB (Linux)."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return float("nan")
    before = resident("VmRSS")
    call()
    return resident("VmHWM") - before


@pytest.mark.parametrize("case", trajectory_attention.CASES, ids=lambda c: c.name)
def test_trajectory_attention(benchmark, capsys, case):
    beside(benchmark, capsys, case)
    torch.set_num_threads(case.threads)
    forms = {**{name: load() for name, load in case.peers.items()}, "ours": case.ours}
    memory = {name: extra_memory(form(*case.make(0))) for name, form in forms.items()}
    benchmark.extra_info["memory"] = memory
    with capsys.disabled():
        print(", ".join(f"{name} {megabytes:.0f} MB" for name, megabytes in memory.items()))
