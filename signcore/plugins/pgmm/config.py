"""PGMM's settings and inputs; imports no torch."""

from __future__ import annotations

from typing import Any, Literal, Self

from pose_format import Pose
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from signcore.types.image import Image
from signcore.types.video import Video

SMALL: dict[str, Any] = {}  # the defaults below
PAPER: dict[str, Any] = {
    "transforms": 20,
    "keypoint_width": 64,
    "motion_width": 64,
    "motion_max_width": 1024,
    "mask_width": None,
    "width": 64,
    "max_width": 512,
    "pose_fusion": "attention",
    "pfm_levels": (0, 1, 2),
    "pfm_width": None,
    "posenet": "deepest",
    "heatmap_sigma": 0.03125,
    "background": True,
    "blend": "none",
    "colours": False,
    "learning_rate": 2e-4,
    "schedule": "milestones",
    "batch": 28,
    "ssim_weight": 0.0,
    "hand_weight": 0.0,
    "moving_weight": 0.0,
    "drawn_weight": 0.0,
    "colour_jitter": 0.1,
    "averaging": 0.0,
    "dropout_start": 0.1,
    "dropout_max": 0.3,
}
PRESETS: dict[str, dict[str, Any]] = {"small": SMALL, "paper": PAPER}


def _setting(default: Any, description: str, unit: str | None = None, **bounds: Any) -> Any:
    return Field(
        default, description=description, json_schema_extra={"unit": unit} if unit else None, **bounds
    )


class PGMMConfig(BaseModel):
    """A preset names the defaults; every other setting overrides it. P1 to P19: readings of the paper where its
    text leaves something open; the preset `paper` takes the settled ones."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    preset: Literal["small", "paper"] = _setting(
        "small", "defaults of all other settings: small runs and trains on two cores"
    )

    # frames
    size: int = _setting(
        128,
        "side of the frames that are made; taken from the weights unless set",
        "pixels",
        ge=64,
        le=512,
        multiple_of=32,
    )
    fit: Literal["crop", "pad"] = _setting(
        "crop", "how source and driving frames of another aspect become square"
    )
    batch_frames: int = _setting(8, "driving frames made at a time", "frames", ge=1, le=256)
    mode: Literal["auto", "reconstruction", "cross"] = _setting(
        "auto",
        "reconstruction: source and driving are one person; cross: two persons; auto: one where the source looks like a driving frame",
    )
    motion: Literal["standard", "relative"] = _setting(
        "relative",
        "in mode cross: take the driving keypoints as they are, or move the source's as the driving ones move",
    )

    # motion branch (TPSMM)
    transforms: int = _setting(10, "thin-plate splines, five keypoints each", ge=1, le=64)
    keypoint_width: int = _setting(
        16, "features of the keypoint detector's first layer; ResNet-18 has 64", ge=4, le=128
    )
    motion_width: int = _setting(16, "features of the motion hourglass's first block", ge=4, le=128)
    motion_max_width: int = _setting(128, "most features in the motion hourglass", ge=8, le=2048)
    mask_width: int | None = _setting(
        32, "most features on the way to the finer masks; none halves them as TPSMM does", ge=1, le=512
    )
    background: bool = _setting(False, "predict the background's own motion in reconstruction")
    per_level_flow: bool = _setting(False, "P2: a Conv-Flow of its own at every level, not one flow resized")

    # encoder and generator
    width: int = _setting(16, "features at full size", ge=4, le=128)
    max_width: int = _setting(96, "most features of a level", ge=8, le=1024)
    res_blocks: int = _setting(2, "ResBlocks of each convolution module", ge=1, le=8)
    warped: Literal["skip", "decoder"] = _setting(
        "skip", "P4: what the coarse motion module warps beside the decoder's features"
    )
    blend: Literal["none", "pixels", "tpsmm"] = _setting(
        "pixels",
        "P19: what is drawn is the result; or the warped source shows through where the mask says that it is visible; "
        "or that, and the warped features of full size too, as in TPSMM",
    )
    colours: bool = _setting(
        True,
        "give what is drawn the source's mean and spread of colours, which the instance normalisations lose",
    )

    # pose branch
    pose_fusion: Literal["attention", "add", "both", "none"] = _setting(
        "both", "the pose fusion module, added pose features (the ablation '+pose'), both, or no pose (TPSMM)"
    )
    pfm_levels: tuple[int, ...] = _setting(
        (0, 1), "levels with a pose fusion module, 0 the coarsest of three", min_length=0, max_length=3
    )
    pfm_width: int | None = _setting(64, "P7: features of the attention; none takes those of the level")
    pfm_position: bool = _setting(False, "P9: add sine positions to queries and keys")
    posenet: Literal["deepest", "finest"] = _setting(
        "finest",
        "P6: the level that the heatmaps enter at; the others are made from it by up- or down-sampling",
    )
    heatmap_sigma: float = _setting(
        0.02, "spread of a keypoint's heatmap, as a part of the frame's side", gt=0, le=0.5
    )
    points: tuple[str, ...] | None = _setting(
        None, "P13: names of the driving pose's points; none takes the 36 of layout pgmm_36"
    )

    # training
    batch: int = _setting(4, "pairs of frames in a step", "pairs", ge=1, le=1024)
    learning_rate: float = _setting(8e-4, "Adam's step", gt=0, le=1)
    schedule: Literal["milestones", "cosine", "constant"] = _setting(
        "cosine",
        "learning rate: / 10 at 60 % and at 90 % of the steps (paper), a cosine to 1 % after a short rise, or constant",
    )
    l1_weight: float = _setting(10.0, "multi-scale L1 between the result and the driving frame", ge=0)
    ssim_weight: float = _setting(5.0, "1 - SSIM between the result and the driving frame", ge=0)
    hand_weight: float = _setting(12.0, "extra weight of L1 and SSIM inside the hands' boxes", ge=0)
    moving_weight: float = _setting(
        2.0, "extra weight of L1 and SSIM where source and driving frame differ", ge=0
    )
    drawn_weight: float = _setting(5.0, "multi-scale L1 of what is drawn, before the blend", ge=0)
    equivariance_weight: float = _setting(10.0, "keypoints move with a deformed frame", ge=0)
    warp_weight: float = _setting(10.0, "the flow takes the source's features to the driving frame's", ge=0)
    background_weight: float = _setting(
        10.0, "background motion there and back is the identity (where `background` is on)", ge=0
    )
    dropout_start: float = _setting(
        0.0, "probability that a spline is dropped, at the first step", ge=0, lt=1
    )
    dropout_max: float = _setting(0.0, "the same, where its rise ends", ge=0, lt=1)
    dropout_rise: float = _setting(0.1, "part of the steps in which it rises", gt=0, le=1)
    dropout_until: float = _setting(0.35, "part of the steps after which no spline is dropped", ge=0, le=1)
    clip: float = _setting(10.0, "largest gradient component of the motion networks; 0 clips nothing", ge=0)
    mirror: bool = _setting(True, "mirror half of the pairs")
    colour_jitter: float = _setting(
        0.2, "spread of random brightness, contrast and colour mixing, alike on both frames", ge=0, le=1
    )
    averaging: float = _setting(
        0.998,
        "decay of the running average of the weights, which is what is exported; 0 for none",
        ge=0,
        lt=1,
    )
    held_out: float = _setting(
        0.1, "part of the clips kept for evaluation where the dataset names no test split", ge=0, le=0.5
    )
    clip_frames: int | None = _setting(
        None, "read at most so many frames of a training clip, evenly spread; none reads all", "frames", ge=2
    )
    nearest_clips: int = _setting(
        500,
        "most training clips, evenly spread, that the baseline 'nearest training frame' looks through",
        "clips",
        ge=1,
    )
    evaluate_clips: int = _setting(8, "most clips in an evaluation", "clips", ge=1)
    cache: int = _setting(2048, "decoded training frames kept in memory", "MiB", ge=0)

    @model_validator(mode="before")
    @classmethod
    def _preset_first(cls, values: Any) -> Any:
        if isinstance(values, dict):
            return {**PRESETS.get(str(values.get("preset", "small")), {}), **values}
        return values

    @field_validator("pfm_levels")
    @classmethod
    def _known_levels(cls, levels: tuple[int, ...]) -> tuple[int, ...]:
        if any(level not in (0, 1, 2) for level in levels):
            raise ValueError("levels are 0, 1 and 2")
        return tuple(sorted(set(levels)))

    @property
    def architecture(self) -> dict[str, Any]:
        """The settings that the weights' shapes and meaning depend on."""
        return {name: getattr(self, name) for name in ARCHITECTURE}

    def with_architecture(self, trained: dict[str, Any]) -> Self:
        """These settings on the network that weights were trained as, `trained` by name.

        A setting that differs from the preset's default was chosen by the user and stays; weights that do not fit it
        are refused when they are loaded. Raises ValidationError where `trained` holds what no network has.
        """
        default = type(self)(preset=self.preset)
        known = {k: v for k, v in trained.items() if k in (*ARCHITECTURE, "size")}
        chosen = {k: v for k, v in self.model_dump().items() if v != getattr(default, k) or k not in known}
        return type(self).model_validate({**known, **chosen})


ARCHITECTURE = [
    "preset",
    "transforms",
    "keypoint_width",
    "motion_width",
    "motion_max_width",
    "mask_width",
    "background",
    "per_level_flow",
    "width",
    "max_width",
    "res_blocks",
    "warped",
    "blend",
    "colours",
    "pose_fusion",
    "pfm_levels",
    "pfm_width",
    "pfm_position",
    "posenet",
    "heatmap_sigma",
    "points",
]


class PGMMInputs(BaseModel):
    """What `generate` takes: who is to move, and how."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    source: Image = Field(description="picture of the person who is to move")
    driving: Video = Field(description="video whose motion is taken over")
    driving_pose: Pose | None = Field(
        None,
        description="pose of the driving video, frame by frame, in its pixels",
        json_schema_extra={"pose_of": "driving"},
    )
