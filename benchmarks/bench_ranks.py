"""Distance ranks of a whole set (Ham2Pose section 7.3): 575 signs against galleries of 41 poses, 137 keypoints, two threads.

PyPI's fastdtw takes 1.3 to 1.8 s a pair with a NaN-aware Python distance, 47,150 pairs are 17 to 24 hours of it.
"""

from __future__ import annotations

import resource

import numpy as np
import pytest
import torch

import signcore
from signcore.evaluation import ranks
from signcore.types import layouts
from signcore.types.poses import pose_from_keypoints

SIGNS = 575


def poses(count: int, seed: int) -> list:
    random = np.random.default_rng(seed)
    names = layouts.layout_names("openpose_137")
    made = []
    for frames in random.integers(30, 120, count):
        points = random.uniform(100, 300, (1, 137, 2)) + random.normal(0, 3, (frames, 137, 2)).cumsum(axis=0)
        points[:, names.index("left_shoulder")], points[:, names.index("right_shoulder")] = (
            (250, 200),
            (150, 200),
        )
        points[random.random((frames, 137)) < 0.1] = np.nan
        points[:, [names.index(f"{s}_{p}") for s in ("left", "right") for p in ("shoulder", "wrist")]] = 200
        points[:, names.index("left_shoulder")] += 50
        made.append(pose_from_keypoints(points, "openpose_137", fps=25, width=400, height=400))
    return made


@pytest.mark.parametrize("name", ["ndtw"])
def test_ranks(benchmark, name):
    metric = signcore.load("metric", name, points="all")
    pairs = [
        (metric.prepare(a), metric.prepare(b)) for a, b in zip(poses(SIGNS, 0), poses(SIGNS, 1), strict=True)
    ]
    torch.set_num_threads(2)
    found = benchmark.pedantic(lambda: ranks(metric, pairs), rounds=2)
    assert 0 <= found["truth"][10] <= 1
    benchmark.extra_info["pairs"] = SIGNS * 41 * 2
    benchmark.extra_info["peak MiB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    assert benchmark.extra_info["peak MiB"] < 1000
