import os
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("mediapipe", reason="mediapipe is not installed")
pytest.importorskip("signcore_mediapipe", reason="signcore-mediapipe is not installed")

import signcore
from signcore.types import Video, layouts, read_video
from signcore.types.poses import keypoints

SHARED = Path(os.environ.get("SIGNCORE_SHARED", Path(__file__).parents[4] / "shared"))


@pytest.fixture(scope="module")
def estimator():
    return signcore.load("estimator", "mediapipe")


def test_a_black_video_has_no_person(estimator):
    pose = estimator.estimate(Video.from_array(np.zeros((3, 64, 80, 3), np.uint8), 12.5))
    assert pose.body.data.shape == (3, 1, 543, 3)
    assert pose.body.fps == 12.5
    assert np.isnan(keypoints(pose)).all()


def test_the_rendered_signer_is_found_where_it_is(estimator):
    dataset = signcore.load("dataset", "synthetic", clips=1, split="test", width=320, height=320, frames=8)
    video = dataset[0].video
    pose = estimator.estimate(video)
    found, truth = (keypoints(layouts.to_layout(p, "openpose_137")) for p in (pose, video.pose))
    shoulders = slice(2, 6, 3)
    assert np.isfinite(found[:, shoulders]).all()
    width = np.linalg.norm(truth[:, 2] - truth[:, 5], axis=-1).mean()
    assert np.linalg.norm(found[:, shoulders] - truth[:, shoulders], axis=-1).mean() < 0.2 * width


def test_a_real_clip_gives_body_face_and_hands(estimator):
    clip = SHARED / "data" / "videos" / "signx_50802118.mp4"
    if not clip.is_file():
        pytest.skip("the real clips are not on this machine (SIGNCORE_SHARED)")
    video = read_video(clip)[30:42]
    pose = estimator.estimate(video)
    assert len(pose.body.data) == 12
    assert (pose.header.dimensions.width, pose.header.dimensions.height) == (video.width, video.height)
    points = keypoints(layouts.to_layout(pose, "pgmm_36"))
    assert np.isfinite(points[:, :5]).all()  # head and shoulders
    assert np.isfinite(points[:, 14:]).all(axis=(1, 2)).any()  # both hands
    inside = points[np.isfinite(points).all(-1)]
    assert (inside > -0.1 * video.width).all()
    assert (inside < 1.1 * video.width).all()
