"""LMT's stage 1 beside the naive attention, and sampling with the cache beside sampling without.

pytest benchmarks/bench_lmt.py --benchmark-only -q -s

The first at the paper's latent size, 4 frames of 32 x 32 places, 2 heads of 120: attention, forward and backward, and its extra
memory. The second at the paper's stage 2, 3,072 codes after a prefix of 1,025 rows; without the cache 16 positions, spread over
the sequence, are measured and the rest is taken to lie between them.
"""

import time

import numpy as np
import pytest
import torch

from benchmarks.bench_trajectory_attention import extra_memory
from signcore.kernels.measure.trajectory_attention import naive, ours
from signcore.plugins.lmt.config import LMTConfig
from signcore.plugins.lmt.model import make_prior

F, P, HEADS, WIDTH = 4, 1024, 2, 240
POSITIONS = 16
THREADS = 2


def attention_inputs():
    random = torch.Generator().manual_seed(0)
    shape = (1, HEADS, F * P, WIDTH // HEADS)
    q, k, v = (torch.randn(shape, generator=random).requires_grad_() for _ in range(3))
    weights = (torch.randn(n * WIDTH, WIDTH, generator=random).mul_(0.1).requires_grad_() for n in (1, 2))
    return (q, k, v, *weights)


def forward_and_backward(form, inputs):
    for x in inputs:
        x.grad = None
    form(*inputs, F).square().mean().backward()


@pytest.mark.parametrize("form", [naive, ours], ids=["naive", "ours"])
def test_attention_of_stage_one(benchmark, form):
    torch.set_num_threads(THREADS)
    inputs = attention_inputs()
    benchmark.extra_info["extra_MB"] = extra_memory(lambda: forward_and_backward(form, inputs))
    benchmark.pedantic(forward_and_backward, (form, inputs), rounds=3, warmup_rounds=1)


def paper_prior():
    torch.manual_seed(0)
    config = LMTConfig(preset="paper")
    return make_prior(config, torch.randn(config.codes, config.dim), 100).eval()


@torch.inference_mode()
def test_sampling_with_and_without_the_cache(benchmark, capsys):
    torch.set_num_threads(THREADS)
    prior = paper_prior()
    still, labels = torch.zeros(1, 32, 32, dtype=torch.long), torch.zeros(1, dtype=torch.long)

    def cached():
        logits, state = prior.begin(still, labels)
        for _ in range(prior.generated - 1):
            logits = prior.next(logits.argmax(-1), state)

    benchmark.pedantic(cached, rounds=1)
    lengths = np.linspace(prior.slice, prior.total - 1, POSITIONS).round().astype(int)
    seconds = []
    for length in lengths:
        tokens = torch.zeros(1, int(length), dtype=torch.long)
        began = time.perf_counter()
        prior.rows(tokens, labels)
        seconds.append(time.perf_counter() - began)
    every = np.interp(np.arange(prior.slice, prior.total), lengths, seconds).sum()
    with_cache = benchmark.stats.stats.min
    benchmark.extra_info |= {"without_s": float(every), "times": float(every / with_cache)}
    with capsys.disabled():
        print(
            f"\n{prior.generated} codes: {with_cache:.1f} s with the cache, {every:.1f} s without: {every / with_cache:.1f} x"
        )
