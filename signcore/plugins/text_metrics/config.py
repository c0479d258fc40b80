"""Settings of the gloss metrics; imports nothing but pydantic."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class GlossConfig(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    cleanup: Literal["none", "phoenix"] = Field(
        "none", description="Rewrite the glosses first: as the evaluation of RWTH-PHOENIX does."
    )


class WERConfig(GlossConfig):
    costs: Literal["levenshtein", "sclite"] = Field(
        "levenshtein",
        description="What the alignment minimises: edits, or 4 a substitution and 3 a deletion or insertion, as sclite.",
    )
    merge: bool = Field(False, description="Equal neighbours of the prediction count once.")


class BLEUConfig(GlossConfig):
    level: Literal["sentence", "corpus"] = Field(
        "sentence", description="Mean over sentences (S13), or one score from the counts of all."
    )
    smoothing: Literal["none", "exp", "floor", "add-k", "nltk-1", "nltk-4"] = Field(
        "none",
        description="What an order without a match counts: names of sacreBLEU, or NLTK's methods 1 and 4.",
    )
    effective_order: bool = Field(False, description="Orders longer than the prediction are left out.")


class CHRFConfig(GlossConfig):
    order: int = Field(6, ge=1, le=20, description="Longest run of characters.")
    beta: float = Field(2.0, gt=0, le=10, description="Weight of the recall.")


class ROUGEConfig(GlossConfig):
    beta: float = Field(1.2, gt=0, le=10, description="Weight of the recall.")


class TopConfig(GlossConfig):
    n: tuple[int, ...] = Field((1, 5, 10), description="How many hypotheses are looked at.")
