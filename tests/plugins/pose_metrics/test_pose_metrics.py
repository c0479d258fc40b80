import math

import numpy as np
import pytest

import signcore
from signcore.errors import InputError
from signcore.types import layouts
from signcore.types.poses import keypoints, pose_from_keypoints


def pose(seed=0, frames=9, layout="openpose_137", missing=0.0, scale=1.0, shift=0.0):
    random = np.random.default_rng(seed)
    names = layouts.layout_names(layout)
    points = random.uniform(50, 250, (1, len(names), 2)) + random.normal(0, 8, (frames, len(names), 2))
    for name, where in {"left_shoulder": (200, 120), "right_shoulder": (100, 120)}.items():
        points[:, names.index(name)] = where
    if "neck" in names:
        points[:, names.index("neck")] = (150, 120)
    hidden = random.random(points.shape[:2]) < missing
    hidden[:, [names.index(f"{s}_shoulder") for s in ("left", "right")]] = False
    points[hidden] = np.nan
    return pose_from_keypoints(points * scale + shift, layout, fps=25, width=400, height=400)


def score(name, *pairs):
    metric = signcore.load("metric", name)
    for pair in pairs:
        metric.update(*pair)
    return metric.compute()[name]


@pytest.mark.parametrize("name", ["ape", "ndtw"])
def test_a_pose_is_at_no_distance_from_itself(name):
    assert score(name, (pose(), pose())) == 0.0
    assert score(name, (pose(missing=0.3), pose(missing=0.3))) == 0.0


def test_ndtw_forgets_size_and_place_and_ape_does_not():
    larger = pose(scale=1.3, shift=7.0)
    assert score("ndtw", (larger, pose())) == pytest.approx(0, abs=1e-4)
    assert score("ape", (larger, pose())) > 1


def test_ndtw_forgives_tempo():
    slow = pose(frames=9)
    twice = keypoints(slow).repeat(2, axis=0)
    slow2 = pose_from_keypoints(twice, "openpose_137", fps=25, width=400, height=400)
    assert score("ndtw", (slow2, slow)) == pytest.approx(0, abs=1e-6)


def test_a_missing_reference_costs_nothing_and_a_missing_prediction_does():
    whole, holes = pose(), pose(missing=0.3)
    assert score("ndtw", (whole, holes)) == 0.0
    assert score("ndtw", (holes, whole)) > 0.0
    assert score("ape", (whole, holes)) == 0.0


def test_layouts_are_compared_by_their_common_points():
    openpose = pose()
    coco = layouts.to_layout(openpose, "coco_wholebody_133")
    points = keypoints(openpose)
    body = layouts.layout_names("openpose_137")
    hips = [points[:, body.index(f"{s}_hip")] for s in ("left", "right")]
    points[:, body.index("mid_hip")] = (hips[0] + hips[1]) / 2
    openpose = pose_from_keypoints(points, "openpose_137", fps=25, width=400, height=400)
    assert score("ndtw", (coco, openpose)) == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("name", ["ape", "ndtw"])
def test_shards_merge_to_the_whole(name):
    pairs = [(pose(i), pose(i + 10, frames=7)) for i in range(3)]
    first, second = signcore.load("metric", name), signcore.load("metric", name)
    first.update(*pairs[0])
    second.update(*pairs[1])
    second.update(*pairs[2])
    first.merge(second)
    assert first.compute()[name] == pytest.approx(score(name, *pairs))
    first.reset()
    assert math.isnan(first.compute()[name])


def test_poses_without_shoulders_or_without_common_points_are_refused():
    points = keypoints(pose())
    points[:, 2] = np.nan
    shoulderless = pose_from_keypoints(points, "openpose_137", fps=25, width=400, height=400)
    with pytest.raises(InputError, match="shoulders"):
        score("ndtw", (pose(), shoulderless))
    nothing = pose_from_keypoints(np.full((3, 137, 2), np.nan), "openpose_137", fps=25, width=9, height=9)
    for name in ("ape", "ndtw"):
        with pytest.raises(InputError):
            score(name, (nothing, pose()))


def test_ndtw_ranks_a_real_sign_nearer_to_itself_than_to_another(shared):
    from signcore.types import read_pose

    house, young = (read_pose(shared / "data" / "poses" / f"dgs_{n}.pose") for n in ("HOUSE1A", "YOUNG1"))
    noisy = keypoints(house) + np.random.default_rng(0).normal(0, 1, keypoints(house).shape)
    noisy = pose_from_keypoints(noisy[:, : 33 + 468 + 42], "holistic", fps=50, width=640, height=360)
    assert score("ndtw", (noisy, house)) < 0.3 * score("ndtw", (young, house))
