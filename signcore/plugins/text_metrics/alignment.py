"""The cheapest way from a reference to a hypothesis, word by word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

COSTS = {"levenshtein": (1, 1, 1), "sclite": (4, 3, 3)}  # substitution, insertion, deletion


@dataclass(frozen=True)
class Alignment:
    """pairs: (reference word or None, hypothesis word or None) in order: None is an insertion or a deletion."""

    pairs: tuple[tuple[str | None, str | None], ...]

    @property
    def substitutions(self) -> int:
        return sum(a is not None and b is not None and a != b for a, b in self.pairs)

    @property
    def deletions(self) -> int:
        return sum(b is None for _, b in self.pairs)

    @property
    def insertions(self) -> int:
        return sum(a is None for a, _ in self.pairs)

    @property
    def errors(self) -> int:
        return sum(a != b for a, b in self.pairs)


def align(reference: Sequence[str], hypothesis: Sequence[str], costs: str = "levenshtein") -> Alignment:
    """Of equally cheap ways the one that, from the end, substitutes before it deletes and deletes before it inserts.

    costs: "levenshtein" counts edits; "sclite" charges 4 for a substitution and 3 for a deletion or an insertion.
    """
    change, insert, delete = COSTS[costs]
    table = [[insert * j for j in range(len(hypothesis) + 1)]]
    for i, word in enumerate(reference, 1):
        above = table[-1]
        row = [delete * i]
        for j, said in enumerate(hypothesis, 1):
            row.append(min(above[j - 1] + change * (word != said), above[j] + delete, row[-1] + insert))
        table.append(row)
    pairs: list[tuple[str | None, str | None]] = []
    i, j = len(reference), len(hypothesis)
    while i or j:
        here = table[i][j]
        if i and j and here == table[i - 1][j - 1] + change * (reference[i - 1] != hypothesis[j - 1]):
            i, j = i - 1, j - 1
            pairs.append((reference[i], hypothesis[j]))
        elif i and here == table[i - 1][j] + delete:
            i -= 1
            pairs.append((reference[i], None))
        else:
            j -= 1
            pairs.append((None, hypothesis[j]))
    return Alignment(tuple(reversed(pairs)))


def longest_common(a: Sequence[str], b: Sequence[str]) -> int:
    """Length of the longest common subsequence."""
    row = [0] * (len(b) + 1)
    for word in a:
        before = 0
        for j, said in enumerate(b, 1):
            before, row[j] = row[j], before + 1 if word == said else max(row[j], row[j - 1])
    return row[-1]
