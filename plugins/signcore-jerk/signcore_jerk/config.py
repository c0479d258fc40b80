"""Settings of the metric; imports nothing but pydantic."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class JerkConfig(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    points: Literal["compared", "arms", "hands"] = Field(
        "compared", description="Which points: upper body and hands, arms alone, hands alone."
    )
    still: float = Field(
        1.0,
        gt=0,
        le=1e6,
        description="Root mean square jerk under which a pose counts as still: its own noise is not compared.",
        json_schema_extra={"unit": "shoulder widths / s^3"},
    )
