"""`signcore bench`: the table, the JSON, the pictures, and a loss of speed as exit code 1."""

import json
import time
from xml.etree import ElementTree

import pytest

from signcore.cli import main
from signcore.kernels import measure
from signcore.kernels.measure import Case, Machine, curves


def spin(seconds):
    def call():
        end = time.process_time() + seconds
        while time.process_time() < end:
            pass

    return call


def absent():
    raise ImportError("not here")


@pytest.fixture
def small(monkeypatch):
    case = Case(
        "tcd", "a small one", lambda seed: (seed,), lambda _: spin(0.001),
        {"slow": lambda: lambda _: spin(0.004), "absent": absent}, {"slow": 2, "absent": 9},
        work=1e6, unit="GB/s", moved=1e6, rounds=3,
    )  # fmt: skip
    curve = curves.Curve("tcd", "T", "a & b", "frames", (1, 2, 4), {"one": lambda n: spin(n * 1e-4)})
    monkeypatch.setattr(measure, "cases", lambda op=None: [case] if op in (None, "tcd") else [])
    monkeypatch.setattr(measure, "machine", lambda: Machine(1e11, 1e10))
    monkeypatch.setattr(curves, "curves", lambda op: [curve])


def run(*arguments):
    with pytest.raises(SystemExit) as leave:
        main(["bench", *arguments])
    return leave.value.code


def test_the_table_has_the_ratio_and_what_was_wanted(small, capsys):
    assert run("tcd") == 0
    out, err = capsys.readouterr()
    line = out.splitlines()[1]
    assert "slow" in line
    assert "2 x" in line
    assert "missed" not in line
    assert "absent" in err


def test_a_ratio_is_the_peers_time_over_ours(small, capsys):
    assert run("--json") == 0
    (row,) = json.loads(capsys.readouterr().out)["rows"]
    assert 2 < row["peers"]["slow"]["ratio"] < 8
    assert row["peers"]["slow"]["met"]
    assert row["missing"] == ["absent"]
    assert row["share"] == pytest.approx(1e6 / 1e10 / (row["ms"] / 1e3))


def test_a_loss_of_speed_against_an_earlier_run_is_exit_code_1(small, tmp_path, capsys):
    assert run("--save", "--folder", str(tmp_path)) == 0
    saved = tmp_path / "all.json"
    assert run("--compare", str(saved)) == 0
    faster = json.loads(saved.read_text())
    faster["rows"][0]["ms"] /= 1.5
    saved.write_text(json.dumps(faster))
    assert run("--compare", str(saved)) == 1
    assert "tcd, a small one" in capsys.readouterr().err


def test_curves_are_drawn_as_svg(small, tmp_path):
    assert run("tcd", "--save", "--folder", str(tmp_path)) == 0
    root = ElementTree.parse(tmp_path / "tcd-T.svg").getroot()
    assert root.tag.endswith("svg")
    assert len(root.findall(".//{*}circle")) == 3
    assert json.loads((tmp_path / "tcd.json").read_text())["curves"]["tcd-T"]["values"] == [1, 2, 4]


@pytest.mark.parametrize("text", ["", "[]", '{"rows": [{"op": "tcd"}]}'])
def test_what_is_not_a_saved_run_is_refused(small, tmp_path, capsys, text):
    (tmp_path / "old.json").write_text(text)
    assert run("--compare", str(tmp_path / "old.json")) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_an_unknown_op_names_those_that_are_there(capsys):
    assert run("nothing") == 2
    assert "fastdtw" in capsys.readouterr().err


def test_every_case_prepares_and_runs_its_own_call():
    for case in measure.cases():
        if case.op in ("tcd", "fastdtw"):
            case.ours(*case.make(0))()
