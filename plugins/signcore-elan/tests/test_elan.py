import json
from xml.etree import ElementTree as Tree

import numpy as np
import pytest

pytest.importorskip("pympi", reason="pympi-ling is not installed")
pytest.importorskip("signcore_elan", reason="signcore-elan is not installed")

from signcore_elan import add_tier
from signcore_elan.captions import main

import signcore
from signcore.contracts import Hypothesis
from signcore.errors import ConfigError, InputError
from signcore.types import Video, write_pose, write_video
from signcore.types.poses import keypoints, pose_from_keypoints

FPS, FRAMES = 10, 50
# A sign tier with links to a controlled vocabulary, a subdivision without times, associations, and a comment
EAF = """<?xml version="1.0" encoding="UTF-8"?>
<ANNOTATION_DOCUMENT AUTHOR="x" DATE="2026-01-01T00:00:00+00:00" FORMAT="3.0" VERSION="3.0" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation="http://www.mpi.nl/tools/elan/EAFv3.0.xsd">
    <!-- kept -->
    <LICENSE LICENSE_URL="">free</LICENSE>
    <HEADER MEDIA_FILE="" TIME_UNITS="milliseconds">
        <MEDIA_DESCRIPTOR MEDIA_URL="file:///nowhere/sound.wav" MIME_TYPE="audio/x-wav" RELATIVE_MEDIA_URL=""/>
        <MEDIA_DESCRIPTOR MEDIA_URL="file:///nowhere/the%20talk.mp4" MIME_TYPE="video/mp4" RELATIVE_MEDIA_URL="./the%20talk.mp4"/>
        <MEDIA_DESCRIPTOR MEDIA_URL="file:///nowhere/side.mp4" MIME_TYPE="video/mp4" TIME_ORIGIN="1000"/>
        <PROPERTY NAME="lastUsedAnnotationId">40</PROPERTY>
    </HEADER>
    <TIME_ORDER>
        <TIME_SLOT TIME_SLOT_ID="ts1" TIME_VALUE="500"/>
        <TIME_SLOT TIME_SLOT_ID="ts2"/>
        <TIME_SLOT TIME_SLOT_ID="ts3"/>
        <TIME_SLOT TIME_SLOT_ID="ts4" TIME_VALUE="2000"/>
        <TIME_SLOT TIME_SLOT_ID="ts5" TIME_VALUE="3000"/>
        <TIME_SLOT TIME_SLOT_ID="ts6" TIME_VALUE="4000"/>
    </TIME_ORDER>
    <TIER LINGUISTIC_TYPE_REF="free" PARTICIPANT="Ann" TIER_ID="translation">
        <ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a1" TIME_SLOT_REF1="ts1" TIME_SLOT_REF2="ts4"><ANNOTATION_VALUE>a house</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>
        <ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a2" TIME_SLOT_REF1="ts5" TIME_SLOT_REF2="ts6"><ANNOTATION_VALUE>trees</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>
    </TIER>
    <TIER LINGUISTIC_TYPE_REF="sub" PARENT_REF="translation" PARTICIPANT="Ann" TIER_ID="RH-IDgloss" LANG_REF="ase">
        <ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a3" CVE_REF="cve1" TIME_SLOT_REF1="ts1" TIME_SLOT_REF2="ts2"><ANNOTATION_VALUE>HOUSE</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>
        <ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a4" TIME_SLOT_REF1="ts2" TIME_SLOT_REF2="ts3"><ANNOTATION_VALUE>LOOK  AT</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>
        <ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a5" TIME_SLOT_REF1="ts3" TIME_SLOT_REF2="ts4"><ANNOTATION_VALUE></ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>
        <ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a6" TIME_SLOT_REF1="ts5" TIME_SLOT_REF2="ts6"><ANNOTATION_VALUE>TREE &amp; TREE</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>
    </TIER>
    <TIER LINGUISTIC_TYPE_REF="parts" PARENT_REF="RH-IDgloss" PARTICIPANT="Bob" TIER_ID="parts">
        <ANNOTATION><REF_ANNOTATION ANNOTATION_ID="a8" ANNOTATION_REF="a6" PREVIOUS_ANNOTATION="a7"><ANNOTATION_VALUE>second</ANNOTATION_VALUE></REF_ANNOTATION></ANNOTATION>
        <ANNOTATION><REF_ANNOTATION ANNOTATION_ID="a7" ANNOTATION_REF="a6"><ANNOTATION_VALUE>first</ANNOTATION_VALUE></REF_ANNOTATION></ANNOTATION>
    </TIER>
    <LINGUISTIC_TYPE GRAPHIC_REFERENCES="false" LINGUISTIC_TYPE_ID="free" TIME_ALIGNABLE="true" CONTROLLED_VOCABULARY_REF="words"/>
    <LINGUISTIC_TYPE CONSTRAINTS="Time_Subdivision" LINGUISTIC_TYPE_ID="sub" TIME_ALIGNABLE="true"/>
    <LINGUISTIC_TYPE CONSTRAINTS="Symbolic_Subdivision" LINGUISTIC_TYPE_ID="parts" TIME_ALIGNABLE="false"/>
    <LANGUAGE LANG_ID="ase" LANG_LABEL="American Sign Language"/>
    <CONSTRAINT DESCRIPTION="x" STEREOTYPE="Time_Subdivision"/>
    <CONSTRAINT DESCRIPTION="x" STEREOTYPE="Symbolic_Subdivision"/>
    <CONTROLLED_VOCABULARY CV_ID="words"><DESCRIPTION LANG_REF="ase">x</DESCRIPTION><CV_ENTRY_ML CVE_ID="cve1"><CVE_VALUE LANG_REF="ase">HOUSE</CVE_VALUE></CV_ENTRY_ML></CONTROLLED_VOCABULARY>
</ANNOTATION_DOCUMENT>
"""  # fmt: skip


def write_clip(path, frames=FRAMES):
    """Frame i is of grey level 4 i."""
    grey = np.arange(frames, dtype=np.uint8)[:, None, None, None] * 4
    write_video(path, Video.from_array(np.broadcast_to(grey, (frames, 32, 32, 3)).copy(), FPS))


def numbers(video):
    """Which frames of `write_clip` these are."""
    return [round(float(frame.mean()) / 4) for frame in video]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "talk.eaf").write_text(EAF, encoding="utf-8")
    write_clip(tmp_path / "the talk.mp4")
    return tmp_path


def load(path, **settings):
    return signcore.load("dataset", "elan", path=path, **settings)


def test_every_annotation_is_a_sample_with_its_part_of_the_video(folder):
    dataset = load(folder)
    samples = [dataset[i] for i in range(len(dataset))]
    assert [s.glosses for s in samples] == [["HOUSE"], ["LOOK-AT"], ["TREE-&-TREE"]]
    assert [s.id for s in samples] == ["talk/a3", "talk/a4", "talk/a6"]
    assert {s.signer for s in samples} == {"Ann"}
    # 0.5 to 2 s in three equal parts, at ten frames a second; 3 to 4 s
    assert [numbers(s.video) for s in samples] == [[*range(5, 10)], [*range(10, 15)], [*range(30, 40)]]


def test_annotations_that_refer_to_others_have_equal_parts_of_their_time_in_their_order(folder):
    dataset = load(folder / "talk.eaf", tiers=["parts"])
    assert [(dataset[i].glosses, numbers(dataset[i].video)) for i in range(2)] == [
        (["first"], [*range(30, 35)]),
        (["second"], [*range(35, 40)]),
    ]


def test_sentences_and_recordings_hold_sequences(folder):
    sentences = load(folder, samples="sentences", sentences="translation")
    assert [sentences[i].glosses for i in range(len(sentences))] == [["HOUSE", "LOOK-AT"], ["TREE-&-TREE"]]
    assert numbers(sentences[0].video) == [*range(5, 20)]
    (whole,) = [s[0] for s in [load(folder, samples="recordings")]]
    assert whole.glosses == ["HOUSE", "LOOK-AT", "TREE-&-TREE"]
    assert len(whole.video) == FRAMES


def test_a_margin_widens_a_clip_within_the_video(folder):
    assert numbers(load(folder, margin=0.6)[0].video) == [*range(16)]


def test_another_camera_counts_from_its_own_origin(folder):
    write_clip(folder / "side.mp4", FRAMES)
    assert numbers(load(folder, camera=1)[0].video) == [*range(15, 20)]
    with pytest.raises(InputError, match=r"talk\.eaf: links 2 videos, camera 2 is asked for"):
        load(folder, camera=2)[0].video  # noqa: B018


def test_videos_are_found_in_a_folder_of_their_own(folder):
    elsewhere = folder / "videos"
    elsewhere.mkdir()
    (folder / "the talk.mp4").rename(elsewhere / "the talk.mp4")
    assert len(load(folder / "talk.eaf", media=elsewhere)[0].video) == 5


def test_a_file_that_links_no_video_belongs_to_the_one_of_its_name(folder):
    bare = "\n".join(line for line in EAF.splitlines() if "MEDIA_DESCRIPTOR" not in line)
    file = _written(folder, bare)
    with pytest.raises(InputError, match=r"bad\.eaf: links 0 videos, camera 0 is asked for"):
        load(file)[0].video  # noqa: B018
    write_clip(folder / "bad.mp4")
    assert len(load(file)[0].video) == 5


def test_the_pose_beside_the_video_is_cut_with_it(folder):
    points = np.broadcast_to(np.arange(FRAMES)[:, None, None], (FRAMES, 137, 2)) + 1.0
    pose = pose_from_keypoints(points, "openpose_137", fps=FPS, width=32, height=32)
    assert load(folder)[0].pose is None
    write_pose(folder / "the talk.pose", pose)
    assert keypoints(load(folder)[1].pose)[:, 0, 0].tolist() == [11, 12, 13, 14, 15]
    short = pose_from_keypoints(points[:3], "openpose_137", fps=FPS, width=32, height=32)
    write_pose(folder / "the talk.pose", short)
    with pytest.raises(InputError, match=r"the talk\.pose: 3 frames, but its video has 50"):
        load(folder)[0].pose  # noqa: B018


def test_splits_are_of_folders_or_signers_or_a_table(folder):
    (folder / "test").mkdir()
    (folder / "talk.eaf").rename(folder / "test" / "talk.eaf")
    assert load(folder)[0].split == "test"
    assert load(folder, held_out=["Ann"])[0].split == "test"
    assert load(folder, held_out=["Bob"])[0].split == "train"
    table = folder / "table.csv"
    table.write_text("eaf,video,signer,language,split\ntest/talk.eaf,the talk.mp4,S1,ase,validation\n")
    sample = load(table)[0]
    assert (sample.signer, sample.language, sample.split) == ("S1", "ase", "validation")
    assert len(sample.video) == 5


@pytest.mark.parametrize(
    ("make", "settings", "said"),
    [
        (lambda f: f / "no.eaf", {}, r"no\.eaf: no such \.eaf file"),
        (lambda f: _written(f, ""), {}, r"bad\.eaf: not a readable \.eaf file"),
        (lambda f: _written(f, EAF[: len(EAF) // 2]), {}, r"bad\.eaf: not a readable \.eaf file"),
        (lambda f: _written(f, EAF.replace('"ts6" TIME_VALUE="4000"', '"ts6"')), {}, r"bad\.eaf: not a readable"),
        (lambda f: _empty(f), {}, r"void: holds no \.eaf files"),
        (lambda f: f, {"tiers": ["LH*"]}, r"talk\.eaf: has no tier LH\*; there are translation, RH-IDgloss, parts"),
    ],
)  # fmt: skip
def test_what_is_not_there_is_told_in_one_line(folder, make, settings, said):
    with pytest.raises(InputError, match=said) as told:
        load(make(folder), **settings)
    assert "\n" not in told.value.line()


def test_tiers_without_a_word_are_told(folder):
    bare = _written(folder, EAF.replace("first", " ").replace("second", ""))
    with pytest.raises(InputError, match="its tiers parts hold no annotations"):
        load(bare, tiers=["parts"])


def _written(folder, text):
    (folder / "bad.eaf").write_text(text, encoding="utf-8")
    return folder / "bad.eaf"


def _empty(folder):
    (folder / "void").mkdir()
    return folder / "void"


def test_a_video_that_is_not_there_or_too_short_is_told_when_it_is_read(folder):
    (folder / "the talk.mp4").unlink()
    sample = load(folder)[2]
    with pytest.raises(InputError, match=r"its video the talk\.mp4 is not there"):
        sample.video  # noqa: B018
    write_clip(folder / "the talk.mp4", 20)
    with pytest.raises(InputError, match=r"talk/a6 begins at 3\.00 s, but the talk\.mp4 ends at 2\.00 s"):
        load(folder)[2].video  # noqa: B018


def test_settings_that_contradict_are_told(folder):
    with pytest.raises(ConfigError, match="name a tier with samples=sentences"):
        load(folder, samples="sentences")


# --- captions back


def elements(file):
    """Every element with its attributes and text, but for the layout of the XML, and its comments."""
    parser = Tree.XMLParser(target=Tree.TreeBuilder(insert_comments=True))
    return [
        (str(e.tag), dict(e.attrib), (e.text or "").strip())
        for e in Tree.parse(file, parser).getroot().iter()
    ]


READ = Hypothesis(["FIRE", "BOOK <1>"], -0.5, [(0.25, 1.0), (2.5, 2.9)])


def test_a_new_tier_leaves_everything_else_as_it_is(folder):
    before = elements(folder / "talk.eaf")
    written = add_tier(folder / "talk.eaf", READ, participant="Ann", output=folder / "read.eaf")
    after = elements(written)
    assert elements(folder / "talk.eaf") == before
    last = next(e for e in before if e[0] == "PROPERTY")
    rest = [
        e for e in before if e != last and e[0] != "ANNOTATION"
    ]  # those have no attributes to tell them by
    assert [e for e in after if e in rest] == rest
    ours = [e for e in after if e not in before]
    assert len([e for e in after if e[0] == "ANNOTATION"]) == 8 + 2
    assert [e[0] for e in ours].count("TIER") == 1
    assert ("PROPERTY", {"NAME": "lastUsedAnnotationId"}, "42") in ours
    assert {e[1]["ANNOTATION_ID"] for e in ours if e[0] == "ALIGNABLE_ANNOTATION"} == {"a41", "a42"}
    times = [int(e[1]["TIME_VALUE"]) for e in after if "TIME_VALUE" in e[1]]
    assert times == sorted(times)


def test_the_tiers_stand_where_elan_wants_them_and_read_back(folder):
    add_tier(folder / "talk.eaf", READ)
    order = [e.tag for e in Tree.parse(folder / "talk.eaf").getroot()]
    wanted = ["LICENSE", "HEADER", "TIME_ORDER", "TIER", "LINGUISTIC_TYPE", "LANGUAGE", "CONSTRAINT", "CONTROLLED_VOCABULARY"]  # fmt: skip
    assert order == sorted(order, key=wanted.index)
    dataset = load(folder / "talk.eaf", tiers=["signcore"])
    assert [dataset[i].glosses for i in range(2)] == [["FIRE"], ["BOOK-<1>"]]
    assert [(c.begin, c.end) for c in dataset.clips] == [(0.25, 1.0), (2.5, 2.9)]
    assert len(load(folder / "talk.eaf")) == 3


def test_a_tier_is_replaced_only_when_said(folder):
    file = folder / "talk.eaf"
    add_tier(file, READ)
    once = elements(file)
    with pytest.raises(InputError, match="has a tier 'signcore' already"):
        add_tier(file, READ)
    assert elements(file) == once
    add_tier(file, [("ONE", 1.0, 1.5)], replace=True)
    assert [load(file, tiers=["signcore"])[0].glosses] == [["ONE"]]
    slots = [e for e in elements(file) if e[0] == "TIME_SLOT"]
    assert len(slots) == 6 + 2  # those of the first reading are gone
    with pytest.raises(InputError, match="other tiers depend on tier 'translation'"):
        add_tier(file, READ, tier="translation", replace=True)


@pytest.mark.parametrize(
    ("text", "said"),
    [(None, "no such .eaf file"), ("", "not a readable .eaf file"), ("<a/>", "XML, but not an .eaf file")],
)
def test_what_is_no_eaf_is_told_and_left_alone(tmp_path, text, said):
    file = tmp_path / "x.eaf"
    if text is not None:
        file.write_text(text)
    with pytest.raises(InputError, match=said):
        add_tier(file, READ)
    assert [p.read_text() for p in tmp_path.iterdir()] == ([] if text is None else [text])


def test_a_reading_without_times_is_told(folder):
    with pytest.raises(InputError, match="this reading has no times"):
        add_tier(folder / "talk.eaf", Hypothesis(["A"], -1.0))


def test_the_command_takes_what_a_run_wrote(folder, capsys):
    run = folder / "out"
    run.mkdir()
    reading = {"glosses": ["FIRE"], "score": -0.1, "times": [[0.5, 1.0]]}
    (run / "result.json").write_text(json.dumps({"hypotheses": [reading]}))
    main([str(folder / "talk.eaf"), str(run), "--tier", "read", "--participant", "Ann"])
    assert "tier 'read' with 1 glosses" in capsys.readouterr().out
    sample = load(folder / "talk.eaf", tiers=["read"])[0]
    assert (sample.glosses, sample.signer, len(sample.video)) == (["FIRE"], "Ann", 5)


@pytest.mark.parametrize(
    ("text", "said"), [(None, "no such transcript"), ("{}", "not a transcript"), ("x", "not a transcript")]
)
def test_the_command_says_in_one_line_what_is_wrong(folder, capsys, text, said):
    if text is not None:
        (folder / "result.json").write_text(text)
    with pytest.raises(SystemExit) as left:
        main([str(folder / "talk.eaf"), str(folder / "result.json")])
    assert left.value.code == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
