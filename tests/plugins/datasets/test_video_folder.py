import shutil

import numpy as np
import pytest

import signcore
from signcore.errors import ConfigError, InputError
from signcore.plugins.datasets.config import LSA64Config
from signcore.plugins.datasets.video_folder import LSA64, LSA64_GLOSSES
from signcore.types.poses import keypoints


@pytest.fixture
def folder(tmp_path, clip):
    for name in ("train/HOUSE/a", "train/TREE/b", "test/HOUSE/c"):
        file = tmp_path / f"{name}.mp4"
        file.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(clip, file)
    shutil.copy(clip.with_suffix(".pose"), tmp_path / "train/HOUSE/a.pose")
    return tmp_path


def test_folders_name_split_and_gloss(folder):
    dataset = signcore.load("dataset", "video-folder", path=str(folder))
    assert [(s.id, s.split, s.glosses) for s in (dataset[i] for i in range(3))] == [
        ("c", "test", ["HOUSE"]),
        ("a", "train", ["HOUSE"]),
        ("b", "train", ["TREE"]),
    ]
    assert dataset[1].video.shape == (12, 40, 48, 3)
    assert dataset[1].pose.body.data.shape[0] == 12
    assert dataset[2].pose is None
    with pytest.raises(IndexError):
        dataset[3]


def test_names_tell_signers(tmp_path, clip):
    names = ["anna-1", "ben_02", "cleo maria-3", "HOUSE-1", "house_2", "0017-2", "clip"]
    (tmp_path / "HOUSE").mkdir()
    for name in names:
        shutil.copy(clip, tmp_path / "HOUSE" / f"{name}.mp4")
    dataset = signcore.load("dataset", "video-folder", path=str(tmp_path))
    assert {s.id: s.signer for s in (dataset[i] for i in range(len(names)))} == dict(
        zip(names, ["anna", "ben", "cleo maria", None, None, None, None], strict=True)
    )


def test_video_and_pose_are_cut_alike(clip):
    whole = signcore.load("dataset", "video-folder", path=str(clip))[0]
    first = signcore.load("dataset", "video-folder", path=str(clip), stop=0.5)[0]
    rest = signcore.load("dataset", "video-folder", path=str(clip), start=0.5)[0]
    assert (len(first.video), len(rest.video)) == (6, 6)
    assert np.array_equal(np.concatenate([first.video.numpy(), rest.video.numpy()]), whole.video.numpy())
    both = np.concatenate([keypoints(first.pose), keypoints(rest.pose)])
    assert np.array_equal(both, keypoints(whole.pose), equal_nan=True)


def test_what_cannot_be_a_dataset_is_refused(tmp_path, folder, clip):
    with pytest.raises(InputError, match="no such folder or video"):
        signcore.load("dataset", "video-folder", path=str(tmp_path / "nothing"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no videos"):
        signcore.load("dataset", "video-folder", path=str(tmp_path / "empty"))
    with pytest.raises(ConfigError, match="path: is needed"):
        signcore.load("dataset", "video-folder")
    with pytest.raises(ConfigError, match="start"):
        signcore.load("dataset", "video-folder", path=str(clip), start=0.7, stop=0.3)


def test_the_end_of_every_clip_may_be_held_out(clip):
    import signcore
    from signcore.types.poses import keypoints

    whole = signcore.load("dataset", "video-folder", path=clip)[0]
    dataset = signcore.load("dataset", "video-folder", path=clip, held_out=0.25)
    assert len(dataset) == 2
    first, end = dataset[0], dataset[1]
    assert (first.split, end.split, len(first.video), len(end.video)) == ("train", "test", 9, 3)
    assert (end.video[0] == whole.video[9]).all()
    assert (keypoints(end.pose) == keypoints(whole.pose)[9:]).all()


def test_lsa64_is_read_from_its_names(tmp_path, clip):
    for name in ("001_002_003", "057_010_001", "064_001_005"):
        (tmp_path / f"{name}.mp4").write_bytes(clip.read_bytes())
        (tmp_path / f"{name}.pose").write_bytes(clip.with_suffix(".pose").read_bytes())
    found = [LSA64(LSA64Config(path=tmp_path))[i] for i in range(3)]
    assert [(s.glosses, s.signer, s.split) for s in found] == [
        (["OPAQUE"], "2", "train"),
        (["DANCE"], "10", "test"),
        (["FIND"], "1", "test"),
    ]
    assert len(found[1].video) == len(found[1].pose.body.data) == 12
    other = LSA64(LSA64Config(path=tmp_path, test_classes=(1,)))
    assert [other[i].split for i in range(3)] == ["test", "train", "train"]
    assert len(set(LSA64_GLOSSES)) == 64
    (tmp_path / "065_001_001.mp4").write_bytes(clip.read_bytes())
    with pytest.raises(InputError, match="065_001_001.mp4: is not named"):
        LSA64(LSA64Config(path=tmp_path))[3]
