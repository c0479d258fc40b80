"""What the command line takes for LMT."""

from __future__ import annotations

import json

import pytest

from signcore.contracts import Context
from signcore.plugins.lmt.config import LMTConfig
from signcore.plugins.lmt.training import LMTTask
from signcore.training import fit
from tests.plugins.lmt.test_training import TINY
from tests.plugins.lmt.walks import Walks


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    made = LMTTask(LMTConfig(**TINY), Context())
    return fit(made, Walks(), folder=tmp_path_factory.mktemp("lmt"), steps=1).weights


def test_run_takes_num_samples(cli, weights, tmp_path):
    options = ["run", "--generator", "lmt", "--weights", weights, "--gloss", "LEFT"]
    code, _, err = cli(*options, "--num-samples", 3, "-o", tmp_path / "out", "--set", "frames=28")
    assert code == 0, err
    assert "sample 3" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    code, _, err = cli(*options, "--num-samples", "many", "-o", tmp_path / "bad")
    assert code == 2
    assert "num_samples='many'" in err
    _, out, _ = cli("run", "--generator", "lmt", "--help")
    assert "--num-samples NUMBER" in out
    assert "--num-samples-file" not in out
    assert "--num-samples" not in cli("run", "--generator", "pose-route", "--help")[1]


def test_train_without_a_dataset_takes_synthetic_glosses(cli, tmp_path):
    small = {**TINY, "stages": "first"}
    sets = [f"generator.{name}={json.dumps(value)}".replace('"', "") for name, value in small.items()]
    sets += ["dataset.clips=3", "dataset.signers=3", "dataset.width=32", "dataset.height=32"]
    options = [word for one in sets for word in ("--set", one)]
    code, _, err = cli("train", "--generator", "lmt", *options, "--steps", 1, "-o", tmp_path / "out")
    assert code == 0, err
    assert "trains on synthetic (max_glosses=1, vocabulary=20)" in err
    about = json.loads((tmp_path / "out" / "train.json").read_text())["config"]["dataset:synthetic"]
    assert (about["max_glosses"], about["vocabulary"], about["clips"]) == (1, 20, 3)
    code, _, err = cli("train", "--generator", "tpsmm", "-o", tmp_path / "none")
    assert code == 2
    assert "what to train on?" in err
