"""Metrics of gloss sequences: word errors, n-gram overlap, and whether the truth is among the best hypotheses."""

from __future__ import annotations

import logging
import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from itertools import groupby
from typing import Any, Generic, Self, TypeVar

from signcore.contracts import Context, Hypothesis
from signcore.errors import InputError
from signcore.plugins.text_metrics.alignment import Alignment, align, longest_common
from signcore.plugins.text_metrics.cleanup import phoenix
from signcore.plugins.text_metrics.config import (
    BLEUConfig,
    CHRFConfig,
    GlossConfig,
    ROUGEConfig,
    TopConfig,
    WERConfig,
)
from signcore.plugins.text_metrics.ngrams import ORDER, Counts, bleu, character_counts, chrf

Config = TypeVar("Config", bound=GlossConfig)


class _GlossMetric(ABC, Generic[Config]):
    """prediction and reference: lists of glosses. Raises InputError where the reference is empty.

    An empty prediction is scored as wholly wrong, warned of, and counted: `NAME-empty`, where there is any.
    """

    name = ""

    def __init__(self, config: Config | None = None, context: Context | None = None) -> None:
        self.config: Config = config if config is not None else self._default()
        self.reset()

    @staticmethod
    def _default() -> Any:
        return GlossConfig()

    def reset(self) -> None:
        self.values: list[Any] = []
        self.empty = 0

    def _read(self, glosses: Any, what: str) -> list[str]:
        words = glosses.split() if isinstance(glosses, str) else [str(g) for g in glosses]
        return phoenix(words) if self.config.cleanup == "phoenix" else words

    def update(self, prediction: Any, reference: Any) -> None:
        truth = self._read(reference, "reference")
        if not truth:
            raise InputError("reference: holds no gloss", "a sentence without glosses cannot be scored")
        said = self._read(prediction, "prediction")
        if not said:
            self.empty += 1
            logging.getLogger("signcore").warning(
                "%s: nothing was recognised where %d glosses were signed; it counts as wholly wrong",
                self.name,
                len(truth),
            )
        self.values.append(self.judge(said, truth))

    @abstractmethod
    def judge(self, prediction: list[str], reference: list[str]) -> Any: ...

    @abstractmethod
    def scores(self) -> dict[str, float]: ...

    def compute(self) -> dict[str, float]:
        told = self.scores() if self.values else {self.name: math.nan}
        return {**told, f"{self.name}-empty": float(self.empty)} if self.empty else told

    def merge(self, other: Self) -> None:
        self.values += other.values
        self.empty += other.empty

    def about(self) -> str:
        return ""

    def signature(self) -> str:
        parts = (self.name, f"cleanup:{self.config.cleanup}", self.about(), "version:1")
        return "|".join(p for p in parts if p)


class WER(_GlossMetric[WERConfig]):
    """Word error rate in per cent: all edits by all reference glosses (S13); beside it the rates of substitutions, deletions
    and insertions, and the mean over sentences. With `costs: sclite` the alignment is sclite's."""

    name = "wer"

    @staticmethod
    def _default() -> Any:
        return WERConfig()

    def judge(self, prediction: list[str], reference: list[str]) -> Alignment:
        said = [word for word, _ in groupby(prediction)] if self.config.merge else prediction
        return align(reference, said, self.config.costs)

    def scores(self) -> dict[str, float]:
        every: list[Alignment] = self.values
        words = [sum(a is not None for a, _ in found.pairs) for found in every]
        share = 100 / sum(words)
        return {
            "wer": share * sum(found.errors for found in every),
            "wer-substitutions": share * sum(found.substitutions for found in every),
            "wer-deletions": share * sum(found.deletions for found in every),
            "wer-insertions": share * sum(found.insertions for found in every),
            "wer-sentence": 100
            * math.fsum(f.errors / w for f, w in zip(every, words, strict=True))
            / len(every),
        }

    def confusions(self) -> dict[tuple[str, str], int]:
        """(reference gloss, what was said instead) -> how often; "" where nothing was said or nothing signed."""
        found: dict[tuple[str, str], int] = {}
        for alignment in self.values:
            for a, b in alignment.pairs:
                found[a or "", b or ""] = found.get((a or "", b or ""), 0) + 1
        return found

    def about(self) -> str:
        return f"costs:{self.config.costs}|merge:{self.config.merge}"


class BLEU(_GlossMetric[BLEUConfig]):
    """BLEU-1 to BLEU-4, 0 to 100, and `bleu-best`: the highest BLEU-1 of all sentences (S13)."""

    name = "bleu"

    @staticmethod
    def _default() -> Any:
        return BLEUConfig()

    def judge(self, prediction: list[str], reference: list[str]) -> Counts:
        return Counts.of(prediction, reference)

    def _of(self, counts: Counts, order: int) -> float:
        return 100 * bleu(counts, order, self.config.smoothing, self.config.effective_order)

    def scores(self) -> dict[str, float]:
        every: list[Counts] = self.values
        told = {}
        for order in range(1, ORDER + 1):
            if self.config.level == "corpus":
                told[f"bleu-{order}"] = self._of(sum(every, Counts()), order)
            else:
                told[f"bleu-{order}"] = math.fsum(self._of(c, order) for c in every) / len(every)
        return {**told, "bleu-best": max(self._of(c, 1) for c in every)}

    def about(self) -> str:
        c = self.config
        return f"level:{c.level}|smoothing:{c.smoothing}|effective_order:{c.effective_order}"


class CHRF(_GlossMetric[CHRFConfig]):
    """chrF over all sentences, 0 to 100."""

    name = "chrf"

    @staticmethod
    def _default() -> Any:
        return CHRFConfig()

    def judge(self, prediction: list[str], reference: list[str]) -> list[tuple[int, int, int]]:
        return character_counts(" ".join(prediction), " ".join(reference), self.config.order)

    def scores(self) -> dict[str, float]:
        total = [
            tuple(sum(column) for column in zip(*row, strict=True)) for row in zip(*self.values, strict=True)
        ]
        return {"chrf": 100 * chrf(total, self.config.beta)}  # type: ignore[arg-type]

    def about(self) -> str:
        return f"order:{self.config.order}|beta:{self.config.beta:g}"


class ROUGEL(_GlossMetric[ROUGEConfig]):
    """ROUGE-L, 0 to 100: F of the longest common subsequence's share of prediction and reference (Lin 2004), mean over sentences."""

    name = "rouge-l"

    @staticmethod
    def _default() -> Any:
        return ROUGEConfig()

    def judge(self, prediction: list[str], reference: list[str]) -> float:
        common = longest_common(prediction, reference)
        if not common:
            return 0.0
        precision, recall, square = common / len(prediction), common / len(reference), self.config.beta**2
        return (1 + square) * precision * recall / (recall + square * precision)

    def scores(self) -> dict[str, float]:
        return {"rouge-l": 100 * math.fsum(self.values) / len(self.values)}

    def about(self) -> str:
        return f"beta:{self.config.beta:g}"


class Top(_GlossMetric[TopConfig]):
    """Share, 0 to 100, of clips whose glosses are among the n best hypotheses.

    prediction: hypotheses, best first; a plain list of glosses is the only hypothesis.
    """

    name = "top"
    takes_hypotheses = True

    @staticmethod
    def _default() -> Any:
        return TopConfig()

    def update(self, prediction: Sequence[Hypothesis] | Sequence[str], reference: Any) -> None:
        if prediction and not isinstance(prediction, str) and hasattr(prediction[0], "glosses"):
            self._ranked = [self._read(h.glosses, "prediction") for h in prediction]  # type: ignore[union-attr]
        else:
            self._ranked = [self._read(prediction, "prediction")]
        super().update(self._ranked[0], reference)

    def judge(self, prediction: list[str], reference: list[str]) -> float:
        return float(self._ranked.index(reference)) if reference in self._ranked else math.inf

    def scores(self) -> dict[str, float]:
        return {f"top-{n}": 100 * sum(v < n for v in self.values) / len(self.values) for n in self.config.n}
