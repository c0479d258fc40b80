"""Recognition: nearest neighbours in a gallery of 2,000 clips, Pose2Gloss with a beam of 5 on 300 frames, and a stream's memory."""

from __future__ import annotations

import resource

import numpy as np
import pytest
import torch

from signcore.contracts import Context, Sample
from signcore.plugins.neighbours.recognizer import Neighbours
from signcore.plugins.signx.recognizer import SignX
from signcore.recognition.streams import transcribe
from signcore.types import Video, layouts
from signcore.types.poses import pose_from_keypoints
from signcore.weights import shipped


def pose(frames: int, seed: int):
    random = np.random.default_rng(seed)
    names = layouts.layout_names("openpose_137")
    points = random.uniform(100, 300, (1, 137, 2)) + random.normal(0, 3, (frames, 137, 2)).cumsum(axis=0)
    points[:, names.index("left_shoulder")], points[:, names.index("right_shoulder")] = (250, 200), (150, 200)
    return pose_from_keypoints(points, "openpose_137", fps=25, width=400, height=400)


def test_a_gallery_of_2000_clips(benchmark):
    torch.set_num_threads(2)
    gallery = [Sample(id=str(i), pose=pose(60, i), glosses=[f"G{i % 50}"]) for i in range(2000)]
    recognizer = Neighbours().fit(gallery)
    clip = pose(60, 9999)
    benchmark(recognizer.recognize, clip)
    assert benchmark.stats.stats.min < 0.5


@pytest.fixture(scope="module")
def signx():
    if shipped("recognizer", "signx", "small") is None:
        pytest.skip("signcore-weights is not installed")
    return SignX(None, Context())


def test_pose2gloss_on_300_frames(benchmark, signx):
    torch.set_num_threads(2)
    benchmark(signx.recognize, pose(300, 3))
    assert benchmark.stats.stats.min < 1


def test_a_window_of_live_use(benchmark, signx):
    torch.set_num_threads(2)
    benchmark(signx.recognize, pose(200, 4))
    assert benchmark.stats.stats.min < 1


def test_an_hour_of_stream_stays_within_bounds(benchmark, signx):
    """An hour at 25 frames a second in chunks of half a second; what is looked at is read by a stand-in, since memory is asked."""

    def chunks():
        frame = np.zeros((12, 64, 64, 3), np.uint8)
        for i in range(7200):
            yield Video.from_array(frame + np.uint8(i % 200), 25.0)

    def run():
        from signcore.contracts import Hypothesis

        for _ in transcribe(lambda video: [Hypothesis(["A"], -1.0, [(0.1, 0.5)])], chunks(), 8.0, 2.0):
            pass

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    benchmark.pedantic(run, rounds=1)
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024 < 100
