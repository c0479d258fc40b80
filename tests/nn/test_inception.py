from __future__ import annotations

import pytest
import torch
from safetensors.torch import save_file
from torch.nn import functional as F

import signcore
from signcore.errors import WeightsError
from signcore.nn.inception import Inception, resized
from signcore.types import Video


def filled(state):
    """Numbers that anybody can make again, of a size at which no layer dies out or explodes."""
    out = {}
    for k, (name, value) in enumerate(sorted(state.items())):
        if name.endswith("num_batches_tracked"):
            continue
        place = torch.arange(value.numel(), dtype=torch.float64)
        noise = (2 * (43758.5453 * torch.sin(12.9898 * place + k)).frac()).view(value.shape)
        noise = noise - noise.mean()
        if value.ndim == 4:
            out[name] = (noise * (1.5 / value[0].numel()) ** 0.5).float()
        elif name.endswith(("running_var", "bn.weight")):
            out[name] = (1 + 0.3 * noise).float()
        else:
            out[name] = (0.1 * noise).float()
    return out


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("inception") / "inception.safetensors"
    save_file({**filled(Inception().state_dict()), "fc.weight": torch.zeros(1008, 2048)}, path)
    return path


@torch.no_grad()
def test_features_are_those_of_the_public_code(file):
    """Recorded from torch-fidelity 0.4.0, the code behind torchmetrics' FID, with the same weights and picture."""
    y, x = torch.meshgrid(torch.arange(40), torch.arange(56), indexing="ij")
    picture = torch.stack([(3 * x + y) % 256, (x * y) % 256, (5 * y + 2 * x) % 256])[None] / 255
    found = Inception().load(file)(picture)[0]
    assert found.shape == (2048,)
    recorded = [7.239557266, 0.0, 1.626300216, 15.95301056, 0.0, 0.0, 0.0, 326.8628235]
    torch.testing.assert_close(found[::256], torch.tensor(recorded), rtol=1e-3, atol=1e-2)
    assert float(found.mean()) == pytest.approx(113.242004, rel=1e-4)
    assert float(found.std()) == pytest.approx(159.843903, rel=1e-4)


def test_the_state_dict_is_the_public_one():
    state = Inception().state_dict()
    shapes = {
        "Conv2d_1a_3x3.conv.weight": (32, 3, 3, 3),
        "Mixed_5b.branch_pool.conv.weight": (32, 192, 1, 1),
        "Mixed_6a.branch3x3.bn.bias": (384,),
        "Mixed_6e.branch7x7dbl_5.conv.weight": (192, 192, 1, 7),
        "Mixed_7c.branch3x3dbl_3b.bn.running_var": (384,),
    }
    assert {name: tuple(state[name].shape) for name in shapes} == shapes
    assert sum(v.numel() for v in Inception().parameters()) == 21_785_568  # without the classifier


def test_pictures_are_resized_as_tensorflow_1_did():
    row = torch.tensor([[[[0.0, 1.0, 2.0, 3.0]]]])
    torch.testing.assert_close(resized(row, 8)[0, 0, 0], torch.tensor([0, 0.5, 1, 1.5, 2, 2.5, 3, 3]))
    picture = torch.rand(1, 3, 5, 7)
    whole = F.interpolate(picture, (5, 7))
    assert torch.equal(whole, picture)
    assert resized(picture, 3).shape == (1, 3, 3, 3)


def test_fid_on_inception_has_its_own_name(file):
    random = torch.Generator().manual_seed(0)
    truth, other = (
        Video.from_array(
            torch.randint(0, 256, (3, 40, 56, 3), generator=random, dtype=torch.uint8).numpy(), 10
        )
        for _ in range(2)
    )
    metric = signcore.load("metric", "fid", network="inception", weights=str(file), least=2)
    metric.update(other, truth)
    assert metric.label == "fid"
    assert metric.reference.mean.shape == (2048,)
    assert "network:inception|weights:inception.safetensors@" in metric.signature()
    assert "|size:whole|" in metric.signature()
    with pytest.raises(WeightsError, match="another architecture"):
        Inception().load(wrong(file))


def wrong(file):
    save_file({"features.0.weight": torch.zeros(3)}, file.with_name("wrong.safetensors"))
    return file.with_name("wrong.safetensors")
