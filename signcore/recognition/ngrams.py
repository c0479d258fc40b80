"""Which gloss follows which: a language model for sentences of few words."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

ORDER = 3
END = 0  # no label: before the first one, and after the last


class Ngrams:
    """Trigrams of labels, interpolated with bigrams, unigrams and a uniform share (Witten and Bell 1991).

    counts: history, its labels joined by blanks -> label -> how often it followed; as JSON keeps it.
    """

    def __init__(self, counts: Mapping[str, Mapping[str, int]]) -> None:
        self.counts = {h: {n: int(c) for n, c in after.items()} for h, after in counts.items()}
        if "" not in self.counts:
            raise ValueError("n-grams without counts of single labels")
        self._known: dict[tuple[tuple[int, ...], int], float] = {}

    @classmethod
    def of(cls, sentences: Iterable[Sequence[int]]) -> Ngrams:
        """Counted in sentences of labels from 1 on."""
        counts: dict[str, dict[str, int]] = {"": {}}
        for sentence in sentences:
            labels = [END, *sentence, END]
            for i in range(1, len(labels)):
                for length in range(min(i, ORDER - 1) + 1):
                    after = counts.setdefault(" ".join(map(str, labels[i - length : i])), {})
                    after[str(labels[i])] = after.get(str(labels[i]), 0) + 1
        return cls(counts)

    def log_probability(self, before: tuple[int, ...], label: int) -> float:
        """Of `label`, or END, after the labels `before` of a sentence; a label that was never met has some probability too."""
        history = (END, *before)[1 - ORDER :]
        if (history, label) not in self._known:
            self._known[history, label] = math.log(self._probability(history, label))
        return self._known[history, label]

    def _probability(self, history: tuple[int, ...], label: int) -> float:
        shorter = self._probability(history[1:], label) if history else 1 / (len(self.counts[""]) + 1)
        after = self.counts.get(" ".join(map(str, history)))
        if after is None:
            return shorter
        return (after.get(str(label), 0) + len(after) * shorter) / (sum(after.values()) + len(after))
