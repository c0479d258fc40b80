"""`signcore evaluate --workers`: the scores of one process to the last digit, whoever is lost on the way."""

import json
import re

import pytest

PLUGIN = """
import os, signal, zlib
from pathlib import Path
import numpy as np
from pydantic import BaseModel, Field
from signcore import Component, Sample, hookimpl
from signcore.errors import InputError
from signcore.types.poses import pose_from_keypoints

def pose(word, spread):
    draw = np.random.default_rng(zlib.crc32(word.encode()))
    points = draw.uniform(0, 40, (5, 137, 2)) + draw.normal(0, spread, (5, 137, 2))
    return pose_from_keypoints(points, "openpose_137", fps=10, width=64, height=64)

class Words(BaseModel):
    gloss: str = Field(description="what is signed")

class Where(BaseModel):
    folder: str = Field("", description="a folder for marks")

class Signs:
    def __init__(self, config=None, context=None): self.words = ["A", "B", "ONCE", "BAD", "C", "D", "E", "F"]
    def __len__(self): return len(self.words)
    def __getitem__(self, i):
        if not 0 <= i < len(self): raise IndexError(i)
        word = self.words[i]
        return Sample(id=word, pose=pose(word, 0), glosses=[word], split="test")

class Frail:
    def __init__(self, config, context): self.config = config
    def generate(self, inputs):
        word, mark = inputs.gloss, Path(self.config.folder) / "died"
        with (Path(self.config.folder) / f"{word}.count").open("a") as stream: stream.write(f"{os.getpid()}\\n")
        if word == "ONCE" and self.config.folder and not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        if word == "BAD": raise InputError("gloss: is bad")
        return pose(word, 3)

@hookimpl
def signcore_components():
    return [
        Component(kind="generator", name="frail", summary="Dies.", target="frail:Frail", config="frail:Where", inputs="frail:Words", output="pose"),
        Component(kind="dataset", name="signs", summary="Signs.", target="frail:Signs"),
    ]
"""
ASKED = (
    "evaluate", "--generator", "frail", "--dataset", "signs", "--metric", "nape", "--metric", "ndtw", "--ranks", "--gallery", 2,
    "--json",
)  # fmt: skip


@pytest.fixture
def frail(distribution):
    distribution("frail", PLUGIN)


def judged(cli, folder, *more):
    folder.mkdir()
    (folder / "died").touch() if not more else None
    code, out, err = cli(*ASKED, "--set", f"generator.folder={folder}", *more)
    assert code == 1, err  # one sample is bad
    return json.loads(out), err


def test_workers_give_the_scores_of_one_process(cli, frail, tmp_path):
    alone, _ = judged(cli, tmp_path / "alone")
    assert alone["count"] == 7
    assert alone["bad"] == ["BAD: gloss: is bad"]
    shared, err = judged(cli, tmp_path / "shared", "--workers", 2)
    assert shared == alone  # every digit, ranks and signatures too
    assert "1 worker lost, its sample is done again" in err
    counts = {f.stem: len(f.read_text().split()) for f in (tmp_path / "shared").glob("*.count")}
    assert counts == {"A": 1, "B": 1, "ONCE": 2, "BAD": 1, "C": 1, "D": 1, "E": 1, "F": 1}


@pytest.mark.slow
def test_ray_gives_them_too(cli, frail, tmp_path):
    pytest.importorskip("ray", reason="Ray is not installed")
    alone, _ = judged(cli, tmp_path / "alone")
    assert judged(cli, tmp_path / "shared", "--workers", 2, "--engine", "ray")[0] == alone


def test_what_cannot_be_spread_is_refused(cli, frail):
    code, _, err = cli("evaluate", "--retrieval", "--dataset", "signs", "--metric", "nape", "--workers", 2)
    assert code == 2
    assert re.search("--workers: goes with --generator", err)
