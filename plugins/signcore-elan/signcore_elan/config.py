"""Settings of the dataset; imports nothing but pydantic."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class ElanConfig(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Path = Field(
        description="An .eaf file; a folder of them, whose sub-folders may be train, validation and test; or a table with a column eaf, and any of video, signer, language, split."
    )
    tiers: tuple[str, ...] = Field(
        ("*gloss*",),
        description="Tiers that hold the glosses; * and ? stand for other letters, capitals do not count.",
    )
    samples: Literal["annotations", "sentences", "recordings"] = Field(
        "annotations",
        description="What a sample is: one annotation of the tiers; one of the tier `sentences`, with the glosses that lie in it; or a whole recording with all its glosses.",
    )
    sentences: str | None = Field(
        None, description="The tier of sentences, a translation say, for samples=sentences."
    )
    media: Path | None = Field(
        None, description="The folder of the videos, where they are not where the .eaf says nor beside it."
    )
    camera: int = Field(0, ge=0, le=99, description="Which of the linked videos; 0 is the first.")
    margin: float = Field(
        0.0,
        ge=0,
        le=10,
        description="How much of the video before and after a sample belongs to it.",
        json_schema_extra={"unit": "s"},
    )
    language: str | None = Field(None, description="The sign language, where the table does not say.")
    held_out: tuple[str, ...] = Field(
        (), description="Signers (participants) whose samples are the split test; all others train."
    )

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if not self.tiers:
            raise ValueError("tiers: none is named")
        if (self.samples == "sentences") != (self.sentences is not None):
            raise ValueError("sentences: name a tier with samples=sentences, and only then")
        return self
