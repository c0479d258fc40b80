import math

import numpy as np
import pytest

pytest.importorskip("signcore_jerk", reason="signcore-jerk is not installed")

import signcore
from signcore.errors import InputError
from signcore.types import layouts
from signcore.types.poses import pose_from_keypoints

NAMES = layouts.layout_names("openpose_137")


def pose(jerk, frames=40, fps=25.0, scale=1.0, layout="openpose_137", hidden=()):
    """All points move by jerk·t³/6 shoulder widths along x; the shoulders are 80·scale pixels apart."""
    t = np.arange(frames)[:, None] / fps
    points = np.zeros((frames, len(NAMES), 2))
    points[..., 0] = 80 * jerk * t**3 / 6
    points[:, NAMES.index("left_shoulder"), 0] += 80
    points = points * scale + 100
    for name in hidden:
        points[:, NAMES.index(name)] = np.nan
    return pose_from_keypoints(points, layout, fps=fps, width=640, height=480)


def score(prediction, reference, **settings):
    metric = signcore.load("metric", "jerk", **settings)
    metric.update(prediction, reference)
    return metric.compute()["jerk"]


@pytest.mark.parametrize("factor", [2.0, 0.5])
def test_twice_or_half_the_jerk_is_equally_far(factor):
    assert score(pose(20.0 * factor), pose(20.0)) == pytest.approx(math.log(2), rel=1e-3)


def test_neither_size_nor_rate_counts():
    assert score(pose(20.0, fps=50.0, frames=80, scale=2.5), pose(20.0)) == pytest.approx(0, abs=1e-3)


def test_two_poses_that_rest_are_alike():
    rng = np.random.default_rng(0)
    still = [pose(0.0) for _ in range(2)]
    still[0].body.data += rng.normal(0, 1e-4, still[0].body.data.shape)  # less than a pose's own noise
    assert score(*still) == 0


def test_a_pose_without_shoulders_is_told():
    with pytest.raises(InputError, match="prediction: shows no shoulders in any frame"):
        score(pose(1.0, hidden=["left_shoulder"]), pose(1.0))


def test_poses_that_share_no_trajectory_are_told():
    hands = [n for n in NAMES if "_hand_" in n]
    left, right = ([n for n in hands if n.startswith(side)] for side in ("left", "right"))
    with pytest.raises(InputError, match="four frames in a row in both"):
        score(pose(1.0, hidden=left), pose(1.0, hidden=right), points="hands")
