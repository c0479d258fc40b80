from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class OpenPoseConfig(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: Path | None = Field(
        None,
        description="The folder of NAME_000000000012_keypoints.json files; unset: a folder called like the video, beside it.",
    )
    first: int = Field(0, ge=0, description="The number that the video's first frame has in the file names.")
