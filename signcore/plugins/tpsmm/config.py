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
    "preset", "transforms", "keypoint_width", "motion_width", "motion_max_width", "background", "width", "max_width",
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


class TPSMMInputs(AnimationInputs):
    """A picture and a driving video; the pose is not looked at."""
