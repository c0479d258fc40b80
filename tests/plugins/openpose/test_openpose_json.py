import json

import numpy as np
import pytest

import signcore
from signcore.errors import InputError
from signcore.types import Video
from signcore.types.poses import keypoints

VIDEO = Video.from_array(np.zeros((4, 20, 30, 3), np.uint8), 25)
PERSON = {
    "pose_keypoints_2d": [1.0, 2.0, 0.5] * 25,
    "face_keypoints_2d": [3.0, 4.0, 0.9] * 70,
    "hand_left_keypoints_2d": [5.0, 6.0, 0.0] * 21,
    "hand_right_keypoints_2d": [],
}


def estimate(folder, **config):
    return signcore.load("estimator", "openpose-json", folder=str(folder), **config).estimate(VIDEO)


def test_the_first_person_is_taken_and_absent_files_are_missing_frames(tmp_path):
    other = {k: [9.0] * len(v) for k, v in PERSON.items()}
    (tmp_path / "v_000000000001_keypoints.json").write_text(json.dumps({"people": [PERSON, other]}))
    (tmp_path / "v_000000000002_keypoints.json").write_text(json.dumps({"people": []}))
    pose = estimate(tmp_path)
    points = keypoints(pose)
    assert points.shape == (4, 137, 2)
    assert points[1, 0].tolist() == [1, 2]
    assert points[1, 94].tolist() == [3, 4]
    assert np.isnan(points[1, 95:]).all()
    assert np.isnan(points[[0, 2, 3]]).all()
    assert pose.body.confidence[1, 0, 0] == 0.5
    assert pose.header.dimensions.width == 30


def test_numbers_may_start_anywhere(tmp_path):
    (tmp_path / "v_101_keypoints.json").write_text(json.dumps({"people": [PERSON]}))
    with pytest.raises(InputError, match="frame 101, but the video has frames 0 to 3"):
        estimate(tmp_path)
    assert np.isfinite(keypoints(estimate(tmp_path, first=100))[1, :95]).all()


@pytest.mark.parametrize(
    "content", ["[", "{}", '{"people": [{"pose_keypoints_2d": [1, 2]}]}', '{"people": 3}']
)
def test_a_file_that_is_not_openposes_is_named(tmp_path, content):
    (tmp_path / "v_0.json").write_text(content)
    with pytest.raises(InputError, match=r"v_0\.json: not OpenPose's JSON"):
        estimate(tmp_path)


def test_no_folder_and_no_files_are_refused(tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        estimate(tmp_path / "nothing")
    with pytest.raises(InputError, match="holds no OpenPose"):
        estimate(tmp_path)
    with pytest.raises(InputError, match="this video is no file"):
        signcore.load("estimator", "openpose-json").estimate(VIDEO)
