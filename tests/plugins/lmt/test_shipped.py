"""The weights that ship: the command of the page works at once, and a recognizer reads what it makes."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from signcore.contracts import Context
from signcore.evaluation import evaluate
from signcore.plugins.lmt.config import LMTInputs, SLRAccConfig
from signcore.plugins.lmt.generator import LMT
from signcore.plugins.lmt.slr_acc import SLRAcc
from signcore.plugins.synthetic.clip import embedded_source
from signcore.plugins.synthetic.config import DatasetConfig
from signcore.plugins.synthetic.dataset import Dataset

PACKAGE = Path(__file__).parents[3] / "plugins" / "signcore-weights" / "signcore_weights"
FILE, JUDGE = PACKAGE / "lmt-small.safetensors", PACKAGE / "lmt-judge-small.safetensors"
pytestmark = pytest.mark.skipif(not FILE.is_file(), reason=f"no trained weights at {FILE}")


def test_the_index_names_the_files_as_they_are():
    entries = {e["file"]: e for e in json.loads((PACKAGE / "index.json").read_text(encoding="utf-8"))}
    for file in (FILE, JUDGE):
        assert entries[file.name]["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert FILE.stat().st_size < 8 << 20


def test_a_sign_of_the_embedded_signer_moves_and_keeps_its_background():
    generator = LMT.from_pretrained(FILE, context=Context(seed=0))
    assert len(generator.vocabulary) == 20
    frames = generator.generate(LMTInputs(gloss="DRINK", source=embedded_source())).numpy().astype(int)
    assert frames.shape == (16, 64, 64, 3)
    changes = np.abs(np.diff(frames[3:], axis=0)).mean(axis=(0, 3))
    corner, middle = changes[:12, :12].mean(), changes[20:60, 12:52].mean()
    assert middle > 3 * corner


@pytest.mark.slow
def test_a_recognizer_reads_more_than_chance_of_held_out_signers():
    config = DatasetConfig(
        split="test", clips=20, signers=20, max_glosses=1, vocabulary=20, width=64, height=64, cache=False
    )
    metric = SLRAcc(SLRAccConfig(recognizer="clip-frames", weights=str(JUDGE)))
    scores = evaluate(LMT.from_pretrained(FILE), Dataset(config), {"slr-acc": metric}, output="video").scores
    assert scores["slr-acc-real"] >= 90
    assert scores["slr-acc-top5"] >= 50  # 25 by chance
