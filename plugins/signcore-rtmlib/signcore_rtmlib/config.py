"""Settings of the estimators; imports nothing but pydantic."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class WholeBodyConfig(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    model: Path | None = Field(
        None, description="The .onnx file of the pose model; or give it as the estimator's weights."
    )
    detector: Path | None = Field(
        None,
        description="The .onnx file of a YOLOX detector of people; unset: the whole picture is taken for one person.",
    )
    threshold: float = Field(0.3, ge=0, le=1, description="Confidence under which a point counts as missing.")
    channels: Literal["bgr", "rgb"] = Field(
        "bgr",
        description="Order in which the models take colours; rtmlib feeds them as OpenCV reads pictures.",
    )


class RTMWConfig(WholeBodyConfig):
    model: Path | None = Field(
        None,
        description="The .onnx file of RTMW (rtmw-dw-x-l_simcc-cocktail14 and its like); or give it as the estimator's weights.",
    )


class DWPoseConfig(WholeBodyConfig):
    model: Path | None = Field(
        None,
        description="The .onnx file of DWPose (dw-ll_ucoco_384.onnx); or give it as the estimator's weights.",
    )
