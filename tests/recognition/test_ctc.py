from __future__ import annotations

import itertools

import numpy as np
import pytest

from signcore.errors import ArgumentError
from signcore.recognition import ctc
from signcore.recognition.ngrams import END, Ngrams


def table(random, frames, classes):
    logits = random.normal(size=(frames, classes)) * 2
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


def every_sentence(logs, blank):
    """log p of every sentence, by going through all paths: the definition."""
    found = {}
    for path in itertools.product(range(logs.shape[1]), repeat=len(logs)):
        labels = tuple(k for k, _ in itertools.groupby(path) if k != blank)
        found.setdefault(labels, []).append(sum(logs[t, k] for t, k in enumerate(path)))
    return {labels: float(np.logaddexp.reduce(values)) for labels, values in found.items()}


@pytest.mark.parametrize("blank", [0, 2])
def test_a_wide_beam_finds_the_exact_scores(random, blank):
    logs = table(random, 5, 3)
    wanted = sorted(every_sentence(logs, blank).items(), key=lambda item: -item[1])
    found = ctc.beam_search(logs, width=1000, blank=blank)
    assert [tuple(r.labels) for r in found] == [labels for labels, _ in wanted]
    np.testing.assert_allclose([r.score for r in found], [score for _, score in wanted], atol=1e-12)


@pytest.mark.parametrize("weight", [0.0, 0.5, 2.0])
def test_what_follows_what_is_added_to_the_exact_scores(random, weight):
    logs = table(random, 5, 3)
    follows = Ngrams.of([[1, 2], [1, 2, 1], [2]])

    def expected(labels):
        ended = [*labels, END]
        return sum(follows.log_probability(tuple(labels[:i]), n) for i, n in enumerate(ended))

    wanted = {k: v + weight * expected(k) for k, v in every_sentence(logs, 0).items()}
    found = ctc.beam_search(logs, width=1000, follows=follows, weight=weight)
    assert [tuple(r.labels) for r in found] == sorted(wanted, key=lambda k: -wanted[k])
    np.testing.assert_allclose([r.score for r in found], sorted(wanted.values(), reverse=True), atol=1e-12)


def test_a_beam_beats_the_best_path_where_alignments_add_up():
    logs = np.log(
        np.array([[0.6, 0.4], [0.6, 0.4]])
    )  # blank, A: 0.36 for nothing, 0.64 for A over three paths
    assert ctc.best_path(logs).labels == []
    best = ctc.beam_search(logs, width=2)[0]
    assert best.labels == [1]
    assert best.score == pytest.approx(np.log(0.64))


def test_a_repeated_label_needs_a_blank_between():
    logs = np.log(np.full((3, 2), 1e-3))
    logs[[0, 2], 1] = logs[1, 0] = np.log(0.999)
    best = ctc.beam_search(logs)[0]
    assert best.labels == [1, 1]
    assert best.spans == [(0, 0), (2, 2)]


def test_the_alignment_is_the_likeliest_path(random):
    logs = table(random, 6, 3)
    labels = (1, 2)
    best = max(
        (
            path
            for path in itertools.product(range(3), repeat=6)
            if tuple(k for k, _ in itertools.groupby(path) if k != 0) == labels
        ),
        key=lambda path: sum(logs[t, k] for t, k in enumerate(path)),
    )
    spans = [(best.index(k), 5 - best[::-1].index(k)) for k in labels]
    assert ctc.alignment(logs, labels) == spans


def test_what_cannot_be_is_refused():
    with pytest.raises(ArgumentError, match="2 do not fit into 1 frames"):
        ctc.alignment(np.zeros((1, 3)), (1, 2))
    with pytest.raises(ArgumentError, match="do not fit"):
        ctc.alignment(np.zeros((2, 3)), (1, 1))
    with pytest.raises(ArgumentError, match="holds a NaN"):
        ctc.beam_search(np.full((2, 3), np.nan))
    with pytest.raises(ArgumentError, match=r"\[T, C\]"):
        ctc.best_path(np.zeros(3))


def test_no_frames_read_as_nothing():
    assert ctc.beam_search(np.zeros((0, 3)))[0].labels == []
    assert ctc.best_path(np.zeros((0, 3))).labels == []
