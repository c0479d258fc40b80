import math

import numpy as np
import pytest
import torch

import signcore
from signcore.errors import InputError
from signcore.kernels import use_backend
from signcore.types import Video

NAMES = ["l1", "psnr", "ssim", "tcd"]


def videos(seed=0, frames=20, height=24, width=30):
    random = np.random.default_rng(seed)
    return tuple(
        Video.from_array(random.integers(0, 256, (frames, height, width, 3), np.uint8)) for _ in range(2)
    )


def score(name, *pairs, **config):
    metric = signcore.load("metric", name, **config)
    for pair in pairs:
        metric.update(*pair)
    return metric.compute()


def test_a_perfect_copy_scores_best():
    _, truth = videos()
    assert score("l1", (truth, truth)) == {"l1": 0.0}
    assert score("psnr", (truth, truth)) == {"psnr": math.inf}
    assert score("ssim", (truth, truth))["ssim"] == pytest.approx(1.0)


def test_l1_is_the_mean_absolute_difference():
    a, b = videos()
    expected = np.abs(a.numpy() / 255 - b.numpy() / 255).mean()
    assert score("l1", (a, b))["l1"] == pytest.approx(expected)


def test_psnr_and_ssim_agree_with_torchmetrics():
    image = pytest.importorskip("torchmetrics.image")
    a, b = videos(3)
    x, y = (torch.from_numpy(v.numpy()).permute(0, 3, 1, 2).double() / 255 for v in (a, b))
    assert score("psnr", (a, b))["psnr"] == pytest.approx(
        float(image.PeakSignalNoiseRatio(data_range=1.0)(x, y)), abs=1e-5
    )
    theirs = image.StructuralSimilarityIndexMeasure(data_range=1.0)(x, y)
    assert score("ssim", (a, b))["ssim"] == pytest.approx(float(theirs), abs=1e-5)


@pytest.mark.parametrize("frames", [3, 16, 17, 18, 19, 40])
def test_tcd_over_chunks_is_tcd_over_the_whole(frames):
    from signcore.kernels import tcd

    a, b = videos(1, frames)
    expected = float(tcd(torch.from_numpy(a.numpy()), torch.from_numpy(b.numpy()), threshold=0.3))
    assert score("tcd", (a, b), threshold=0.3)["tcd"] == pytest.approx(expected)


def test_tcd_is_the_same_on_the_kernel_and_on_the_reference():
    a, b = videos(2)
    with use_backend("torch"):
        expected = score("tcd", (a, b))
    assert score("tcd", (a, b)) == expected


@pytest.mark.parametrize("name", NAMES)
def test_shards_merge_to_the_whole(name):
    pairs = [videos(1, 7), videos(2, 5), videos(3, 20)]
    whole = score(name, *pairs)
    parts = [signcore.load("metric", name) for _ in range(2)]
    parts[0].update(*pairs[0])
    parts[1].update(*pairs[1])
    parts[1].update(*pairs[2])
    parts[0].merge(parts[1])
    assert parts[0].compute() == pytest.approx(whole)
    parts[0].reset()
    assert all(math.isnan(v) for v in parts[0].compute().values())


@pytest.mark.parametrize("name", NAMES)
def test_videos_that_cannot_be_compared_are_refused(name):
    a, b = videos()
    for other in (b[:5], Video.from_array(b.numpy()[:, :20])):
        with pytest.raises(InputError, match="bring both to one size and length|prediction"):
            score(name, (a, other))


@pytest.mark.parametrize("name", NAMES)
def test_signatures_say_name_settings_and_version(name):
    signature = signcore.load("metric", name).signature()
    assert signature.startswith(f"{name}|")
    assert signature.endswith("version:1")


def test_series_hold_a_value_for_every_frame():
    a, b = videos(5, 20)
    for name in NAMES:
        metric = signcore.load("metric", name)
        metric.update(a, b)
        assert {len(v) for v in metric.series.values()} == {20}


def test_a_long_pair_is_scored_in_bounded_memory():
    import resource

    frame = np.zeros((256, 256, 3), np.uint8)
    long = Video.from_frames(lambda i: frame, 2000, 256, 256)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert score("l1", (long, long)) == {"l1": 0.0}
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # 393 MB raw, each


GROWTH = """
import resource, sys
import numpy as np
import signcore
from signcore.types import Video

def video(count, seed):
    base = np.random.default_rng(seed).integers(0, 256, (128, 128, 3), np.uint8)
    return Video.from_frames(lambda i: np.roll(base, i, axis=1), count, 128, 128)

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

name, count = sys.argv[1], int(sys.argv[2])
metric = signcore.load("metric", name)
metric.update(video(96, 0), video(96, 1))
before = peak()
metric.update(video(count, 2), video(count, 3))
assert metric.compute()
print(peak() - before)
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["l1", "ssim", "tcd", "lpips", "aed", "fid", "fvd"])
def test_memory_does_not_grow_with_the_length(name):
    import subprocess
    import sys

    count = (
        600 if name == "lpips" else 1500
    )  # 29 or 74 MB of raw frames in each video, four times that as floats
    done = subprocess.run(
        [sys.executable, "-c", GROWTH, name, str(count)], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 20_000  # kB
