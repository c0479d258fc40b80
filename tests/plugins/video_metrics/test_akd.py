from __future__ import annotations

import math

import numpy as np
import pytest

import signcore
from signcore.errors import ContractError, InputError
from signcore.plugins.video_metrics import keypoints
from signcore.types import Video, layouts
from signcore.types.poses import pose_from_keypoints

LAYOUT = "openpose_137"
NAMES = layouts.layout_names(LAYOUT)


def video(points, layout=LAYOUT, width=64, height=48, **size):
    pose = pose_from_keypoints(
        points, layout, fps=25, width=size.get("w", width), height=size.get("h", height)
    )
    return Video.from_array(np.zeros((len(points), height, width, 3), np.uint8), pose=pose)


def random_points(seed=0, frames=6, layout=LAYOUT):
    return np.random.default_rng(seed).uniform(0, 40, (frames, len(layouts.layout_names(layout)), 2))


def score(*pairs, **config):
    metric = signcore.load("metric", "akd", **{"estimator": "carried", **config})
    for pair in pairs:
        metric.update(*pair)
    return metric.compute()


def test_it_is_the_mean_distance_of_the_points_that_both_have():
    a, b = random_points(1), random_points(2)
    a[0, 3], b[1, 5], b[2, 7], a[2, 7], a[4] = np.nan, np.nan, np.nan, np.nan, np.nan
    apart = np.linalg.norm(a - b, axis=-1)
    metric = signcore.load("metric", "akd", estimator="carried")
    metric.update(video(a), video(b))
    found = metric.compute()
    assert found["akd"] == pytest.approx(np.nanmean(apart), rel=1e-5)
    lacking = np.isnan(a).any(-1) & ~np.isnan(b).any(-1)
    assert lacking.sum() == 1 + len(NAMES)
    assert found["akd-missing"] == pytest.approx(lacking.sum() / (~np.isnan(b).any(-1)).sum())
    np.testing.assert_allclose(metric.series["akd"][:4], np.nanmean(apart[:4], axis=1), rtol=1e-5)
    assert math.isnan(metric.series["akd"][4])


def test_a_copy_is_at_no_distance_and_the_order_does_not_matter():
    a, b = video(random_points(1)), video(random_points(2))
    assert score((a, a)) == {"akd": 0, "akd-missing": 0}
    assert score((a, b)) == pytest.approx(score((b, a)))


def test_a_shift_is_its_length_whatever_the_points():
    points = random_points()
    a, b = video(points + [3, 4]), video(points)
    for kind in ("all", "hands", "face", "body"):
        assert score((a, b), points=kind)["akd"] == pytest.approx(5, rel=1e-5)


def test_only_the_chosen_points_count():
    points = random_points()
    moved = points.copy()
    moved[:, [n.startswith("left_hand") for n in NAMES]] += [0, 8]
    a, b = video(moved), video(points)
    assert score((a, b), points="hands")["akd"] == pytest.approx(4, rel=1e-5)  # one hand of two
    assert score((a, b), points="face")["akd"] == score((a, b), points="body")["akd"] == 0


def test_points_are_matched_by_name_across_layouts():
    other = "coco_wholebody_133"
    theirs = layouts.layout_names(other)
    points = random_points()
    index = {n: i for i, n in enumerate(NAMES)}
    shared = [n for n in theirs if n in index]
    assert len(shared) > 40
    same = np.full((6, len(theirs), 2), np.nan)
    for i, name in enumerate(theirs):
        if name in index:
            same[:, i] = points[:, index[name]]
    assert score((video(same, other), video(points))) == {"akd": 0, "akd-missing": 0}


def test_poses_of_another_picture_size_are_scaled():
    points = random_points()
    half = video((points + 0.5) / 2 - 0.5, w=32, h=24)
    assert score((half, video(points)))["akd"] == pytest.approx(0, abs=1e-5)


def test_nothing_found_is_no_distance_and_all_missing():
    nothing = video(np.full((6, len(NAMES), 2), np.nan))
    found = score((nothing, video(random_points())))
    assert math.isnan(found["akd"])
    assert found["akd-missing"] == 1
    assert all(math.isnan(v) for v in score().values())


def test_shards_merge_to_the_whole():
    pairs = [(video(random_points(s)), video(random_points(s + 5))) for s in range(3)]
    pairs[1][0].pose.body.confidence[:, :, :30] = 0
    first, second = (signcore.load("metric", "akd", estimator="carried") for _ in range(2))
    first.update(*pairs[0])
    second.update(*pairs[1])
    second.update(*pairs[2])
    first.merge(second)
    assert first.compute() == pytest.approx(score(*pairs))
    assert first.missing == 6 * 30


def test_videos_without_poses_are_refused_where_their_own_are_wanted():
    bare = Video.from_array(np.zeros((6, 48, 64, 3), np.uint8))
    posed = video(random_points())
    with pytest.raises(InputError, match="prediction: carries no pose"):
        score((bare, posed))
    with pytest.raises(InputError, match="prediction: 3 frames of 64x48, but the reference has 6"):
        score((posed[:3], posed))


SPOT = """
import numpy as np
from signcore import Component, hookimpl
from signcore.types import layouts
from signcore.types.poses import pose_from_keypoints

class Spot:
    '''Every keypoint is at the brightest pixel; in black frames there is none.'''
    seen = []
    def __init__(self, config, context): pass
    def estimate(self, video):
        Spot.seen.append(len(video))
        points = np.full((len(video) - self.lost, len(layouts.layout_names("openpose_137")), 2), np.nan)
        for t, frame in enumerate(video[:len(points)]):
            if frame.any():
                points[t] = np.unravel_index(frame[..., 0].argmax(), frame.shape[:2])[::-1]
        return pose_from_keypoints(points, "openpose_137", fps=video.fps, width=video.width, height=video.height)
    lost = 0

class Short(Spot):
    lost = 1

@hookimpl
def signcore_components():
    return [Component(kind="estimator", name=n, summary="The brightest pixel.", target=f"spot:{c}")
            for n, c in (("spot", "Spot"), ("short", "Short"))]
"""


@pytest.fixture
def spot(distribution, monkeypatch, registry):
    distribution("spot", SPOT)
    import signcore.api
    import signcore.registry

    monkeypatch.setattr(signcore.registry, "registry", registry)
    monkeypatch.setattr(signcore.api, "registry", registry)


def spots(places):
    frames = np.zeros((len(places), 20, 30, 3), np.uint8)
    for frame, place in zip(frames, places, strict=True):
        if place is not None:
            frame[place[1], place[0]] = 255
    return Video.from_array(frames)


def test_any_estimator_finds_the_keypoints_a_part_at_a_time(spot, monkeypatch):
    a = spots([(5, 5), (8, 9), None, (0, 0), (7, 1)])
    b = spots([(5, 8), (5, 5), (1, 1), None, (7, 1)])
    expected = {"akd": pytest.approx((3 + 5 + 0) / 3), "akd-missing": pytest.approx(1 / 4)}
    assert score((a, b), estimator="spot") == expected
    monkeypatch.setattr(keypoints, "PART", 2)
    assert score((a, b), estimator="spot") == expected
    import spot as module

    assert module.Spot.seen == [5, 5, 2, 2, 2, 2, 1, 1]
    with pytest.raises(ContractError, match="short returned 1 frames for a video of 2"):
        score((a, b), estimator="short")


def test_the_signature_names_the_estimator_and_its_version(spot):
    told = signcore.load("metric", "akd", estimator="spot", points="hands").signature()
    assert told == "akd|estimator:spot|from:spot 1.2|frames-at-once:1024|points:hands|unit:pixels|version:1"
    told = signcore.load("metric", "akd", estimator="carried").signature()
    assert told == "akd|estimator:carried|the videos' own poses|points:all|unit:pixels|version:1"


def test_the_first_installed_estimator_is_taken_and_none_is_told(spot, monkeypatch):
    from signcore.runs import plan

    monkeypatch.setattr(plan, "ESTIMATORS", ("absent", "spot", "short"))
    assert "estimator:spot|" in signcore.load("metric", "akd").signature()
    monkeypatch.setattr(plan, "ESTIMATORS", ("absent",))
    monkeypatch.setitem(
        __import__("signcore.registry").registry.PUBLISHED, ("estimator", "absent"), "signcore-absent"
    )
    with pytest.raises(InputError, match="akd needs one, and none is installed") as caught:
        signcore.load("metric", "akd")
    assert "pip install signcore-absent" in caught.value.hint
