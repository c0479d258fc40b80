from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from signcore.errors import WeightsError
from signcore.nn.lpips import LEAST_SIDE, LPIPS, Backbone

KINDS = ["alexnet", "vgg16"]


def images(seed=0, size=48):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(2, 2, 3, size, size, generator=generator).unbind(0)


@pytest.fixture(scope="module")
def recorded(shared, tmp_path_factory):
    """(values recorded from the public code, file with its weights, of VGG-16 with a first width of 4)."""
    folder = shared / "oracles" / "lpips_losses"
    prefix = "perceptual_loss."
    tensors = load_file(folder / "vqlpips.weights.safetensors")
    path = tmp_path_factory.mktemp("lpips") / "vgg.safetensors"
    save_file({k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}, path)
    return load_file(folder / "vqlpips.io.safetensors"), path


def test_lpips_is_what_was_recorded_from_the_public_code(recorded):
    values, path = recorded
    network = LPIPS("vgg16", width=4).load(path)
    a, b = (values[name] / 2 + 0.5 for name in ("inputs", "reconstructions"))
    expected = values["lpips_per_image"].flatten()
    torch.testing.assert_close(network(a, b), expected, atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(network(a, a), values["lpips_self"].flatten(), atol=0, rtol=0)
    assert (network.net.source, network.heads) == ("vgg.safetensors", "vgg.safetensors")


@pytest.mark.parametrize("kind", KINDS)
def test_a_copy_is_at_no_distance_and_order_does_not_matter(kind):
    network = LPIPS(kind, width=8)
    a, b = images()
    assert network(a, a).tolist() == [0, 0]
    torch.testing.assert_close(network(a, b), network(b, a))
    assert (network(a, b) > 0).all()


@pytest.mark.parametrize("kind", KINDS)
def test_more_noise_is_farther(kind):
    network, (a, b) = LPIPS(kind, width=8), images()
    near, far = (network(a, (a + amount * (b - 0.5)).clamp(0, 1)) for amount in (0.05, 0.5))
    assert (near < far).all()


def test_the_map_is_zero_far_from_what_differs():
    network = LPIPS("alexnet", width=8)
    a = images(size=256)[0]
    b = a.clone()
    b[..., :24, :24] = 1 - b[..., :24, :24]
    found = network.map(a, b)
    assert found.shape == (2, 1, 256, 256)
    assert found[..., :24, :24].mean() > 100 * found[..., 240:, 240:].mean()


@pytest.mark.parametrize(
    ("kind", "shapes"),
    [
        ("alexnet", {0: (64, 3, 11, 11), 3: (192, 64, 5, 5), 6: (384, 192, 3, 3), 10: (256, 256, 3, 3)}),
        ("vgg16", {0: (64, 3, 3, 3), 7: (128, 128, 3, 3), 14: (256, 256, 3, 3), 28: (512, 512, 3, 3)}),
    ],
)
def test_backbones_take_torchvision_names(kind, shapes, tmp_path):
    network = Backbone(kind)
    state = network.state_dict()
    assert {
        int(n.split(".")[1]): tuple(state[f"features.{n.split('.')[1]}.weight"].shape) for n in state
    }.items() >= shapes.items()
    changed = {name: value + 0.01 for name, value in state.items()}
    save_file({**changed, "classifier.1.weight": torch.zeros(3)}, tmp_path / f"{kind}.safetensors")
    assert network.source == "random"
    network.load(tmp_path / f"{kind}.safetensors")
    assert network.source == f"{kind}.safetensors"
    torch.testing.assert_close(dict(network.state_dict()), changed)


def test_heads_weigh_the_features(tmp_path):
    a, b = images()
    network = LPIPS("alexnet", width=8)
    plain = network(a, b)
    save_file(dict(network.net.state_dict()), tmp_path / "net.safetensors")
    heads = {
        f"lin{k}.model.1.weight": torch.full((1, w, 1, 1), 3.0) for k, w in enumerate(network.net.widths)
    }
    save_file(heads, tmp_path / "heads.safetensors")
    network.load(tmp_path / "net.safetensors")
    assert network.heads == "uniform"
    network.load(tmp_path / "net.safetensors", tmp_path / "heads.safetensors")
    assert network.heads == "heads.safetensors"
    torch.testing.assert_close(network(a, b), 3 * plain)


@pytest.mark.parametrize(("kind", "name"), [("alexnet", "alex"), ("vgg16", "vgg")])
def test_the_authors_heads_load(kind, name, tmp_path):
    torchmetrics = pytest.importorskip(
        "torchmetrics", reason="torchmetrics, which has them, is not installed"
    )
    path = Path(torchmetrics.__file__).parent / "functional" / "image" / "lpips_models" / f"{name}.pth"
    if not path.is_file():
        pytest.skip("this torchmetrics has no heads of LPIPS")
    heads = torch.load(path, map_location="cpu", weights_only=True)
    network = LPIPS(kind)
    save_file(dict(network.net.state_dict()), tmp_path / "net.safetensors")
    save_file(heads, tmp_path / "heads.safetensors")
    network.load(tmp_path / "net.safetensors", tmp_path / "heads.safetensors")
    for k in range(5):
        own = network.get_submodule(f"lin{k}").model[1].weight
        torch.testing.assert_close(own, heads[f"lin{k}.model.1.weight"])
    a, b = images()
    assert (network(a, b) > network(a, (a + b) / 2)).all()


def test_weights_of_something_else_are_refused(tmp_path):
    network = LPIPS("vgg16", width=8)
    save_file({"conv.weight": torch.zeros(3)}, tmp_path / "other.safetensors")
    with pytest.raises(WeightsError, match=r"other.safetensors: holds no vgg16"):
        network.load(tmp_path / "other.safetensors")
    save_file(dict(Backbone("alexnet", 8).state_dict()), tmp_path / "alexnet.safetensors")
    with pytest.raises(WeightsError, match="another architecture"):
        network.load(tmp_path / "alexnet.safetensors")
    save_file(dict(network.net.state_dict()), tmp_path / "vgg16.safetensors")
    with pytest.raises(WeightsError, match="holds no heads"):
        network.load(tmp_path / "vgg16.safetensors", tmp_path / "other.safetensors")


@pytest.mark.parametrize("kind", KINDS)
def test_the_least_side_is_the_least_that_works(kind):
    network = LPIPS(kind, width=4)
    side = LEAST_SIDE[kind]
    assert network(*images(size=side)).isfinite().all()
    with pytest.raises(RuntimeError, match="Output size is too small"):
        network(*images(size=side - 1))
