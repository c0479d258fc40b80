from __future__ import annotations

import pytest
import torch
from safetensors.torch import save_file

from signcore.errors import WeightsError
from signcore.nn.i3d import I3D, LEAST_FRAMES, SIDE, Unit3D
from signcore.nn.random_features import RandomFeatures


@pytest.fixture(scope="module")
def network():
    made = I3D()
    torch.manual_seed(0)
    for layer in made.modules():
        if isinstance(layer, torch.nn.Conv3d):
            torch.nn.init.kaiming_normal_(layer.weight)  # by torch's default the signal dies out in eval mode
    return made


def test_the_state_dict_is_the_public_one(network):
    state = network.state_dict()
    shapes = {
        "Conv3d_1a_7x7.conv3d.weight": (64, 3, 7, 7, 7),
        "Conv3d_2c_3x3.bn.running_var": (192,),
        "Mixed_3b.b1b.conv3d.weight": (128, 96, 3, 3, 3),
        "Mixed_4f.b3b.conv3d.weight": (128, 528, 1, 1, 1),
        "Mixed_5c.b0.bn.weight": (384,),
        "logits.conv3d.weight": (400, 1024, 1, 1, 1),
        "logits.conv3d.bias": (400,),
    }
    assert {name: tuple(state[name].shape) for name in shapes} == shapes
    learned = sum(v.numel() for n, v in network.named_parameters())
    assert learned == 12_697_264  # of the Kinetics-400 network


@torch.no_grad()
def test_logits_of_a_clip(network):
    clip = torch.rand(1, 3, LEAST_FRAMES, SIDE, SIDE) * 2 - 1
    found = network(clip)
    assert found.shape == (1, 400)
    assert found.isfinite().all()
    assert not torch.allclose(
        found, network(clip.flip(2)), rtol=1e-3, atol=1e-3
    )  # the order of frames matters


@torch.no_grad()
@pytest.mark.parametrize("size", [9, 10, 11, 12])
@pytest.mark.parametrize(("kernel", "stride"), [(7, 2), (3, 1), (3, 2), (2, 2)])
def test_same_padding_leaves_the_ceiling_with_the_odd_zero_behind(size, kernel, stride):
    unit = Unit3D(1, 1, kernel, stride, plain=True)
    x = torch.rand(1, 1, size, size, size)
    found = unit(x)
    assert found.shape[2:] == (-(-size // stride),) * 3
    before = max((found.shape[2] - 1) * stride + kernel - size, 0) // 2
    wide = torch.zeros(1, 1, *(size + 2 * kernel,) * 3)
    wide[..., kernel:-kernel, kernel:-kernel, kernel:-kernel] = x
    first = wide[0, 0, *(slice(kernel - before, 2 * kernel - before),) * 3]
    expected = (first * unit.conv3d.weight[0, 0]).sum() + unit.conv3d.bias[0]
    torch.testing.assert_close(found[0, 0, 0, 0, 0], expected)


def test_files_with_and_without_batch_counts_load_and_others_are_refused(network, tmp_path):
    state = {name: value.clone() for name, value in network.state_dict().items()}
    state["logits.conv3d.bias"] += 1
    save_file({n: v for n, v in state.items() if "num_batches" not in n}, tmp_path / "i3d.safetensors")
    other = I3D().load(tmp_path / "i3d.safetensors")
    assert other.source == "i3d.safetensors"
    torch.testing.assert_close(dict(other.state_dict()), state)
    save_file({"logits.conv3d.bias": torch.zeros(400)}, tmp_path / "part.safetensors")
    with pytest.raises(WeightsError, match="another architecture"):
        other.load(tmp_path / "part.safetensors")


def test_random_features_are_fixed_by_their_seed():
    x = torch.rand(2, 3, 32, 32)
    before = torch.random.get_rng_state()
    a, b, c = RandomFeatures(2), RandomFeatures(2), RandomFeatures(2, seed=1)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert a(x).shape == (2, a.width)
    assert torch.equal(a(x), b(x))
    assert not torch.allclose(a(x), c(x))


def test_features_of_clips_see_the_order_of_frames():
    network = RandomFeatures(3)
    clip = torch.rand(1, 3, 8, 32, 32)
    assert not torch.allclose(network(clip), network(clip.flip(2)), atol=1e-4)
