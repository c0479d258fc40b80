"""A table of trainings: every row its folder, resumable, and refused before the first step where a row is wrong."""

import json
import re

import pytest

ROWS = """
[settings]
keypoint_width = 4
motion_width = 4
motion_max_width = 16
width = 4
max_width = 16
transforms = 2
batch = 2
evaluate_clips = 1

[rows.TPSMM]
generator = "tpsmm"

[rows."PGMM +pose"]
generator = "pgmm"
settings = { pose_fusion = "add" }
"""


@pytest.fixture
def call(cli, tmp_path):
    (tmp_path / "rows.toml").write_text(ROWS)
    options = [
        "train",
        "--rows",
        tmp_path / "rows.toml",
        "--dataset",
        "synthetic",
        "--set",
        "dataset.clips=3",
        "--set",
        "dataset.signers=3",
    ]
    return lambda *more: cli(*options, "-o", tmp_path / "out", *more)


def test_a_table_is_trained_once_and_read_again(call, tmp_path):
    code, out, err = call("--steps", 2, "--json")
    assert code == 0, err
    found = json.loads(out)
    assert list(found) == ["TPSMM", "PGMM +pose"]
    assert all(len(values) == 1 for values in found["TPSMM"].values())
    assert "hand_l1" in found["TPSMM"]
    assert (tmp_path / "out" / "pgmm--pose-seed0" / "weights" / "model.safetensors").is_file()
    code, out, err = call("--steps", 2)
    assert code == 0
    assert "step" not in err  # nothing is trained again
    assert out.splitlines()[0].split()[:2] == ["row", "l1"]
    about = json.loads((tmp_path / "out" / "tpsmm-seed0" / "train.json").read_text())
    assert about["row"] == "TPSMM"
    assert about["config"]["generator:tpsmm"]["width"] == 4
    assert about["config"]["dataset:synthetic"]["clips"] == 3
    for other, what in (
        (("--steps", 3), "steps is"),
        (("--steps", 2, "--set", "dataset.clips=4"), "dataset is"),
        (("--steps", 2, "--accumulate", 2, "--precision", "bf16-mixed"), "precision, accumulate are"),
    ):
        code, _, err = call(*other)
        assert code == 2
        assert f"scores.json: its {what} not what is asked for; name another --output" in err


def test_what_a_row_file_says_is_not_said_again(call, tmp_path):
    for more, words in (
        (("--weights", tmp_path), "--weights: goes with one component"),
        (("--set", "generator.batch=4"), "rows.toml: [settings] for all rows"),
        (("--set", "batch=4"), "rows.toml: [settings] for all rows"),
    ):
        code, _, err = call("--steps", 1, *more)
        assert code == 2
        assert words in err
        assert err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_wrong_rows_are_refused_before_anything_is_trained(cli, tmp_path):
    base = ["train", "--dataset", "synthetic", "-o", tmp_path / "out", "--rows", tmp_path / "rows.toml"]
    for text, message in (
        ("[rows.A]\nsettings = {}", "row 'A' names no generator"),
        ("x = 1", "holds no [rows.NAME]"),
        ('[rows.A]\ngenerator = "pgmm"\nsettings = { wiidth = 3 }', "has no setting 'wiidth'"),
        (
            '[rows."a b"]\ngenerator = "pgmm"\n[rows."a-b"]\ngenerator = "pgmm"',
            "two rows would write to one folder",
        ),
    ):
        (tmp_path / "rows.toml").write_text(text)
        code, _, err = cli(*base)
        assert code == 2
        assert message in err
    code, _, err = cli(*base, "--generator", "pgmm")
    assert code == 2
    assert "name one component to train" in err


def test_one_clip_is_a_dataset(cli, clip, tmp_path):
    small = {"keypoint_width": 4, "motion_width": 4, "motion_max_width": 16, "width": 4, "max_width": 16, "transforms": 2, "batch": 2, "nearest_clips": 1}  # fmt: skip
    sets = [word for name, value in small.items() for word in ("--set", f"generator.{name}={value}")]
    code, out, err = cli(
        "train",
        "--generator",
        "tpsmm",
        "--video",
        clip,
        *sets,
        *("--set", "generator.perceptual_weight=1", "--set", "generator.vgg_width=4"),
        "--steps",
        2,
        "-o",
        tmp_path / "mine",
        "--json",
    )
    assert code == 0, err
    assert "no weights ship for it" in err
    assert json.loads(out)["scores"]["l1"] > 0
    told = [line for line in err.splitlines() if "held out: " in line]
    assert [line.split()[1] for line in told] == ["1/2", "2/2"], "scores are told ten times, or every step"
    assert all(re.search(r"held out: l1 \d\.\d{4} \(source \d\.\d{4}\)", line) for line in told)
    about = json.loads((tmp_path / "mine" / "train.json").read_text())
    assert [c["name"] for c in about["components"]] == ["tpsmm", "video-folder"]
    assert about["config"]["generator:tpsmm"]["batch"] == 2
    assert about["config"]["dataset:video-folder"]["path"] == str(clip)
    asked = {"seed": 0, "steps": 2, "precision": "32-true", "accumulate": 1}
    assert {name: about[name] for name in asked} == asked
    assert about["perceptual"] == "random features, seed 0"
    assert about["left_out"] == []
    assert about["seconds"] > 0
    assert about["scores"] == json.loads(out)["scores"]
    assert {"signcore", "versions", "machine", "created"} <= set(about)
    assert "torch" in about["versions"]
    code, _, err = cli("train", "--generator", "tpsmm", "-o", tmp_path / "x")
    assert code == 2
    assert "--dataset NAME or --video FILE" in err


def test_the_rate_begins_anew_with_every_row(capsys, monkeypatch):
    from signcore.cli import train

    clock = iter([0.0, 20.0, 40.0, 60.0])
    monkeypatch.setattr(train.time, "monotonic", lambda: next(clock))
    told = train._Lines()
    for step in (1, 5, 1, 3):
        told(step, 10, {})
    said = capsys.readouterr().err
    assert "step 5/10  0.20/s" in said
    assert "step 3/10  0.10/s" in said
    assert "-" not in said
