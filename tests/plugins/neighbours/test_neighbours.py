from __future__ import annotations

import logging

import numpy as np
import pytest

from signcore import load
from signcore.contracts import Sample
from signcore.errors import InputError
from signcore.plugins.neighbours.config import NeighboursConfig
from signcore.plugins.neighbours.recognizer import Neighbours
from signcore.types import layouts
from signcore.types.poses import pose_from_keypoints

SIGNS = ("HOUSE", "EAT", "THINK", "GO", "RAIN")


def signs(split, clips, **settings):
    data = load(
        "dataset", "synthetic-sentences", clips=clips if split == "train" else 0, test_clips=0 if split == "train" else clips,
        min_glosses=1, max_glosses=1, vocabulary=8, signers=6, test_signers=3, missing=0.1, **settings,
    )  # fmt: skip
    return [data[i] for i in range(len(data))]


@pytest.fixture(scope="module")
def gallery():
    return signs("train", 48)


def test_signs_of_other_signers_are_recognised(gallery):
    recognizer = Neighbours().fit(gallery)
    test = signs("test", 24)
    right = sum(recognizer.recognize(s.pose)[0].glosses == s.glosses for s in test)
    assert right >= 18  # an eighth by chance


def test_an_example_is_nearest_to_itself(gallery):
    recognizer = Neighbours(NeighboursConfig(neighbours=1)).fit(gallery)
    for sample in gallery[:6]:
        found = recognizer.recognize(sample.pose)
        assert found[0].glosses == sample.glosses
        assert [h.score for h in found] == sorted((h.score for h in found), reverse=True)
        assert found[0].times == [(0.0, pytest.approx(len(sample.pose.body.data) / 25))]


def test_a_mirrored_signer_is_recognised_with_mirroring_only(gallery):
    one = [s for s in gallery if s.signer == "signer-0"] * 1
    mirrored = layouts.mirror(one[0].pose)
    recognizer = Neighbours(NeighboursConfig(neighbours=1)).fit(one)
    assert recognizer.recognize(mirrored)[0].glosses == one[0].glosses
    plain = Neighbours(NeighboursConfig(neighbours=1, mirror=False)).fit(one)
    with_mirror = recognizer._distances([recognizer._features(_active(recognizer, mirrored))]).min()
    without = plain._distances([plain._features(_active(plain, mirrored))]).min()
    assert with_mirror < 0.1 * without


def _active(recognizer, pose):
    from signcore.recognition.skeleton import active, skeleton

    return active(skeleton(pose).take(recognizer._names))


def test_a_sentence_is_cut_into_its_signs(gallery):
    recognizer = Neighbours(NeighboursConfig(segments=True)).fit(gallery)
    data = load(
        "dataset", "synthetic-sentences", clips=4, test_clips=0, min_glosses=2, max_glosses=3, vocabulary=8, signers=6, missing=0.0
    )  # fmt: skip
    said = [recognizer.recognize(data[i].pose)[0] for i in range(4)]
    for h in said:
        assert len(h.glosses) == len(h.times) > 0
        assert all(a < b for a, b in h.times)
        assert all(h.times[i][1] <= h.times[i + 1][0] + 1e-9 for i in range(len(h.times) - 1))


def test_nobody_gives_one_empty_hypothesis(gallery):
    points = np.full((6, 137, 2), np.nan)
    empty = pose_from_keypoints(points, "openpose_137", fps=25, width=100, height=100)
    (found,) = Neighbours().fit(gallery).recognize(empty)
    assert (found.glosses, found.times) == ([], [])


def test_samples_without_one_gloss_are_left_out_and_told(gallery, caplog):
    with caplog.at_level(logging.WARNING, "signcore"):
        Neighbours().fit([*gallery[:2], Sample(id="two", glosses=["A", "B"], pose=gallery[0].pose)])
    assert "1 samples left out; the first: two: is not one gloss" in caplog.text
    with pytest.raises(InputError, match="no sample has one gloss and a pose"):
        Neighbours().fit([])


def test_a_video_without_a_pose_says_what_to_do(gallery):
    from signcore.types import Video

    with pytest.raises(InputError, match="has no pose"):
        Neighbours().fit(gallery).recognize(Video.from_array(np.zeros((3, 32, 32, 3), np.uint8)))


@pytest.mark.slow
def test_a_large_gallery_answers_at_once(gallery):
    import time

    recognizer = Neighbours().fit(gallery * 42)
    pose = gallery[0].pose
    recognizer.recognize(pose)
    best = []
    for _ in range(5):
        start = time.perf_counter()
        recognizer.recognize(pose)
        best.append(time.perf_counter() - start)
    assert min(best) < 0.5
