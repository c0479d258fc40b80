"""Ham2Pose's settings and inputs; imports no torch."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, Self

from pose_format import Pose
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from signcore.presets import PresetConfig, setting
from signcore.types import layouts

SMALL: dict[str, Any] = {}  # the defaults below
PAPER: dict[str, Any] = {
    "feedforward": 2048,
    "points": "all",
    "dropout": 0.1,
    "batch": 64,
    "learning_rate": 1e-3,
    "schedule": "constant",
    "averaging": 0.0,
    "clip_gradient": 0.0,
    "norm_first": False,
    "steps": 10,
    "teacher_forcing": 0.5,
    "length_weight": 2e-5,
    "confidence_loss": True,
    "progress_waves": 0,
    "even_steps": False,
    "hand_weight": 0.0,
}
UPSTREAM: dict[str, Any] = {
    **PAPER,
    "pose_projection_layers": 1,
    "step_sizes": "upstream",
    "padded_means": True,
    "skip_last_step": True,
    "preprocessing": "upstream",
}
ARCHITECTURE = (
    "layout", "points", "hidden", "heads", "feedforward", "text_layers", "pose_layers", "pose_projection_layers",
    "separate_positions", "progress_waves", "max_length", "min_length", "norm_first", "steps", "step_sizes", "blend", "skip_last_step", "padded_means",
    "preprocessing",
)  # fmt: skip


class Ham2PoseConfig(PresetConfig):
    """A preset names the defaults; every other setting overrides it. `upstream` follows the public code where it differs
    from the paper: one projection layer, means over padding, the last refinement left out."""

    presets: ClassVar[dict[str, dict[str, Any]]] = {"small": SMALL, "paper": PAPER, "upstream": UPSTREAM}
    shapes: ClassVar[tuple[str, ...]] = ARCHITECTURE
    carried: ClassVar[tuple[str, ...]] = ("fps",)

    preset: Literal["small", "paper", "upstream"] = setting(
        "small",
        "defaults of all other settings: small trains on two cores; paper; upstream is the public code's reading",
    )

    # what is made
    true_length: bool = setting(
        False,
        "in an evaluation: signs as long as the truth, which Progressive Transformers is told too, not as predicted",
    )
    fps: float = setting(25.0, "rate of the poses; taken from the weights unless set", gt=0, le=240)
    size: int = setting(
        512, "side of the square picture that the pose is placed in", "pixels", ge=32, le=8192
    )
    transition: float = setting(
        0.32, "between two signs of one text: how long the hands take from one to the next", "s", ge=0, le=5
    )
    intermediate: bool = setting(
        False, "keep the pose after every refinement; the report shows them as a strip"
    )

    # the poses
    layout: str | None = setting(
        None, "layout of the poses: openpose_137, holistic, ...; none takes that of the dataset's first pose"
    )
    points: Literal["compared", "all"] = setting(
        "compared", "the points that are learned: upper body and hands (51 of OpenPose), or all of the layout"
    )
    preprocessing: Literal["paper", "upstream"] = setting(
        "paper", "order and thresholds of trimming, hiding and normalising"
    )

    # the network (section 5, appendix C)
    hidden: int = setting(128, "width D of all embeddings", ge=8, le=2048, multiple_of=2)
    heads: int = setting(2, "heads of every attention", ge=1, le=32)
    feedforward: int = setting(512, "width of the feed-forward layers", ge=8, le=16384)
    text_layers: int = setting(2, "depth of the text encoder", ge=1, le=24)
    pose_layers: int = setting(4, "depth of the text-pose encoder", ge=1, le=24)
    pose_projection_layers: Literal[1, 2] = setting(2, "H1: layers that embed a frame's points")
    separate_positions: bool = setting(True, "tables of positions of their own for text and pose")
    progress_waves: int = setting(
        16,
        "waves (sines and cosines) that tell every frame its share of the sign's length, beside its place; 0, as the paper, for none",
        ge=0,
        le=256,
    )
    max_length: int = setting(200, "longest sign and longest text", "frames or symbols", ge=8, le=2000)
    min_length: int = setting(20, "shortest sign that the length predictor may ask for", "frames", ge=1)
    norm_first: bool = setting(
        True,
        "normalise before attention and feed-forward, which learns faster; the paper's layers normalise after",
    )
    dropout: float = setting(0.0, "in the encoders", ge=0, lt=1)

    # the refinement (5.3)
    steps: int = setting(5, "T: refinements", ge=1, le=1000)
    step_sizes: Literal["paper", "upstream"] = setting("paper", "H2: the second step's size: 0.301 or 0.201")
    blend: bool = setting(True, "eq. 1: blend the prediction with the pose; false adds it (Fig. 5)")
    skip_last_step: bool = setting(False, "H3: leave the last refinement out at inference")
    padded_means: bool = setting(False, "H7, H9: means over padded tokens and frames too")

    # training (5.4, 6)
    batch: int = setting(16, "signs in a step", ge=1, le=4096)
    learning_rate: float = setting(1e-3, "Adam's step", gt=0, le=1)
    schedule: Literal["cosine", "constant"] = setting(
        "cosine", "learning rate: a cosine to 1 % after a short rise, or constant (paper)"
    )
    teacher_forcing: float = setting(
        0.0,
        "p: how often the truth's blend is the next step's input; it shows the truth, and delays reading the notation",
        ge=0,
        le=1,
    )
    noise: float = setting(1e-4, "epsilon: of the noise added to a step's input", ge=0)
    length_weight: float = setting(1e-3, "gamma: weight of the length predictor's loss", ge=0)
    even_steps: bool = setting(
        True,
        "divide every refinement's error by its delta squared, so that the first counts as much as the last; false as the paper",
    )
    hand_weight: float = setting(
        3.0,
        "weight of the handshapes' errors: of a hand's points relative to its wrist; 0 as the paper",
        ge=0,
    )
    confidence_loss: bool = setting(True, "weight a point's error by its confidence (eq. 3)")
    averaging: float = setting(0.999, "decay of the running average of the weights; 0 for none", ge=0, lt=1)
    clip_gradient: float = setting(1.0, "largest norm of the gradients; 0 for no limit", ge=0)
    leave_out: str | None = setting(
        None, "a language that is not trained on; the evaluation is then of this one alone (Table 3)"
    )

    @field_validator("layout")
    @classmethod
    def _layout(cls, value: str | None) -> str | None:
        if value is not None and value not in layouts.LAYOUTS:
            raise ValueError(f"expected one of {', '.join(layouts.LAYOUTS)}")
        return value

    @model_validator(mode="after")
    def _fitting(self) -> Self:
        if self.hidden % self.heads:
            raise ValueError(f"hidden: {self.hidden} is not a multiple of heads, {self.heads}")
        if self.min_length > self.max_length:
            raise ValueError(f"min_length: {self.min_length} is above max_length, {self.max_length}")
        return self


class Ham2PoseInputs(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    notation: str = Field(
        description="HamNoSys; several signs, parted by spaces or lines, become one continuous pose without resting between them"
    )
    first_pose: Pose | None = Field(
        None, description="the signer's pose that the sign starts from; its first frame counts"
    )
    length: int | None = Field(
        None, ge=1, le=1000, description="frames of one sign; without it as many as predicted"
    )


class RestingConfig(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    preset: Literal["small", "paper", "upstream"] = Field(
        "small", description="whose length predictor says how long the sign is"
    )
    pose: Literal["first", "mean"] = Field(
        "first",
        description="what is held: the first pose that is given, or the mean first pose of the training signs",
    )


class RecalledConfig(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: str = Field("hamnosys-rendered", description="the dataset whose training poses are taken")
    dataset_settings: dict[str, Any] = Field({}, description="its settings")
