"""Settings and inputs that the generators share which move a picture like a driving video; imports no torch."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pose_format import Pose
from pydantic import BaseModel, ConfigDict, Field, field_validator

from signcore.presets import PresetConfig, setting
from signcore.types.image import Image
from signcore.types.video import Video

# what the papers train with, where the small presets differ
PAPER_TRAINING: dict[str, Any] = {
    "learning_rate": 2e-4, "schedule": "milestones", "l1_weight": 0.0, "perceptual_weight": 10.0, "vgg_width": 64,
    "ssim_weight": 0.0, "hand_weight": 0.0, "moving_weight": 0.0, "drawn_weight": 0.0, "colour_jitter": 0.1, "averaging": 0.0,
    "background_from": 0.1, "bridge": 0,
}  # fmt: skip


class AnimationConfig(PresetConfig):
    """What all of them can be told."""

    carried: ClassVar[tuple[str, ...]] = ("size",)

    # frames
    size: int = setting(
        128,
        "side of the frames that are made; taken from the weights unless set",
        "pixels",
        ge=64,
        le=512,
        multiple_of=32,
    )
    fit: Literal["crop", "pad", "person"] = setting(
        "crop",
        "how source and driving frames become square: cut or padded around their middle, or cut around the person that the pose "
        "shows, whatever the camera's framing",
    )
    batch_frames: int | None = setting(
        None,
        "driving frames made at a time; none: 8 (32 on a GPU), or as many as a quarter of the free memory holds",
        "frames",
        ge=1,
        le=256,
    )
    mode: Literal["auto", "reconstruction", "cross"] = setting(
        "auto",
        "reconstruction: source and driving are one person; cross: two persons; auto: one where the source looks like a driving frame",
    )
    motion: Literal["standard", "relative"] = setting(
        "relative",
        "in mode cross: take the driving keypoints as they are, or move the source's as the driving ones move",
    )
    mirror_driving: bool = setting(
        False, "mirror the driving video and its pose, for a left-handed signer and a right-handed source"
    )
    still_background: bool = setting(
        False,
        "in mode cross: keep the source's pixels where neither the source's nor the made person is, by their poses",
    )

    # motion branch (TPSMM)
    transforms: int = setting(10, "thin-plate splines, five keypoints each", ge=1, le=64)
    keypoint_width: int = setting(
        16, "features of the keypoint detector's first layer; ResNet-18 has 64", ge=4, le=128
    )
    motion_width: int = setting(16, "features of the motion hourglass's first block", ge=4, le=128)
    motion_max_width: int = setting(128, "most features in the motion hourglass", ge=8, le=2048)
    background: bool = setting(False, "predict the background's own motion in reconstruction")
    points: str | tuple[str, ...] = setting(
        "pgmm_36", "P13: the driving pose's points, a layout's name or the names of points"
    )

    bridge: int = setting(
        10,
        "a point that the driving pose lost for at most so many frames is put between those around it; longer gaps stay empty",
        "frames",
        ge=0,
        le=1000,
    )

    # training
    batch: int = setting(4, "pairs of frames in a step", "pairs", ge=1, le=1024)
    learning_rate: float = setting(8e-4, "Adam's step", gt=0, le=1)
    schedule: Literal["milestones", "cosine", "constant"] = setting(
        "cosine",
        "learning rate: / 10 at 60 % and at 90 % of the steps (paper), a cosine to 1 % after a short rise, or constant",
    )
    l1_weight: float = setting(10.0, "multi-scale L1 between the result and the driving frame", ge=0)
    perceptual_weight: float = setting(
        0.0,
        "multi-scale difference of VGG-19's features between the result and the driving frame (eq. 7)",
        ge=0,
    )
    vgg: str | None = setting(
        None,
        "the public VGG-19 as .safetensors; none takes fixed random weights, which see edges and textures alone",
    )
    vgg_width: int = setting(16, "features of VGG-19's first layer; the public one has 64", ge=4, le=64)
    ssim_weight: float = setting(5.0, "1 - SSIM between the result and the driving frame", ge=0)
    hand_weight: float = setting(12.0, "extra weight of L1 and SSIM inside the hands' boxes", ge=0)
    moving_weight: float = setting(
        2.0, "extra weight of L1 and SSIM where source and driving frame differ", ge=0
    )
    drawn_weight: float = setting(5.0, "multi-scale L1 of what is drawn, before the blend", ge=0)
    equivariance_weight: float = setting(10.0, "keypoints move with a deformed frame", ge=0)
    warp_weight: float = setting(10.0, "the flow takes the source's features to the driving frame's", ge=0)
    background_weight: float = setting(
        10.0, "background motion there and back is the identity (where `background` is on)", ge=0
    )
    background_from: float = setting(0.0, "part of the steps after which that loss counts", ge=0, lt=1)
    dropout_start: float = setting(0.0, "probability that a spline is dropped, at the first step", ge=0, lt=1)
    dropout_max: float = setting(0.0, "the same, where its rise ends", ge=0, lt=1)
    dropout_rise: float = setting(0.1, "part of the steps in which it rises", gt=0, le=1)
    dropout_until: float = setting(0.35, "part of the steps after which no spline is dropped", ge=0, le=1)
    clip: float = setting(10.0, "largest gradient component of the motion networks; 0 clips nothing", ge=0)
    mirror: bool = setting(True, "mirror half of the pairs")
    colour_jitter: float = setting(
        0.2, "spread of random brightness, contrast and colour mixing, alike on both frames", ge=0, le=1
    )
    frozen: tuple[str, ...] = setting(
        (),
        "parts of the network that keep the weights that training starts from: encoder, sets, pose_net, final, ...; started from "
        "shipped weights, the result holds the other parts alone",
    )
    averaging: float = setting(
        0.998,
        "decay of the running average of the weights, which is what is exported; 0 for none",
        ge=0,
        lt=1,
    )
    held_out: float = setting(
        0.1, "part of the clips kept for evaluation where the dataset names no test split", ge=0, le=0.5
    )
    clip_frames: int | None = setting(
        None, "read at most so many frames of a training clip, evenly spread; none reads all", "frames", ge=2
    )
    nearest_clips: int = setting(
        500,
        "most training clips, evenly spread, that the baseline 'nearest training frame' looks through",
        "clips",
        ge=1,
    )
    evaluate_clips: int = setting(8, "most clips in an evaluation", "clips", ge=1)
    cache: int = setting(2048, "decoded training frames kept in memory", "MiB", ge=0)

    @field_validator("points")
    @classmethod
    def _known_layout(cls, points: str | tuple[str, ...]) -> str | tuple[str, ...]:
        from signcore.types.layouts import LAYOUTS

        if isinstance(points, str) and points not in LAYOUTS:
            raise ValueError(f"{points!r} is no layout; known: {', '.join(LAYOUTS)}")
        return points

    @property
    def needs_pose(self) -> bool:
        """Whether the driving video's pose is an input of the network."""
        return False

    @property
    def by_pose(self) -> bool:
        """Whether the motion is made from poses, of the source too, and not from the driving video's frames."""
        return False

    @property
    def needs_source_pose(self) -> bool:
        return self.by_pose or self.fit == "person" or self.still_background


class AffineConfig(AnimationConfig):
    """Methods whose motion is affine: keypoints with Jacobians (FOMM), regions with principal axes (MRAA)."""

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "small": {},
        "paper": {
            "keypoint_width": 32, "motion_width": 64, "motion_max_width": 1024, "width": 64, "max_width": 512,
            **PAPER_TRAINING, "batch": 20, "warp_weight": 0.0,
        },
    }  # fmt: skip
    shapes: ClassVar[tuple[str, ...]] = (
        "preset", "transforms", "keypoint_width", "motion_width", "motion_max_width", "background", "width", "max_width",
    )  # fmt: skip

    preset: Literal["small", "paper"] = setting(
        "small", "defaults of all other settings: small has PGMM's small widths"
    )
    width: int = setting(16, "features at full size", ge=4, le=128)
    max_width: int = setting(96, "most features of a level", ge=8, le=1024)


class AnimationInputs(BaseModel):
    """What `generate` takes: who is to move, and how."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    source: Image = Field(description="picture of the person who is to move")
    driving: Video | None = Field(description="video whose motion is taken over")
    driving_pose: Pose | None = Field(
        None,
        description="pose of the driving video, frame by frame, in its pixels",
        json_schema_extra={"pose_of": "driving"},
    )
    source_pose: Pose | None = Field(
        None,
        description="pose of the person in the source picture, in its pixels: for motion from poses, and for fit=person",
        json_schema_extra={"pose_of": "source", "unless": "driving", "when": "needs_source_pose"},
    )
