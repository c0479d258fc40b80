"""Judging a component over a whole dataset: mean scores, distance ranks, retrieval."""

from __future__ import annotations

from signcore.evaluation.generated import Evaluated, evaluate
from signcore.evaluation.ranks import ranks
from signcore.evaluation.retrieval import Retrieved, average_precision, retrieve

__all__ = ["Evaluated", "Retrieved", "average_precision", "evaluate", "ranks", "retrieve"]
