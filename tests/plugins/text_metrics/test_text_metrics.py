from __future__ import annotations

import json
import logging
import math
from itertools import groupby

import pytest

from signcore.contracts import Hypothesis
from signcore.errors import InputError
from signcore.plugins.text_metrics.alignment import align
from signcore.plugins.text_metrics.cleanup import phoenix
from signcore.plugins.text_metrics.config import BLEUConfig, TopConfig, WERConfig
from signcore.plugins.text_metrics.metrics import BLEU, CHRF, ROUGEL, WER, Top
from signcore.plugins.text_metrics.ngrams import Counts, bleu

SETTINGS = {  # how the recorded scores are called: our smoothing, effective order, scale
    "nltk_none": ("none", False, 1),
    "nltk_m1": ("nltk-1", False, 1),
    "nltk_m4": ("nltk-4", False, 1),
    "sacre_none": ("none", False, 100),
    "sacre_exp": ("exp", False, 100),
    "sacre_floor": ("floor", False, 100),
    "sacre_add-k": ("add-k", False, 100),
    "sacre_exp_effective": ("exp", True, 100),
}


@pytest.fixture(scope="module")
def recorded(shared):
    return json.loads((shared / "oracles/wer/pairs.json").read_text())


@pytest.mark.parametrize(
    ("key", "costs", "merge"),
    [("vac433_merge", "sclite", True), ("vac433", "sclite", False), ("vac111", "levenshtein", False)],
)
def test_alignments_are_the_recorded_ones(recorded, key, costs, merge):
    total = WER(WERConfig(costs=costs, merge=merge))
    for pair in recorded["pairs"]:
        said = pair["hyp"].split()
        found = align(pair["ref"].split(), [w for w, _ in groupby(said)] if merge else said, costs)
        wanted = pair[key]
        told = (found.errors, found.substitutions, found.deletions, found.insertions)
        assert told == (wanted["errors"], wanted["sub"], wanted["del"], wanted["ins"])
        total.update(said, pair["ref"])
    assert total.compute()["wer"] == pytest.approx(recorded["corpus"][key]["wer_percent"], abs=1e-9)


def test_levenshtein_agrees_with_jiwer(recorded):
    total = WER()
    for pair in recorded["pairs"]:
        total.update(pair["hyp"], pair["ref"])
        assert total.values[-1].errors == pair["levenshtein_jiwer"]["errors"]
    told = total.compute()
    assert told["wer"] == pytest.approx(100 * recorded["corpus"]["jiwer"]["wer"], abs=1e-9)
    assert told["wer-sentence"] == pytest.approx(
        100 * recorded["corpus"]["mean_sentence_wer_jiwer"], abs=1e-9
    )


def test_sclite_costs_are_not_levenshtein():
    a, b = ["A", "B", "C", "D", "E"], ["D", "E", "X", "Y", "Z"]
    assert (align(a, b, "sclite").errors, align(a, b).errors) == (6, 5)


@pytest.mark.parametrize("name", SETTINGS)
def test_bleu_is_the_recorded_one(recorded, name):
    smoothing, effective, scale = SETTINGS[name]
    for pair in recorded["pairs"]:
        counts = Counts.of(pair["hyp"].split(), pair["ref"].split())
        for order in range(1, 5):
            found = scale * bleu(counts, order, smoothing, effective)
            assert found == pytest.approx(pair["bleu"][f"{name}_bleu{order}"], abs=1e-9)


def test_corpus_bleu_is_the_recorded_one(recorded):
    metric = BLEU(BLEUConfig(level="corpus"))
    for pair in recorded["pairs"]:
        metric.update(pair["hyp"], pair["ref"])
    told = metric.compute()
    for order in range(1, 5):
        assert told[f"bleu-{order}"] == pytest.approx(recorded["corpus"][f"sacre_none_bleu{order}"], abs=1e-9)


def test_the_phoenix_clean_up_is_the_recorded_one(recorded):
    texts = recorded["cleanup"]
    for before, after in zip(texts["input_lines"], texts["output_of_each_line_alone"], strict=True):
        assert phoenix(before.split()[4:]) == after.split()[4:], before


def test_the_clean_up_applies_to_both_sides():
    metric = WER(WERConfig(cleanup="phoenix"))
    metric.update(["loc-NORD", "REGEN"], ["NORD", "REGEN"])
    assert metric.compute()["wer"] == 0


def test_nothing_recognised_is_wholly_wrong_and_said_so(caplog):
    metric = WER()
    with caplog.at_level(logging.WARNING, "signcore"):
        metric.update([], ["A", "B"])
    assert "nothing was recognised" in caplog.text
    told = metric.compute()
    assert told["wer"] == told["wer-deletions"] == 100
    assert told["wer-empty"] == 1


@pytest.mark.parametrize("kind", [WER, BLEU, CHRF, ROUGEL, Top])
def test_an_empty_reference_is_refused_and_what_was_counted_stays(kind):
    metric = kind()
    metric.update(["A", "B", "C", "D"], ["A", "B", "C", "D"])
    before = metric.compute()
    with pytest.raises(InputError, match="reference: holds no gloss"):
        metric.update(["A"], [])
    assert metric.compute() == before


@pytest.mark.parametrize("kind", [WER, BLEU, CHRF, ROUGEL, Top])
def test_shards_merge_to_the_same_number(kind, random):
    pairs = [
        (random.choice(list("ABCDE"), 6).tolist(), random.choice(list("ABCDE"), 5).tolist()) for _ in range(9)
    ]
    whole, left, right = kind(), kind(), kind()
    for i, (said, truth) in enumerate(pairs):
        whole.update(said, truth)
        (left if i % 2 else right).update(said, truth)
    left.merge(right)
    assert left.compute() == pytest.approx(whole.compute())


def test_rouge_l_of_a_known_pair():
    metric = ROUGEL()
    metric.update(["A", "C", "E", "X"], ["A", "B", "C", "D", "E"])
    p, r, b = 3 / 4, 3 / 5, 1.44
    assert metric.compute()["rouge-l"] == pytest.approx(100 * (1 + b) * p * r / (r + b * p))


def test_top_n_looks_at_n_hypotheses():
    metric = Top(TopConfig(n=(1, 2)))
    ranked = [Hypothesis(["A"], -0.1), Hypothesis(["B"], -2.0), Hypothesis(["C"], -3.0)]
    for truth in ("A", "B", "C", "D"):
        metric.update(ranked, [truth])
    assert metric.compute() == {"top-1": 25, "top-2": 50}


def test_confusions_count_what_was_said_instead():
    metric = WER()
    metric.update(["A", "X"], ["A", "B"])
    metric.update(["A"], ["A", "B"])
    assert metric.confusions() == {("A", "A"): 2, ("B", "X"): 1, ("B", ""): 1}


def test_without_a_pair_the_score_is_no_number():
    assert math.isnan(CHRF().compute()["chrf"])


def test_the_signature_names_the_settings():
    assert WER(WERConfig(costs="sclite", cleanup="phoenix")).signature() == (
        "wer|cleanup:phoenix|costs:sclite|merge:False|version:1"
    )


def test_chrf_and_bleu_agree_with_sacrebleu(random):
    sacrebleu = pytest.importorskip("sacrebleu")
    said = [" ".join(random.choice(list("ABCDEFG"), 7)) for _ in range(20)]
    truth = [" ".join(random.choice(list("ABCDEFG"), 6)) for _ in range(20)]
    chrf, bleus = CHRF(), BLEU(BLEUConfig(level="corpus", smoothing="exp"))
    for a, b in zip(said, truth, strict=True):
        chrf.update(a, b)
        bleus.update(a, b)
    assert chrf.compute()["chrf"] == pytest.approx(sacrebleu.corpus_chrf(said, [truth]).score, abs=1e-6)
    wanted = sacrebleu.corpus_bleu(said, [truth], tokenize="none").score
    assert bleus.compute()["bleu-4"] == pytest.approx(wanted, abs=1e-9)


def test_wer_agrees_with_jiwer_here(random):
    jiwer = pytest.importorskip("jiwer")
    metric, pairs = WER(), []
    for _ in range(20):
        pairs.append((" ".join(random.choice(list("ABCDE"), 7)), " ".join(random.choice(list("ABCDE"), 6))))
        metric.update(*pairs[-1])
    assert metric.compute()["wer"] == pytest.approx(
        100 * jiwer.wer([b for _, b in pairs], [a for a, _ in pairs])
    )
