"""Settings of word-level sign datasets; imports nothing but pydantic."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

ESTIMATOR = "Makes the pose of a clip that has no .pose beside it; unset: such a clip has none."


class WLASLConfig(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Path = Field(
        description="The folder with WLASL_v0.3.json and videos/ID.mp4, as it is distributed; nslt_N.json beside it is used where it is there."
    )
    glosses: Literal[100, 300, 1000, 2000] = Field(
        100, description="WLASL100, 300, 1000 or 2000: the most frequent glosses."
    )
    trim: bool = Field(
        True, description="Cut a video to its annotated frames where it is longer (the raw downloads are)."
    )
    box: bool = Field(False, description="Crop the frames to the annotated box of the person.")
    estimator: str | None = Field(None, description=ESTIMATOR)


class NMFsCSLConfig(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Path = Field(
        description="The folder with the lists train*.txt and test*.txt, a clip and its label a line, and the clips: folders of images or videos."
    )
    clips: Path | None = Field(
        None,
        description="Where the lists' paths start, if not in the folder itself or in its jpg_video or videos.",
    )
    names: Path | None = Field(
        None,
        description="A .txt or .csv of label and word, a line each; unset: the label's number is the gloss.",
    )
    estimator: str | None = Field(None, description=ESTIMATOR)
