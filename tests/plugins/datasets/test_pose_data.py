"""Keypoints and poses on disk: what they mean, and what is wrong with them, by name."""

import json
import shutil

import numpy as np
import pytest

import signcore
from signcore.errors import ConfigError, InputError
from signcore.types import layouts, write_pose
from signcore.types.poses import keypoints, pose_from_keypoints


def pose(seed=0, frames=5):
    points = np.random.default_rng(seed).uniform(0, 99, (frames, 137, 2))
    return pose_from_keypoints(points, "openpose_137", fps=25, width=100, height=100)


def load(name, **settings):
    return signcore.load("dataset", name, **settings)


@pytest.fixture
def table(tmp_path):
    write_pose(tmp_path / "a.pose", pose(0))
    write_pose(tmp_path / "b.pose", pose(1))
    text = "path\tnotation\tglosses\tsigner\tlanguage\tsplit\na.pose\t\ue000\tHOUSE BIG\ts1\tdgs\ttrain\nb.pose\t\ue001\t\t\t\ttest\n"
    (tmp_path / "table.tsv").write_text(text)
    return tmp_path / "table.tsv"


def test_a_table_of_poses(table):
    dataset = load("pose-table", path=table)
    first, second = dataset[0], dataset[1]
    assert (first.notation, first.glosses, first.signer, first.language, first.split) == (
        "\ue000",
        ["HOUSE", "BIG"],
        "s1",
        "dgs",
        "train",
    )
    assert (second.glosses, second.signer, second.split) == (None, None, "test")
    assert np.array_equal(keypoints(first.pose), keypoints(pose(0)))


def test_a_table_may_name_videos(table, clip):
    shutil.copy(clip, table.with_name("a.mp4"))
    lines = table.read_text().splitlines()
    table.write_text(
        "\n".join(f"{line}\t{cell}" for line, cell in zip(lines, ["video", "a.mp4", ""], strict=True))
    )
    dataset = load("pose-table", path=table)
    assert (dataset[0].video.shape, dataset[1].video) == ((12, 40, 48, 3), None)
    table.with_name("a.mp4").unlink()
    with pytest.raises(InputError, match=r"table.tsv:2: .*a.mp4: no such"):
        _ = dataset[0].video


def test_a_row_without_its_file_names_the_line(table):
    table.with_name("b.pose").unlink()
    dataset = load("pose-table", path=table)
    assert dataset[0].pose is not None
    with pytest.raises(InputError, match=r"table.tsv:3: .*b.pose: no such pose file"):
        _ = dataset[1].pose


def test_a_table_without_paths_is_refused(tmp_path):
    (tmp_path / "t.csv").write_text("file,notation\na.pose,x\n")
    with pytest.raises(InputError, match="column 'path' is missing"):
        load("pose-table", path=tmp_path / "t.csv")
    with pytest.raises(ConfigError, match="path"):
        load("pose-table")


def save(path, frames=None, **over):
    frames = (
        np.random.default_rng(0).uniform(0, 9, (12, 6, 3)).astype(np.float32) if frames is None else frames
    )
    names = ["head", "mid_hip", "left_shoulder", "right_shoulder", "left_wrist", "right_wrist"]
    arrays = {"frames": frames, "offsets": np.array([0, 5, 12]), "labels": np.array([1, 0]), "class_names": np.array(["A", "B"]),
              "signers": np.array([0, 1]), "signer_names": np.array(["s1", "s2"]), "keypoint_names": np.array(names),
              "channel_names": np.array(["x", "y", "visibility"]), "fps": np.array(30.0)}  # fmt: skip
    np.savez(path, **{k: v for k, v in {**arrays, **over}.items() if v is not None})
    return path


def test_an_npz_of_recordings(tmp_path):
    frames = np.ones((12, 6, 3), np.float32)
    frames[:, 0, 1], frames[:, 1, 1] = 2, 7  # the head is at smaller y: y grows down
    frames[2, 4] = np.nan
    frames[3, 5, 2] = 0
    dataset = load("keypoint-arrays", path=save(tmp_path / "a.npz", frames), held_out=("s2",))
    one, two = dataset[0], dataset[1]
    assert (one.glosses, one.signer, one.split, two.glosses, two.split) == (
        ["B"],
        "s1",
        "train",
        ["A"],
        "test",
    )
    points = keypoints(one.pose)
    assert points.shape == (5, 6, 2)
    assert one.pose.body.fps == 30
    assert np.isnan(points[2, 4]).all()
    assert np.isnan(points[3, 5]).all()
    assert layouts.names(one.pose.header)[4:] == ["left_wrist", "right_wrist"]
    assert (points[:, 0, 1] == 2).all()


def test_y_that_grows_up_is_turned(tmp_path):
    frames = np.ones((12, 6, 3), np.float32)
    frames[:, 0, 1], frames[:, 1, 1] = 7, 2
    path = save(tmp_path / "a.npz", frames)
    assert (keypoints(load("keypoint-arrays", path=path)[0].pose)[:, 0, 1] == -7).all()
    assert (keypoints(load("keypoint-arrays", path=path, up="down")[0].pose)[:, 0, 1] == 7).all()


def test_a_folder_of_arrays(tmp_path):
    (tmp_path / "HELLO").mkdir()
    np.save(tmp_path / "HELLO" / "x.npy", np.random.default_rng(0).uniform(0, 99, (4, 137, 2)))
    sample = load("keypoint-arrays", path=tmp_path, layout="openpose_137")[0]
    assert (sample.glosses, keypoints(sample.pose).shape) == (["HELLO"], (4, 137, 2))
    with pytest.raises(InputError, match="137 points a frame, but 2 names"):
        load("keypoint-arrays", path=tmp_path, keypoints=("a", "b"))


@pytest.mark.parametrize(
    ("over", "message"),
    [
        ({"offsets": None}, "holds no array 'offsets'"),
        ({"offsets": np.array([0, 5])}, "offsets: expected rising numbers from 0 to 12"),
        ({"offsets": np.array([0, 0, 12])}, "offsets"),
        ({"labels": np.array([0])}, "labels: 1 entries for 2 recordings"),
        ({"frames": np.zeros((12, 6), np.float32)}, "frames: expected floats"),
        ({"keypoint_names": np.array(["a"])}, "6 points a frame, but 1 names"),
        ({"frames": np.full((12, 6, 3), np.inf, np.float32)}, "infinite"),
        ({"ids": np.array([{}, {}], dtype=object)}, "without pickles"),
    ],
)
def test_a_bad_npz_gets_one_line(tmp_path, over, message):
    path = save(tmp_path / "bad.npz", **over)
    with pytest.raises(InputError, match=message):
        _ = load("keypoint-arrays", path=path)[0].pose


def test_a_file_that_is_no_npz(tmp_path):
    (tmp_path / "x.npz").write_bytes(b"not a zip")
    for path in (tmp_path / "x.npz", tmp_path / "absent.npz"):
        with pytest.raises(InputError, match=path.name):
            load("keypoint-arrays", path=path)


@pytest.fixture
def ham2pose(tmp_path):
    (tmp_path / "data.json").write_text(
        json.dumps({"1": {"hamnosys": "\ue000"}, "2": {"hamnosys": "\ue001"}, "3": {"hamnosys": "\ue002"}})
    )
    for id in ("1", "2"):
        folder = tmp_path / "keypoints" / id
        folder.mkdir(parents=True)
        for t in range(4):
            values = np.random.default_rng(t).uniform(1, 9, (137, 3)).round(3)
            values[:, 2] = 1
            parts = np.split(values, [25, 95, 116])
            names = ("pose", "face", "hand_left", "hand_right")
            person = {f"{n}_keypoints_2d": p.ravel().tolist() for n, p in zip(names, parts, strict=True)}
            (folder / f"{id}_{t:012d}_keypoints.json").write_text(
                json.dumps({"people": [person] if t != 2 else []})
            )
    (tmp_path / "left.json").write_text('["2"]')
    return tmp_path


def test_ham2poses_own_files(ham2pose):
    dataset = load(
        "ham2pose-files",
        path=ham2pose / "data.json",
        keypoints=ham2pose / "keypoints",
        left_handed=ham2pose / "left.json",
    )
    assert len(dataset) == 2  # entries without a folder are left out
    right, left = keypoints(dataset[0].pose), keypoints(dataset[1].pose)
    assert np.isnan(right[2]).all()
    names = layouts.layout_names("openpose_137")
    a, b = names.index("left_wrist"), names.index("right_wrist")
    assert np.allclose(left[0, a, 0], 399 - right[0, b, 0])
    assert dataset[0].language == "dgs"


def test_a_broken_frame_of_openpose_is_named(ham2pose):
    broken = sorted((ham2pose / "keypoints" / "1").glob("*.json"))[1]
    broken.write_text('{"people": [{}]}')
    dataset = load("ham2pose-files", path=ham2pose / "data.json", keypoints=ham2pose / "keypoints")
    with pytest.raises(InputError, match=broken.name):
        _ = dataset[0].pose
    shutil.rmtree(ham2pose / "keypoints" / "1")
    shutil.rmtree(ham2pose / "keypoints" / "2")
    with pytest.raises(InputError, match="holds no folder"):
        load("ham2pose-files", path=ham2pose / "data.json", keypoints=ham2pose / "keypoints")


def test_the_real_sets(shared):
    for name, count in (("isl30", 800), ("libras25", 544), ("boston104", 161)):
        dataset = load("keypoint-arrays", path=shared / "data" / "recognition" / f"{name}_train.npz")
        assert len(dataset) == count
        assert np.isfinite(keypoints(dataset[count - 1].pose)).any()
