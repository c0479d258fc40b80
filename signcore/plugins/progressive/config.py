"""Settings and inputs of Progressive Transformers; imports no torch."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, Self

from pose_format import Pose
from pydantic import BaseModel, ConfigDict, Field, model_validator

from signcore.presets import PresetConfig, setting

SMALL: dict[str, Any] = {}
PAPER: dict[str, Any] = {"hidden": 512, "feedforward": 2048, "learning_rate": 1e-3, "schedule": "constant"}
ARCHITECTURE = ("points", "hidden", "heads", "feedforward", "layers", "max_length", "just_counter", "future")


class ProgressiveConfig(PresetConfig):
    presets: ClassVar[dict[str, dict[str, Any]]] = {"small": SMALL, "paper": PAPER}
    shapes: ClassVar[tuple[str, ...]] = ARCHITECTURE
    carried: ClassVar[tuple[str, ...]] = ("fps",)

    preset: Literal["small", "paper"] = setting(
        "small", "defaults of all other settings: small trains on two cores"
    )
    fps: float = setting(25.0, "rate of the poses; taken from the weights unless set", gt=0, le=240)
    size: int = setting(
        512, "side of the square picture that the pose is placed in", "pixels", ge=32, le=8192
    )

    points: Literal["compared", "all"] = setting(
        "compared", "the points that are learned: upper body and hands (51 of OpenPose), or all 137"
    )
    hidden: int = setting(256, "width of all layers", ge=8, le=2048, multiple_of=4)
    heads: int = setting(4, "heads of every attention", ge=1, le=32)
    feedforward: int = setting(1024, "width of the feed-forward layers", ge=8, le=16384)
    layers: int = setting(2, "depth of encoder and of decoder", ge=1, le=24)
    dropout: float = setting(0.0, "in all layers", ge=0, lt=1)
    max_length: int = setting(200, "longest sign and longest text", "frames or symbols", ge=8, le=2000)
    just_counter: bool = setting(False, "the decoder reads the counter alone, never its own frames")
    future: int = setting(0, "frames ahead that every step also predicts", ge=0, le=50)

    batch: int = setting(32, "signs in a step", ge=1, le=4096)
    learning_rate: float = setting(5e-4, "Adam's step", gt=0, le=1)
    schedule: Literal["cosine", "constant"] = setting("cosine", "learning rate: a cosine to 1 %, or constant")
    noise_rate: float = setting(
        5.0, "the decoder's inputs get noise of this many standard deviations of its error so far", ge=0
    )

    @model_validator(mode="after")
    def _fitting(self) -> Self:
        if self.hidden % self.heads:
            raise ValueError(f"hidden: {self.hidden} is not a multiple of heads, {self.heads}")
        return self


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
