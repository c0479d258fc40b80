"""BLEU and chrF from counts of n-grams."""

from __future__ import annotations

import math
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

ORDER = 4
FLOOR, ADDED, EPSILON, SHRINK = (
    0.1,
    1.0,
    0.1,
    5.0,
)  # the defaults of sacreBLEU (floor, add-k) and NLTK (methods 1, 4)


def runs(items: Sequence[str], order: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(items[i : i + order]) for i in range(len(items) - order + 1))


@dataclass
class Counts:
    """Of one sentence or of many: lengths, and by order how many n-grams are right, of how many."""

    hypothesis: int = 0
    reference: int = 0
    right: list[int] = field(default_factory=lambda: [0] * ORDER)
    total: list[int] = field(default_factory=lambda: [0] * ORDER)

    @classmethod
    def of(cls, hypothesis: Sequence[str], reference: Sequence[str]) -> Counts:
        found = cls(len(hypothesis), len(reference))
        for n in range(ORDER):
            there = runs(hypothesis, n + 1)
            found.right[n] = sum((there & runs(reference, n + 1)).values())
            found.total[n] = sum(there.values())
        return found

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.hypothesis + other.hypothesis,
            self.reference + other.reference,
            [a + b for a, b in zip(self.right, other.right, strict=True)],
            [a + b for a, b in zip(self.total, other.total, strict=True)],
        )


def bleu(counts: Counts, order: int, smoothing: str = "none", effective: bool = False) -> float:
    """BLEU of n-grams up to `order`, 0 to 1 (Papineni et al. 2002), smoothed as sacreBLEU and NLTK define it.

    effective: orders for which the hypothesis is too short are left out. Without any right word it is 0.
    """
    if not any(counts.right[:order]) or not counts.hypothesis:
        return 0.0
    brevity = min(1.0, math.exp(1 - counts.reference / counts.hypothesis))
    nltk = smoothing.startswith("nltk")
    logs: list[float] = []
    halved, unmatched = 1.0, 0
    if nltk and not counts.right[0]:
        return 0.0
    for n in range(order):
        right, total = float(counts.right[n]), float(counts.total[n])
        if smoothing == "add-k" and n:
            right, total = right + ADDED, total + ADDED
        if total == 0 and not nltk:
            if effective:
                break
            return 0.0
        total = max(total, 1.0)
        if right == 0 and smoothing == "exp":
            halved *= 2
            right = 1 / halved
        elif right == 0 and smoothing == "floor":
            right = FLOOR
        elif right == 0 and smoothing == "nltk-1":
            right = EPSILON
        elif right == 0 and smoothing == "nltk-4" and counts.hypothesis > 1:
            unmatched += 1
            right = 1 / (2**unmatched * SHRINK / math.log(counts.hypothesis))
        logs.append(math.log(right / total) if right else math.log(sys.float_info.min))
    return brevity * math.exp(math.fsum(logs) / len(logs))


def character_counts(hypothesis: str, reference: str, order: int) -> list[tuple[int, int, int]]:
    """By order: n-grams of the hypothesis, of the reference, and right ones; blanks do not count."""
    a, b = (list("".join(text.split())) for text in (hypothesis, reference))
    found = []
    for n in range(1, order + 1):
        x, y = runs(a, n), runs(b, n)
        found.append((sum(x.values()), sum(y.values()), sum((x & y).values())))
    return found


def chrf(counts: Sequence[tuple[int, int, int]], beta: float) -> float:
    """chrF, 0 to 1 (Popović 2015): F of the mean precision and recall over the orders that both texts have."""
    there = [(m / h, m / r) for h, r, m in counts if h and r]
    if not there:
        return 0.0
    precision = math.fsum(p for p, _ in there) / len(there)
    recall = math.fsum(r for _, r in there) / len(there)
    if precision + recall == 0:
        return 0.0
    return (1 + beta**2) * precision * recall / (beta**2 * precision + recall)
