"""Settings of the nearest neighbours; imports no torch."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class NeighboursConfig(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    gallery: str = Field(
        "synthetic-sentences",
        description="The dataset whose clips of one gloss are the examples that a clip is compared with.",
    )
    gallery_settings: dict[str, Any] = Field(
        {"clips": 400, "min_glosses": 1, "max_glosses": 1},
        description='Its settings, `--set gallery_settings={"path": "signs.npz"}`.',
    )
    neighbours: int = Field(3, ge=1, le=1000, description="How many examples of a gloss speak for it.")
    frames: int = Field(
        32, ge=4, le=512, description="What every clip is brought to.", json_schema_extra={"unit": "frames"}
    )
    speed: float = Field(12.0, ge=0, le=1000, description="Weight of a speed (units a frame) beside a place.")
    depth: float = Field(
        0.5, ge=0, le=10, description="Weight of the third coordinate, which cameras measure worst."
    )
    fingers: float = Field(1.0, ge=0, le=100, description="Weight of the finger tips' places on the hand.")
    mirror: bool = Field(True, description="Compare the mirrored clip too, and take the lesser distance.")
    segments: bool = Field(
        False, description="Look for several signs in a clip: it is cut where the hands are slowest."
    )
    hypotheses: int = Field(10, ge=1, le=1000, description="How many are given, best first.")
