"""The weights that ship beat both trivial generators on signers that they never saw."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from signcore.animation.clips import read
from signcore.animation.evaluation import nearest, tensor, thumbnails
from signcore.animation.heatmaps import hand_boxes, point_names, pose_points
from signcore.animation.losses import hand_weights
from signcore.contracts import Context
from signcore.nn.ssim import ssim_map
from signcore.plugins.pgmm.config import PGMMConfig, PGMMInputs
from signcore.plugins.pgmm.generator import PGMM
from signcore.plugins.synthetic.config import DatasetConfig
from signcore.plugins.synthetic.dataset import Dataset
from signcore.types.image import Image
from signcore.types.video import Video

PACKAGE = Path(__file__).parents[3] / "plugins" / "signcore-weights" / "signcore_weights"
FILE = PACKAGE / "pgmm-small.safetensors"
pytestmark = pytest.mark.skipif(not FILE.is_file(), reason=f"no trained weights at {FILE}")


def record() -> dict:
    entries = json.loads((PACKAGE / "index.json").read_text(encoding="utf-8"))
    return next(e for e in entries if e["file"] == FILE.name)


def test_the_index_names_the_file_as_it_is():
    assert record()["sha256"] == hashlib.sha256(FILE.read_bytes()).hexdigest()
    assert (record()["component"], record()["preset"]) == ("generator:pgmm", "small")
    assert FILE.stat().st_size < 10 << 20


def test_the_shipped_network_is_the_small_preset():
    generator = PGMM(PGMMConfig(), Context(weights=str(FILE)))
    assert generator.config == PGMMConfig()
    # "motion" became a setting after these weights: without it they are of the default
    named = {"motion": PGMMConfig().motion} | record()["config"]
    assert named == json.loads(json.dumps(PGMMConfig().architecture | {"size": 128}))


def scores(clips: int, step: int, trained_on: int) -> dict[str, dict[str, float]]:
    """Mean L1 and SSIM, over frames and inside the hands' boxes, of every row."""
    generator = PGMM(PGMMConfig(), Context(weights=str(FILE)))
    known = Dataset(DatasetConfig(clips=trained_on, signers=trained_on, cache=False))
    sparse = PGMMConfig(clip_frames=6)
    seen = thumbnails(read(known[i], sparse) for i in range(trained_on))
    held_out = Dataset(DatasetConfig(split="test", clips=clips, signers=clips, cache=False))
    rows: dict[str, list[list[float]]] = {"pgmm": [], "source": [], "nearest": []}
    for i in range(clips):
        sample = held_out[i]
        first = sample.video[0]
        chosen = slice(step, None, step)
        frames = sample.video[chosen].numpy()
        points = pose_points(sample.pose)[chosen]
        body = sample.pose.body
        pose = type(sample.pose)(
            sample.pose.header, type(body)(25, body.data[chosen], body.confidence[chosen])
        )
        made = generator.generate(
            PGMMInputs(source=Image(first), driving=Video.from_array(frames, 25), driving_pose=pose)
        ).numpy()
        truth = tensor(frames)
        hands = hand_weights(torch.from_numpy(hand_boxes(points, point_names())), truth, 1.0) - 1
        still = tensor(first[None]).expand_as(truth)
        for name, images in {"pgmm": tensor(made), "source": still, "nearest": nearest(truth, seen)}.items():
            l1, ssim = (
                (images - truth).abs().mean(1, keepdim=True),
                ssim_map(images, truth).mean(1, keepdim=True),
            )
            inside = [float((m * hands).sum() / hands.sum()) for m in (l1, ssim)]
            rows[name].append([float(l1.mean()), float(ssim.mean()), *inside])
    names = ("l1", "ssim", "hand_l1", "hand_ssim")
    return {row: dict(zip(names, np.mean(values, axis=0), strict=True)) for row, values in rows.items()}


def beats(made: dict[str, float], trivial: dict[str, float]) -> bool:
    return all(made[n] < trivial[n] for n in ("l1", "hand_l1")) and all(
        made[n] > trivial[n] for n in ("ssim", "hand_ssim")
    )


def test_the_shipped_weights_beat_both_trivial_generators_on_two_held_out_signers():
    found = scores(clips=2, step=6, trained_on=4)
    assert beats(found["pgmm"], found["source"]), found
    assert beats(found["pgmm"], found["nearest"]), found


@pytest.mark.slow
def test_the_shipped_weights_beat_both_trivial_generators_on_many_held_out_signers():
    found = scores(clips=16, step=3, trained_on=60)
    assert beats(found["pgmm"], found["source"]), found
    assert beats(found["pgmm"], found["nearest"]), found


def test_a_pose_alone_draws_hands_where_they_are_better_than_the_source_repeated():
    """Of signers that no training saw: the source's pose and the driving pose, no driving frame."""
    generator = PGMM(PGMMConfig(preset="pose"), Context())
    held_out = Dataset(DatasetConfig(split="test", clips=2, signers=2, frames=25, cache=False))
    rows: dict[str, list[list[float]]] = {"pose": [], "source": []}
    for i in range(2):
        sample = held_out[i]
        first = Image(sample.video[0], pose=sample.video.pose)
        made = generator.generate(PGMMInputs(source=first, driving_pose=sample.video.pose)).numpy()[::4]
        truth = tensor(sample.video.numpy()[::4])
        boxes = hand_boxes(pose_points(sample.video.pose)[::4], point_names())
        hands = hand_weights(torch.from_numpy(boxes), truth, 1.0) - 1
        for name, images in {"pose": tensor(made), "source": truth[:1].expand_as(truth)}.items():
            apart = (images - truth).abs().mean(1, keepdim=True)
            alike = ssim_map(images, truth).mean(1, keepdim=True)
            inside = [float((m * hands).sum() / hands.sum()) for m in (apart, alike)]
            rows[name].append([float(apart.mean()), float(alike.mean()), *inside])
    names = ("l1", "ssim", "hand_l1", "hand_ssim")
    found = {row: dict(zip(names, np.mean(values, axis=0), strict=True)) for row, values in rows.items()}
    assert beats(found["pose"], found["source"]), found


LONG = """
import resource, sys
import numpy as np
from signcore.plugins.pgmm.config import PGMMConfig, PGMMInputs
from signcore.plugins.pgmm.generator import PGMM
from signcore.types.image import Image
from signcore.types.poses import pose_from_keypoints
from signcore.types.video import Video

count, size = 1500, 256
base = np.random.default_rng(0).integers(0, 256, (size, size, 3), np.uint8)
points = np.random.default_rng(1).uniform(50, 200, (count, 56, 2)).astype(np.float32)
pose = pose_from_keypoints(points, "pgmm_56", fps=25, width=size, height=size)
driving = Video.from_frames(lambda i: np.roll(base, i, axis=1), count, size, size)
made = PGMM(PGMMConfig(mode="cross")).generate(PGMMInputs(source=Image(base), driving=driving, driving_pose=pose))
for i, frame in enumerate(made):
    if i == 100:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(i + 1, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.slow
def test_a_long_driving_video_takes_no_more_memory_than_a_short_one():
    import subprocess
    import sys

    done = subprocess.run([sys.executable, "-c", LONG], capture_output=True, text=True, check=True)
    count, growth = map(int, done.stdout.split())
    assert count == 1500
    assert growth < 40_000  # kB; the frames are 295 MB, and as many made ones


def test_both_presets_are_judged_over_a_dataset(cli):
    """A sample's first frame is the source, its pose the source's."""
    data = (
        "--dataset",
        "synthetic",
        "--set",
        "dataset.split=test",
        "--set",
        "dataset.clips=1",
        "--set",
        "dataset.frames=8",
    )
    for preset in ("small", "pose"):
        code, out, err = cli(
            "evaluate", "--generator", "pgmm", *data, "--set", f"generator.preset={preset}", "--metric", "l1", "--metric", "l1[region=hands]", "--json"
        )  # fmt: skip
        assert code == 0, err
        assert 0 < json.loads(out)["scores"]["l1"] < 0.1
