"""Settings of the video metrics; imports no torch."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class TCDConfig(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    threshold: float = Field(
        0.5,
        ge=0,
        le=3,
        description="A pixel counts where its difference is above this; the paper's 0.5.",
        json_schema_extra={"unit": "of the range 0..1"},
    )
    calibrated: float = Field(
        0.0375,
        ge=0,
        le=3,
        description="A second threshold, reported beside it: at 0.5 real clips hardly differ.",
        json_schema_extra={"unit": "of the range 0..1"},
    )
    channel_reduce: Literal["mean", "max", "sum"] = Field(
        "mean", description="How a pixel's channels become one difference."
    )
