"""Judging a generator over a dataset: a sample counts for all metrics, or for none."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

import signcore
from signcore.errors import InputError
from signcore.evaluation import evaluate
from signcore.types.poses import pose_from_keypoints
from signcore.types.video import Video


def pose(value: float):
    points = np.random.default_rng(0).uniform(0, 40, (4, 137, 2)) + value
    return pose_from_keypoints(points, "openpose_137", fps=25, width=64, height=64)


class Samples:
    def __len__(self):
        return 4

    def __getitem__(self, index):
        return signcore.Sample(id=f"s{index}", split="test", pose=pose(index))


class Refuses:
    """A metric that cannot judge the third sample."""

    def __init__(self):
        self.seen = 0

    def reset(self):
        self.seen = 0

    def update(self, prediction, reference):
        if float(np.asarray(reference.body.data).min()) >= 2:
            raise InputError("reference: too large")
        self.seen += 1

    def merge(self, other):
        self.seen += other.seen

    def compute(self):
        return {"seen": float(self.seen)}

    def signature(self):
        return "refuses"


def test_what_one_metric_refuses_counts_for_no_other():
    generator = SimpleNamespace(
        inputs_of=lambda sample: (sample, sample.pose), generate=lambda sample: pose(0.0)
    )
    metrics = {"ape": signcore.load("metric", "ape"), "refuses": Refuses()}
    found = evaluate(generator, Samples(), metrics, model=None, output="pose")
    assert found.count == found.scores["seen"]
    assert len(found.bad) == 4 - found.count > 0
    alone = signcore.load("metric", "ape")
    for i in range(found.count):
        alone.update(pose(0.0), pose(i))
    assert found.scores["ape"] == pytest.approx(alone.compute()["ape"])


def test_lazily_made_frames_are_made_once_for_all_metrics():
    asked = []

    def clip(kind):
        def frame(i):
            asked.append((kind, i))
            return np.full((16, 16, 3), 10 * i, np.uint8)

        return Video.from_frames(frame, 3, 16, 16)

    generator = SimpleNamespace(
        inputs_of=lambda sample: (sample, clip("truth")), generate=lambda sample: clip("made")
    )
    metrics = {name: signcore.load("metric", name) for name in ("l1", "psnr", "tcd")}
    found = evaluate(generator, [signcore.Sample(id="s", split="test")], metrics, output="video")
    assert found.count == 1
    assert sorted(asked) == [(kind, i) for kind in ("made", "truth") for i in range(3)]
