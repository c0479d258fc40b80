from __future__ import annotations

import json

import numpy as np
import pytest

from signcore.recognition.ngrams import END, Ngrams

SENTENCES = [[1, 2, 3], [1, 2], [2, 1, 2], []]


def test_after_any_history_the_probabilities_add_up_to_one():
    follows = Ngrams.of(SENTENCES)
    for before in ((), (1,), (1, 2), (3, 3), (7,)):
        every = [np.exp(follows.log_probability(before, n)) for n in (END, 1, 2, 3)]
        unseen = np.exp(follows.log_probability(before, 9))  # one share is kept for what was never met
        assert sum(every) + unseen == pytest.approx(1)


def test_what_was_seen_is_likelier():
    follows = Ngrams.of(SENTENCES)
    assert follows.log_probability((1,), 2) > follows.log_probability((1,), 3)
    assert follows.log_probability((1, 2), END) > follows.log_probability((1,), END)


def test_counts_survive_json():
    follows = Ngrams.of(SENTENCES)
    other = Ngrams(json.loads(json.dumps(follows.counts)))
    assert other.log_probability((1, 2), 3) == follows.log_probability((1, 2), 3)


def test_without_counts_it_is_refused():
    with pytest.raises(ValueError, match="without counts"):
        Ngrams({"1": {"2": 1}})
