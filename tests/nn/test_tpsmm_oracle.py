"""The shared networks reproduce what public TPSMM code made of recorded weights and inputs."""

from __future__ import annotations

import os
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from signcore.nn.anti_alias import AntiAliasInterpolation2d, ImagePyramid
from signcore.nn.coordinates import coordinate_grid, gaussians
from signcore.nn.dense_motion import DenseMotion, dropout_softmax
from signcore.nn.hourglass import Hourglass
from signcore.nn.keypoint_detector import BackgroundMotionPredictor, KeypointDetector
from signcore.nn.thin_plate_spline import ThinPlateSpline, solve

SHARED = Path(os.environ.get("SIGNCORE_SHARED", Path(__file__).parents[3] / "shared"))
ORACLE = SHARED / "oracles" / "tpsmm"
pytestmark = pytest.mark.skipif(
    not ORACLE.is_dir(), reason=f"no recorded numbers at {ORACLE}: set SIGNCORE_SHARED"
)

NETWORK = (
    5e-5  # absolute, float32; the recording's README measured 5e-6 of noise between convolution backends
)


def load(name: str) -> dict[str, torch.Tensor]:
    return load_file(ORACLE / f"{name}.safetensors")


def close(got: torch.Tensor, expected: torch.Tensor, atol: float) -> None:
    torch.testing.assert_close(got, expected, rtol=0, atol=atol)


def test_the_coordinate_grid_puts_corners_at_the_corner_pixels():
    close(coordinate_grid(5, 7), load("tps.io")["coordinate_grid_5x7"], 1e-6)


@pytest.mark.parametrize("variance", ["0.01", "0.1"])
def test_gaussians_are_the_recorded_heatmaps(variance):
    io = load("tps.io")
    close(gaussians(io["gauss.kp"], 12, 16, float(variance)), io[f"gauss.var{variance}"], 2e-6)


@pytest.mark.parametrize("size", [32, 40])
@pytest.mark.parametrize("scale", ["1", "0.5", "0.25", "0.125"])
def test_anti_aliased_images_are_the_recorded_ones(size, scale):
    io = load("tps.io")
    down = AntiAliasInterpolation2d(3, float(scale))
    close(down(io[f"aa.in{size}"]), io[f"aa.out{size}_{scale}"], 2e-6)
    if scale != "1":
        close(down.weight, io[f"aa.kernel_{scale}"], 1e-7)


def test_the_pyramid_holds_every_scale():
    io = load("tps.io")
    images = ImagePyramid((1, 0.5, 0.25, 0.125))(io["aa.in32"])
    for image, scale in zip(images, ("1", "0.5", "0.25", "0.125"), strict=True):
        close(image, io[f"aa.out32_{scale}"], 2e-6)


@pytest.mark.parametrize("case", ["kp0", "kp1"])
def test_a_solved_spline_is_the_recorded_one(case):
    io = {
        name.removeprefix(f"{case}."): value
        for name, value in load("tps.io").items()
        if name.startswith(case)
    }
    driving, source = io["kp_driving"].requires_grad_(), io["kp_source"].requires_grad_()
    spline = solve(driving, source)
    close(spline.theta, io["theta"], 1e-5)
    close(spline.weights, io["control_params"], 1e-5)
    grid = spline.grid(*io["grid"].shape[2:4])
    close(grid, io["grid"], 1e-5)
    points = io["coords"].expand(*driving.shape[:2], -1, -1)
    close(spline(points), io["warped_coords"], 1e-5)
    (grid * io["cotangent"]).sum().backward()
    for got, expected in ((driving.grad, io["grad_kp_driving"]), (source.grad, io["grad_kp_source"])):
        assert (got - expected).norm() <= 1e-4 * expected.norm()


@pytest.mark.parametrize("case", ["random0", "random1"])
def test_a_random_spline_moves_points_and_frames_as_recorded(case):
    io = {
        name.removeprefix(f"{case}."): value
        for name, value in load("tps.io").items()
        if name.startswith(case)
    }
    weights = io["control_params"].transpose(1, 2).expand(-1, -1, 2)
    controls = io["control_points"].reshape(1, -1, 2).expand(len(weights), -1, -1)
    spline = ThinPlateSpline(io["theta"], controls, weights)
    close(spline.grid(*io["grid"].shape[1:3]), io["grid"], 1e-5)
    close(spline(io["coords"]), io["warped_coords"], 1e-5)
    close(spline.image(io["frame"]), io["transformed_frame"], 1e-4)


def test_the_keypoint_detector_finds_the_recorded_keypoints():
    io, weights = load("kp_detector.io"), load("kp_detector.weights")
    detector = KeypointDetector(transforms=3, width=8)
    detector.load_state_dict(weights)
    detector.eval()
    close(detector(io["image"]), io["eval.fg_kp"], NETWORK)
    close(detector(io["image_nonsquare"]), io["eval.fg_kp_nonsquare"], NETWORK)
    detector.train()
    close(detector(io["image"]), io["train.fg_kp"], NETWORK)
    close(detector.fg_encoder.bn1.running_mean, io["train.bn1.running_mean_after"], 1e-5)
    close(detector.fg_encoder.bn1.running_var, io["train.bn1.running_var_after"], 1e-5)


def test_the_background_predictor_finds_the_recorded_motion():
    io = load("bg_predictor.io")
    predictor = BackgroundMotionPredictor(width=8)
    predictor.load_state_dict(load("bg_predictor.weights"))
    predictor.eval()
    close(predictor(io["source"], io["driving"]), io["eval.bg_param_sd"], NETWORK)
    close(predictor(io["driving"], io["source"]), io["eval.bg_param_ds"], NETWORK)


def test_the_full_width_detector_finds_the_recorded_keypoints():
    io = load("fullwidth_resnet.io")
    detector = KeypointDetector(transforms=10)
    detector.load_state_dict(formula_weights(detector, hash_seed=7))
    detector.eval()
    close(detector.fg_encoder.conv1.weight[0, 0], io["probe.fg_encoder.conv1.weight[0,0]"], 1e-7)
    close(detector(io["image_a"]), io["kp_detector.fg_kp"], NETWORK)


def test_the_hourglass_makes_the_recorded_maps():
    io = load("hourglass.io")
    hourglass = Hourglass(block_expansion=8, in_features=5, blocks=3, max_features=32)
    hourglass.load_state_dict(load("hourglass.weights"))
    outputs = hourglass(io["x"])
    assert [output.shape[1] for output in outputs] == hourglass.out_features
    for i, output in enumerate(outputs):
        close(output, io[f"out{i}"], NETWORK)


@pytest.mark.parametrize("run", ["nobg", "bg", "drop", "drop0"])
def test_the_dense_motion_is_the_recorded_one(run):
    io = load("dense_motion.io")
    network = DenseMotion(3, block_expansion=8, max_features=32, blocks=3)
    network.load_state_dict(load("dense_motion.weights"))
    close(network.down(io["source"]), io["down"], 2e-6)
    background = io["bg_param"] if run in ("bg", "drop") else None
    motion = network(io["source"], io["kp_driving"], io["kp_source"], background, io.get(f"{run}.keep"))
    close(motion.contributions, io[f"{run}.contribution_maps"], NETWORK)
    close(motion.flow, io[f"{run}.deformation"], NETWORK)
    for i, mask in enumerate(motion.visible):
        close(mask, io[f"{run}.occlusion{i}"], NETWORK)
    close(network.heatmaps(io["kp_driving"], io["kp_source"], 16, 16), io["heatmap"], 2e-6)
    for name, background in (("nobg", None), ("bg", io["bg_param"])):
        grids = network.grids(io["kp_driving"], io["kp_source"], background, 16, 16)
        close(grids, io[f"transformations_{name}"], 1e-5)


def test_dropped_transforms_take_no_part():
    io = load("dense_motion.io")
    out = dropout_softmax(io["dropsoftmax.logits"], io["dropsoftmax.keep_P0.5"])
    close(out, io["dropsoftmax.out_P0.5"], 1e-6)


def test_frames_without_gradients_give_the_same_numbers():
    io = load("hourglass.io")
    hourglass = Hourglass(block_expansion=8, in_features=5, blocks=3, max_features=32)
    hourglass.load_state_dict(load("hourglass.weights"))
    with torch.no_grad():
        for i, output in enumerate(hourglass(io["x"])):
            close(output, io[f"out{i}"], NETWORK)


def formula_weights(module: torch.nn.Module, hash_seed: int) -> dict[str, torch.Tensor]:
    """Weights that a formula gives (splitmix64 of the entry's name): the recording stored none."""
    entries = {}
    for name, value in module.state_dict().items():
        if not value.is_floating_point():
            entries[name] = value
            continue
        with np.errstate(over="ignore"):
            z = np.arange(1, value.numel() + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
            z += np.uint64((hash_seed << 32) + zlib.crc32(name.encode()))
            z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        uniform = ((z ^ (z >> np.uint64(31))) >> np.uint64(11)).astype(np.float64) / 2.0**53
        if "running_var" in name:
            drawn = 0.5 + uniform
        elif "running_mean" in name:
            drawn = 0.4 * (uniform - 0.5)
        elif value.dim() == 1:
            drawn = 0.8 + 0.4 * uniform if name.endswith("weight") else 0.2 * (uniform - 0.5)
        else:
            drawn = (2 * uniform - 1) * np.sqrt(6 / (value.numel() / value.shape[0]))
        entries[name] = torch.from_numpy(drawn.astype(np.float32)).reshape(value.shape)
    return entries
