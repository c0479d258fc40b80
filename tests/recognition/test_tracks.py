from __future__ import annotations

import logging

import numpy as np
import pytest

from signcore import load
from signcore.errors import InputError
from signcore.recognition import tracks as layout
from signcore.types import Video, layouts
from signcore.types.poses import pose_from_keypoints
from signcore.types.tracks import Tracks, read_tracks, write_tracks


@pytest.fixture(scope="module")
def sample():
    data = load(
        "dataset", "synthetic-sentences", clips=1, test_clips=1, grids=4, width=48, height=48, missing=0.3
    )
    return data[0]


def test_the_synthetic_signer_fills_all_five(sample):
    assert sample.tracks.widths == layout.WIDTHS
    assert sum(layout.WIDTHS.values()) == 1959
    assert all(there.all() for there in sample.tracks.presence.values())
    assert 0.05 < sample.tracks.features["segmentation"].mean() < 0.5
    assert sample.tracks.features["depth"].max() == pytest.approx(1, abs=0.05)


def test_dwpose_holds_confidence_zero_where_a_hand_is_lost(sample):
    points = sample.tracks.features["dwpose"].reshape(-1, 128, 3)
    names = list(layout.DWPOSE)
    hand = names.index("left_hand_8")
    lost = points[:, hand, 2] == 0
    assert 0 < lost.sum() < len(points)
    shoulders = points[:, [names.index("left_shoulder"), names.index("right_shoulder")], :2]
    assert np.linalg.norm(shoulders[:, 0] - shoulders[:, 1], axis=-1).mean() == pytest.approx(1, abs=1e-3)
    assert np.abs(shoulders.mean(axis=(0, 1))).max() < 1e-3


@pytest.mark.parametrize("name", ["openpose_137", "holistic", "coco_wholebody_133"])
def test_every_layout_gives_the_same_wrist(sample, name):
    found = layout.from_pose(layouts.to_layout(sample.pose, name))
    column = list(layout.DWPOSE).index("right_wrist")
    wanted = layout.from_pose(sample.pose).features["dwpose"].reshape(-1, 128, 3)[:, column, :2]
    np.testing.assert_allclose(found.features["dwpose"].reshape(-1, 128, 3)[:, column, :2], wanted, atol=1e-5)


def test_mirroring_twice_changes_nothing(sample):
    twice = layout.mirrored(layout.mirrored(sample.tracks))
    for name, values in sample.tracks.features.items():
        np.testing.assert_allclose(twice.features[name], values, atol=1e-5)


def test_mirroring_the_pose_mirrors_the_points(sample):
    mirrored = layout.from_pose(layouts.mirror(sample.pose)).features
    for name, values in layout.mirrored(layout.from_pose(sample.pose)).features.items():
        np.testing.assert_allclose(mirrored[name], values, atol=1e-4)


def test_a_mirrored_track_of_an_unknown_name_is_absent():
    found = layout.mirrored(Tracks({"mine": np.ones((3, 2), np.float32)}, 25.0))
    assert not found.presence["mine"].any()


def test_tracks_come_back_from_disk(sample, tmp_path):
    write_tracks(tmp_path / "t.safetensors", sample.tracks)
    back = read_tracks(tmp_path / "t.safetensors")
    assert back.fps == sample.tracks.fps
    for name, values in sample.tracks.features.items():
        np.testing.assert_array_equal(back.features[name], values.astype(np.float32))


def test_the_grid_means_its_cells(random):
    picture = random.random((2, 48, 72))
    wanted = picture.reshape(2, 24, 2, 24, 3).mean(axis=(2, 4)).reshape(2, -1)
    np.testing.assert_allclose(layout.grid(picture), wanted, atol=1e-6)
    assert layout.grid(np.ones((1, 7, 5))).shape == (1, 576)
    np.testing.assert_allclose(layout.grid(np.ones((1, 7, 5))), 1)


def test_depth_is_one_at_the_nearest_and_zero_where_nothing_is():
    depth = np.full((1, 24, 24), np.inf)
    depth[0, 0, 0], depth[0, 0, 1] = 1.0, 2.0
    found = layout.from_depth(depth)[0]
    np.testing.assert_allclose(found[:3], [1.0, 0.5, 0.0])


def test_an_unknown_width_is_one_line():
    with pytest.raises(InputError, match="dwpose has 300 numbers a frame, it must have 384"):
        layout.check_known(Tracks({"dwpose": np.zeros((3, 300), np.float32)}, 25.0))


def test_tracks_of_different_lengths_and_nans_are_one_line():
    with pytest.raises(InputError, match="different lengths"):
        Tracks({"a": np.zeros((3, 1)), "b": np.zeros((4, 1))}, 25.0)
    with pytest.raises(InputError, match="different lengths"):
        layout.joined([Tracks({"a": np.zeros((9, 1))}, 25.0), Tracks({"b": np.zeros((4, 1))}, 25.0)])
    with pytest.raises(InputError, match="no numbers"):
        Tracks({"a": np.full((3, 1), np.nan)}, 25.0)


def test_a_rate_is_changed_and_absence_kept():
    there = np.ones(10, bool)
    there[4:6] = False
    found = layout.at_rate(Tracks({"a": np.arange(10.0)[:, None]}, 10.0, {"a": there}), 5.0)
    np.testing.assert_allclose(found.features["a"][:, 0], [0, 2, 0, 6, 8])
    assert found.presence["a"].tolist() == [True, True, False, True, True]


def test_estimators_of_other_people_fill_the_tracks(caplog):
    video = Video.from_array(np.zeros((4, 32, 32, 3), np.uint8), 25.0)

    class Depth:
        def estimate(self, video):
            return np.zeros((len(video), 576))

    class Broken:
        def estimate(self, video):
            raise RuntimeError("no model file")

    class Pose:
        def estimate(self, video):
            points = np.random.default_rng(0).random((len(video), 133, 2)) * 30
            return pose_from_keypoints(points, "coco_wholebody_133", fps=25, width=32, height=32)

    with caplog.at_level(logging.WARNING, "signcore"):
        found = layout.collected(video, {"depth": Depth(), "smplerx": Broken(), "dwpose": Pose()})
    assert set(found.features) == {"depth", "dwpose", "mediapipe"}
    assert "track smplerx is left out: no model file" in caplog.text
    with pytest.raises(InputError, match="no estimator made any"):
        layout.collected(video, {"smplerx": Broken()})
