"""`signcore map`: rows are whole, kept, done again where a worker was lost, and nobody else's are."""

import json
import os
from pathlib import Path

import pytest

from signcore.types import read_pose

FRAGILE = """
import os, signal
from pathlib import Path
import numpy as np
from pydantic import BaseModel, Field
from signcore import Component, hookimpl
from signcore.errors import InputError
from signcore.types.poses import pose_from_keypoints

class Words(BaseModel):
    gloss: str = Field(description="what happens")
    where: str = Field("", description="a folder for marks")

class Fragile:
    built = 0
    def __init__(self, config, context): Fragile.built += 1
    def generate(self, inputs):
        what, mark = inputs.gloss, Path(inputs.where) / "died"
        with (Path(inputs.where) / f"{what}.count").open("a") as stream:
            stream.write(f"{os.getpid()} {Fragile.built}\\n")
        if what == "ALWAYS" or (what == "ONCE" and not mark.exists()):
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        if what == "BAD":
            raise InputError("gloss: is bad")
        if what == "RAISES":
            raise ZeroDivisionError("by nothing")
        return pose_from_keypoints(np.full((3, 137, 2), float(len(what))), "openpose_137", fps=10, width=64, height=64)

@hookimpl
def signcore_components():
    return [Component(kind="generator", name="fragile", summary="Dies.", target="fragile:Fragile", inputs="fragile:Words", output="pose")]
"""


@pytest.fixture
def table(distribution, tmp_path):
    distribution("fragile", FRAGILE)

    def make(*glosses):
        path = tmp_path / "t.csv"
        lines = [f"{gloss.lower()}{i},{gloss},{tmp_path}" for i, gloss in enumerate(glosses)]
        path.write_text("\n".join(["id,gloss,where", *lines]) + "\n")
        return path

    return make


def counts(folder: Path) -> dict[str, int]:
    return {f.stem: len(f.read_text().splitlines()) for f in folder.glob("*.count")}


def test_bad_rows_are_told_lost_ones_done_again_and_done_ones_kept(cli, table, tmp_path):
    path = table("HOUSE", "BAD", "ONCE", "TREE", "RAISES", "BOOK")
    command = ("map", path, "--generator", "fragile", "-o", tmp_path / "out", "--workers", 2)
    code, out, err = cli(*command)
    assert code == 1
    assert "6 rows: 4 done" in out
    assert f"{path}:3: bad1: gloss: is bad" in err
    assert f"{path}:6: raises4: ZeroDivisionError: by nothing" in err
    assert counts(tmp_path) == {"HOUSE": 1, "BAD": 1, "ONCE": 2, "TREE": 1, "RAISES": 1, "BOOK": 1}
    assert float(read_pose(tmp_path / "out" / "house0" / "result.pose").body.data.mean()) == 5
    about = json.loads((tmp_path / "out" / "map.json").read_text())
    assert (about["done"], about["kept"], about["lost"]) == (4, 0, 1)
    assert [bad["line"] for bad in about["bad"]] == [3, 6]
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "book5",
        "house0",
        "map.json",
        "once2",
        "tree3",
    ]

    code, out, _ = cli(*command)
    assert code == 1
    assert "0 done" in out
    assert "4 kept, 2 bad" in out
    assert counts(tmp_path) == {"HOUSE": 1, "BAD": 2, "ONCE": 2, "TREE": 1, "RAISES": 2, "BOOK": 1}
    code, out, _ = cli(*command, "--seed", 1)
    assert "4 done" in out  # another seed is another result


def test_a_row_that_kills_every_worker_is_given_up(cli, table, tmp_path):
    code, out, err = cli("map", table("ALWAYS", "HOUSE"), "--generator", "fragile", "-o", tmp_path / "out")
    assert code == 1
    assert "2 rows: 1 done" in out
    assert "its worker was lost 3 times" in err
    assert counts(tmp_path)["ALWAYS"] == 3


def test_a_component_is_built_once_a_worker(cli, table, tmp_path):
    assert cli("map", table(*"ABCD"), "--generator", "fragile", "-o", tmp_path / "out")[0] == 0
    built = [line.split() for f in tmp_path.glob("*.count") for line in f.read_text().splitlines()]
    assert len(built) == 4
    assert {tuple(b) for b in built} == {(built[0][0], "1")}
    assert int(built[0][0]) != os.getpid()


def test_what_cannot_be_mapped_is_refused(cli, table, tmp_path):
    for command, said in (
        (("map", table("A"), "-o", tmp_path / "o"), "map runs one component"),
        (("map", tmp_path / "absent.csv", "--generator", "fragile", "-o", tmp_path / "o"), "absent.csv"),
        (
            ("map", table("A"), "--generator", "fragile", "--address", "a:1", "-o", tmp_path / "o"),
            "--engine ray",
        ),
    ):
        code, _, err = cli(*command)
        assert (code, err.count("\n")) == (2, 1), err
        assert said in err
    twice = tmp_path / "twice.csv"
    twice.write_text("id,gloss\na,X\na,Y\n")
    code, _, err = cli("map", twice, "--generator", "fragile", "-o", tmp_path / "o")
    assert "twice.csv:3: the id 'a' is that of line 2 too" in err


@pytest.mark.slow
def test_ray_does_the_same(cli, table, tmp_path):
    pytest.importorskip("ray", reason="Ray is not installed")
    path = table("HOUSE", "BAD", "ONCE", "TREE")
    code, out, err = cli(
        "map", path, "--generator", "fragile", "-o", tmp_path / "out", "--engine", "ray", "--workers", 2
    )
    assert code == 1
    assert "4 rows: 3 done" in out
    assert "gloss: is bad" in err
    assert counts(tmp_path)["ONCE"] == 2
    assert counts(tmp_path)["HOUSE"] == 1
    assert cli("map", path, "--generator", "fragile", "-o", tmp_path / "out", "--engine", "ray")[1].count(
        "3 kept"
    )


@pytest.mark.slow
def test_a_ray_worker_that_is_killed_among_two_hundred_rows_loses_nothing(cli, table, tmp_path):
    pytest.importorskip("ray", reason="Ray is not installed")
    words = [f"W{i}" for i in range(200)]
    words[100] = "ONCE"
    command = (
        "map",
        table(*words),
        "--generator",
        "fragile",
        "-o",
        tmp_path / "out",
        "--engine",
        "ray",
        "--workers",
        2,
    )
    code, out, err = cli(*command)
    assert code == 0, err
    assert "200 rows: 200 done" in out
    ids = sorted(f"{word.lower()}{i}" for i, word in enumerate(words))
    assert sorted(p.name for p in (tmp_path / "out").iterdir() if p.is_dir()) == ids
    for name in ids:
        assert sorted(p.name for p in (tmp_path / "out" / name).iterdir()) == ["result.pose", "row.json"]
        assert len(read_pose(tmp_path / "out" / name / "result.pose").body.data) == 3
    assert counts(tmp_path) == {word: 2 if word == "ONCE" else 1 for word in words}
