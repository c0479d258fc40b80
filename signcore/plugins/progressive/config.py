"""Settings and inputs of Progressive Transformers; imports no torch."""

from __future__ import annotations

from typing import Any, Literal, Self

from pose_format import Pose
from pydantic import BaseModel, ConfigDict, Field, model_validator

SMALL: dict[str, Any] = {}
PAPER: dict[str, Any] = {"hidden": 512, "feedforward": 2048, "learning_rate": 1e-3, "schedule": "constant"}
PRESETS = {"small": SMALL, "paper": PAPER}
ARCHITECTURE = ("points", "hidden", "heads", "feedforward", "layers", "max_length", "just_counter", "future")


def _setting(default: Any, description: str, unit: str | None = None, **bounds: Any) -> Any:
    return Field(
        default, description=description, json_schema_extra={"unit": unit} if unit else None, **bounds
    )


class ProgressiveConfig(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    preset: Literal["small", "paper"] = _setting(
        "small", "defaults of all other settings: small trains on two cores"
    )
    fps: float = _setting(25.0, "rate of the poses; taken from the weights unless set", gt=0, le=240)
    size: int = _setting(
        512, "side of the square picture that the pose is placed in", "pixels", ge=32, le=8192
    )

    points: Literal["compared", "all"] = _setting(
        "compared", "the points that are learned: upper body and hands (51 of OpenPose), or all 137"
    )
    hidden: int = _setting(256, "width of all layers", ge=8, le=2048, multiple_of=4)
    heads: int = _setting(4, "heads of every attention", ge=1, le=32)
    feedforward: int = _setting(1024, "width of the feed-forward layers", ge=8, le=16384)
    layers: int = _setting(2, "depth of encoder and of decoder", ge=1, le=24)
    dropout: float = _setting(0.0, "in all layers", ge=0, lt=1)
    max_length: int = _setting(200, "longest sign and longest text", "frames or symbols", ge=8, le=2000)
    just_counter: bool = _setting(False, "the decoder reads the counter alone, never its own frames")
    future: int = _setting(0, "frames ahead that every step also predicts", ge=0, le=50)

    batch: int = _setting(32, "signs in a step", ge=1, le=4096)
    learning_rate: float = _setting(5e-4, "Adam's step", gt=0, le=1)
    schedule: Literal["cosine", "constant"] = _setting(
        "cosine", "learning rate: a cosine to 1 %, or constant"
    )
    noise_rate: float = _setting(
        5.0, "the decoder's inputs get noise of this many standard deviations of its error so far", ge=0
    )

    @model_validator(mode="before")
    @classmethod
    def _defaults(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        return {**PRESETS.get(values.get("preset", "small"), {}), **values}

    @model_validator(mode="after")
    def _fitting(self) -> Self:
        if self.hidden % self.heads:
            raise ValueError(f"hidden: {self.hidden} is not a multiple of heads, {self.heads}")
        return self

    @property
    def architecture(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ARCHITECTURE}

    def with_architecture(self, settings: dict[str, Any]) -> Self:
        kept = {n: getattr(self, n) for n in self.model_fields_set if n not in ARCHITECTURE}
        return type(self)(**{**{k: v for k, v in settings.items() if k in type(self).model_fields}, **kept})


class ProgressiveInputs(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    notation: str = Field(description="HamNoSys of one sign")
    first_pose: Pose | None = Field(
        None, description="the pose that the sign starts from; its first frame counts"
    )
    length: int | None = Field(
        None,
        ge=1,
        description="frames: the true counter; without it the model's own counter says when to stop",
    )
