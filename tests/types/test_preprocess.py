"""Hiding, trimming and normalising poses; Ham2Pose's public code stage by stage."""

import json

import numpy as np
import pytest

from signcore.errors import InputError
from signcore.types import layouts, preprocess
from signcore.types.poses import pose_from_keypoints

NAMES = tuple(layouts.layout_names("openpose_137"))


def signer(frames=12, seed=0):
    random = np.random.default_rng(seed)
    points = random.uniform(100, 300, (1, 137, 2)) + random.normal(0, 5, (frames, 137, 2))
    points[:, NAMES.index("left_shoulder")] = (250, 200)
    points[:, NAMES.index("right_shoulder")] = (150, 200)
    return points


def pose(points, confidence=None):
    return pose_from_keypoints(points, "openpose_137", fps=25, width=400, height=400, confidence=confidence)


def test_normalised_shoulders_are_one_apart_around_the_origin():
    found = preprocess.prepared(pose(signer()))
    left, right = (found.points[:, NAMES.index(f"{s}_shoulder")] for s in ("left", "right"))
    assert np.allclose((left + right) / 2, 0)
    assert np.allclose(np.linalg.norm(left - right, axis=-1), 1)


def test_legs_are_missing_and_the_middle_of_the_hips_stays():
    found = preprocess.prepared(pose(signer()))
    gone = {n for n, p in zip(found.names, np.moveaxis(found.points, 1, 0), strict=True) if np.isnan(p).all()}
    assert gone == {
        f"{s}_{p}"
        for s in ("left", "right")
        for p in ("hip", "knee", "ankle", "heel", "big_toe", "small_toe")
    }


def test_frames_without_face_or_hands_are_cut_at_both_ends_only():
    sure = np.ones((12, 137))
    face = [i for i, n in enumerate(NAMES) if n.startswith("face_")]
    wrists = [NAMES.index(f"{s}_wrist") for s in ("left", "right")]
    sure[:2, face] = 0.1
    sure[10:, wrists] = 0.05
    sure[5, face] = 0.0  # in the middle: stays
    assert len(preprocess.prepared(pose(signer(), sure)).points) == 8
    sure[:, wrists] = 0.0
    with pytest.raises(InputError, match="no frame shows a face and a hand"):
        preprocess.prepared(pose(signer(), sure))


def test_unsure_points_are_missing():
    sure = np.ones((12, 137))
    nose = NAMES.index("nose")
    sure[3, nose] = 0.2
    found = preprocess.prepared(pose(signer(), sure))
    assert np.isnan(found.points[3, nose]).all()
    assert np.isfinite(found.points[4, nose]).all()


def test_a_far_root_of_a_hand_moves_to_the_sure_wrist():
    points = signer()
    root, wrist = NAMES.index("left_hand_0"), NAMES.index("left_wrist")
    points[:, root] = points[:, wrist] - 40
    points[6:, root] = points[6:, wrist] + 40  # below and to the right: left alone, as in the public code
    found = preprocess.repaired_wrists(preprocess.points_of(pose(points)))
    assert np.array_equal(found.points[:6, root], found.points[:6, wrist])
    assert not np.isclose(found.points[6:, root], found.points[6:, wrist]).any()


def test_filled_interpolates_in_time_and_holds_the_ends():
    points = np.full((6, 2, 2), np.nan)
    points[1, 0], points[4, 0] = (0, 0), (3, 6)
    found = preprocess.filled(points, np.array([[9, 9], [7, 8]]))
    assert found[:, 0].tolist() == [[0, 0], [0, 0], [1, 2], [2, 4], [3, 6], [3, 6]]
    assert found[:, 1].tolist() == [[7, 8]] * 6


def test_in_pixels_is_normalised_again_to_itself():
    points = preprocess.prepared(pose(signer())).points
    made = preprocess.in_pixels(points, "openpose_137", fps=25, size=512)
    assert np.allclose(preprocess.prepared(made).points, points, atol=1e-5, equal_nan=True)


def test_every_stage_of_the_public_code(shared):
    from safetensors.numpy import load_file

    folder = shared / "oracles" / "ndtw"
    arrays = load_file(folder / "poses.safetensors")
    for entry in json.loads((folder / "poses.json").read_text())["poses"]:
        tag = f"pose.{entry['tag']}"
        if entry["pred"]:
            continue
        data, sure = arrays[f"{tag}.data"][:, 0].astype(np.float64), arrays[f"{tag}.conf"][:, 0]
        whole = preprocess.prepared(pose_of(data, sure), preset="upstream", focus=True)
        raw = preprocess.points_of(pose_of(data, sure))
        normal = preprocess.normalised(raw)
        for name, found in (("norm", normal), ("focus", preprocess.focused(normal)), ("final", whole)):
            hidden = arrays[f"{tag}.{name}.mask"][:, 0].astype(bool)
            assert np.array_equal(np.isnan(found.points[..., 0]), hidden)
            truth = np.where(hidden[..., None], np.nan, arrays[f"{tag}.{name}.data"][:, 0])
            assert np.allclose(found.points, truth, atol=1e-5, equal_nan=True)


def pose_of(data, sure):
    points = np.where((sure > 0)[..., None], data, np.nan)
    return pose_from_keypoints(points, "openpose_137", fps=25, width=1000, height=1000, confidence=sure)


def test_two_people_are_refused_and_one_frame_is_enough():
    one = pose(signer(frames=1))
    assert preprocess.prepared(one).points.shape == (1, 137, 2)
    both = one.body
    both.data = np.ma.concatenate([both.data, both.data], axis=1)
    both.confidence = np.concatenate([both.confidence, both.confidence], axis=1)
    with pytest.raises(InputError, match="shows 2 people"):
        preprocess.prepared(one)


def test_other_layouts_give_the_points_they_have():
    holistic = layouts.to_layout(pose(signer()), "holistic")
    found = preprocess.prepared(holistic)
    seen = {n for k, n in enumerate(found.names) if np.isfinite(found.points[:, k]).any()}
    assert {"neck", "left_wrist", "right_hand_8", "nose"} <= seen
    assert preprocess.prepared(holistic, "holistic").names == tuple(layouts.layout_names("holistic"))
