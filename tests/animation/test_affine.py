"""FOMM and MRAA as generators: they run, learn, and move relatively as their papers say."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import signcore
from signcore import weights
from signcore.animation.config import AnimationInputs
from signcore.nn.first_order import Regions
from signcore.nn.thin_plate_spline import random as random_spline
from signcore.plugins.fomm.generator import FOMM, FOMMMethod, FOMMTask
from signcore.plugins.mraa.generator import MRAA, MRAAMethod, MRAATask
from signcore.presets import describe
from signcore.types import Image, Video

TINY = {"transforms": 3, "keypoint_width": 4, "motion_width": 4, "motion_max_width": 16, "width": 4, "max_width": 16, "batch": 2, "averaging": 0.0, "size": 128}  # fmt: skip
BOTH = pytest.mark.parametrize(
    ("method", "generator", "task"), [(FOMMMethod, FOMM, FOMMTask), (MRAAMethod, MRAA, MRAATask)]
)


def test_a_splines_jacobian_is_its_derivative():
    spline = random_spline(
        2, generator=torch.Generator().manual_seed(0), like=torch.zeros(1, dtype=torch.float64)
    )
    points = torch.rand(2, 4, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) * 2 - 1
    points.requires_grad_()
    found = spline.jacobian(points)
    moved = spline(points)
    for k in range(2):
        (truth,) = torch.autograd.grad(moved[..., k].sum(), points, retain_graph=True)
        torch.testing.assert_close(found[..., k, :], truth)


@BOTH
def test_a_picture_moves(method, generator, task, tmp_path):
    torch.manual_seed(0)
    config = method.config_class(**TINY)
    model = method().network(config)
    weights.save(tmp_path, describe(method.component, config), model.state_dict(), half=False)
    frames = np.random.default_rng(0).integers(0, 255, (5, 128, 128, 3), np.uint8)
    inputs = AnimationInputs(source=Image(frames[0]), driving=Video.from_array(frames, 12))
    for mode, motion in (("reconstruction", "standard"), ("cross", "standard"), ("cross", "relative")):
        made = generator.from_pretrained(tmp_path, method.config_class(mode=mode, motion=motion)).generate(
            inputs
        )
        assert made.numpy().shape == (5, 128, 128, 3)
    assert method.component in signcore.names("generator")


@BOTH
def test_relative_motion_of_a_driver_at_rest_is_the_source(method, generator, task):
    torch.manual_seed(0)
    model = method().network(method.config_class(**TINY)).eval()
    source, driving = (model.keypoint_detector(torch.rand(1, 3, 128, 128)) for _ in range(2))
    moved = model.relative(source, driving, driving)
    assert isinstance(moved, Regions)
    torch.testing.assert_close(moved.shift, source.shift)
    torch.testing.assert_close(moved.affine, source.affine, rtol=1e-3, atol=1e-4)


@BOTH
def test_a_still_clip_is_learned(method, generator, task):
    dataset = signcore.load("dataset", "synthetic", clips=2, signers=2)
    made = task(method.config_class(**TINY, warp_weight=0.0, learning_rate=2e-3))
    batches = made.batches(dataset, "train")
    totals = []
    for _ in range(12):
        told = made.step(next(batches), "adam")
        assert {"equivariance", "equivariance_affine", "reconstruction"} <= set(told)
        total = sum(told.values())
        made.optimizer.zero_grad()
        total.backward()
        made.optimizer.step()
        totals.append(float(total.detach()))
    assert min(totals[-3:]) < 0.9 * totals[0]
