from __future__ import annotations

import itertools
import math

import pytest
import torch

from signcore.plugins.signx import decoding
from signcore.recognition.vocabulary import BOS, EOS, PAD, SPECIAL

CLASSES = 7  # three glosses


@pytest.fixture
def step():
    """A language model: what follows depends on the last two tokens."""
    table = torch.randn(CLASSES, CLASSES, CLASSES, generator=torch.Generator().manual_seed(3)) * 2

    def logits(tokens):
        before = tokens[:, -2] if tokens.shape[1] > 1 else torch.full_like(tokens[:, -1], PAD)
        return table[before, tokens[:, -1]].clone()

    return logits


def log_probability(step, ids):
    total = 0.0
    for place, wanted in enumerate((*ids, EOS)):
        tokens = torch.tensor([[BOS, *ids[:place]]])
        total += float(decoding.shaped(step(tokens), tokens, 1.0, 1.0)[0, wanted])
    return total


@pytest.mark.parametrize("penalty", [0.0, 0.7])
def test_a_wide_beam_finds_the_best_of_all_sentences(step, penalty):
    every = [ids for n in range(4) for ids in itertools.product(range(len(SPECIAL), CLASSES), repeat=n)]
    scores = {ids: log_probability(step, ids) / (len(ids) + 1) ** penalty for ids in every}
    best = max(scores, key=lambda ids: scores[ids])
    found = decoding.beam_search(step, width=100, longest=3, length_penalty=penalty)
    assert found[0].ids == best
    assert found[0].score == pytest.approx(scores[best], abs=1e-5)
    assert [f.score for f in found] == sorted((f.score for f in found), reverse=True)


def test_a_beam_of_one_is_greedy(step):
    ids: list[int] = []
    while len(ids) < 6:
        tokens = torch.tensor([[BOS, *ids]])
        token = int(decoding.shaped(step(tokens), tokens, 1.0, 1.0)[0].argmax())
        if token == EOS:
            break
        ids.append(token)
    assert decoding.beam_search(step, width=1, longest=6, length_penalty=0.0)[0].ids == tuple(ids)


def test_a_repetition_penalty_of_one_does_nothing_and_more_forbids(step):
    tokens = torch.tensor([[BOS, 4, 5]])
    logits = step(tokens)
    assert torch.equal(decoding.penalised(logits, tokens, 1.0), logits)
    changed = decoding.penalised(logits, tokens, 2.5)[0]
    for i, value in enumerate(logits[0].tolist()):
        wanted = value if i not in (4, 5) else value / 2.5 if value > 0 else value * 2.5
        assert changed[i] == pytest.approx(wanted)


def test_special_tokens_are_never_said(step):
    for said in decoding.beam_search(step, width=20, longest=4):
        assert min(said.ids, default=4) >= len(SPECIAL)


def test_low_temperature_sampling_is_greedy_and_follows_the_seed(step):
    greedy = decoding.beam_search(step, width=1, longest=5, length_penalty=0.0)[0]
    cold = decoding.sample(step, longest=5, temperature=1e-4, generator=torch.Generator().manual_seed(0))
    assert cold.ids == greedy.ids
    one, other = (
        decoding.sample(step, longest=5, generator=torch.Generator().manual_seed(8)) for _ in range(2)
    )
    assert one == other


def test_top_k_of_one_leaves_no_choice(step):
    greedy = decoding.beam_search(step, width=1, longest=5, length_penalty=0.0)[0]
    for seed in range(5):
        found = decoding.sample(step, longest=5, top_k=1, generator=torch.Generator().manual_seed(seed))
        assert found.ids == greedy.ids


def test_ctc_scores_are_those_of_all_alignments(random):
    logs = torch.from_numpy(random.normal(size=(4, CLASSES))).log_softmax(dim=1)
    ids = (5, 4)
    paths = [
        p
        for p in itertools.product(range(CLASSES), repeat=4)
        if tuple(k for k, _ in itertools.groupby(p) if k != PAD) == ids
    ]
    wanted = math.log(sum(math.exp(sum(float(logs[t, k]) for t, k in enumerate(p))) for p in paths))
    assert decoding.ctc_log_probability(logs, ids) == pytest.approx(wanted, abs=1e-5)
    assert decoding.ctc_log_probability(logs, ()) == pytest.approx(float(logs[:, PAD].sum()))
