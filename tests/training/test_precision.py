"""16-mixed on a CPU: Fabric gives its scaler to GPUs alone, so a Fabric with a CPU's scaler stands in for one."""

import importlib.util
from pathlib import Path

import lightning_fabric
import pytest
import torch
from lightning_fabric.plugins.precision import MixedPrecision

from signcore.errors import ConfigError
from signcore.training import PRECISIONS, checkpoint, fit, loop

_spec = importlib.util.spec_from_file_location("signcore_toy_task", Path(__file__).with_name("toy.py"))
toy = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(toy)
ToyTask = toy.ToyTask
QUIET = {"checkpoint_every": 0, "sample_every": 0, "log_every": 1}


@pytest.fixture
def half(monkeypatch):
    """fit in 16 bits with a scaler; half["scale"] is what it begins at."""
    begin = {"scale": 1024.0, "accelerator": "cuda", "precision": "16-mixed"}

    def fabric(**_):
        scaler = torch.amp.GradScaler("cpu", init_scale=begin["scale"])
        return real(accelerator="cpu", devices=1, plugins=[MixedPrecision("16-mixed", "cpu", scaler)])

    real = lightning_fabric.Fabric
    monkeypatch.setattr(loop.lightning_fabric, "Fabric", fabric)
    return begin


def trained(half, folder, steps=6, task=None, **more):
    task = task or ToyTask()
    options = {k: v for k, v in half.items() if k != "scale"}
    fit(task, None, folder=folder, steps=steps, **QUIET, **{**options, **more})
    return task


def test_steps_in_16_bits_are_those_in_32(half, tmp_path, monkeypatch):
    made = trained(half, tmp_path / "half")
    monkeypatch.undo()
    whole = ToyTask()
    fit(whole, None, folder=tmp_path / "whole", steps=6, **QUIET)
    for name, value in whole.judge.state_dict().items():
        torch.testing.assert_close(made.judge.state_dict()[name], value, atol=1e-3, rtol=0.01)


def test_gradients_are_clipped_at_their_own_size(half, tmp_path):
    class Looked(ToyTask):
        def clip(self, optimizer):
            if optimizer == "judge":
                found.append(float(self.judge.bias.grad.abs().max()))

    found = []
    trained(half, tmp_path, task=Looked())
    assert 0 < max(found) < 10


def test_a_step_that_overflows_is_left_out_and_the_scale_falls(half, tmp_path):
    class Overflows(ToyTask):
        def clip(self, optimizer):
            if optimizer == "judge" and self.seen[-1] == 0:
                before.update({k: v.clone() for k, v in self.judge.state_dict().items()})

        def updated(self, step):
            after.update({k: v.clone() for k, v in self.judge.state_dict().items()})

    before, after = {}, {}
    half["scale"] = 2.0**127
    trained(half, tmp_path, steps=1, task=Overflows())
    assert all(torch.equal(before[k], after[k]) for k in before)
    assert checkpoint.load(tmp_path / "checkpoint.pt")["precision"]["scale"] < 2.0**127


def test_a_resumed_run_goes_on_with_the_scale_it_had(half, tmp_path):
    half["scale"] = 2.0**100
    whole = trained(half, tmp_path / "whole", steps=6)
    trained(half, tmp_path / "halves", steps=3)
    again = trained(half, tmp_path / "halves", steps=6)
    states = [checkpoint.load(tmp_path / name / "checkpoint.pt")["precision"] for name in ("whole", "halves")]
    assert states[0] == states[1]
    assert states[0]["scale"] < 2.0**100
    assert all(torch.equal(whole.state()[k], again.state()[k]) for k in whole.state())


def test_a_run_in_32_bits_can_go_on_in_16(half, tmp_path, monkeypatch):
    with monkeypatch.context() as m:
        m.setattr(loop.lightning_fabric, "Fabric", lightning_fabric.fabric.Fabric)
        fit(ToyTask(), None, folder=tmp_path, steps=2, **QUIET)
    trained(half, tmp_path, steps=4)


def test_unknown_precisions_are_refused_with_the_choices(tmp_path):
    with pytest.raises(ConfigError, match="expected 32-true, bf16-mixed, 16-mixed, got fp8"):
        fit(ToyTask(), None, folder=tmp_path, steps=1, precision="fp8")
    with pytest.raises(ConfigError, match="16-mixed needs a GPU"):
        fit(ToyTask(), None, folder=tmp_path, steps=1, precision="16-mixed")
    assert "bf16-mixed" in PRECISIONS
