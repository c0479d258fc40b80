"""Settings of the datasets; imports nothing but pydantic."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class VideoFolderConfig(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Path = Field(
        description="A video file, or a folder of them; sub-folders are glosses, or train, validation and test with glosses below."
    )
    start: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="Where each clip begins.",
        json_schema_extra={"unit": "part of its length"},
    )
    stop: float = Field(
        1.0, gt=0, le=1, description="Where each clip ends.", json_schema_extra={"unit": "part of its length"}
    )
    estimator: str | None = Field(
        None,
        description="The estimator for videos without a .pose beside them; its poses are kept in memory.",
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.start >= self.stop:
            raise ValueError(f"start: {self.start:g} is not before stop, {self.stop:g}")
        return self
