"""Connectionist temporal classification: from a label for every frame to a sentence (Graves et al. 2006)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from signcore.errors import ArgumentError
from signcore.recognition.ngrams import END, Ngrams

_NEVER = -math.inf


@dataclass(frozen=True)
class Reading:
    """labels: one a sign, no blanks. score: log-probability. spans: (first, last) frame of each label, the last one included."""

    labels: list[int]
    score: float
    spans: list[tuple[int, int]]


def best_path(log_probabilities: np.ndarray, blank: int = 0) -> Reading:  # [T, C]
    """The likeliest label of every frame, runs of one label once, blanks left out."""
    table = _checked(log_probabilities, blank)
    path = table.argmax(axis=1) if len(table) else np.empty(0, int)
    labels, spans = _collapsed(path, blank)
    return Reading(labels, float(table[np.arange(len(path)), path].sum()), spans)


def _collapsed(path: np.ndarray, blank: int) -> tuple[list[int], list[tuple[int, int]]]:
    labels: list[int] = []
    spans: list[tuple[int, int]] = []
    before = blank
    for frame, label in enumerate(path.tolist()):
        if label != blank:
            if label == before:
                spans[-1] = (spans[-1][0], frame)
            else:
                labels.append(label)
                spans.append((frame, frame))
        before = label
    return labels, spans


def beam_search(
    log_probabilities: np.ndarray,  # [T, C]
    width: int = 10,
    blank: int = 0,
    most: int = 40,
    follows: Ngrams | None = None,
    weight: float = 1.0,
) -> list[Reading]:
    """Prefix beam search: the `width` likeliest sentences, each over all of its alignments, best first.

    most: labels of a frame that are looked at, the likeliest ones. follows: which label comes after which; its
    log-probability of a sentence, times `weight`, is added to the score. Equal scores are ordered by their labels, so
    the answer does not depend on the machine. Where `width` holds every prefix the scores are exact.
    Raises ArgumentError for a table that is not [T, C] or holds a NaN.
    """
    table = _checked(log_probabilities, blank)
    if width < 1:
        raise ArgumentError(f"width: expected at least 1, got {width}")
    expected: dict[tuple[int, ...], float] = {(): 0.0}  # how likely a prefix is before anything is seen

    def ending(item: tuple[tuple[int, ...], Sequence[float]]) -> float:
        told = 0.0 if follows is None else weight * follows.log_probability(item[0], END)
        return _added(*item[1]) + expected[item[0]] + told

    beams: dict[tuple[int, ...], tuple[float, float]] = {
        (): (0.0, _NEVER)
    }  # ending in a blank, in its last label
    for row in table:
        after: dict[tuple[int, ...], list[float]] = {}
        chosen = np.argsort(-row, kind="stable")[:most].tolist()
        for prefix, (in_blank, in_label) in beams.items():
            both = _added(in_blank, in_label)
            kept = after.setdefault(prefix, [_NEVER, _NEVER])
            kept[0] = _added(kept[0], both + float(row[blank]))
            if prefix:
                kept[1] = _added(kept[1], in_label + float(row[prefix[-1]]))
            for label in chosen:
                if label == blank:
                    continue
                said = float(row[label]) + (in_blank if prefix and label == prefix[-1] else both)
                if said == _NEVER:
                    continue
                name = (*prefix, label)
                if name not in expected:
                    told = 0.0 if follows is None else weight * follows.log_probability(prefix, label)
                    expected[name] = expected[prefix] + told
                longer = after.setdefault(name, [_NEVER, _NEVER])
                longer[1] = _added(longer[1], said)
        ranked = sorted(after.items(), key=lambda item: (-_added(*item[1]) - expected[item[0]], item[0]))
        beams = {prefix: (scores[0], scores[1]) for prefix, scores in ranked[:width]}
    order = sorted(beams.items(), key=lambda item: (-ending(item), item[0]))
    return [
        Reading(list(item[0]), ending(item), alignment(table, item[0], blank))
        for item in order
        if _added(*item[1]) > _NEVER
    ]


def alignment(
    log_probabilities: np.ndarray, labels: tuple[int, ...] | list[int], blank: int = 0
) -> list[tuple[int, int]]:
    """(first, last) frame of every label on the likeliest path that reads `labels`.

    Raises ArgumentError where there are too few frames for them.
    """
    table = _checked(log_probabilities, blank)
    if not labels:
        return []
    states = [blank]
    for label in labels:
        states += [label, blank]
    count = len(states)
    emit = table[:, states]
    skip = np.array([i >= 2 and states[i] != blank and states[i] != states[i - 2] for i in range(count)])
    score = np.full(count, _NEVER)
    score[: min(2, count)] = emit[0, :2]
    back = np.zeros((len(table), count), np.int8)
    for t in range(1, len(table)):
        ways = np.full((3, count), _NEVER)
        ways[0] = score
        ways[1, 1:] = score[:-1]
        ways[2, 2:] = np.where(skip[2:], score[:-2], _NEVER)
        back[t] = ways.argmax(axis=0)
        score = ways.max(axis=0) + emit[t]
    state = count - 1 if score[-1] >= score[-2] else count - 2
    if score[state] == _NEVER:
        raise ArgumentError(f"labels: {len(labels)} do not fit into {len(table)} frames")
    path = np.empty(len(table), int)
    for t in range(len(table) - 1, -1, -1):
        path[t] = state
        state -= int(back[t, state])
    return [(int((path == s).argmax()), int(np.flatnonzero(path == s)[-1])) for s in range(1, count, 2)]


def _checked(table: np.ndarray, blank: int) -> np.ndarray:
    table = np.asarray(table, np.float64)
    if table.ndim != 2 or not 0 <= blank < table.shape[1]:
        raise ArgumentError(
            f"log_probabilities: expected [T, C] with C above {blank}, got {list(table.shape)}"
        )
    if np.isnan(table).any():
        raise ArgumentError("log_probabilities: holds a NaN")
    return table


def _added(a: float, b: float) -> float:
    """log(exp a + exp b)."""
    if a < b:
        a, b = b, a
    return a if b == _NEVER else a + math.log1p(math.exp(b - a))
