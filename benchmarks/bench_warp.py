"""warp beside `grid_sample * mask` of the same memory format, in turns, one thread.

pytest benchmarks/bench_warp.py --benchmark-only -q
"""

import time

import pytest
import torch
import torch.nn.functional as F

from signcore.kernels import warp

SIZES = [(4, 256, 64, 64), (4, 64, 256, 256), (4, 3, 256, 256)]
MUST = {SIZES[0]: 2.6, SIZES[1]: 1.5}
SWEEP = [
    (4, c, 128, 128) for c in (1, 2, 3, 4, 5, 7, 8, 12, 16, 17, 24, 32, 48, 64, 100, 128, 200, 256, 384, 512)
]


def inputs(B, C, H, W, last):
    """A smooth flow around the identity, as motion networks predict."""
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(B, C, H, W, generator=generator)
    if last:
        features = features.contiguous(memory_format=torch.channels_last)
    grid = F.affine_grid(torch.eye(2, 3).expand(B, 2, 3), [B, 1, H, W], align_corners=True)
    bend = F.interpolate(torch.randn(B, 2, 5, 5, generator=generator) * 0.15, (H, W), mode="bicubic")
    return (
        features,
        (grid + bend.permute(0, 2, 3, 1)).contiguous(),
        torch.rand(B, 1, H, W, generator=generator),
    )


def peer(features, flow, mask):
    return F.grid_sample(features, flow, align_corners=True) * mask


def ours(features, flow, mask):
    return warp(features, flow, mask=mask)


def in_turns(calls, seconds=1.0):
    """The lower quartile of each call's processor time, in ms; the calls take turns."""
    times = [[] for _ in calls]
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times[0]) < 5:
        for mine, call in zip(times, calls, strict=True):
            begin = time.process_time()
            call()
            mine.append(time.process_time() - begin)
    return [sorted(mine)[len(mine) // 4] * 1e3 for mine in times]


@pytest.mark.parametrize("direction", ["forward", "backward"])
@pytest.mark.parametrize("last", [False, True], ids=["nchw", "channels_last"])
@pytest.mark.parametrize("size", SIZES + SWEEP, ids=lambda s: "x".join(map(str, s)))
def test_warp(benchmark, capsys, size, last, direction):
    torch.set_num_threads(1)
    tensors = inputs(*size, last)
    if direction == "forward":
        calls = [lambda: peer(*tensors), lambda: ours(*tensors)]
    else:
        tensors = [t.requires_grad_() for t in tensors]
        results = [peer(*tensors), ours(*tensors)]
        grads = [torch.randn_like(r) for r in results]
        calls = [
            lambda r=r, g=g: torch.autograd.grad(r, tensors, g, retain_graph=True)
            for r, g in zip(results, grads, strict=True)
        ]
    theirs, mine = in_turns(calls, 1.0 if size in SIZES else 0.3)
    benchmark.pedantic(calls[1], rounds=3)
    must = MUST.get(size, 1.0) if direction == "forward" else 1.0
    size_of = 4 * (2 * tensors[0].numel() + 3 * size[0] * size[2] * size[3])
    benchmark.extra_info.update(ratio=theirs / mine, must=must)
    with capsys.disabled():
        rate = f"{size_of / mine / 1e6:5.1f} GB/s" if direction == "forward" else ""
        verdict = "" if theirs / mine >= must else f"  MISSED, {must} wanted"
        layout = "channels_last" if last else "nchw"
        print(
            f"\n{'x'.join(map(str, size)):>14} {layout:13} {direction:8} grid_sample * mask {theirs:8.3f} ms,"
            f" warp {mine:8.3f} ms = {theirs / mine:5.2f} x {rate}{verdict}"
        )
