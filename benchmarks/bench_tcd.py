"""TCD beside torch and a memory copy, one thread. `pytest benchmarks/bench_tcd.py --benchmark-only`."""

from __future__ import annotations

import pytest
import torch

from benchmarks.inputs import bytes_pair
from signcore.kernels import tcd

pytestmark = pytest.mark.benchmark(group="64 frames of 256 x 256 x 3, uint8")


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def pair():
    return tuple(torch.from_numpy(x) for x in bytes_pair(0))


@pytest.mark.parametrize("reduce", ["mean", "max"])
def test_signcore(benchmark, pair, reduce):
    benchmark.pedantic(
        lambda: tcd(*pair, threshold=0.0375, channel_reduce=reduce), rounds=50, warmup_rounds=3
    )


def test_torch_int16(benchmark, pair):
    generated, reference = pair

    def run():
        twice = (
            generated[1:-1].to(torch.int16) * 2
            - reference[:-2].to(torch.int16)
            - reference[2:].to(torch.int16)
        )
        return (twice.abs().sum(-1) > 57).double().mean()

    benchmark.pedantic(run, rounds=5, warmup_rounds=1)


def test_a_copy_of_the_same_bytes(benchmark, pair):
    targets = [torch.empty_like(x) for x in pair]
    benchmark.pedantic(
        lambda: [t.copy_(x) for t, x in zip(targets, pair, strict=True)], rounds=50, warmup_rounds=3
    )
