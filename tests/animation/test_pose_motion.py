"""Motion from poses alone: gaps, other bodies, control points."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from signcore import weights
from signcore.animation.compatibility import troubles
from signcore.animation.heatmaps import heatmaps, point_names
from signcore.animation.pose_motion import PoseKeypoints, bridged, completed, person_mask, retargeted
from signcore.animation.relative_motion import relative_keypoints
from signcore.contracts import Context
from signcore.errors import InputError
from signcore.plugins.pgmm.config import PGMMConfig, PGMMInputs
from signcore.plugins.pgmm.generator import PGMM
from signcore.plugins.pgmm.model import PoseGuidedMotionModel
from signcore.presets import describe
from signcore.types import layouts
from signcore.types.image import Image
from signcore.types.poses import pose_from_keypoints
from signcore.types.video import Video

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


def test_short_gaps_are_bridged_and_long_ones_stay():
    points = moving(20)
    whole = points.copy()
    tip, wrist = NAMES.index("left_hand_8"), NAMES.index("left_hand_0")
    points[3:6, tip] = np.nan
    points[10:16, tip] = np.nan
    points[:2, wrist] = np.nan
    points[18:, wrist] = np.nan
    found = bridged(points, NAMES, longest=3)
    lost = ~np.isfinite(found).all(axis=-1)
    assert lost[:, tip].nonzero()[0].tolist() == list(range(10, 16))
    assert lost[:, wrist].nonzero()[0].tolist() == [0, 1, 18, 19]
    kept = np.isfinite(points)
    assert np.array_equal(found[kept], points[kept])
    way = whole[:, tip] - whole[:, wrist]
    expected = whole[4, wrist] + (way[2] + way[6]) / 2
    assert np.allclose(found[4, tip], expected, atol=1e-5)
    assert np.array_equal(bridged(points, NAMES, 0), points, equal_nan=True)
    nobody = np.full_like(points, np.nan)
    assert np.isnan(bridged(nobody, NAMES, 3)).all()


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


@pytest.fixture
def guided(tmp_path):
    """Of a small network whose motion comes from frames, and that sees the driving pose; it never saw a frame."""
    torch.manual_seed(0)
    config = PGMMConfig(
        width=4, max_width=16, keypoint_width=4, motion_width=4, motion_max_width=8, transforms=2, pfm_width=8, size=64
    )  # fmt: skip
    weights.save(tmp_path, describe("pgmm", config), PoseGuidedMotionModel(config).state_dict(), half=False)
    return Context(weights=str(tmp_path))


def crossing(count: int = 3, scale: float = 0.5, **changes) -> PGMMInputs:
    """A source whose shoulders are `scale` times as far apart as the driving person's, and elsewhere."""
    draw = np.random.default_rng(0)
    driving, source = signer(count), signer(1) * scale + np.float32([0.1, 0.3])
    given = {
        "source": Image(draw.integers(0, 255, (64, 64, 3), np.uint8)),
        "driving": Video.from_array(draw.integers(0, 255, (count, 64, 64, 3), np.uint8), 10),
        "driving_pose": pose_from_keypoints(driving * 64 - 0.5, "pgmm_36", fps=10, width=64, height=64),
        "source_pose": pose_from_keypoints(source * 64 - 0.5, "pgmm_36", fps=10, width=64, height=64),
    }
    return PGMMInputs(**{**given, **changes})


def test_another_persons_hands_are_drawn_on_the_sources_body(guided, monkeypatch):
    seen = []
    generate = PoseGuidedMotionModel.generate

    def spy(self, frame, features, motion, points):
        seen.append(points[:, [point_names("pgmm_56").index(name) for name in NAMES]].numpy())
        return generate(self, frame, features, motion, points)

    monkeypatch.setattr(PoseGuidedMotionModel, "generate", spy)
    PGMM(PGMMConfig(mode="cross"), guided).generate(crossing()).numpy()
    wanted = retargeted(signer(3), signer(1)[0] * 0.5 + np.float32([0.1, 0.3]), NAMES)
    np.testing.assert_allclose(seen[0], wanted, atol=1e-4)
    for settings, given in (("reconstruction", crossing()), ("cross", crossing(source_pose=None))):
        seen.clear()
        PGMM(PGMMConfig(mode=settings), guided).generate(given).numpy()
        np.testing.assert_allclose(seen[0], signer(3), atol=1e-4)


def test_relative_motion_is_scaled_by_the_shoulders_where_both_are_seen(guided, monkeypatch):
    scales = []
    relative = PoseGuidedMotionModel.relative

    def spy(self, source, driving, first, scale=None):
        scales.append(scale)
        return relative(self, source, driving, first, scale)

    monkeypatch.setattr(PoseGuidedMotionModel, "relative", spy)
    generator = PGMM(PGMMConfig(mode="cross"), guided)
    for given in (crossing(scale=0.5), crossing(scale=0.8), crossing(source_pose=None)):
        generator.generate(given).numpy()
    assert scales == [pytest.approx(0.5, abs=1e-4), pytest.approx(0.8, abs=1e-4), None]
    keypoints, moved = torch.rand(1, 10, 2), torch.rand(2, 10, 2)
    wanted = keypoints + (moved - moved[:1]) * 0.5
    torch.testing.assert_close(relative_keypoints(keypoints, moved, moved[:1], 0.5), wanted)


def test_a_pose_without_shoulders_moves_nothing_elsewhere(guided):
    nobody = pose_from_keypoints(
        np.full((1, 36, 2), np.nan, np.float32), "pgmm_36", fps=10, width=64, height=64
    )
    generator = PGMM(PGMMConfig(mode="cross"), guided)
    given = crossing(source_pose=nobody)
    assert np.array_equal(
        generator.generate(given).numpy(), generator.generate(crossing(source_pose=None)).numpy()
    )
    assert any("source: shows nobody" in line for line in generator.troubles(given))
    with pytest.raises(InputError, match="nobody can be moved"):
        PGMM(PGMMConfig(mode="cross", still_background=True), guided).generate(given)


def test_a_generator_tells_its_troubles(guided):
    generator = PGMM(PGMMConfig(mode="cross"), guided)
    assert any("times closer" in line for line in generator.troubles(crossing(scale=0.4)))
    assert any("its pose is not known" in line for line in generator.troubles(crossing(source_pose=None)))
    handless = signer(3)
    handless[:, [i for i, name in enumerate(NAMES) if "_hand_" in name]] = np.nan
    given = crossing(
        driving_pose=pose_from_keypoints(handless * 64 - 0.5, "pgmm_36", fps=10, width=64, height=64)
    )
    assert any("shows a hand" in line for line in generator.troubles(given))
    alike = PGMM(PGMMConfig(mode="reconstruction"), guided)
    assert alike.troubles(crossing(scale=0.4)) == []


def test_with_a_driving_video_too_the_background_stays_and_the_signer_is_mirrored(guided):
    still = PGMM(PGMMConfig(mode="cross", still_background=True), guided)
    given = crossing()
    frames, picture = still.generate(given).numpy(), given.source.array
    assert np.array_equal(frames[:, :4, 56:], picture[None, :4, 56:].repeat(3, axis=0))
    free = PGMM(PGMMConfig(mode="cross"), guided)
    assert not np.array_equal(free.generate(given).numpy()[:, :4, 56:], frames[:, :4, 56:])
    flipped = Video.from_array(np.ascontiguousarray(given.driving.numpy()[:, :, ::-1]), 10)
    by_hand = crossing(driving=flipped, driving_pose=layouts.mirror(given.driving_pose))
    asked = PGMM(PGMMConfig(mode="cross", mirror_driving=True), guided).generate(given).numpy()
    assert np.array_equal(asked, free.generate(by_hand).numpy())
    assert not np.array_equal(asked, free.generate(given).numpy())


@pytest.mark.parametrize("bridge", [0, 10])
def test_the_network_sees_bridged_hands(guided, monkeypatch, bridge):
    seen = []
    generate = PoseGuidedMotionModel.generate

    def spy(self, frame, features, motion, points):
        seen.append(points[:, point_names("pgmm_56").index("left_hand_8")].isnan().any(dim=1).tolist())
        return generate(self, frame, features, motion, points)

    monkeypatch.setattr(PoseGuidedMotionModel, "generate", spy)
    points = signer(3)
    points[1, [i for i, name in enumerate(NAMES) if name.startswith("left_hand")]] = np.nan
    lost = pose_from_keypoints(points * 64 - 0.5, "pgmm_36", fps=10, width=64, height=64)
    PGMM(PGMMConfig(mode="reconstruction", bridge=bridge), guided).generate(
        crossing(driving_pose=lost)
    ).numpy()
    assert seen == [[False, bridge == 0, False]]
