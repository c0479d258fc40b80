"""Settings and inputs of the generator; imports nothing but pydantic."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class SpokenToSignedConfig(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    lexicon: Path | None = Field(
        None,
        description="A folder of poses with their index.csv, as spoken-to-signed's download_lexicon makes; unset: everything is fingerspelled.",
    )
    glosser: Literal["simple", "spacylemma", "rules"] = Field(
        "simple",
        description="Text to glosses: lemmas in the text's order; spaCy's lemmas; or rules (German and French) on spaCy's parse, with its models installed.",
    )
    fingerspelling: bool = Field(True, description="Spell words that the lexicon lacks, letter by letter.")
    missing: Literal["refuse", "skip"] = Field(
        "refuse", description="What to do with a word that can be neither signed nor spelled."
    )


class SpokenToSignedInputs(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    gloss: str | None = Field(None, description="glosses instead of a text, parted by blanks")
    text: str | None = Field(
        None,
        description="a sentence, or several, of the spoken language",
        json_schema_extra={"unless": "gloss"},
    )
    spoken_language: str = Field("en", description="language of the text and the lexicon's words, as de")
    signed_language: str = Field("ase", description="sign language, by its ISO 639-3 code, as sgg")
