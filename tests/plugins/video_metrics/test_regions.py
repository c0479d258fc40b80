from __future__ import annotations

import math

import numpy as np
import pytest

import signcore
from signcore.errors import InputError
from signcore.plugins.video_metrics import regions
from signcore.types import Video, layouts, write_pose, write_video
from signcore.types.poses import pose_from_keypoints

HEIGHT, WIDTH = 48, 64
LAYOUT = "openpose_137"


def posed(frames, layout=LAYOUT, width=WIDTH, height=HEIGHT, **boxes):
    """A pose whose points named PREFIX fill the box (x0, y0, x1, y1) of each frame; None: they are missing there."""
    names = layouts.layout_names(layout)
    points = np.full((frames, len(names), 2), np.nan)
    for prefix, of_frames in boxes.items():
        columns = [i for i, name in enumerate(names) if name.startswith(prefix)]
        for t, box in enumerate(of_frames):
            if box is not None:
                x0, y0, x1, y1 = box
                points[t, columns[0]], points[t, columns[1]] = (x0, y0), (x1, y1)
                points[t, columns[2:]] = ((x0 + x1) / 2, (y0 + y1) / 2)
    return pose_from_keypoints(points, layout, fps=25, width=width, height=height)


def pair(pose, frames=4, seed=0, height=HEIGHT, width=WIDTH):
    random = np.random.default_rng(seed)
    a, b = random.integers(0, 256, (2, frames, height, width, 3), np.uint8)
    return Video.from_array(a), Video.from_array(b, pose=pose)


def score(name, prediction, reference, **config):
    metric = signcore.load("metric", name, **config)
    metric.update(prediction, reference)
    return metric


HANDS = {
    "left_hand": [(10, 10, 20, 20), (10, 10, 20, 20), None, None],
    "right_hand": [(40, 20, 50, 30), None, None, (0, 0, 10, 40)],
}


def expected_mask():
    mask = np.zeros((4, HEIGHT, WIDTH), bool)
    mask[:2, 8:23, 8:23] = True  # 10..20 and a margin of 2 on every side, both ends included
    mask[0, 18:33, 38:53] = True
    mask[3, :49, :19] = True  # a box of 10 x 40: the margin is 8, and what is outside the frame is not there
    return mask


def test_masks_are_the_boxes_with_a_fifth_around():
    _, truth = pair(posed(4, **HANDS))
    found = regions.inside(regions.boxes(truth, "hands"), HEIGHT, WIDTH)
    np.testing.assert_array_equal(found, expected_mask())


def test_l1_and_psnr_in_hands_are_those_of_the_pixels_inside():
    a, b = pair(posed(4, **HANDS))
    mask, difference = expected_mask(), (a.numpy() / 255 - b.numpy() / 255)
    l1 = [np.abs(difference[t][mask[t]]).mean() for t in (0, 1, 3)]
    mse = [(difference[t][mask[t]] ** 2).mean() for t in (0, 1, 3)]
    metric = score("l1", a, b, region="hands")
    assert metric.compute() == {"l1-hands": pytest.approx(np.mean(l1))}
    np.testing.assert_allclose(metric.series["l1-hands"], [l1[0], l1[1], np.nan, l1[2]])
    assert score("psnr", a, b, region="hands").compute() == {
        "psnr-hands": pytest.approx(-10 * math.log10(np.mean(mse)))
    }


@pytest.mark.parametrize("name", ["l1", "psnr", "ssim", "lpips"])
def test_what_is_outside_the_region_is_not_seen(name):
    pose = posed(2, width=160, height=160, face=[(10, 10, 20, 20)] * 2)
    _, truth = pair(pose, 2, height=160, width=160)
    near, far = truth.numpy().copy(), truth.numpy().copy()
    near[:, 12:18, 12:18] ^= 255
    far[:, 150:, 150:] ^= 255
    far, near = Video.from_array(far), Video.from_array(near)
    best = {"l1": 0, "psnr": math.inf, "ssim": 1, "lpips": 0}[name]
    (in_far,) = score(name, far, truth, region="face").compute().values()
    (in_near,) = score(name, near, truth, region="face").compute().values()
    (whole,) = score(name, far, truth).compute().values()
    assert in_far == pytest.approx(best, abs=2e-3 if name == "lpips" else 1e-12)  # coarse levels see far
    assert abs(whole - best) > 1e-3
    assert abs(in_near - best) > 0.05


@pytest.mark.parametrize("name", ["l1", "psnr", "ssim", "lpips"])
def test_a_region_that_is_the_whole_frame_gives_the_whole_frames_score(name):
    pose = posed(3, face=[(0, 0, WIDTH - 1, HEIGHT - 1)] * 3)
    a, b = pair(pose, 3)
    (inside,) = score(name, a, b, region="face").compute().values()
    (whole,) = score(name, a, b).compute().values()
    # bilinear enlargement weighs the places of a level a little unevenly
    assert inside == pytest.approx(whole, rel=0.05 if name == "lpips" else 1e-12)


def test_hand_boxes_are_those_of_training():
    from signcore.animation.heatmaps import hand_boxes
    from signcore.types.poses import keypoints

    names = layouts.layout_names(LAYOUT)
    points = np.random.default_rng(2).uniform(0, 40, (5, len(names), 2))
    points[1, 90:] = np.nan
    pose = pose_from_keypoints(points, LAYOUT, fps=25, width=WIDTH, height=HEIGHT)
    _, truth = pair(pose, 5)
    expected = hand_boxes(keypoints(pose), names)
    np.testing.assert_allclose(regions.boxes(truth, "hands"), expected, rtol=1e-5, atol=1e-4)


def test_a_pose_of_another_picture_size_is_scaled():
    half = {name: [b and tuple((v + 0.5) / 2 - 0.5 for v in b) for b in of] for name, of in HANDS.items()}
    _, truth = pair(posed(4, width=WIDTH // 2, height=HEIGHT // 2, **half))
    found = regions.inside(regions.boxes(truth, "hands"), HEIGHT, WIDTH)
    np.testing.assert_array_equal(found, expected_mask())


def test_frames_without_the_region_do_not_count_and_none_at_all_is_no_number():
    a, b = pair(posed(4, left_hand=[None] * 4))
    metric = score("l1", a, b, region="hands")
    assert math.isnan(metric.compute()["l1-hands"])
    metric.update(*pair(posed(4, **HANDS)))
    assert metric.frames == 3


def test_shards_of_a_region_merge_to_the_whole():
    pairs = [pair(posed(4, **HANDS), seed=s) for s in range(3)]
    whole, first, second = (signcore.load("metric", "l1", region="hands") for _ in range(3))
    for p in pairs:
        whole.update(*p)
    first.update(*pairs[0])
    second.update(*pairs[1])
    second.update(*pairs[2])
    first.merge(second)
    assert first.compute() == pytest.approx(whole.compute())


@pytest.mark.parametrize("name", ["l1", "psnr", "ssim", "lpips"])
def test_a_reference_that_does_not_say_where_is_refused(name):
    a, b = pair(None)
    with pytest.raises(InputError, match="reference: carries no pose, which says where the hands are"):
        score(name, a, b, region="hands")
    with pytest.raises(InputError, match="its pose has 3 frames, the video 4"):
        score(name, *pair(posed(3)), region="hands")
    with pytest.raises(InputError, match="does not say how large"):
        score(name, *pair(posed(4, width=0)), region="hands")


def test_a_layout_without_the_region_is_refused(monkeypatch):
    a, b = pair(posed(4, **HANDS))
    monkeypatch.setattr(layouts, "names", lambda header: ["left_elbow"] * 137)
    for region in ("hands", "face"):
        with pytest.raises(InputError, match=f"reference: its pose has no points of the {region}"):
            score("l1", a, b, region=region)


def test_the_pose_beside_a_file_is_used(tmp_path):
    a, b = pair(None)
    write_video(tmp_path / "truth.mp4", b)
    write_pose(tmp_path / "truth.pose", posed(4, **HANDS))
    from signcore.types import read_video

    metric = score("l1", a, read_video(tmp_path / "truth.mp4"), region="hands")
    assert metric.frames == 3


def test_signatures_name_the_region():
    assert "region" not in signcore.load("metric", "l1").signature()
    told = signcore.load("metric", "ssim", region="face").signature()
    assert told.startswith("ssim|")
    assert "|region:face|margin:0.2|least-points:3|" in told


@pytest.mark.parametrize("fit", ["crop", "pad"])
@pytest.mark.parametrize("size", [24, 48, 96])
@pytest.mark.parametrize("given", ["beside", "carried"])
def test_the_truth_of_an_animated_picture_knows_where_its_hands_are(fit, size, given):
    from types import SimpleNamespace

    from signcore.plugins.tpsmm.generator import TPSMM

    pose = posed(3, left_hand=[(24, 14, 34, 24), (30, 10, 40, 20), None], right_hand=[None] * 3)
    frames = np.zeros((3, HEIGHT, WIDTH, 3), np.uint8)
    frames[0, 12:27, 22:37] = frames[1, 8:23, 28:43] = 255  # the boxes with their margins
    driving = Video.from_array(frames, pose=pose if given == "carried" else None)
    animator = object.__new__(TPSMM)
    animator.config = SimpleNamespace(size=size, fit=fit, mode="cross", mirror_driving=False)
    inputs = SimpleNamespace(driving=driving, driving_pose=pose if given == "beside" else None)
    _, truth = animator.judge(inputs)
    inside = regions.inside(regions.boxes(truth, "hands"), size, size)
    assert inside.any(axis=(1, 2)).tolist() == [True, True, False]
    assert truth.numpy()[inside].mean() > 215  # the border is blurred
    assert truth.numpy()[~inside].mean() < 4


@pytest.mark.parametrize("wrong", [posed(5, left_hand=[None] * 5), posed(3, width=0)])
def test_a_pose_of_another_video_is_not_carried(wrong):
    from types import SimpleNamespace

    from signcore.plugins.tpsmm.generator import TPSMM

    animator = object.__new__(TPSMM)
    animator.config = SimpleNamespace(size=24, fit="crop", mode="cross", mirror_driving=False)
    driving = Video.from_array(np.zeros((3, HEIGHT, WIDTH, 3), np.uint8))
    assert animator.judge(SimpleNamespace(driving=driving, driving_pose=wrong))[1].pose is None
