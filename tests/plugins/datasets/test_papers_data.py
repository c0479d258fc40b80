"""What PGMM's paper trains on, as its owners distribute it, read as PGMM trains on it: the person cut out, at 128 pixels."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from signcore import load
from signcore.animation.clips import Clips
from signcore.plugins.pgmm.config import PGMMConfig
from signcore.registry import Registry
from signcore.types import Video, write_image, write_pose, write_video
from signcore.types.layouts import layout_names
from signcore.types.poses import pose_from_keypoints

HEIGHT, WIDTH, FRAMES = 96, 160, 4
NAMES = layout_names("pgmm_56")


def points(count: int) -> np.ndarray:
    """A signer at the right of the picture, whose left hand goes down."""
    found = np.full((count, len(NAMES), 2), np.nan, np.float32)
    for name, place in {"nose": (120, 30), "left_shoulder": (134, 50), "right_shoulder": (106, 50)}.items():
        found[:, NAMES.index(name)] = place
    for i, name in enumerate(NAMES):
        if name.startswith("left_hand_"):
            found[:, i] = np.float32([130, 60]) + [i % 5, 0] + np.arange(count)[:, None] * np.float32([0, 2])
    return found


def person(count: int = FRAMES) -> Video:
    """A bright square where the nose is."""
    frames = np.full((count, HEIGHT, WIDTH, 3), 60, np.uint8)
    frames[:, 26:34, 116:124] = 250
    return Video.from_array(frames, 25)


class Looks:
    def __init__(self) -> None:
        self.asked = 0

    def estimate(self, video: Video):
        self.asked += 1
        height, width = video.height, video.width
        corner = np.float32([WIDTH - width, HEIGHT - height]) / 2
        return pose_from_keypoints(points(len(video)) - corner, "pgmm_56", fps=25, width=width, height=height)


def lsa64(folder: Path) -> None:
    for name in ("003_001_001", "060_010_005"):
        write_video(folder / f"{name}.mp4", person())


def wlasl(folder: Path) -> None:
    (folder / "videos").mkdir()
    listed = []
    for split, name in (("train", "00001"), ("test", "00002")):
        write_video(folder / "videos" / f"{name}.mp4", person())
        listed.append({"video_id": name, "split": split, "signer_id": 7, "frame_start": 1, "frame_end": -1, "bbox": [20, 6, 140, 90]})  # fmt: skip
    (folder / "WLASL_v0.3.json").write_text(json.dumps([{"gloss": "book", "instances": listed}]))


def pictures(folder: Path) -> None:
    folder.mkdir(parents=True)
    for i, frame in enumerate(person()):
        write_image(folder / f"{i:06d}.png", frame)


def phoenix(folder: Path) -> None:
    notes = folder / "annotations" / "manual"
    notes.mkdir(parents=True)
    for split, name in (("train", "a-1"), ("test", "b-1")):
        (notes / f"PHOENIX-2014-T.{split}.corpus.csv").write_text(
            f"name|video|start|end|speaker|orth|translation\n{name}|{name}/1/*.png|-1|-1|Signer08|REGEN|regen\n"
        )
        pictures(folder / "features/fullFrame-210x260px" / split / name)


def csl_daily(folder: Path) -> None:
    labels = folder / "sentence_label"
    labels.mkdir()
    names = ("S000_P000_T00", "S001_P001_T00")
    rows = "".join(f"{i}|{name}|4|书|书|书|n\n" for i, name in enumerate(names))
    (labels / "video_map.txt").write_text(
        f"index|name|length|gloss|char|word|postag\n{rows}", encoding="utf-8"
    )
    (labels / "split_1.txt").write_text(f"name|split\n{names[0]}|train\n{names[1]}|test\n")
    for name in names:
        pictures(folder / "sentence/frames_512x512" / name)


MAKERS = {"lsa64": lsa64, "wlasl": wlasl, "phoenix-2014t": phoenix, "csl-daily": csl_daily}


@pytest.mark.parametrize(
    ("name", "more"), [*((name, {}) for name in MAKERS), ("wlasl", {"box": True})], ids=str
)
def test_the_papers_data_is_read_as_pgmm_trains_on_it(name, more, tmp_path, monkeypatch):
    MAKERS[name](tmp_path)
    dataset = load("dataset", name, path=tmp_path, estimator="looks", **more)
    looks = Looks()
    monkeypatch.setattr(Registry, "load", lambda self, kind, name, *_, **__: looks)
    clips = Clips(dataset, PGMMConfig(fit="person", size=128))
    assert {split: len(found) for split, found in clips.indices.items()} == {"train": 1, "held-out": 1}
    for index in (0, 1):
        clip = clips[index]
        assert clip.frames.shape == (FRAMES, 128, 128, 3)
        nose = clip.points[0, layout_names("pgmm_36").index("nose")] * 128
        x, y = nose.round().astype(int)
        assert 56 <= x <= 72  # the person stands in the middle now
        assert clip.frames[0, y, x].min() > 180  # and its points where they were
        assert clip.frames[0, 120, 64].max() < 90
    dataset[0].pose  # noqa: B018 - kept, and not estimated again
    assert looks.asked == 2


def test_a_pose_beside_a_boxed_video_lies_in_the_box(tmp_path):
    wlasl(tmp_path)
    pose = pose_from_keypoints(points(FRAMES), "pgmm_56", fps=25, width=WIDTH, height=HEIGHT)
    write_pose(tmp_path / "videos" / "00001.pose", pose)
    sample = load("dataset", "wlasl", path=tmp_path, box=True)[0]
    assert (sample.pose.header.dimensions.width, sample.pose.header.dimensions.height) == (120, 84)
    x, y = np.asarray(sample.pose.body.data[0, 0, NAMES.index("nose"), :2]).round().astype(int)
    assert (x, y) == (100, 24)
    assert sample.video[0][y, x].min() > 180
