"""Motion from poses alone: gaps, other bodies, control points."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from signcore.animation.heatmaps import heatmaps, point_names
from signcore.animation.pose_motion import PoseKeypoints, completed, retargeted
from signcore.errors import InputError

NAMES = point_names()
SHOULDERS = [NAMES.index("left_shoulder"), NAMES.index("right_shoulder")]


def moving(frames: int = 6, seed: int = 0) -> np.ndarray:
    """Points of nobody in particular that drift, with shoulders apart."""
    random = np.random.default_rng(seed)
    points = random.uniform(0.2, 0.8, (1, len(NAMES), 2)) + random.normal(0, 0.02, (frames, len(NAMES), 2))
    points[:, SHOULDERS[0]], points[:, SHOULDERS[1]] = (0.65, 0.4), (0.35, 0.4)
    return points.astype(np.float32)


def test_a_pose_without_gaps_stays_as_it_is():
    points = moving()
    assert np.allclose(completed(points, NAMES), points, atol=1e-6)


@pytest.mark.parametrize("lost", [0.2, 0.7])
def test_what_is_seen_stays_and_no_gap_is_left(lost):
    points = moving(12)
    points[np.random.default_rng(1).random(points.shape[:2]) < lost] = np.nan
    points[3, SHOULDERS] = (0.6, 0.4), (0.4, 0.4)
    found = completed(points, NAMES)
    seen = np.isfinite(points)
    assert np.isfinite(found).all()
    assert np.allclose(found[seen], points[seen], atol=1e-6)


def test_a_lost_finger_goes_with_its_hand():
    points = moving(5)
    tip, wrist = NAMES.index("left_hand_8"), NAMES.index("left_hand_0")
    points[:, tip] = points[:, wrist] + (0.05, 0.1)
    points[:, wrist] += np.linspace(0, 0.3, 5, dtype=np.float32)[:, None]
    points[:, tip] = points[:, wrist] + (0.05, 0.1)
    truth = points[:, tip].copy()
    points[2:4, tip] = np.nan
    assert np.allclose(completed(points, NAMES)[:, tip], truth, atol=1e-6)


def test_a_hand_that_no_frame_shows_hangs_on_its_arm():
    points = moving(4)
    hand = [i for i, name in enumerate(NAMES) if name.startswith("right_hand_")]
    points[:, hand] = np.nan
    found = completed(points, NAMES)
    away = np.linalg.norm(found[:, hand] - found[:, [NAMES.index("right_wrist")]], axis=-1)
    assert away.max() < 0.2  # shoulders are 0.3 apart
    assert len(np.unique(found[0, hand].round(4), axis=0)) == len(hand)  # and it has fingers


def test_nobody_is_refused():
    points = moving()
    points[:, SHOULDERS[0]] = np.nan
    with pytest.raises(InputError, match="no frame shows both shoulders"):
        completed(points, NAMES)
    with pytest.raises(InputError, match="has no shoulders"):
        completed(points[:, :3], ["nose", "left_wrist", "right_wrist"])


def test_another_body_stands_where_the_source_does():
    driving, source = moving(7), moving(1, seed=3)[0]
    source[SHOULDERS] = (0.7, 0.5), (0.5, 0.5)
    found = retargeted(driving, source, NAMES)
    assert np.allclose(found[:, SHOULDERS].mean(axis=(0, 1)), source[SHOULDERS].mean(axis=0), atol=1e-5)
    assert np.allclose(found[:, SHOULDERS[0]] - found[:, SHOULDERS[1]], (0.2, 0), atol=1e-5)
    nose = NAMES.index("nose")
    assert np.allclose(np.median(found[:, nose], axis=0), source[nose], atol=1e-5)
    elsewhere = retargeted(driving * 0.4 + 0.3, source, NAMES)  # the camera's distance and place do not count
    assert np.allclose(elsewhere, found, atol=1e-5)


def test_the_same_body_moves_as_it_did():
    driving = moving(1).repeat(3, axis=0)
    assert np.allclose(retargeted(driving, driving[0], NAMES), driving, atol=1e-6)


@pytest.mark.parametrize("names", [NAMES, [f"mesh_{i}" for i in range(7)]])
def test_control_points_move_with_the_pose(names):
    torch.manual_seed(0)
    keypoints = PoseKeypoints(20, names)
    points = torch.rand(2, len(names), 2)
    found = keypoints(points)
    assert found.shape == (2, 100, 2)
    there = keypoints(points * 0.5 + 0.1)
    size = 128 / 127  # [0, 1] across the frame to [-1, 1] from the first pixel's centre to the last's
    assert torch.allclose(there, 0.5 * found + size * (2 * 0.1 - 1 + 0.5), atol=1e-5)
    spread = found.unflatten(1, (20, 5)).std(dim=2).min()
    assert spread > 1e-3  # no spline's points fall together


def test_control_points_lie_where_heatmaps_do():
    keypoints = PoseKeypoints(1, ["a", "b", "c", "d", "e"])
    with torch.no_grad():
        keypoints.logits.copy_(50 * torch.eye(5))
    points = (torch.tensor([[[3, 3], [10, 50], [64, 64], [100, 2], [126, 126]]]) + 0.5) / 128
    places = keypoints(points)[0]
    for k, drawn in enumerate(heatmaps(points, 128, 128, 0.02)[0]):
        row, column = divmod(int(drawn.argmax()), 128)
        assert torch.allclose(places[k], 2 * torch.tensor([column, row]) / 127 - 1, atol=1e-4)
