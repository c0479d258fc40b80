"""WLASL and NMFs-CSL on fabricated folders of the form in which they are distributed."""

from __future__ import annotations

import json

import numpy as np
import pytest

from signcore.errors import InputError
from signcore.plugins.datasets.word_level import WLASL, NMFsCSL
from signcore.plugins.datasets.word_level_config import NMFsCSLConfig, WLASLConfig
from signcore.types import write_video
from signcore.types.image import write_image
from signcore.types.video import Video


def clip(count=10):
    frames = np.zeros((count, 32, 48, 3), np.uint8)
    frames += np.arange(count, dtype=np.uint8)[:, None, None, None] * 20
    return Video.from_array(frames, 25)


def instance(name, split="train", **more):
    wanted = {
        "video_id": name,
        "split": split,
        "signer_id": 7,
        "frame_start": 1,
        "frame_end": -1,
        "bbox": [8, 4, 40, 30],
    }
    return {**wanted, "fps": 25, "url": "", "source": "", "instance_id": 0, "variation_id": 0, **more}


@pytest.fixture
def wlasl(tmp_path):
    (tmp_path / "videos").mkdir()
    for name in ("00001", "00002", "00003"):
        write_video(tmp_path / "videos" / f"{name}.mp4", clip())
    listed = [
        {
            "gloss": "book",
            "instances": [instance("00001"), instance("00002", "val", frame_start=3, frame_end=6)],
        },
        {"gloss": "drink", "instances": [instance("00003", "test"), instance("99999", "test")]},
        *({"gloss": f"word{i}", "instances": []} for i in range(98)),
        {"gloss": "rare", "instances": [instance("00003")]},
    ]
    (tmp_path / "WLASL_v0.3.json").write_text(json.dumps(listed))
    return tmp_path


def test_wlasl_gives_gloss_signer_split_and_frames(wlasl):
    dataset = WLASL(WLASLConfig(path=wlasl))
    assert [(s.id, s.glosses, s.split, s.signer) for s in (dataset[i] for i in range(len(dataset)))] == [
        ("00001", ["book"], "train", "7"),
        ("00002", ["book"], "validation", "7"),
        ("00003", ["drink"], "test", "7"),
    ]
    assert [len(dataset[i].video) for i in range(3)] == [10, 4, 10]
    assert dataset[0].pose is None


def test_wlasl_subsets_and_boxes(wlasl):
    assert len(WLASL(WLASLConfig(path=wlasl, glosses=300))) == 4
    boxed = WLASL(WLASLConfig(path=wlasl, box=True, trim=False))
    assert (boxed[1].video.shape) == (10, 26, 32, 3)
    (wlasl / "nslt_100.json").write_text(json.dumps({"00003": {"subset": "train", "action": [1, 1, 9]}}))
    own = WLASL(WLASLConfig(path=wlasl))
    assert [(own[i].id, own[i].split) for i in range(len(own))] == [("00003", "train")]


def test_wlasl_says_what_is_wrong(wlasl):
    (wlasl / "WLASL_v0.3.json").write_text(json.dumps([{"gloss": "book", "instances": [{"video_id": 1}]}]))
    with pytest.raises(InputError, match="not a list of glosses with instances"):
        WLASL(WLASLConfig(path=wlasl))
    (wlasl / "WLASL_v0.3.json").write_text(json.dumps([{"gloss": "book", "instances": [instance("404")]}]))
    with pytest.raises(InputError, match="none of the 1 clips that it lists is on disk"):
        WLASL(WLASLConfig(path=wlasl))
    (wlasl / "WLASL_v0.3.json").unlink()
    with pytest.raises(InputError):
        WLASL(WLASLConfig(path=wlasl))


@pytest.fixture
def nmfs(tmp_path):
    for name in ("P01_s1_00_0", "P02_s1_07_1"):
        folder = tmp_path / "jpg_video" / name
        folder.mkdir(parents=True)
        for i, frame in enumerate(clip(6)):
            write_image(folder / f"image_{i + 1:05d}.png", frame)
    (tmp_path / "train.txt").write_text("P01_s1_00_0 0\n")
    (tmp_path / "test.txt").write_text("P02_s1_07_1,7\n\n")
    return tmp_path


def test_nmfs_csl_reads_lists_and_folders_of_frames(nmfs):
    dataset = NMFsCSL(NMFsCSLConfig(path=nmfs))
    assert [(s.glosses, s.split, s.signer) for s in (dataset[0], dataset[1])] == [
        (["0"], "train", "P01"),
        (["7"], "test", "P02"),
    ]
    assert dataset[0].video.shape == (6, 32, 48, 3)
    names = nmfs / "names.txt"
    names.write_text("0 one\n7 sleep\n")
    assert NMFsCSL(NMFsCSLConfig(path=nmfs)).entries[1].gloss == "7"


def test_nmfs_csl_takes_words_for_numbers(nmfs):
    words = nmfs / "words.csv"
    words.write_text("0,ONE\n7,SLEEP\n")
    assert NMFsCSL(NMFsCSLConfig(path=nmfs, names=words))[1].glosses == ["SLEEP"]


def test_nmfs_csl_says_what_is_wrong(nmfs):
    (nmfs / "test.txt").write_text("alone\n")
    with pytest.raises(InputError, match="line 1 has no label: 'alone'"):
        NMFsCSL(NMFsCSLConfig(path=nmfs))
    (nmfs / "test.txt").unlink()
    with pytest.raises(InputError, match=r"holds no list test\*.txt"):
        NMFsCSL(NMFsCSLConfig(path=nmfs))
