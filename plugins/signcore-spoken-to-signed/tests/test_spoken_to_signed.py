import csv
import os
import sys
import types
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("spoken_to_signed", reason="spoken-to-signed is not installed")
pytest.importorskip("signcore_spoken_to_signed", reason="signcore-spoken-to-signed is not installed")

from signcore_spoken_to_signed.config import SpokenToSignedInputs
from signcore_spoken_to_signed.generator import COLUMNS

import signcore
from signcore.contracts import Sample
from signcore.errors import InputError, PluginFailed, SigncoreError
from signcore.types import layouts, read_pose, write_pose
from signcore.types.poses import check_pose, keypoints, pose_from_keypoints

SHARED = Path(os.environ.get("SIGNCORE_SHARED", Path(__file__).parents[4] / "shared"))
NAMES = layouts.layout_names("holistic")


def recorded(to, frames=30, fps=25.0):
    """A person whose right hand is up at x = `to` pixels all the time."""
    places = {
        "nose": (200, 60), "left_shoulder": (250, 120), "right_shoulder": (150, 120), "left_elbow": (260, 200),
        "right_elbow": (140, 200), "left_wrist": (260, 280), "right_wrist": (to, 150), "left_hip": (235, 280), "right_hip": (165, 280),
        "left_hand_0": (260, 280), "right_hand_0": (to, 150),
    }  # fmt: skip
    points = np.full((frames, len(NAMES), 3), np.nan)
    for i, name in enumerate(NAMES):
        at = places.get(name)
        if at is None and "_hand_" in name:
            at = places[name.rsplit("_", 1)[0] + "_0"]
            at = (at[0] + 3 * (i % 5), at[1] - 2 * (i % 7))
        if at is None and name.startswith("mesh_"):
            at = (180 + i % 40, 40 + i % 30)
        if at is not None:
            points[:, i] = (*at, 0)
    return pose_from_keypoints(points, "holistic", fps=fps, width=400, height=400)


def lexicon(folder, rows, columns=COLUMNS):
    folder.mkdir(exist_ok=True)
    with (folder / "index.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore")
        writer.writeheader()
        for path, word, gloss, language in rows:
            about = {
                "path": path,
                "words": word,
                "glosses": gloss,
                "spoken_language": language,
                "signed_language": "sgg",
            }
            writer.writerow({**about, "start": 0, "end": 0, "priority": 0})  # fmt: skip
    return folder


@pytest.fixture
def words(tmp_path):
    for name, to in (("kind", 120), ("essen", 220)):
        write_pose(tmp_path / "lexicon" / f"{name}.pose", recorded(to))
    return lexicon(
        tmp_path / "lexicon", [("kind.pose", "Kind", "KIND", "de"), ("essen.pose", "essen", "ESSEN", "de")]
    )


def made(text=None, spoken="de", signed="sgg", gloss=None, **settings):
    generator = signcore.load("generator", "spoken-to-signed", **settings)
    return generator.generate(
        SpokenToSignedInputs(text=text, gloss=gloss, spoken_language=spoken, signed_language=signed)
    )


def hand(pose):
    """x of the right hand's root in shoulder widths from their middle, [T]."""
    here = {n: i for i, n in enumerate(layouts.names(pose.header)) if n}
    points = keypoints(pose)
    left, right = (points[:, here[f"{s}_shoulder"], 0] for s in ("left", "right"))
    return (points[:, here["right_wrist"], 0] - (left + right) / 2) / np.nanmean(abs(left - right))


def test_signs_follow_each_other_in_the_texts_order(words):
    pose = made("Kinder essen!", lexicon=words, fingerspelling=False)
    check_pose(pose)
    x = hand(pose)
    assert x[2] == pytest.approx((120 - 200) / 100, abs=0.1)
    assert x[-3] == pytest.approx((220 - 200) / 100, abs=0.1)
    steps = np.abs(np.diff(x))
    assert steps.max() < 0.5  # it moves from one to the other, and does not jump
    assert layouts.nearest_layout(pose.header) == "holistic"
    assert pose.body.data.dtype == np.float32


def test_glosses_go_to_the_lexicon_as_they_are(words):
    a, b = made("Kind essen", lexicon=words), made(gloss="KIND ESSEN", lexicon=words)
    assert a.body.data.shape == b.body.data.shape
    np.testing.assert_allclose(hand(a), hand(b), atol=1e-5)
    reverse = hand(made(gloss="ESSEN KIND", lexicon=words))
    assert reverse[2] > reverse[-3]


def test_the_same_generator_signs_the_same_twice(words):
    generator = signcore.load("generator", "spoken-to-signed", lexicon=words)
    inputs = SpokenToSignedInputs(text="Kind essen Kind", spoken_language="de", signed_language="sgg")
    first, second = generator.generate(inputs), generator.generate(inputs)
    assert np.array_equal(np.ma.filled(first.body.data, 0), np.ma.filled(second.body.data, 0))


def test_what_the_lexicon_lacks_is_spelled(words):
    spelled = made("Kind Ali", lexicon=words)
    assert len(spelled.body.data) > len(made("Kind", lexicon=words).body.data)
    with pytest.raises(InputError, match="'ali' can be neither signed nor spelled in de-sgg") as told:
        made("Kind Ali", lexicon=words, fingerspelling=False)
    assert "missing=skip" in told.value.hint
    skipped = made("Kind Ali", lexicon=words, fingerspelling=False, missing="skip")
    assert len(skipped.body.data) == len(made("Kind", lexicon=words).body.data)


def test_without_a_lexicon_everything_is_spelled():
    pose = made("Al", spoken="en", signed="ase")
    check_pose(pose)
    points = keypoints(pose)
    here = layouts.names(pose.header)
    assert np.isfinite(points[:, here.index("right_hand_8")]).any()
    assert points[np.isfinite(points)].max() < 1024


def test_nothing_is_printed(words, capfd):
    made("Kind essen", lexicon=words)
    assert capfd.readouterr().out == ""


def test_a_dataset_s_glosses_can_be_generated(words):
    generator = signcore.load("generator", "spoken-to-signed", lexicon=words)
    truth = recorded(120)
    inputs, wanted = generator.inputs_of(Sample(glosses=["KIND"], language="sgg", pose=truth))
    assert (inputs.gloss, inputs.signed_language, wanted) == ("KIND", "sgg", truth)
    with pytest.raises(InputError, match="has no glosses or no pose"):
        generator.inputs_of(Sample(id="x", pose=truth))


@pytest.mark.parametrize(
    ("text", "settings", "said"),
    [
        ("", {}, "text: holds no words"),
        ("?! ...", {}, "text: holds no words"),
        ("Kind", {"spoken": "xx"}, "no signs for spoken-signed language xx-sgg; there are "),
        ("Ω", {"missing": "skip"}, "text: no word of it can be signed in de-sgg"),
    ],
)
def test_texts_that_cannot_be_signed_are_told_in_one_line(words, text, settings, said):
    with pytest.raises(InputError, match=said.replace("?", r"\?")) as told:
        made(text, lexicon=words, **settings)
    assert "\n" not in told.value.line()


def test_a_lexicon_that_is_none_is_told_in_one_line(tmp_path, words):
    empty = tmp_path / "empty"
    empty.mkdir()
    cases = [
        (tmp_path / "no", "no: no such folder of a lexicon"),
        (empty, "empty: holds no index.csv"),
        (lexicon(tmp_path / "odd", [("x", "x", "x", "de")], ("path", "words")), "index.csv: not a lexicon's index"),
        (lexicon(tmp_path / "gone", [("gone.pose", "Kind", "", "de")]), "gone.pose: no such pose file"),
    ]  # fmt: skip
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "kind.pose").write_bytes((words / "kind.pose").read_bytes()[:900])
    cases.append(
        (
            lexicon(tmp_path / "bad", [("kind.pose", "Kind", "", "de")]),
            "bad: the pose of 'kind' cannot be read",
        )
    )
    for folder, said in cases:
        with pytest.raises(InputError, match=said) as told:
            made("Kind", lexicon=folder)
        assert "\n" not in told.value.line()


def test_poses_of_another_layout_are_told(tmp_path):
    points = np.random.default_rng(0).uniform(10, 90, (8, 137, 2))
    write_pose(
        tmp_path / "l" / "kind.pose", pose_from_keypoints(points, "openpose_137", fps=25, width=99, height=99)
    )
    with pytest.raises(SigncoreError, match="its poses cannot be joined"):
        made("Kind", lexicon=lexicon(tmp_path / "l", [("kind.pose", "Kind", "", "de")]))


def test_neither_a_lexicon_nor_fingerspelling_is_refused():
    with pytest.raises(InputError, match="neither a lexicon nor fingerspelling"):
        made("a", fingerspelling=False)


@pytest.mark.parametrize("glosser", ["spacylemma", "rules"])
def test_glossers_say_what_they_need_and_download_nothing(glosser, monkeypatch):
    monkeypatch.setitem(sys.modules, "spacy", None)
    monkeypatch.setitem(sys.modules, "spacy.util", None)
    with pytest.raises(PluginFailed, match="spaCy is not installed"):
        made("Kind", glosser=glosser)
    util = types.ModuleType("spacy.util")
    util.is_package = lambda name: False
    monkeypatch.setitem(sys.modules, "spacy", types.ModuleType("spacy"))
    monkeypatch.setitem(sys.modules, "spacy.util", util)
    with pytest.raises(PluginFailed, match=r"none of spaCy's models .*de_core_news_lg.* is installed"):
        made("Kind", glosser=glosser)


def test_a_language_that_a_glosser_does_not_know_is_told(monkeypatch, words):
    util = types.ModuleType("spacy.util")
    util.is_package = lambda name: True
    monkeypatch.setitem(sys.modules, "spacy", types.ModuleType("spacy"))
    monkeypatch.setitem(sys.modules, "spacy.util", util)
    index = (words / "index.csv").read_text().replace(",de,", ",nl,")
    (words / "index.csv").write_text(index)
    with pytest.raises(InputError, match="the glosser spacylemma does not know 'nl'"):
        made("Kind", spoken="nl", lexicon=words, glosser="spacylemma")


def test_the_field_s_example_sentence_is_signed(tmp_path):
    poses = SHARED / "data" / "poses"
    if not poses.is_dir():
        pytest.skip("the real poses are not on this machine (SIGNCORE_SHARED)")
    rows = [(str(poses / f"sgg_{w}.pose"), w, w.upper(), "de") for w in ("kinder", "essen", "pizza")]
    pose = made("Kinder essen Pizza", lexicon=lexicon(tmp_path / "sgg", rows), fingerspelling=False)
    check_pose(pose)
    assert float(pose.body.fps) == float(read_pose(poses / "sgg_pizza.pose").body.fps)
    assert 1 < len(pose.body.data) / pose.body.fps < 6
    there = np.isfinite(keypoints(pose)).all(-1)
    index = {n: i for i, n in enumerate(layouts.names(pose.header)) if n}
    assert there[:, index["right_wrist"]].mean() > 0.9
    assert there[:, index["right_hand_8"]].any()
