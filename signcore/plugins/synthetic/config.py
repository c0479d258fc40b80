"""Settings and inputs of the synthetic signer's components; imports nothing but pydantic."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class _Picture(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    width: int = Field(
        128, ge=32, le=1024, description="Width of the picture.", json_schema_extra={"unit": "px"}
    )
    height: int = Field(
        128, ge=32, le=1024, description="Height of the picture.", json_schema_extra={"unit": "px"}
    )
    fps: float = Field(25.0, ge=5, le=100, description="Frame rate.", json_schema_extra={"unit": "frames/s"})
    rest: bool = Field(True, description="Begin and end with the hands at rest before the waist.")


class DatasetConfig(_Picture):
    """Clips of random sentences; train and test have no signer in common."""

    split: Literal["train", "test"] = Field(
        "train", description="Which signers: those of training, or held-out ones."
    )
    clips: int = Field(
        64, ge=1, le=1_000_000, description="Number of clips.", json_schema_extra={"unit": "clips"}
    )
    signers: int = Field(
        16, ge=1, le=100_000, description="Number of signers; they take turns over the clips."
    )
    min_glosses: int = Field(
        1, ge=1, le=50, description="Fewest glosses in a clip.", json_schema_extra={"unit": "glosses"}
    )
    max_glosses: int = Field(
        3, ge=1, le=50, description="Most glosses in a clip.", json_schema_extra={"unit": "glosses"}
    )
    vocabulary: int = Field(
        50,
        ge=1,
        le=63,
        description="Use the first so many glosses of the lexicon.",
        json_schema_extra={"unit": "glosses"},
    )
    skip: int = Field(
        0,
        ge=0,
        le=62,
        description="But not the first so many: signs that a training on those has not seen.",
        json_schema_extra={"unit": "glosses"},
    )
    frames: int | None = Field(
        None, ge=1, description="Cut clips to at most so many frames.", json_schema_extra={"unit": "frames"}
    )
    missing: float | None = Field(
        None, ge=0, le=0.9,
        description="Share of frames in which the pose lacks a hand; unset: each signer's own, 0.05 to 0.15.",
    )  # fmt: skip
    cache: bool = Field(True, description="Keep rendered clips in memory.")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min_glosses > self.max_glosses:
            raise ValueError(f"min_glosses: {self.min_glosses} is more than max_glosses, {self.max_glosses}")
        if self.skip >= self.vocabulary:
            raise ValueError(f"skip: {self.skip} leaves nothing of a vocabulary of {self.vocabulary}")
        return self


class SentencesConfig(_Picture):
    """Continuous signing: train and test have no signer in common."""

    clips: int = Field(
        512, ge=0, le=1_000_000, description="Number of train clips.", json_schema_extra={"unit": "clips"}
    )
    test_clips: int = Field(
        64, ge=0, le=1_000_000, description="Number of test clips.", json_schema_extra={"unit": "clips"}
    )
    signers: int = Field(256, ge=1, le=100_000, description="Signers of the split train, who take turns.")
    test_signers: int = Field(32, ge=1, le=100_000, description="Signers of the split test.")
    path: str | None = Field(
        None,
        description="A table of real sentences with a column glosses: theirs are the lengths, and which gloss follows which.",
    )
    min_glosses: int = Field(
        3, ge=1, le=50, description="Fewest glosses in a clip.", json_schema_extra={"unit": "glosses"}
    )
    max_glosses: int = Field(
        8, ge=1, le=50, description="Most glosses in a clip.", json_schema_extra={"unit": "glosses"}
    )
    vocabulary: int = Field(
        50,
        ge=1,
        le=63,
        description="Use the first so many glosses of the lexicon.",
        json_schema_extra={"unit": "glosses"},
    )
    missing: float = Field(
        0.15, ge=0, le=0.9, description="Share of frames in which an estimator loses a hand."
    )
    grids: int = Field(
        0,
        ge=0,
        le=100,
        description="Draw depth and segmentation at every so many frames; 0: those tracks are absent.",
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min_glosses > self.max_glosses:
            raise ValueError(f"min_glosses: {self.min_glosses} is more than max_glosses, {self.max_glosses}")
        return self


class GeneratorConfig(_Picture):
    """Who signs, and how large."""

    signer: int = Field(
        1_000_000,
        ge=0,
        le=2**31,
        description="The signer's seed; from 1000000 on: signers held out from training.",
    )


class GeneratorInputs(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    gloss: str = Field(min_length=1, description='Glosses of the lexicon, e.g. "HOUSE DRINK".')


class RenderedConfig(BaseModel):
    """Notations signed by synthetic signers, as a pose estimator would see them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str | None = Field(
        None,
        description="Notations: a .txt, one a line, or a .csv, .tsv, .json or .jsonl with a column notation or hamnosys; unset: drawn ones.",
    )
    count: int = Field(
        512, ge=2, le=1_000_000, description="How many notations are drawn, or at most taken from the path's.",
        json_schema_extra={"unit": "notations"},
    )  # fmt: skip
    per_string: int = Field(
        2, ge=1, le=1000, description="Samples of every notation, each by another signer.",
        json_schema_extra={"unit": "samples"},
    )  # fmt: skip
    split: Literal["all", "train", "test"] = Field(
        "all", description="Which samples: of one split, or of both."
    )
    test_share: float = Field(
        0.1, ge=0, le=0.9, description="Part of the distinct notations that is held out as the test split."
    )
    signers: int = Field(16, ge=1, le=100_000, description="Signers of the split train.")
    test_signers: int = Field(
        4, ge=1, le=100_000, description="Signers of the split test, none of whom signs in train."
    )
    seed: int = Field(
        0, ge=0, le=2**31, description="Draws the notations, the split, the signers and what is missing."
    )
    left_handed: bool = Field(
        False, description="Signers who are left-handed sign so, mirrored; else everybody signs right-handed."
    )
    noise: float = Field(
        0.004, ge=0, le=0.2, description="Standard deviation of every found point.",
        json_schema_extra={"unit": "shoulder widths"},
    )  # fmt: skip
    missing: float = Field(
        0.06,
        ge=0,
        le=0.9,
        description="Share of frames that lose a hand; half as often a finger is lost, and as often one is found badly.",
    )
    layout: Literal["openpose_137", "holistic", "coco_wholebody_133", "pgmm_36"] = Field(
        "openpose_137", description="Layout of the poses."
    )
    fps: float = Field(25.0, ge=5, le=100, description="Frame rate.", json_schema_extra={"unit": "frames/s"})
    width: int = Field(
        400, ge=32, le=4096, description="Width of the picture.", json_schema_extra={"unit": "px"}
    )
    height: int = Field(
        400, ge=32, le=4096, description="Height of the picture.", json_schema_extra={"unit": "px"}
    )
    cache: bool = Field(False, description="Keep poses in memory.")


class HamnosysConfig(BaseModel):
    """Who signs the notation, how fast, and how it is seen."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    signer: int = Field(
        1_000_000,
        ge=0,
        le=2**31,
        description="The signer's seed; from 1000000 on: signers held out from training.",
    )
    speed: float = Field(1.0, ge=0.1, le=5, description="By what the signer's own tempo is multiplied.")
    left_handed: bool = Field(False, description="The signer is left-handed: signs mirrored.")
    rest: bool = Field(True, description="Begin and end with the hands at rest before the waist.")
    fps: float = Field(25.0, ge=5, le=100, description="Frame rate.", json_schema_extra={"unit": "frames/s"})
    layout: Literal["openpose_137", "holistic", "coco_wholebody_133", "pgmm_36"] = Field(
        "openpose_137", description="Layout of the pose."
    )
    turn: float = Field(
        0.0, ge=-75, le=75, description="The signer's turn to the camera; 0 is frontal.",
        json_schema_extra={"unit": "degrees"},
    )  # fmt: skip
    width: int = Field(
        320, ge=32, le=2048, description="Width of the picture.", json_schema_extra={"unit": "px"}
    )
    height: int = Field(
        320, ge=32, le=2048, description="Height of the picture.", json_schema_extra={"unit": "px"}
    )


class HamnosysInputs(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    notation: str = Field(
        description="HamNoSys; several signs, one a line, are signed without rest in between."
    )
