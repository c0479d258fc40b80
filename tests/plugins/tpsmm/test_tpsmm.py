"""TPSMM whole, against what the public code made of recorded weights and inputs."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from signcore.animation import losses
from signcore.animation.inpainting import InpaintingNetwork
from signcore.animation.training import Batch
from signcore.contracts import Context
from signcore.nn.anti_alias import ImagePyramid
from signcore.nn.coordinates import warp
from signcore.nn.dense_motion import DenseMotion
from signcore.nn.thin_plate_spline import ThinPlateSpline
from signcore.nn.vgg import VGG19
from signcore.plugins.tpsmm.config import TPSMMConfig
from signcore.plugins.tpsmm.model import ThinPlateSplineMotionModel
from signcore.plugins.tpsmm.training import TPSMMTask

TINY = {
    "transforms": 3,
    "keypoint_width": 8,
    "motion_width": 8,
    "motion_max_width": 32,
    "width": 8,
    "max_width": 64,
    "background": True,
    "averaging": 0.0,
}


def close(got, expected, atol):
    torch.testing.assert_close(got, expected, rtol=0, atol=atol)


@pytest.fixture
def oracle(shared):
    return lambda name: load_file(shared / "oracles" / "tpsmm" / f"{name}.safetensors")


def dense(oracle):
    network = DenseMotion(3, block_expansion=8, max_features=32, blocks=3)
    network.load_state_dict(oracle("dense_motion.weights"))
    return network.eval()


@pytest.mark.parametrize("run", ["nobg", "bg", "drop"])
def test_the_inpainting_network_draws_the_recorded_frames(oracle, run):
    io, motion_io = oracle("inpainting.io"), oracle("dense_motion.io")
    network = InpaintingNetwork(8, 64)
    network.load_state_dict(oracle("inpainting.weights"))
    source = motion_io["source"]
    background = None if run == "nobg" else motion_io["bg_param"]
    motion = dense(oracle)(
        source, motion_io["kp_driving"], motion_io["kp_source"], background, motion_io.get(f"{run}.keep")
    )
    features = network.encode(source)
    close(network(source, features, motion).prediction, io[f"{run}.prediction"], 2e-4)
    close(warp(source, motion.flow), io[f"{run}.deformed"], 1e-4)
    driving = network.encode(io["driving"])
    found = losses.warping(features, driving, motion.flow, motion.visible)
    close(found, io[f"{run}.warp_loss_unweighted"], 2e-5)
    if run == "bg":
        for i, (feature, visible) in enumerate(zip(driving[::-1], motion.visible[::-1], strict=True)):
            close(feature * visible, io[f"bg.driving_encoder_maps{i}"], 2e-4)
        for i, (feature, visible) in enumerate(zip(features, motion.visible, strict=True)):
            close(warp(feature, motion.flow, visible), io[f"bg.warped_encoder_maps{i}"], 2e-4)


@pytest.mark.parametrize("run", ["eval_epoch50", "train_epoch50", "train_epoch5_dropout"])
def test_a_whole_training_step_is_the_recorded_one(oracle, run):
    """Losses and gradients in float64, where the recording's own noise is small."""
    io = oracle("full_step.io")
    dropped = "dropout" in run
    config = TPSMMConfig(
        **{**TINY, "background": not dropped},
        l1_weight=0,
        ssim_weight=0,
        drawn_weight=0,
        hand_weight=0,
        moving_weight=0,
        perceptual_weight=10,
        vgg_width=4,
    )
    task = TPSMMTask(config, Context())
    task.pyramid = ImagePyramid((1.0, 0.5, 0.25)).double()
    task.vgg = VGG19(4)
    task.vgg.load_state_dict(oracle("full_step.vgg.weights"))
    task.vgg.double()
    model = task.model
    assert isinstance(model, ThinPlateSplineMotionModel)
    model.dense_motion_network = dense(oracle)
    model.kp_detector.load_state_dict(oracle("kp_detector.weights"))
    model.inpainting_network.load_state_dict(oracle("inpainting.weights"))
    if model.bg_predictor is not None:
        model.bg_predictor.load_state_dict(oracle("bg_predictor.weights"))
    model.double().train(run.startswith("train"))
    drawn = {
        k: io[f"{run}.equi.{k}" if f"{run}.equi.{k}" in io else f"equi.{k}"].double()
        for k in ("theta", "control_params")
    }
    weights = drawn["control_params"].transpose(1, 2).expand(-1, -1, 2)
    line = torch.linspace(-1, 1, 5, dtype=torch.float64)
    controls = (
        torch.stack(torch.meshgrid(line, line, indexing="xy"), -1)
        .reshape(1, -1, 2)
        .expand(len(weights), -1, -1)
    )
    spline = ThinPlateSpline(drawn["theta"], controls, weights)
    batch = Batch(
        source=io["source"].double(),
        driving=io["driving"].double(),
        points=torch.full((2, 1, 2), float("nan"), dtype=torch.float64),
        complete=torch.zeros(2, 2, 1, 2, dtype=torch.float64),
        boxes=torch.full((2, 2, 4), float("nan"), dtype=torch.float64),
        position=0,
    )
    import signcore.animation.training as module

    made = []
    generate = model.generate
    model.generate = lambda *given: made.append(generate(*given)) or made[-1]
    plain = module.motion_frame
    module.motion_frame = lambda frame: (
        frame
    )  # the recording's frames are 64 px, below what the motion branch is given
    try:
        told = task.losses(batch, spline, io[f"{run}.keep"].double() if dropped else None)
    finally:
        module.motion_frame = plain
    close(made[0].prediction.float(), io[f"{run}.prediction"], 1e-3)
    names = {
        "perceptual": "perceptual",
        "equivariance": "equivariance_value",
        "warp": "warp_loss",
        "background": "bg",
    }
    for ours, theirs in names.items():
        key = f"{run}.f64.loss.{theirs}"
        assert (ours in told) == (key in io)
        if ours in told:
            assert float(told[ours]) == pytest.approx(float(io[key]), rel=1e-5)
    sum(told.values()).backward()
    parts = {"dense_motion": "dense_motion_network", "inpainting": "inpainting_network"}
    parameters = dict(model.named_parameters())
    checked = 0
    for key, truth in io.items():
        if key.startswith(f"{run}.f64.grad."):
            part, _, rest = key.removeprefix(f"{run}.f64.grad.").partition(".")
            if part == "bg_predictor" and dropped:
                continue
            grad = parameters[f"{parts.get(part, part)}.{rest}"].grad
            assert (grad.float() - truth).norm() <= 1e-5 * truth.norm()
            checked += 1
    assert checked >= 10


def test_it_moves_a_picture_and_takes_its_weights_back(tmp_path):
    import signcore
    from signcore import weights
    from signcore.plugins.tpsmm.config import TPSMMInputs
    from signcore.plugins.tpsmm.generator import TPSMM
    from signcore.presets import describe
    from signcore.types import Image, Video

    config = TPSMMConfig(**{**TINY, "background": False})
    torch.manual_seed(0)
    model = ThinPlateSplineMotionModel(config)
    weights.save(tmp_path, describe("tpsmm", config), model.state_dict(), half=False)
    frames = np.random.default_rng(0).integers(0, 255, (5, 140, 128, 3), np.uint8)
    inputs = TPSMMInputs(source=Image(frames[0]), driving=Video.from_array(frames, 12))
    for motion in ("standard", "relative"):
        made = TPSMM.from_pretrained(tmp_path, TPSMMConfig(mode="cross", motion=motion)).generate(inputs)
        assert made.numpy().shape == (5, 128, 128, 3)
    assert "tpsmm" in signcore.names("generator")
    from signcore.errors import WeightsError
    from signcore.plugins.pgmm.generator import PGMM

    with pytest.raises(WeightsError, match="weights of generator:tpsmm, not of generator:pgmm"):
        PGMM.from_pretrained(tmp_path)


class Clips:
    """Two clips of noise: what is learned does not matter here."""

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int):
        from signcore.contracts import Sample
        from signcore.types import Video

        frames = np.random.default_rng(index).integers(0, 255, (4, 64, 64, 3), np.uint8)
        return Sample(id=f"clip {index}", video=Video.from_array(frames, 10), signer=f"{index}")


def test_the_avd_network_learns_in_a_stage_of_its_own_and_moves_the_picture(tmp_path):
    from signcore import weights
    from signcore.errors import ConfigError
    from signcore.plugins.tpsmm.config import TPSMMInputs
    from signcore.plugins.tpsmm.generator import TPSMM
    from signcore.training import fit
    from signcore.types import Image, Video

    settings = {**TINY, "background": False, "averaging": 0.5, "size": 64, "batch": 2, "held_out": 0.0}
    made = {}
    for name, avd in (("with", True), ("without", False)):
        task = TPSMMTask(TPSMMConfig(**settings, avd=avd), Context())
        made[name] = fit(task, Clips(), folder=tmp_path / name, steps=3, checkpoint_every=2, sample_every=0)
    _, whole = weights.read(made["with"].weights)
    _, plain = weights.read(made["without"].weights)
    assert set(plain) < set(whole)
    assert all(name.startswith("avd_network.") for name in set(whole) - set(plain))
    assert made["with"].losses.keys() == {"keypoints"}
    for name, value in plain.items():  # the second stage leaves the rest as it is
        if not name.endswith("num_batches_tracked"):
            torch.testing.assert_close(whole[name], value, msg=name)

    frames = np.random.default_rng(0).integers(0, 255, (3, 64, 64, 3), np.uint8)
    inputs = TPSMMInputs(source=Image(frames[0]), driving=Video.from_array(frames, 12))
    moved = {}
    for motion in ("standard", "avd"):
        asked = TPSMMConfig(mode="cross", motion=motion, size=64)
        moved[motion] = TPSMM.from_pretrained(made["with"].weights, asked).generate(inputs).numpy()
    assert (moved["standard"] != moved["avd"]).any()
    with pytest.raises(ConfigError, match="these weights have no AVD network"):
        TPSMM.from_pretrained(made["without"].weights, asked).generate(inputs).numpy()


def test_the_avd_network_learns_to_undo_the_stretching():
    task = TPSMMTask(TPSMMConfig(**{**TINY, "background": False}, avd=True, size=64, batch=8), Context())
    stage = task.stages()[1]
    batches, told = stage.batches(Clips(), "train"), []
    for step in range(40):
        stage.schedule(step, 40)
        stage.optimizer.zero_grad()
        loss = stage.step(next(batches), "adam")["keypoints"]
        loss.backward()
        stage.optimizer.step()
        told.append(float(loss.detach()))
    assert np.mean(told[-5:]) < 0.3 * np.mean(told[:3])


def test_a_checkpoint_of_the_public_shape_moves_a_picture(tmp_path):
    """A .pth.tar with a dictionary a network, and optimisers, as the public code writes it."""
    from signcore import weights
    from signcore.plugins.tpsmm.config import TPSMMInputs
    from signcore.plugins.tpsmm.generator import TPSMM
    from signcore.types.image import Image
    from signcore.types.video import Video

    settings = {**{k: v for k, v in TINY.items() if k != "averaging"}, "size": 64, "avd": True}
    torch.manual_seed(0)
    model = ThinPlateSplineMotionModel(TPSMMConfig(**settings))
    parts = ("kp_detector", "dense_motion_network", "inpainting_network", "bg_predictor", "avd_network")
    told = {name: getattr(model, name).state_dict() for name in parts}
    optimizer = torch.optim.Adam(model.parameters()).state_dict()
    torch.save(
        {**told, "optimizer": optimizer, "optimizer_avd": optimizer, "epoch": 99}, tmp_path / "vox.pth.tar"
    )
    weights.convert(tmp_path / "vox.pth.tar", tmp_path / "vox.safetensors")
    frames = np.random.default_rng(0).integers(0, 255, (2, 64, 64, 3), np.uint8)
    given = TPSMMInputs(source=Image(frames[0]), driving=Video.from_array(frames, 10))
    context = Context(weights=str(tmp_path / "vox.safetensors"))
    made = TPSMM(TPSMMConfig(**settings), context)
    assert all(
        torch.equal(made.model.state_dict()[name], value) for name, value in model.state_dict().items()
    )
    assert made.generate(given).shape == (2, 64, 64, 3)
