"""FOMM's and MRAA's keypoints, regions and flows, as their public code made them of recorded weights and inputs."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from signcore.nn.first_order import FirstOrderMotion, RegionPredictor, Regions, moments, square_root


@pytest.fixture
def oracle(shared):
    def load(name):
        folder = shared / "oracles" / "mraa_fomm"
        with safe_open(folder / f"{name}.io.safetensors", "pt") as opened:
            about = {k: json.loads(v) for k, v in (opened.metadata() or {}).items()}
        weights = folder / f"{name}.weights.safetensors"
        return (
            load_file(folder / f"{name}.io.safetensors"),
            load_file(weights) if weights.exists() else {},
            about,
        )

    return load


def close(got, expected, atol=1e-5):
    torch.testing.assert_close(got, expected, rtol=0, atol=atol)


SIZES = {"block_expansion": 8, "max_features": 32, "blocks": 3}


@pytest.mark.parametrize(
    ("name", "affine", "padding"),
    [
        ("fomm_kp_detector", "jacobian", 0),
        ("mraa_region_pca", "pca", 3),
        ("mraa_region_regress", "shared", 3),
        ("mraa_region_shift", "none", 0),
    ],
)
def test_keypoints_and_regions(oracle, name, affine, padding):
    io, weights, _ = oracle(name)
    network = RegionPredictor(
        4, affine=affine, name="kp" if "fomm" in name else "regions", padding=padding, **SIZES
    )
    network.load_state_dict(weights)
    found = network.eval()(io["x"])
    close(found.shift, io["value" if "fomm" in name else "shift"])
    if "heatmap" in io:
        close(found.heatmap, io["heatmap"])
    if affine == "pca":  # singular vectors are defined up to their sign
        close(found.affine @ found.affine.transpose(-1, -2), io["covar"])
        close(found.covariance, io["covar"])
    elif affine != "none":
        close(found.affine, io["jacobian" if "fomm" in name else "affine"])


def test_moments_and_their_square_root(oracle):
    io, _, _ = oracle("mraa_region2affine")
    shift, covariance = moments(io["heatmap"])
    close(shift, io["shift"])
    close(covariance, io["covar"])
    root = square_root(covariance)
    close(root @ root.transpose(-1, -2), io["covar"])


def regions(io, which):
    parts = [io.get(f"{which}.{name}") for name in ("affine", "covar")]
    shift = io[f"{which}.shift"] if f"{which}.shift" in io else io[f"{which}.value"]
    affine = parts[0] if parts[0] is not None else io[f"{which}.jacobian"]
    covariance = parts[1] if parts[1] is not None else affine
    return Regions(shift, affine, covariance, shift)


@pytest.mark.parametrize("name", ["fomm_dense_motion", "mraa_flow_plain", "mraa_flow_covar_revert"])
def test_flows(oracle, name):
    io, weights, about = oracle(name)
    network = FirstOrderMotion(
        4,
        covariance=about.get("use_covar_heatmap", False),
        revert_axis_swap=about.get("revert_axis_swap", False),
        occlusion=about.get("estimate_occlusion_map", False),
        **SIZES,
    )
    network.load_state_dict(weights)
    driving, source = regions(io, "driving"), regions(io, "source_kp" if "fomm" in name else "source_region")
    motion = network.eval()(io["source"], driving, source)
    close(motion.flow, io["deformation" if "fomm" in name else "optical_flow"])
    if "occlusion_map" in io:
        close(motion.visible[0], io["occlusion_map"])
    if "heatmap" in io:
        close(network.heatmaps(driving, source, 16, 16)[:, :, None], io["heatmap"])
        close(network.grids(driving, source, 16, 16, None), io["sparse_motions"])
    else:
        close(motion.contributions, io["mask"])
