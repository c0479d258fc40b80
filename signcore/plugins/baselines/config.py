"""Settings and inputs of the trivial generators; imports no torch."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from signcore.types.image import Image
from signcore.types.video import Video


class StillConfig(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    size: int = Field(
        128, ge=16, le=1024, description="Side of the square frames.", json_schema_extra={"unit": "px"}
    )
    fit: Literal["crop", "pad"] = Field("crop", description="How frames of another aspect become square.")


class StillInputs(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    source: Image = Field(description="The picture that is held.")
    driving: Video = Field(description="The video whose length and rate are taken.")


class NearestConfig(StillConfig):
    dataset: str = Field("synthetic", description="The dataset whose frames are looked through.")
    dataset_settings: dict[str, Any] = Field({}, description="Its settings.")
    clips: int = Field(16, ge=1, description="How many of its clips.", json_schema_extra={"unit": "clips"})


class NearestInputs(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    driving: Video = Field(description="The video whose frames are looked for.")
