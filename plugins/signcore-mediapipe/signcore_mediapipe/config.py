"""Settings of the estimators; imports no mediapipe."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class MediaPipeConfig(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    complexity: int = Field(
        1,
        ge=0,
        le=1,
        description="Model of the body: 0 the light one, 1 the full one; both are in the wheel.",
    )
    detection: float = Field(0.5, ge=0, le=1, description="Confidence from which a person counts as found.")
    tracking: float = Field(
        0.5, ge=0, le=1, description="Confidence below which a person is looked for anew."
    )
    smooth: bool = Field(True, description="Smooth points over time.")
    face: bool = Field(True, description="Estimate the 468 points of the face.")
    enlarge: int = Field(
        256,
        ge=0,
        le=2048,
        description="Frames with a shorter side below this are scaled up to it: hands are not found in small pictures.",
        json_schema_extra={"unit": "px"},
    )


class MediaPipeTasksConfig(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    model: Path | None = Field(
        None,
        description="A holistic_landmarker.task, for body, face and hands; or give it as the estimator's weights.",
    )
    pose: Path | None = Field(
        None, description="Instead of `model`: a pose_landmarker.task, lite, full or heavy."
    )
    hands: Path | None = Field(None, description="Beside `pose`: a hand_landmarker.task; unset: no hands.")
    face: Path | None = Field(None, description="Beside `pose`: a face_landmarker.task; unset: no face.")
    detection: float = Field(0.5, ge=0, le=1, description="Confidence from which a person counts as found.")
    tracking: float = Field(
        0.5, ge=0, le=1, description="Confidence below which a person is looked for anew."
    )
    enlarge: int = Field(
        256,
        ge=0,
        le=2048,
        description="Frames with a shorter side below this are scaled up to it: hands are not found in small pictures.",
        json_schema_extra={"unit": "px"},
    )
