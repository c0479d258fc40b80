"""The op beside its plain-torch form, on one thread: `pytest benchmarks --benchmark-only`."""

import pytest
import torch
from signcore_jerk.squared_jerk import reference, squared_jerk

from signcore.kernels import measure

FRAMES, POINTS, DIMS = 1500, 543, 3  # a minute of MediaPipe's Holistic


def points(seed):
    made = torch.randn(FRAMES, POINTS, DIMS, generator=torch.Generator().manual_seed(seed % 2)).cumsum(0)
    made[::50, :33] = torch.nan
    return (made,)


CASE = measure.Case(
    "squared_jerk",
    f"float32 [{FRAMES}, {POINTS}, {DIMS}]",
    points,
    lambda p: lambda: squared_jerk(p),
    {"torch": lambda: lambda p: lambda: reference.squared_jerk(p)},
    {"torch": 4},
    work=4.0 * FRAMES * POINTS * DIMS,
    unit="GB/s",
    moved=4.0 * FRAMES * POINTS * DIMS,
)


def test_squared_jerk(benchmark):
    row = measure.one(CASE, measure.machine())
    benchmark.pedantic(CASE.ours(*points(0)), rounds=3)
    benchmark.extra_info.update(row)
    peer = row["peers"]["torch"]
    print(f"\n{row['ms']:.2f} ms, {row['rate']:.2f} GB/s; torch {peer['ms']:.1f} ms = {peer['ratio']:.1f} x")
    assert peer["met"], f"{peer['ratio']:.1f} times torch's speed, {peer['wanted']} wanted"


if __name__ == "__main__":
    pytest.main([__file__, "--benchmark-only", "-s"])
