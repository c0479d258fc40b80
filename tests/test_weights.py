from __future__ import annotations

import hashlib
import importlib.metadata
import json
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from signcore import weights
from signcore.errors import WeightsError, WorkError

CONFIG = {"component": "generator:toy", "preset": "small", "version": 1, "settings": {"width": 3}}


def network(width: int = 3) -> nn.Module:
    return nn.Sequential(nn.Linear(2, width), nn.BatchNorm1d(width))


def test_what_was_saved_is_read_back_in_half_precision(tmp_path):
    saved, loaded = network(), network()
    file = weights.save(tmp_path, CONFIG, saved.state_dict())
    for source in (tmp_path, file):
        config, tensors = weights.read(source)
        assert config == CONFIG
        weights.load_into(loaded, tensors, source)
    torch.testing.assert_close(loaded[0].weight, saved[0].weight.half().float(), rtol=0, atol=0)
    assert loaded[1].num_batches_tracked.dtype == torch.int64


def test_full_precision_is_kept_on_request(tmp_path):
    saved, loaded = network(), network()
    weights.save(tmp_path, CONFIG, saved.state_dict(), half=False)
    weights.load_into(loaded, weights.read(tmp_path)[1], tmp_path)
    assert torch.equal(loaded[0].weight, saved[0].weight)


def test_a_config_beside_the_file_is_found(tmp_path):
    save_file(network().state_dict(), tmp_path / "any.safetensors")
    assert weights.read(tmp_path / "any.safetensors")[0] == {}
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    assert weights.read(tmp_path / "any.safetensors")[0] == CONFIG


def test_missing_unexpected_and_misshapen_tensors_are_listed(tmp_path):
    tensors = network(width=4).state_dict()
    tensors["more"] = tensors.pop("1.bias")
    with pytest.raises(WeightsError) as caught:
        weights.load_into(network(), tensors, "some.safetensors")
    line = caught.value.line()
    assert line.startswith("some.safetensors: weights of another architecture")
    assert "1 missing (1.bias)" in line
    assert "1 unexpected (more)" in line
    assert "5 of another shape (0.weight [4, 2] for [3, 2], " in line
    assert line.count("for [") == 3
    assert "\n" not in line


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_tensor_that_is_not_finite_is_named_when_loading_and_when_saving(tmp_path, value):
    tensors = network().state_dict()
    tensors["0.bias"] = torch.tensor([0.0, value, 0.0])
    with pytest.raises(WeightsError, match=r"w: 0\.bias holds a NaN or an infinity"):
        weights.load_into(network(), tensors, "w")
    with pytest.raises(WeightsError, match=r"0\.bias holds a NaN"):
        weights.save(tmp_path, CONFIG, tensors)
    assert not list(tmp_path.iterdir())


def test_a_refused_file_leaves_the_module_as_it_was(tmp_path):
    module = network()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    tensors = network().state_dict() | {"1.bias": torch.full((3,), float("nan"))}
    with pytest.raises(WeightsError):
        weights.load_into(module, tensors, "w")
    assert all(torch.equal(before[name], value) for name, value in module.state_dict().items())


def test_pickles_are_never_opened(tmp_path):
    torch.save(network().state_dict(), tmp_path / "model.pth")
    with pytest.raises(WeightsError, match=r"not a \.safetensors file; ?|not a \.safetensors file") as caught:
        weights.read(tmp_path / "model.pth")
    assert "pickled weights are not loaded" in caught.value.line()


def test_a_damaged_file_is_named(tmp_path):
    file = weights.save(tmp_path, CONFIG, network().state_dict())
    file.write_bytes(file.read_bytes()[:-7])
    with pytest.raises(WeightsError, match="not readable as safetensors"):
        weights.read(file)


def test_a_folder_without_weights_and_an_absent_file_are_named(tmp_path):
    with pytest.raises(WeightsError, match=r"holds no model\.safetensors"):
        weights.read(tmp_path)
    with pytest.raises(WeightsError, match="no such file or folder"):
        weights.read(tmp_path / "absent.safetensors")


def test_a_hub_name_is_fetched_by_the_hub_client(tmp_path, monkeypatch):
    import huggingface_hub

    weights.save(tmp_path, CONFIG, network().state_dict())
    asked = []

    def download(name, allow_patterns):
        asked.append((name, allow_patterns))
        return str(tmp_path)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    assert weights.read("someone/toy")[0] == CONFIG
    assert asked == [("someone/toy", ["config.json", "model.safetensors"])]


def test_an_unreachable_hub_is_one_line(monkeypatch):
    import huggingface_hub

    def offline(*_, **__):
        raise ConnectionError("no route\nto host")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", offline)
    with pytest.raises(WeightsError, match=r"someone/toy: .*not to be had from the hub \(no route\)"):
        weights.read("someone/toy")


def test_weights_that_cannot_be_written_are_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(WorkError, match="weights cannot be written"):
        weights.save(tmp_path / "file" / "below", CONFIG, network().state_dict())


@pytest.fixture
def index(tmp_path, monkeypatch):
    """An installed distribution that ships one file; returns its record."""
    file = weights.save(tmp_path, CONFIG, network().state_dict())
    record = {
        "component": "generator:toy",
        "preset": "small",
        "file": str(file),
        "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
    }
    point = SimpleNamespace(name="x", value="x:records", dist=None, load=lambda: lambda: [record])
    monkeypatch.setattr(
        importlib.metadata, "entry_points", lambda group: [point] if group == weights.GROUP else []
    )
    return record


def test_shipped_weights_are_found_by_component_and_preset(index):
    assert str(weights.shipped("generator", "toy", "small")) == index["file"]
    assert weights.shipped("generator", "toy", "paper") is None
    assert weights.shipped("recognizer", "toy", "small") is None


def test_chosen_weights_go_before_shipped_ones(index):
    assert weights.find("mine.safetensors", "generator", "toy", "small") == "mine.safetensors"
    assert str(weights.find(None, "generator", "toy", "small")) == index["file"]


def test_a_shipped_file_with_another_sha256_is_refused(index):
    index["sha256"] = "0" * 64
    with pytest.raises(WeightsError, match="not the file that was shipped"):
        weights.shipped("generator", "toy", "small")


def test_without_any_weights_random_ones_are_refused(index):
    with pytest.raises(WeightsError) as caught:
        weights.find(None, "generator", "toy", "paper")
    line = caught.value.line()
    assert "no weights for preset 'paper'" in line
    for way in ("--weights FILE", "pip install signcore-weights", "signcore train --generator toy"):
        assert way in line


EVIL = Path(tempfile.gettempdir()) / "signcore-evil"


class Evil:
    def __reduce__(self):
        import os

        return os.system, (f"touch {EVIL}",)


def test_a_pickled_checkpoint_becomes_safe(tmp_path, cli):
    state = {"module.layer.weight": torch.arange(6.0).reshape(2, 3), "module.layer.bias": torch.zeros(2)}
    torch.save({"epoch": 3, "state_dict": state, "optimizer": {"m": torch.ones(1)}}, tmp_path / "a.pth")
    code, out, _ = cli(
        "convert-weights", tmp_path / "a.pth", tmp_path / "a.safetensors", "--under", "state_dict"
    )
    assert code == 0
    assert "2 tensors" in out
    found = weights.read(tmp_path / "a.safetensors")[1]
    assert found["layer.weight"].tolist() == [[0, 1, 2], [3, 4, 5]]
    torch.save(state, tmp_path / "b.pth")
    weights.convert(tmp_path / "b.pth", tmp_path / "b.safetensors")
    assert set(weights.read(tmp_path / "b.safetensors")[1]) == {"layer.weight", "layer.bias"}


def test_a_checkpoint_with_code_is_refused_and_not_run(tmp_path):
    torch.save({"a": Evil()}, tmp_path / "evil.pth")
    with pytest.raises(WeightsError, match="cannot be read as tensors alone"):
        weights.convert(tmp_path / "evil.pth", tmp_path / "evil.safetensors")
    assert not EVIL.exists()
    (tmp_path / "cut.pth").write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(WeightsError, match=r"cut\.pth"):
        weights.convert(tmp_path / "cut.pth", tmp_path / "cut.safetensors")
    torch.save({"a": 1}, tmp_path / "none.pth")
    with pytest.raises(WeightsError, match="holds no tensors"):
        weights.convert(tmp_path / "none.pth", tmp_path / "none.safetensors")
    assert not (tmp_path / "cut.safetensors").exists()


def test_what_training_left_as_it_was_is_borrowed_from_the_shipped_file(tmp_path, monkeypatch):
    torch.manual_seed(0)
    model = network()
    file = weights.save(tmp_path / "base", CONFIG, model.state_dict())
    record = {
        "component": "generator:toy", "preset": "small", "file": str(file), "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
    }  # fmt: skip
    monkeypatch.setattr(weights, "_records", lambda: iter([record]))
    tuned = dict(weights.read(file)[1])
    tuned["0.bias"] = tuned["0.bias"] + 1
    saved = weights.save(tmp_path / "tuned", CONFIG, tuned, base=file)
    config, found = weights.read(saved)
    assert found.keys() == tuned.keys()
    assert all(torch.equal(found[n], tuned[n]) for n in tuned)
    assert config["base"]["preset"] == "small"
    assert "0.weight" in config["base"]["tensors"]
    assert saved.stat().st_size < file.stat().st_size + len(json.dumps(config))
    monkeypatch.setattr(weights, "_records", lambda: iter([]))
    with pytest.raises(WeightsError, match=r"builds on the shipped weights of generator:toy.*not installed"):
        weights.read(saved)
    whole = weights.save(tmp_path / "whole", CONFIG, tuned, base=file)  # begun from weights of one's own
    assert "base" not in weights.read(whole)[0]
