"""A table of trainings: every row its folder, resumable, and refused before the first step where a row is wrong."""

import json

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
    code, _, err = call("--steps", 3)
    assert code == 2
    assert "made with other settings, steps" in err


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
        "--steps",
        1,
        "-o",
        tmp_path / "mine",
        "--json",
    )
    assert code == 0, err
    assert "no weights ship for it" in err
    assert json.loads(out)["scores"]["l1"] > 0
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
