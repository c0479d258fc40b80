from __future__ import annotations

import math

import numpy as np
import pytest
import torch

import signcore
from signcore.errors import ConfigError, InputError
from signcore.plugins.video_metrics.embeddings import clips
from signcore.plugins.video_metrics.frechet import Moments, frechet_distance
from signcore.types import Video


def spread(random, d):
    x = random.normal(size=(d, d))
    return x @ x.T


def test_one_dimension_is_the_closed_form():
    found = frechet_distance(np.array([1.0]), np.array([[4.0]]), np.array([-2.0]), np.array([[9.0]]))
    assert found == pytest.approx((1 + 2) ** 2 + (2 - 3) ** 2)


def test_covariances_that_commute_have_a_closed_form(random):
    basis, _ = np.linalg.qr(random.normal(size=(6, 6)))
    p, q = random.uniform(0, 5, (2, 6))
    q[0], p[1] = 0, 0
    apart = random.normal(size=6)
    found = frechet_distance(apart, basis * p @ basis.T, np.zeros(6), basis * q @ basis.T)
    assert found == pytest.approx(apart @ apart + ((np.sqrt(p) - np.sqrt(q)) ** 2).sum())


def test_a_linear_map_of_a_gaussian_has_a_closed_form(random):
    # where y = A x with A symmetric and positive, the map is optimal: tr((I - A) S (I - A))
    s, a = spread(random, 5), spread(random, 5)
    rest = np.eye(5) - a
    zero = np.zeros(5)
    assert frechet_distance(zero, s, zero, a @ s @ a) == pytest.approx(np.trace(rest @ s @ rest))


def test_it_is_symmetric_and_zero_for_equals_also_where_singular(random):
    low = random.normal(size=(40, 3)) @ random.normal(size=(3, 40))  # rank 3 in 40 dimensions
    for s in (spread(random, 40), low @ low.T, np.zeros((40, 40))):
        t, m, n = spread(random, 40), *random.normal(size=(2, 40))
        assert frechet_distance(m, s, m, s) < 1e-9 * max(1, np.trace(s))
        assert frechet_distance(m, s, n, t) == pytest.approx(frechet_distance(n, t, m, s))


def test_matrices_of_very_different_scale_stay_finite(random):
    s = np.diag(np.geomspace(1e-12, 1e12, 20))
    zero = np.zeros(20)
    assert frechet_distance(zero, s, zero, 4 * s) == pytest.approx(np.trace(s))


def test_it_agrees_with_torchmetrics(random):
    image = pytest.importorskip("torchmetrics.image.fid", reason="torchmetrics is not installed")
    s, t, m, n = spread(random, 30), spread(random, 30), *random.normal(size=(2, 30))
    theirs = image._compute_fid(*(torch.from_numpy(x) for x in (m, s, n, t)))
    assert frechet_distance(m, s, n, t) == pytest.approx(float(theirs), abs=1e-5)


@pytest.mark.parametrize("parts", [[100], [1] * 100, [3, 50, 47], [99, 1]])
def test_moments_of_parts_are_those_of_the_whole(random, parts):
    x = random.normal(size=(100, 7)) + 1e4  # far from zero, where sums of squares would lose digits
    moments, start = Moments(), 0
    for n in parts:
        moments.add(x[start : start + n])
        start += n
    np.testing.assert_allclose(moments.mean, x.mean(0), rtol=1e-14)
    np.testing.assert_allclose(moments.covariance, np.cov(x.T), rtol=1e-9, atol=1e-9)


def video(seed=0, frames=40, height=48, width=48, scale=1.0):
    random = np.random.default_rng(seed)
    return Video.from_array((scale * random.integers(0, 256, (frames, height, width, 3))).astype(np.uint8))


def score(name, *pairs, **config):
    metric = signcore.load("metric", name, **config)
    for pair in pairs:
        metric.update(*pair)
    (value,) = metric.compute().values()
    return value


SETTINGS = {"fid": {"size": 32}, "fvd": {"size": 32, "length": 4, "stride": 2}}


@pytest.mark.parametrize("name", SETTINGS)
def test_a_copy_is_at_no_distance_the_order_does_not_matter_and_darker_is_farther(name):
    truth, near, far = video(0), video(0, scale=0.9), video(0, scale=0.3)
    settings = SETTINGS[name]
    assert score(name, (truth, truth), **settings) < 1e-9
    one, two = score(name, (near, truth), **settings), score(name, (truth, near), **settings)
    assert one == pytest.approx(two)
    assert 1e-6 < one < score(name, (far, truth), **settings)


@pytest.mark.parametrize("name", SETTINGS)
def test_it_is_the_distance_of_the_embeddings_moments(name):
    settings = SETTINGS[name]
    metric = signcore.load("metric", name, **settings)
    pairs = [(video(1, 30), video(2, 41)), (video(3, 24), video(4, 20, 60, 50))]
    for pair in pairs:
        metric.update(*pair)
    sides = [np.concatenate([v for pair in pairs for v in metric.embedded(pair[i])]) for i in (0, 1)]
    moments = [part for x in sides for part in (x.mean(0), np.cov(x.T))]
    (found,) = metric.compute().values()
    assert found == pytest.approx(frechet_distance(*moments), rel=1e-9)
    unit = {"fid": "frames:54/61", "fvd": "clips:25/28"}[name]
    assert f"|{unit}|" in metric.signature()


@pytest.mark.parametrize("name", SETTINGS)
def test_shards_merge_to_the_whole_in_any_order(name):
    settings = SETTINGS[name]
    pairs = [(video(s, 20 + s), video(s + 9, 30)) for s in range(4)]
    whole = score(name, *pairs, **settings)
    for order in ([0, 1, 2, 3], [3, 1, 0, 2]):
        parts = [signcore.load("metric", name, **settings) for _ in pairs]
        for part, pair in zip(parts, pairs, strict=True):
            part.update(*pair)
        total = signcore.load("metric", name, **settings)
        for k in order:
            total.merge(parts[k])
        (found,) = total.compute().values()
        assert found == pytest.approx(whole, rel=1e-9)
        total.reset()
        assert all(math.isnan(v) for v in total.compute().values())


def test_fvd_sees_the_order_of_frames_and_fid_does_not():
    t, _, x = np.meshgrid(np.arange(64), np.arange(32), np.arange(32), indexing="ij")
    bar = np.where((x - t) % 32 < 8, 220, 30).astype(np.uint8)[..., None].repeat(3, axis=3)
    truth = Video.from_array(bar)
    mixed = Video.from_array(bar[np.random.default_rng(0).permutation(64)])
    assert score("fid", (mixed, truth), size=32) < 1e-9
    assert score("fvd", (mixed, truth), size=32, stride=4) > 1e-3


def by_hand(frames, length, stride):
    return [list(range(s, s + length)) for s in range(0, frames - length + 1, stride)]


@pytest.mark.parametrize("frames", [16, 17, 40, 63])
@pytest.mark.parametrize(("length", "stride"), [(16, 16), (5, 2), (2, 1), (3, 20), (16, 7)])
def test_clips_start_at_every_stride_and_unfinished_ones_are_left_out(frames, length, stride):
    counted = np.arange(frames, dtype=np.uint8)[:, None, None, None] * np.ones((1, 16, 16, 3), np.uint8)
    batches = list(clips(Video.from_array(counted), 16, length, stride))
    found = torch.cat(batches)[:, :, 0, 0, 0] * 255
    assert found.round().int().tolist() == by_hand(frames, length, stride)
    assert max(len(b) for b in batches) <= 4


def test_too_few_samples_are_refused_with_what_to_do():
    few = video(0, 15)
    with pytest.raises(InputError, match="prediction: 15 frames, fid needs at least 16") as caught:
        score("fid", (few, video(1)))
    assert "`least`" in caught.value.hint
    with pytest.raises(InputError, match="prediction: 2 clips, fvd needs at least 8"):
        score("fvd", (video(0), video(1)))
    with pytest.raises(InputError, match="prediction: 15 frames, a clip of fvd has 16"):
        score("fvd", (few, video(1)))
    assert score("fid", (few, few), least=15) < 1e-9
    with pytest.raises(ConfigError, match="least"):
        signcore.load("metric", "fid", least=1)


def test_a_pair_that_fails_halfway_leaves_nothing_behind():
    metric = signcore.load("metric", "fvd", **SETTINGS["fvd"])
    with pytest.raises(InputError):
        metric.update(video(0), video(1, 3))
    assert metric.prediction.count == 0


def test_signatures_say_network_clips_and_sizes():
    told = signcore.load("metric", "fvd", length=8, stride=4).signature()
    assert told.startswith("fvd|network:random|weights:random@")
    assert "|size:64|length:8|stride:4|covariance:unbiased|" in told
    assert "|size:128|" in signcore.load("metric", "fid").signature()


def test_i3d_has_its_own_size_and_least_length():
    for settings, words in (
        ({}, "needs a .safetensors file"),
        ({"weights": "x.safetensors", "size": 64}, "i3d takes 224 pixels"),
        ({"weights": "x.safetensors", "length": 8}, "at least 9 frames"),
    ):
        with pytest.raises(ConfigError, match=words):
            signcore.load("metric", "fvd", network="i3d", **settings)


def test_fvd_on_i3d_is_that_of_its_logits(tmp_path):
    from safetensors.torch import save_file

    from signcore.nn.i3d import I3D
    from signcore.plugins.video_metrics.embeddings import square

    network = I3D()
    for layer in network.modules():
        if isinstance(layer, torch.nn.Conv3d):
            torch.nn.init.kaiming_normal_(layer.weight)
    save_file(dict(network.state_dict()), tmp_path / "i3d.safetensors")
    metric = signcore.load(
        "metric", "fvd", network="i3d", weights=str(tmp_path / "i3d.safetensors"), length=9, stride=9, least=2
    )
    a, b = video(0, 18), video(1, 18, scale=0.5)
    metric.update(a, b)
    sides = []
    for v in (a, b):
        frames = 2 * square(v.numpy(), 224) - 1
        with torch.no_grad():
            sides.append(network(torch.stack([frames[:9], frames[9:]]).transpose(1, 2)).double().numpy())
    expected = frechet_distance(*[m for x in sides for m in (x.mean(0), np.cov(x.T))])
    assert metric.compute() == {"fvd": pytest.approx(expected, rel=1e-4)}
    assert "network:i3d|weights:i3d.safetensors@" in metric.signature()
