from __future__ import annotations

import numpy as np
import pytest
from pose_format import Pose
from pose_format.numpy import NumPyPoseBody
from pose_format.pose_header import PoseHeader, PoseHeaderComponent, PoseHeaderDimensions

from signcore.errors import InputError
from signcore.recognition.skeleton import active, bones, mirror_order, resampled, signing, skeleton

NAMES = ["nose", "left_shoulder", "right_shoulder", "left_elbow", "left_wrist", "right_wrist", "left_knee"]


def pose(points, names=NAMES, width=100, confidence=None):
    points = np.asarray(points, np.float32)
    part = PoseHeaderComponent("KEYPOINTS", list(names), [], [(0, 0, 0)], "XYZC"[: points.shape[2]] + "C")
    sure = np.ones(points.shape[:2], np.float32) if confidence is None else confidence
    mask = np.broadcast_to((sure == 0)[..., None], points.shape)
    header = PoseHeader(0.2, PoseHeaderDimensions(width, width, 0), [part])
    return Pose(header, NumPyPoseBody(25.0, np.ma.masked_array(points, mask=mask)[:, None], sure[:, None]))


def walk(random, frames=12, dims=2):
    base = random.normal(size=(1, len(NAMES), dims)) * 10
    return base + random.normal(size=(frames, len(NAMES), dims)).cumsum(axis=0)


def test_place_and_size_in_the_picture_do_not_matter(random):
    points = walk(random)
    one, other = skeleton(pose(points)), skeleton(pose(3 * points + 40))
    np.testing.assert_allclose(one.points, other.points, atol=1e-4)
    assert "left_knee" not in one.names


def test_without_shoulders_the_size_in_the_picture_does_not_matter_either(random):
    names = ["nose", "left_hand", "right_hand"]
    points = walk(random)[:, :3]
    one, other = skeleton(pose(points, names)), skeleton(pose(7 * points + 40, names))
    np.testing.assert_allclose(one.points, other.points, atol=1e-4)
    assert np.sqrt((one.points**2).sum(axis=-1).mean()) == pytest.approx(1, abs=1e-4)


def test_face_and_trunk_do_not_sign():
    names = ["nose", "left_eye_inner", "left_wrist", "right_wrist", "left_hand_8", "left_hip", "neck"]
    assert signing(names) == ("nose", "left_wrist", "right_wrist", "left_hand_8")
    assert signing(["nose", "left_eye"]) == ("nose", "left_eye")


def test_a_measured_signer_is_turned_to_the_camera(random):
    points = walk(random, dims=3)
    angle = 0.7
    turn = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    one, other = skeleton(pose(points, width=1)), skeleton(pose(points @ turn.T, width=1))
    line = one.points[:, one.names.index("left_shoulder")] - one.points[:, one.names.index("right_shoulder")]
    assert abs(line.mean(axis=0)[2]) < 1e-5
    assert line.mean(axis=0)[0] > 0
    # the width is that of the picture plane, so only the shape is the same
    scale = np.linalg.norm(other.points) / np.linalg.norm(one.points)
    np.testing.assert_allclose(one.points * scale, other.points, atol=1e-3 * scale)


def test_estimated_depth_is_left_out_and_can_be_asked_for(random):
    found = pose(walk(random, dims=3), width=640)
    assert skeleton(found).points.shape[2] == 2
    assert skeleton(found, 3).points.shape[2] == 3


def test_missing_points_lie_between_their_neighbours(random):
    points = walk(random)
    sure = np.ones(points.shape[:2], np.float32)
    sure[4, 4] = 0
    found = skeleton(pose(points, confidence=sure))
    column = found.names.index("left_wrist")
    assert not found.seen[4, column]
    wanted = (found.points[3, column] + found.points[5, column]) / 2
    np.testing.assert_allclose(found.points[4, column], wanted, atol=1e-5)


def test_nobody_is_one_line(random):
    with pytest.raises(InputError, match="no frame shows a person"):
        skeleton(pose(walk(random), confidence=np.zeros((12, len(NAMES)), np.float32)))


def test_rest_is_cut_away():
    points = np.zeros((40, len(NAMES), 2))
    points[:, 1], points[:, 2] = [1, 0], [-1, 0]
    points[10:25, 4, 1] = -5 * np.sin(np.linspace(0, np.pi, 15))
    found = active(skeleton(pose(points + 50)))
    assert 10 <= len(found) <= 15


def test_the_other_side_and_bones_are_found_by_name():
    order = mirror_order(NAMES)
    assert [NAMES[i] for i in order[:3]] == ["nose", "right_shoulder", "left_shoulder"]
    assert order[3] == 3  # no right elbow
    assert (4, 3) in bones(NAMES)
    assert (4, 0) in bones(NAMES)


def test_resampling_is_linear():
    np.testing.assert_allclose(
        resampled(np.arange(5.0)[:, None], np.array([0, 0.5, 4, 9]))[:, 0], [0, 0.5, 4, 4]
    )
