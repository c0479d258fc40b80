"""Frames a second of `tpsmm` and `pgmm` beside the same networks in plain torch, and a training step beside its `grid_sample` form:

pytest benchmarks/bench_animation.py --benchmark-only -s

Plain torch, as the public TPSMM runs: every frame computes the source's part anew, in the default memory format, with nearest
up-sampling before the convolution, `F.instance_norm` and `grid_sample`. Random weights; the numbers are the same in both (asserted).
The two are timed in turns, and the best of each is compared: what else the machine does hits both.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from unittest import mock

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from signcore.animation.heatmaps import point_names
from signcore.animation.network import channels_last, motion_frame
from signcore.contracts import Context
from signcore.nn import convolution_blocks
from signcore.plugins.pgmm.config import PGMMConfig
from signcore.plugins.pgmm.model import PoseGuidedMotionModel
from signcore.plugins.tpsmm.config import TPSMMConfig
from signcore.plugins.tpsmm.model import ThinPlateSplineMotionModel

CASES = {
    "tpsmm paper 128 px, 20 splines": (lambda: ThinPlateSplineMotionModel(TPSMMConfig(preset="paper", transforms=20)), 128, 1.6),
    "tpsmm paper 256 px, 10 splines": (lambda: ThinPlateSplineMotionModel(TPSMMConfig(preset="paper")), 256, 1.6),
    "pgmm paper 128 px": (lambda: PoseGuidedMotionModel(PGMMConfig(preset="paper")), 128, None),
    "pgmm small 128 px": (lambda: PoseGuidedMotionModel(PGMMConfig()), 128, None),
}  # fmt: skip


def plain_warp(features: Tensor, flow: Tensor, mask: Tensor | None = None) -> Tensor:
    size = features.shape[-2:]
    if flow.shape[1:3] != size:
        flow = F.interpolate(flow.permute(0, 3, 1, 2), size, mode="bilinear", align_corners=True)
        flow = flow.permute(0, 2, 3, 1)
    moved = F.grid_sample(features, flow.to(features.dtype), align_corners=True)
    if mask is None:
        return moved
    if mask.shape[-2:] != size:
        mask = F.interpolate(mask, size, mode="bilinear", align_corners=True)
    return moved * mask.to(features.dtype)


@contextlib.contextmanager
def plain() -> Iterator[None]:
    """The functions that make the difference, as plain torch has them."""
    import signcore.animation.inpainting as inpainting
    import signcore.animation.losses as losses
    import signcore.nn.dense_motion as dense_motion
    import signcore.plugins.pgmm.model as pgmm

    def up(self: convolution_blocks.UpBlock2d, x: Tensor) -> Tensor:
        return F.relu(self.norm(self.conv(F.interpolate(x, scale_factor=2))), inplace=True)

    def norm(self: torch.nn.InstanceNorm2d, x: Tensor) -> Tensor:
        return F.instance_norm(x, weight=self.weight, bias=self.bias, eps=self.eps)

    with contextlib.ExitStack() as stack:
        stack.enter_context(mock.patch.object(convolution_blocks.UpBlock2d, "forward", up))
        stack.enter_context(mock.patch.object(convolution_blocks.InstanceNorm, "forward", norm))
        for module in (inpainting, losses, dense_motion, pgmm):
            if hasattr(module, "warp"):
                stack.enter_context(mock.patch.object(module, "warp", plain_warp))
        yield


def best_of_turns(
    ours: Callable[[], object], theirs: Callable[[], object], turns: int
) -> tuple[float, float]:
    best = [float("inf"), float("inf")]
    for turn in range(turns + 1):
        for i, work in enumerate((ours, theirs)):
            start = time.perf_counter()
            work()
            if turn:  # the first warms up
                best[i] = min(best[i], time.perf_counter() - start)
    return best[0], best[1]


@pytest.mark.parametrize("batch", [1, 8])
@pytest.mark.parametrize("name", CASES)
def test_frames_a_second(benchmark, capsys, name, batch):
    make, size, wanted = CASES[name]
    torch.manual_seed(0)
    model = make().eval().requires_grad_(False)
    frames = torch.rand(batch + 1, 3, size, size, generator=torch.Generator().manual_seed(1))
    points = torch.rand(
        batch, len(point_names(model.config.points)), 2, generator=torch.Generator().manual_seed(2)
    )

    @torch.inference_mode()
    def theirs() -> list[Tensor]:
        with plain():
            source = (
                model.source(frames[:1]).expand(batch)
                if batch == 1
                else model.source(frames[:1].repeat(batch, 1, 1, 1))
            )
            return model(source, model.keypoints(motion_frame(frames[1:])), points).prediction

    expected = theirs()
    fast = channels_last(make().eval().requires_grad_(False))
    fast.load_state_dict(model.state_dict())
    with torch.inference_mode():
        given = frames.contiguous(memory_format=torch.channels_last)
        source = fast.source(given[:1])

    @torch.inference_mode()
    def ours() -> Tensor:
        return fast(source.expand(batch), fast.keypoints(motion_frame(given[1:])), points).prediction

    assert (ours() - expected).abs().mean() < 1e-3
    turns = 5 if batch == 1 else 2
    mine, plainly = best_of_turns(ours, theirs, turns)
    benchmark.pedantic(ours, rounds=1)
    benchmark.extra_info.update(frames_a_second=batch / mine, plain=batch / plainly, ratio=plainly / mine)
    verdict = f"  MISSED, {wanted} wanted" if wanted and plainly / mine < wanted else ""
    with capsys.disabled():
        print(
            f"\n{name}, batch {batch}: {batch / mine:.2f} frames/s, plain torch {batch / plainly:.2f}: {plainly / mine:.2f} x{verdict}"
        )


@pytest.mark.parametrize("component", ["pgmm", "tpsmm"])
def test_a_training_step(benchmark, capsys, component):
    """PGMM's and TPSMM's small presets at 128 px, batch 4, forward and backward."""
    from signcore.plugins.pgmm.training import PGMMTask
    from signcore.plugins.tpsmm.training import TPSMMTask

    task = PGMMTask(PGMMConfig(), Context()) if component == "pgmm" else TPSMMTask(TPSMMConfig(), Context())
    draw = np.random.default_rng(0)
    pairs = [
        (
            *draw.integers(0, 255, (2, 128, 128, 3), np.uint8),
            draw.random((56, 2), np.float32),
            np.zeros((2, 56, 2), np.float32),
        )
        for _ in range(4)
    ]
    batch = task.batch(pairs, 0, draw)

    def ours() -> None:
        task.optimizer.zero_grad()
        torch.stack(list(task.step(batch, "adam").values())).sum().backward()

    def theirs() -> None:
        with plain():
            ours()

    mine, plainly = best_of_turns(ours, theirs, 3)
    benchmark.pedantic(ours, rounds=1)
    benchmark.extra_info.update(steps_a_second=1 / mine, plain=1 / plainly, ratio=plainly / mine)
    verdict = "" if plainly >= mine else "  MISSED, 1 wanted"
    with capsys.disabled():
        print(
            f"\n{component} small, a training step: {1 / mine:.2f} a second, grid_sample {1 / plainly:.2f}: {plainly / mine:.2f} x{verdict}"
        )
