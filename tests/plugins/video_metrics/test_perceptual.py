from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

import signcore
from signcore.errors import ConfigError, InputError, WeightsError
from signcore.nn.lpips import LPIPS, Backbone
from signcore.plugins.video_metrics.embeddings import square
from signcore.types import Video


def videos(seed=0, frames=5, height=40, width=48):
    random = np.random.default_rng(seed)
    return tuple(
        Video.from_array(random.integers(0, 256, (frames, height, width, 3), np.uint8)) for _ in range(2)
    )


def score(name, *pairs, **config):
    metric = signcore.load("metric", name, **config)
    for pair in pairs:
        metric.update(*pair)
    return metric.compute()


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Weights as their owners name them, here random: backbone and heads of AlexNet."""
    folder = tmp_path_factory.mktemp("weights")
    network = Backbone("alexnet", seed=3)
    save_file(dict(network.state_dict()), folder / "alexnet.safetensors")
    heads = {
        f"lin{k}.model.1.weight": torch.rand(1, w, 1, 1, generator=torch.Generator().manual_seed(k))
        for k, w in enumerate(network.widths)
    }
    save_file(heads, folder / "heads.safetensors")
    return str(folder / "alexnet.safetensors"), str(folder / "heads.safetensors")


@pytest.mark.parametrize("name", ["lpips", "aed"])
def test_a_copy_is_at_no_distance_and_order_does_not_matter(name):
    a, b = videos()
    (copy,), (there,), (back,) = (score(name, p).values() for p in ((b, b), (a, b), (b, a)))
    assert copy == 0
    assert there == pytest.approx(back)
    assert there > 0.01


@pytest.mark.parametrize("name", ["lpips", "aed"])
def test_shards_merge_to_the_whole(name):
    pairs = [videos(s, 2 + s) for s in range(3)]
    whole, first, second = (signcore.load("metric", name) for _ in range(3))
    for p in pairs:
        whole.update(*p)
    first.update(*pairs[2])
    second.update(*pairs[0])
    second.update(*pairs[1])
    first.merge(second)
    assert first.compute() == pytest.approx(whole.compute(), rel=1e-6)
    assert len(next(iter(whole.series.values()))) == 4


def test_lpips_is_the_mean_of_the_networks_distances(files):
    a, b = videos(frames=7)
    network = LPIPS("alexnet").load(*files)
    x, y = (torch.from_numpy(v.numpy()).permute(0, 3, 1, 2).float() / 255 for v in (a, b))
    found = score("lpips", (a, b), weights=files[0], heads=files[1])
    assert found == {"lpips": pytest.approx(float(network(x, y).mean()), rel=1e-6)}


def test_names_and_signatures_say_what_the_weights_are(files):
    pair, seen = videos(frames=1), []
    for label, settings in {
        "lpips-random": {},
        "lpips-uniform": {"weights": files[0]},
        "lpips": {"weights": files[0], "heads": files[1]},
    }.items():
        metric = signcore.load("metric", "lpips", **settings)
        metric.update(*pair)
        assert list(metric.compute()) == [label]
        seen.append(metric.signature())
    assert "weights:random|heads:uniform@" in seen[0]
    assert "weights:alexnet.safetensors|heads:uniform@" in seen[1]
    assert "weights:alexnet.safetensors|heads:heads.safetensors@" in seen[2]
    digests = {s.partition("@")[2][:8] for s in seen}
    assert len(digests) == 3
    assert signcore.load("metric", "lpips").signature() == seen[0]


def test_the_same_numbers_have_the_same_digest_whatever_the_file(files, tmp_path):
    from safetensors.torch import load_file

    renamed = {k.replace("features", "net.slice1"): v for k, v in load_file(files[0]).items()}
    save_file(renamed, tmp_path / "other.safetensors")
    one, two = (
        signcore.load("metric", "aed", network="alexnet", weights=str(path)).signature()
        for path in (files[0], tmp_path / "other.safetensors")
    )
    assert one.replace("alexnet.safetensors", "other.safetensors") == two


def test_aed_is_the_distance_of_pooled_features(files):
    a, b = videos(frames=2, height=64, width=64)
    network = Backbone("alexnet").load(files[0])
    x, y = (
        network(torch.from_numpy(v.numpy()).permute(0, 3, 1, 2).float() / 255)[-1].mean((2, 3))
        for v in (a, b)
    )
    found = score("aed", (a, b), network="alexnet", weights=files[0], size=64)
    assert found == {"aed-alexnet": pytest.approx(float((x - y).norm(dim=1).mean()), rel=1e-5)}


@pytest.mark.parametrize(("height", "width"), [(40, 40), (40, 60), (60, 41), (300, 200)])
def test_frames_become_squares_of_their_middle(height, width):
    frames, quarter = np.zeros((1, height, width, 3), np.uint8), min(height, width) // 4
    y, x = height // 2, width // 2
    frames[:, y - quarter : y + quarter, x - quarter : x + quarter] = 255
    found = square(frames, 40)
    assert found.shape == (1, 3, 40, 40)
    assert found[..., 13:27, 13:27].min() > 0.99
    edge = torch.ones(40, 40, dtype=torch.bool)
    edge[7:33, 7:33] = False
    assert found[..., edge].max() == 0
    assert float(found.mean()) == pytest.approx(0.25, abs=0.02)


def test_settings_that_do_not_go_together_are_refused(files):
    for settings, words in (
        ({"network": "vgg16"}, "needs a .safetensors file"),
        ({"weights": files[0]}, "the random network has none"),
    ):
        for name in ("aed", "fid"):
            with pytest.raises(ConfigError, match=words):
                signcore.load("metric", name, **settings)
    with pytest.raises(ConfigError, match="heads: belong to a trained network"):
        signcore.load("metric", "lpips", heads=files[1])
    with pytest.raises(WeightsError, match="another architecture"):
        signcore.load("metric", "lpips", network="vgg16", weights=files[0])


@pytest.mark.parametrize(("network", "least"), [("alexnet", 31), ("vgg16", 16)])
def test_frames_that_are_too_small_are_refused(network, least):
    with pytest.raises(InputError, match=f"lpips needs at least {least} px a side"):
        score("lpips", videos(frames=1, height=least - 1, width=60), network=network)


def test_two_frames_at_a_time_or_many_give_the_same(monkeypatch):
    from signcore.plugins.video_metrics import frames

    a, b = videos(frames=9)
    expected = score("lpips", (a, b)), score("ssim", (a, b)), score("tcd", (a, b)), score("l1", (a, b))
    monkeypatch.setattr(frames, "WORKED_PIXELS", 1)
    monkeypatch.setattr(frames, "CHUNK_PIXELS", 1)
    found = score("lpips", (a, b)), score("ssim", (a, b)), score("tcd", (a, b)), score("l1", (a, b))
    for one, two in zip(found, expected, strict=True):
        assert one == pytest.approx(two, rel=1e-6)
