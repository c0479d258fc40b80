"""The generator hamnosys and the dataset hamnosys-rendered, through their contracts."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest

from signcore.contracts import Context, Sample
from signcore.errors import InputError
from signcore.plugins.synthetic.config import HamnosysConfig, HamnosysInputs, RenderedConfig
from signcore.plugins.synthetic.hamnosys.dataset import Dataset, estimated, runs
from signcore.plugins.synthetic.hamnosys.generator import Generator
from signcore.plugins.synthetic.hamnosys.sampler import sample, sample_distinct
from signcore.plugins.synthetic.signer import TEST_SEEDS
from signcore.types import layouts
from signcore.types.hamnosys import SYMBOLS, from_names, parse

ONE = from_names("hamflathand hamextfingeru hampalmd hamshoulders hammoveo")
TWO = from_names("hamsymmlr hamfist hamextfingero hampalml hammoved hamrepeatfromstart")
SMALL = RenderedConfig(count=40)


# drawn notations


def test_drawn_notations_parse_are_distinct_and_hold_every_part_of_a_notation():
    drawn = sample_distinct(0, 1500)
    assert len(set(drawn)) == 1500
    slots = {SYMBOLS[c].slot for text in drawn for c in text}
    assert slots >= {
        "handshape", "thumb", "bending", "finger direction", "palm", "head location", "trunk location", "side", "limb location",
        "finger", "finger part", "straight movement", "circle", "hand movement", "replacement", "no motion", "clock", "path",
        "size", "manner", "contact", "repetition", "grouping", "between", "other hand", "symmetry",
    }  # fmt: skip
    assert all(str(parse(text)) == text for text in drawn[:200])
    assert sample(0, 3) == sample(0, 3) != sample(1, 3)


# the dataset


def test_train_and_test_share_no_notation_and_no_signer():
    data = Dataset(SMALL)
    samples = [data[i] for i in range(len(data))]
    assert len(samples) == 80
    by = {s: [x for x in samples if x.split == s] for s in ("train", "test")}
    assert len(by["test"]) == 8
    for field in ("notation", "signer"):
        train, test = ({getattr(x, field) for x in by[s]} for s in ("train", "test"))
        assert not train & test
    assert all(int(x.signer.rsplit("-", 1)[1]) >= TEST_SEEDS for x in by["test"])
    pairs = [samples[i].signer != samples[i + 1].signer for i in range(0, 80, 2)]
    assert all(pairs)


def test_a_sample_follows_from_the_settings_and_its_index():
    one, again, other = Dataset(SMALL)[7], Dataset(SMALL)[7], Dataset(SMALL.model_copy(update={"seed": 1}))[7]
    assert one.notation == again.notation != other.notation
    np.testing.assert_array_equal(one.pose.body.data.filled(-1), again.pose.body.data.filled(-1))
    np.testing.assert_array_equal(one.pose.body.confidence, again.pose.body.confidence)
    with pytest.raises(IndexError):
        Dataset(SMALL)[80]


def test_one_split_alone_is_that_part_of_both():
    whole, test = Dataset(SMALL), Dataset(SMALL.model_copy(update={"split": "test"}))
    assert [test[i].notation for i in range(len(test))] == [
        whole[i].notation for i in range(len(whole)) if whole[i].split == "test"
    ]
    with pytest.raises(InputError, match="split 'test' is empty"):
        Dataset(SMALL.model_copy(update={"split": "test", "test_share": 0.0}))


def test_the_pose_is_openpose_in_pixels_with_the_hands_in_the_picture():
    pose = Dataset(RenderedConfig(count=20, missing=0.0))[4].pose
    assert layouts.layout_of(pose.header) == "openpose_137"
    assert pose.body.fps == 25.0
    found = pose.body.confidence[:, 0] > 0
    assert found[[0, -1], 95:].all()
    xy = pose.body.data.data[:, 0][found]
    assert xy.min() > -20
    assert xy.max() < 420
    assert not found[:, [10, 11, 13, 14]].any()


def test_what_is_missing_is_hands_in_runs_fingers_and_points_of_little_confidence():
    exact = Dataset(RenderedConfig(count=30, missing=0.0, noise=0.0))
    spoilt = Dataset(RenderedConfig(count=30, missing=0.3, noise=0.0))
    lost, badly, far, frames = 0.0, 0.0, [], 0
    for i in range(20):
        truth, pose = exact.exact(i), spoilt[i].pose
        confidence, points = pose.body.confidence[:, 0], pose.body.data.data[:, 0]
        whole = confidence[:, 95:116] == 0
        lost += whole.all(axis=1).sum()
        frames += len(confidence)
        low = (confidence > 0) & (confidence <= 0.2)
        badly += low[:, 95:].mean()
        far += list(np.linalg.norm(points - truth, axis=-1)[low])
        good = confidence > 0.2
        np.testing.assert_allclose(points[good], truth[good], atol=1e-3)
        assert not low[:, :95].any()
    assert 0.15 < lost / frames < 0.45
    assert badly / 20 > 0.02
    assert np.mean(far) > 5.0


def test_noise_is_in_shoulder_widths():
    still = np.full((200, 137, 2), 50.0)
    still[:, 2, 0], still[:, 5, 0] = 0.0, 100.0
    found, confidence = estimated(still, 0.02, 0.0, np.random.default_rng(0))
    assert np.std(found - still) == pytest.approx(2.0, rel=0.05)
    assert (confidence >= 0.25).all()
    assert (confidence <= 1.0).all()


def test_runs_lose_the_share_that_is_asked_for():
    lost = runs(2000, 20, 0.2, np.random.default_rng(0))
    assert lost.mean() == pytest.approx(0.19, abs=0.03)
    assert (np.diff(lost.astype(int), axis=1) == 1).sum() < 0.4 * lost.sum()


@pytest.mark.parametrize("layout", ["holistic", "coco_wholebody_133", "pgmm_36"])
def test_other_layouts_hold_the_same_points(layout):
    first, second = (
        Dataset(RenderedConfig(count=4, layout=name))[1].pose for name in ("openpose_137", layout)
    )
    assert layouts.layout_of(second.header) == layout
    for name in ("left_wrist", "right_hand_8", "nose"):
        one, other = (p.body.data[:, 0, layouts.names(p.header).index(name), :2] for p in (first, second))
        np.testing.assert_allclose(one.filled(-1), other.filled(-1), atol=1e-4)


def test_left_handed_signers_are_mirrored_where_they_are_let():
    config = RenderedConfig(count=30, signers=40)
    right, left = Dataset(config), Dataset(config.model_copy(update={"left_handed": True}))
    hands = [(right.signer(i).left_handed, left.signer(i).left_handed) for i in range(60)]
    assert {a for a, _ in hands} == {False}
    assert {b for _, b in hands} == {False, True}


@pytest.mark.parametrize("suffix", [".json", ".tsv", ".csv", ".txt"])
def test_notations_come_from_a_file_and_bad_rows_are_passed_over_and_named(tmp_path, suffix):
    path = tmp_path / f"signs{suffix}"
    rows = [ONE, TWO, ONE, ONE[1:]]
    if suffix == ".json":
        entries = {
            f"id{i}": {"hamnosys": n, "type_name": f"G{i}", "language": "dgs"} for i, n in enumerate(rows)
        }
        path.write_text(json.dumps(entries), encoding="utf-8")
    elif suffix == ".txt":
        path.write_text("\n".join(rows), encoding="utf-8")
    else:
        mark = "\t" if suffix == ".tsv" else ","
        path.write_text(
            f"notation{mark}language\n" + "".join(f"{n}{mark}lsf\n" for n in rows), encoding="utf-8"
        )
    data = Dataset(RenderedConfig(path=str(path), per_string=1, test_share=0.5))
    assert sorted(data[i].notation for i in range(len(data))) == sorted([ONE, TWO])
    assert {data[i].split for i in range(2)} == {"train", "test"}
    (skipped,) = data.skipped
    line = {".json": 4, ".txt": 4}.get(suffix, 5)
    assert skipped.startswith(f"{path}:{line}: notation: stopped at symbol 1")
    if suffix == ".json":
        assert (data[0].glosses, data[0].language, data[0].id) == (["G0"], "dgs", "id0-0")


def test_a_file_without_notations_is_refused(tmp_path):
    (tmp_path / "a.csv").write_text("id,glosses\n1,HOUSE\n")
    with pytest.raises(InputError, match="no column notation or hamnosys"):
        Dataset(RenderedConfig(path=str(tmp_path / "a.csv")))
    (tmp_path / "a.txt").write_text("HOUSE\n")
    with pytest.raises(InputError, match=r"a\.txt:1: notation: symbol 1 of 5"):
        Dataset(RenderedConfig(path=str(tmp_path / "a.txt")))


def test_real_notations_are_signed_quickly(shared):
    data = Dataset(RenderedConfig(path=str(shared / "data" / "notation" / "hamnosys.json")))
    assert len(data) > 7900
    assert len(data.skipped) < 30
    started = time.process_time()
    for i in range(0, len(data), 400):
        pose = data[i].pose
        assert 10 < len(pose.body.data) < 400
    assert (time.process_time() - started) / 20 < 0.1


# the generator


def test_it_makes_a_pose_and_a_video_of_the_same_length():
    generator = Generator(HamnosysConfig(width=48, height=48, rest=False))
    pose = generator.generate(HamnosysInputs(notation=ONE))
    video = generator.views(pose)["video"]
    assert layouts.layout_of(pose.header) == "openpose_137"
    assert len(video) == len(pose.body.data)
    assert video[0].shape == (48, 48, 3)
    assert video.pose is pose


def test_several_signs_run_into_one_another():
    generator = Generator(HamnosysConfig())
    both = len(generator.generate(HamnosysInputs(notation=f"{ONE}\n{TWO}")).body.data)
    alone = sum(len(generator.generate(HamnosysInputs(notation=n)).body.data) for n in (ONE, TWO))
    assert both < alone - 10


def test_settings_change_what_they_say():
    def pose(**settings):
        return Generator(HamnosysConfig(**settings)).generate(HamnosysInputs(notation=ONE))

    plain = pose()
    assert len(pose(fps=50).body.data) == pytest.approx(2 * len(plain.body.data), abs=2)
    assert len(pose(speed=2.0).body.data) < 0.75 * len(plain.body.data)
    assert len(pose(rest=False).body.data) < len(plain.body.data)
    assert pose(layout="pgmm_36").body.data.shape[2] == 36
    assert pose(width=640).header.dimensions.width == 640
    turned = pose(turn=60).body.data[0, 0]
    assert abs(turned[2, 0] - turned[5, 0]) < 0.7 * abs(
        plain.body.data[0, 0][2, 0] - plain.body.data[0, 0][5, 0]
    )
    active = [
        np.ptp(np.asarray(p.body.data[:, 0, k, 1])) for p, k in ((plain, 4), (pose(left_handed=True), 7))
    ]
    assert min(active) > 30
    other = pose(signer=3).body.data
    assert other.shape != plain.body.data.shape or not np.allclose(other, plain.body.data)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "notation: empty"),
        (" ", "nothing but spaces"),
        ("HOUSE", "'H'"),
        (ONE[1:], "stopped at symbol 1"),
    ],
)
def test_bad_notations_are_one_line(text, words):
    with pytest.raises(InputError, match=words) as refusal:
        Generator(HamnosysConfig()).generate(HamnosysInputs(notation=text))
    assert "\n" not in refusal.value.line()


def test_run_writes_a_pose_a_video_and_a_report_with_the_reading(cli, tmp_path):
    (tmp_path / "sign.txt").write_text(ONE, encoding="utf-8")
    out = tmp_path / "out"
    code, _, err = cli(
        "run", "--generator", "hamnosys", "--notation-file", tmp_path / "sign.txt", "--set", "width=48", "--set", "height=48",
        "--output", out,
    )  # fmt: skip
    assert code == 0, err
    assert {p.name for p in out.iterdir()} >= {"result.pose", "result.mp4", "report.html", "run.json"}
    report = (out / "report.html").read_text(encoding="utf-8")
    assert "hamflathand" in report
    assert "flat hand, fingers together" in report
    from signcore.types import read_pose, read_video

    assert len(read_video(out / "result.mp4")) == len(read_pose(out / "result.pose").body.data)


def test_run_refuses_an_ill_formed_notation_in_one_line(cli, tmp_path):
    code, _, err = cli("run", "--generator", "hamnosys", "--notation", ONE[1:], "--output", tmp_path / "out")
    assert code == 2
    assert err.strip().splitlines()[-1].startswith("error: notation: stopped at symbol 1 of 4, hamextfingeru")
    assert not (tmp_path / "out").exists()


def test_the_context_seeds_another_take():
    takes = [
        Generator(HamnosysConfig(), Context(seed=s)).generate(HamnosysInputs(notation=ONE)).body.data
        for s in (0, 1)
    ]
    assert takes[0].shape == takes[1].shape
    assert not np.allclose(takes[0], takes[1])


def test_a_datasets_samples_can_be_signed_again():
    sample = Dataset(SMALL)[0]
    inputs, truth = Generator().inputs_of(sample)
    assert inputs.notation == sample.notation
    assert truth is sample.pose
    with pytest.raises(InputError, match="has no notation"):
        Generator().inputs_of(Sample(id="x", pose=truth))


def test_left_out_rows_are_said_once(tmp_path, caplog):
    (tmp_path / "a.txt").write_text(f"{ONE}\n{TWO}\n{ONE[1:]}\n", encoding="utf-8")
    Dataset(RenderedConfig(path=str(tmp_path / "a.txt")))
    (record,) = caplog.records
    assert record.getMessage().startswith("1 of 3 notations left out; the first: ")
