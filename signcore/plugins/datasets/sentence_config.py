"""Settings of the corpora of signed sentences, and of AUTSL; imports nothing but pydantic."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class _Corpus(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Path = Field(description="The corpus's folder, as it is distributed.")
    poses: Path | None = Field(
        None,
        description="A folder with NAME.pose of each clip; unset: those beside the videos, if there are any.",
    )
    estimator: str | None = Field(
        None, description="Makes the pose of a clip that has no such file; unset: it has none."
    )


class ASLLRPConfig(_Corpus):
    table: Path | None = Field(
        None, description="The table of signs; unset: the folder's one asllrp_sentence_signs_*.csv."
    )
    label: Literal["Main entry gloss label", "Entry/variant gloss label", "Occurrence label"] = Field(
        "Main entry gloss label", description="The table's column that holds the glosses."
    )
    test_share: float = Field(
        0.05,
        ge=0,
        lt=1,
        description="Part of the utterances, spread by their names' hash, that is the split test.",
    )


class AUTSLConfig(_Corpus):
    fps: float = Field(30.0, gt=0, description="Rate of the videos.", json_schema_extra={"unit": "frames/s"})
    language: Literal["tr", "en", "number"] = Field(
        "tr", description="Glosses in Turkish, English, or as numbers."
    )


class PhoenixConfig(_Corpus):
    frames: str = Field(
        "features/fullFrame-210x260px",
        description="Folder of the frames, SPLIT/NAME/*.png below, from `path`.",
    )
    fps: float = Field(25.0, gt=0, description="Rate of the frames.", json_schema_extra={"unit": "frames/s"})


class CSLDailyConfig(_Corpus):
    frames: str = Field(
        "sentence/frames_512x512", description="Folder of the frames, NAME/*.jpg below, from `path`."
    )
    split_file: str = Field("split_1.txt", description="The table of splits, from `path` or sentence_label/.")
    fps: float = Field(30.0, gt=0, description="Rate of the frames.", json_schema_extra={"unit": "frames/s"})
