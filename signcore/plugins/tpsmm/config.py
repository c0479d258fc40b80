"""TPSMM's settings; imports no torch."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from signcore.animation.config import PAPER_TRAINING, AnimationConfig, AnimationInputs
from signcore.presets import setting

SMALL: dict[str, Any] = {}
PAPER: dict[str, Any] = {
    **PAPER_TRAINING,
    "transforms": 10,
    "keypoint_width": 64,
    "motion_width": 64,
    "motion_max_width": 1024,
    "background": True,
    "width": 64,
    "max_width": 512,
    "batch": 28,
    "dropout_start": 0.1,
    "dropout_max": 0.3,
}
ARCHITECTURE = (
    "preset", "transforms", "keypoint_width", "motion_width", "motion_max_width", "background", "width", "max_width", "avd",
)  # fmt: skip


class TPSMMConfig(AnimationConfig):
    """A preset names the defaults; every other setting overrides it. `paper` is the public network (10 splines at 256 px)."""

    presets: ClassVar[dict[str, dict[str, Any]]] = {"small": SMALL, "paper": PAPER}
    shapes: ClassVar[tuple[str, ...]] = ARCHITECTURE

    preset: Literal["small", "paper"] = setting(
        "small", "defaults of all other settings: small has PGMM's small widths"
    )
    width: int = setting(16, "features at full size", ge=4, le=128)
    max_width: int = setting(96, "most features of a level", ge=8, le=1024)
    motion: Literal["standard", "relative", "avd"] = setting(  # type: ignore[assignment]
        "relative",
        "in mode cross: take the driving keypoints as they are, or move the source's as the driving ones move, or let the AVD network "
        "put them on the source's shape",
    )
    avd: bool = setting(
        False,
        "with the network of animation via disentanglement; training learns it in a second stage, all else frozen",
    )
    avd_learning_rate: float = setting(1e-3, "Adam's step in that stage", gt=0, le=1)
    avd_scale: float = setting(
        0.25,
        "in that stage the driving keypoints are stretched by 1 ± this, each axis by its own",
        ge=0,
        lt=1,
    )


class TPSMMInputs(AnimationInputs):
    """A picture and a driving video; the pose is not looked at."""
