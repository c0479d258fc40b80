"""Settings of the pose metrics; imports nothing but pydantic."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class PointsConfig(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    points: Literal["compared", "all", "arms", "hands"] = Field(
        "compared",
        description="Which points: upper body and hands (Ham2Pose's 51), all of OpenPose's 137 (legs count as missing), arms alone, hands alone.",
    )
    preset: Literal["paper", "upstream"] = Field(
        "paper",
        description="How poses are trimmed and normalised: as Ham2Pose writes, or as its public code does it (with the least coordinates at zero).",
    )


class FrameConfig(PointsConfig):
    missing: Literal["zero", "skip"] = Field(
        "zero",
        description="A point missing in the prediction alone is at zero, and the shorter pose goes on with zeros; or only points and frames that both have count.",
    )


class WarpConfig(PointsConfig):
    method: Literal["exact", "fastdtw"] = Field(
        "exact", description="Exact warping, or FastDTW as the paper uses it."
    )
    radius: int = Field(1, ge=0, le=1000, description="Of FastDTW.", json_schema_extra={"unit": "frames"})
    variant: Literal["python", "compiled"] = Field(
        "python", description="Which of the two builds of PyPI's fastdtw FastDTW agrees with."
    )


class PCKConfig(PointsConfig):
    threshold: float = Field(
        0.2, gt=0, description="How near a point must be.", json_schema_extra={"unit": "shoulder widths"}
    )


class MotionConfig(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    mirror: bool = Field(
        True, description="A sign done with the other hand, or filmed in a mirror, is the same sign."
    )
