"""Motion from poses alone: gaps, other bodies, control points."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from signcore import weights
from signcore.animation.compatibility import troubles
from signcore.animation.heatmaps import heatmaps, point_names
from signcore.animation.pose_motion import PoseKeypoints, completed, person_mask, retargeted
from signcore.contracts import Context
from signcore.errors import InputError
from signcore.plugins.pgmm.config import PGMMConfig, PGMMInputs
from signcore.plugins.pgmm.generator import PGMM
from signcore.plugins.pgmm.model import PoseGuidedMotionModel
from signcore.presets import describe
from signcore.types import layouts
from signcore.types.image import Image
from signcore.types.poses import pose_from_keypoints

NAMES = point_names()
HAND = np.array(["_hand_" in name for name in NAMES])[:, None]
ARM = np.array(["elbow" in name or "wrist" in name for name in NAMES])[:, None]
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


def signer(frames: int = 8) -> np.ndarray:
    """Seen from the front, hands moving before the chest."""
    points = completed(
        np.where(np.isin(np.arange(len(NAMES)), SHOULDERS)[None, :, None], moving(frames), np.nan), NAMES
    )
    return (points - points[:, SHOULDERS].mean(axis=1, keepdims=True)) * 0.8 + (0.5, 0.45)


def test_what_fits_is_not_complained_of():
    assert troubles(signer()[0], signer(), NAMES) == []
    assert troubles(None, signer(), NAMES) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda s, d: (s * np.nan, d), "source: shows nobody"),
        (lambda s, d: (s, d * np.nan), "driving: shows nobody"),
        (lambda s, d: (s, (d - 0.5) * (0.2, 1) + 0.5), "driving: is seen from the side"),
        (lambda s, d: (s, (d - 0.5) * 0.3 + 0.5), "driving: is small"),
        (lambda s, d: (s, (d - 0.5) * 0.5 + 0.5), "source: is filmed 2.0 times closer"),
        (lambda s, d: (s + (0.25, 0), d), "stand at other places"),
        (lambda s, d: (s, np.where(HAND, np.nan, d)), "no frame's pose shows a hand"),
        (
            lambda s, d: (s, np.where(HAND & (np.arange(8) > 1)[:, None, None], np.nan, d)),
            "25% of the frames",
        ),
        (lambda s, d: (s, np.where(HAND, d + (0, 0.6), d)), "hands leave the picture"),
        (lambda s, d: (np.where(ARM, s - (0, 0.5), s), d), "the arms are not where"),
    ],
)
def test_troubles_are_foretold(change, said):
    source, driving = change(signer()[0], signer())
    found = troubles(source, driving, NAMES)
    assert any(said in line for line in found), found


def test_a_person_is_inside_their_mask_and_the_corner_is_not():
    points = torch.from_numpy(signer(2)).float()
    mask = person_mask(points, NAMES, 64, 64)
    assert mask.shape == (2, 1, 64, 64)
    for k in range(len(NAMES)):
        x, y = (points[0, k] * 64).long().clamp(0, 63)
        assert mask[0, 0, y, x] == 1, NAMES[k]
    assert mask[:, :, 0, 0].max() == 0
    assert mask[:, :, 63, 32].min() == 1  # the trunk reaches the lower edge


@pytest.fixture
def context(tmp_path):
    """Of a small network whose motion comes from poses, and that never saw a frame."""
    torch.manual_seed(0)
    config = PGMMConfig(
        preset="pose",
        width=4,
        max_width=16,
        motion_width=4,
        motion_max_width=8,
        transforms=4,
        pfm_width=8,
        size=64,
    )
    weights.save(tmp_path, describe("pgmm", config), PoseGuidedMotionModel(config).state_dict(), half=False)
    return Context(weights=str(tmp_path))


def test_the_background_stays_the_sources(context):
    poses = pose_from_keypoints(signer(3) * 64 - 0.5, "pgmm_36", fps=10, width=64, height=64)
    picture = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    given = PGMMInputs(source=Image(picture, pose=poses), driving_pose=poses)
    frames = PGMM(PGMMConfig(still_background=True), context).generate(given).numpy()
    assert np.array_equal(frames[:, :8, :8], picture[None, :8, :8].repeat(3, axis=0))
    assert not np.array_equal(frames[:, 40:, 28:36], picture[None, 40:, 28:36].repeat(3, axis=0))
    free = PGMM(PGMMConfig(), context).generate(given).numpy()
    assert not np.array_equal(free[:, :8, :8], frames[:, :8, :8])


def test_a_mirrored_pose_moves_the_other_hand(context):
    points = signer(3) * 64 - 0.5
    points[1:, [i for i, n in enumerate(NAMES) if n.startswith("right_hand")]] -= (0, 12)
    poses = pose_from_keypoints(points.astype(np.float32), "pgmm_36", fps=10, width=64, height=64)
    picture = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    mirrored_by_hand = PGMMInputs(source=Image(picture, pose=poses), driving_pose=layouts.mirror(poses))
    asked = PGMMInputs(source=Image(picture, pose=poses), driving_pose=poses)
    wanted = PGMM(PGMMConfig(), context).generate(mirrored_by_hand).numpy()
    assert np.array_equal(PGMM(PGMMConfig(mirror_driving=True), context).generate(asked).numpy(), wanted)
    assert not np.array_equal(PGMM(PGMMConfig(), context).generate(asked).numpy(), wanted)
