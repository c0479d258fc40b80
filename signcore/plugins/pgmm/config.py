"""PGMM's settings and inputs; imports no torch."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator

from signcore.animation.config import PAPER_TRAINING, AnimationConfig, AnimationInputs
from signcore.presets import setting
from signcore.types.video import Video

SMALL: dict[str, Any] = {"points": "pgmm_56", "bones": True}
POSE: dict[str, Any] = {**SMALL, "motion": "pose"}
PAPER: dict[str, Any] = {
    **PAPER_TRAINING,
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
    "batch": 28,
    "align_weight": 1.0,
    "dropout_start": 0.1,
    "dropout_max": 0.3,
}
ARCHITECTURE = (
    "preset",
    "motion",
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
    "bones",
)


class PGMMConfig(AnimationConfig):
    """A preset names the defaults; every other setting overrides it. P1 to P19: readings of the paper where its
    text leaves something open; the preset `paper` takes the settled ones."""

    presets: ClassVar[dict[str, dict[str, Any]]] = {"small": SMALL, "pose": POSE, "paper": PAPER}
    shapes: ClassVar[tuple[str, ...]] = ARCHITECTURE

    preset: Literal["small", "pose", "paper"] = setting(
        "small",
        "defaults of all other settings: small runs and trains on two cores; pose is small with motion from poses alone",
    )

    # motion branch (TPSMM)
    motion: Literal["standard", "relative", "pose"] = setting(  # type: ignore[assignment]
        "relative",
        "in mode cross: take the driving keypoints as they are, or move the source's as the driving ones move; "
        "pose: in all modes the splines' control points come from the poses of source and driving, not from frames",
    )
    mask_width: int | None = setting(
        32, "most features on the way to the finer masks; none halves them as TPSMM does", ge=1, le=512
    )
    per_level_flow: bool = setting(False, "P2: a Conv-Flow of its own at every level, not one flow resized")

    # encoder and generator
    width: int = setting(16, "features at full size", ge=4, le=128)
    max_width: int = setting(96, "most features of a level", ge=8, le=1024)
    res_blocks: int = setting(2, "ResBlocks of each convolution module", ge=1, le=8)
    warped: Literal["skip", "decoder"] = setting(
        "skip", "P4: what the coarse motion module warps beside the decoder's features"
    )
    blend: Literal["none", "pixels", "tpsmm"] = setting(
        "pixels",
        "P19: what is drawn is the result; or the warped source shows through where the mask says that it is visible; "
        "or that, and the warped features of full size too, as in TPSMM",
    )
    colours: bool = setting(
        True,
        "give what is drawn the source's mean and spread of colours, which the instance normalisations lose",
    )

    # pose branch
    pose_fusion: Literal["attention", "add", "both", "none"] = setting(
        "both", "the pose fusion module, added pose features (the ablation '+pose'), both, or no pose (TPSMM)"
    )
    pfm_levels: tuple[int, ...] = setting(
        (0, 1), "levels with a pose fusion module, 0 the coarsest of three", min_length=0, max_length=3
    )
    pfm_width: int | None = setting(
        64, "P7: features of the attention; none takes those of the level", ge=4, le=2048
    )
    pfm_position: bool = setting(False, "P9: add sine positions to queries and keys")
    posenet: Literal["deepest", "finest"] = setting(
        "finest",
        "P6: the level that the heatmaps enter at; the others are made from it by up- or down-sampling",
    )
    heatmap_sigma: float = setting(
        0.02, "spread of a keypoint's heatmap, as a part of the frame's side", gt=0, le=0.5
    )

    bones: bool = setting(
        False,
        "beyond the paper: the bones of arms and fingers too, beside the heatmaps and, with one more ResBlock, at full size",
    )

    # training
    align_weight: float = setting(
        0.0,
        "feature alignment loss (eq. 11): decoding the source moved, and the driving frame itself; one more pass",
        ge=0,
    )
    pose_network: str | None = setting(
        None,
        "pose distance loss (eq. 8): weights of the estimator `heatmaps`, whose points in what is made and in the driving frame are compared; "
        "none trains without that loss",
    )
    pose_weight: float = setting(1.0, "its weight, of a mean distance in parts of the frame", ge=0)
    pose_temperature: float = setting(
        1.0, "P10: of the soft-argmax; below 1 nearer to the highest place", gt=0, le=10
    )
    align_detach: bool = setting(False, "P11: the driving frame's features are a target alone")

    @field_validator("pfm_levels")
    @classmethod
    def _known_levels(cls, levels: tuple[int, ...]) -> tuple[int, ...]:
        if any(level not in (0, 1, 2) for level in levels):
            raise ValueError("levels are 0, 1 and 2")
        return tuple(sorted(set(levels)))

    @property
    def needs_pose(self) -> bool:
        return self.pose_fusion != "none" or self.by_pose

    @property
    def draws_bones(self) -> bool:
        return self.bones and self.pose_fusion != "none"

    @property
    def by_pose(self) -> bool:
        return self.motion == "pose"


class PGMMInputs(AnimationInputs):
    """A picture, and a driving video with its pose, or a pose alone (motion="pose")."""

    driving: Video | None = Field(
        None,
        description="video whose motion is taken over; without it, a driving pose alone moves the source",
        json_schema_extra={"unless": "driving_pose"},
    )
