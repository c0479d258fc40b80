"""Settings of the heatmap estimator; imports no torch."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from signcore.presets import PresetConfig, setting


class HeatmapsConfig(PresetConfig):
    """What the network is, and how it learns from videos with their poses."""

    presets: ClassVar[dict[str, dict[str, Any]]] = {"small": {}}
    shapes: ClassVar[tuple[str, ...]] = ("size", "width", "max_width")

    preset: Literal["small"] = setting("small", "defaults of all other settings")
    size: int = setting(
        128, "side of the square that the network sees", "pixels", ge=64, le=512, multiple_of=32
    )
    fit: Literal["crop", "pad"] = setting(
        "pad", "how frames become square: cut or padded around their middle"
    )
    width: int = setting(16, "features of the first layer", ge=4, le=128)
    max_width: int = setting(96, "most features of a level", ge=8, le=1024)
    threshold: float = setting(
        0.5, "a point is missing where the network gives it less than this chance to be there", ge=0, le=1
    )
    batch_frames: int = setting(16, "frames looked at together", "frames", ge=1, le=256)

    batch: int = setting(16, "frames in a step", "frames", ge=1, le=1024)
    learning_rate: float = setting(2e-3, "Adam's step; a cosine to 1 %", gt=0, le=1)
    sigma: float = setting(
        0.015, "spread of the heatmap that is learned, as a part of the side", gt=0, le=0.5
    )
    empty: float = setting(
        0.1, "part of the training frames that show nobody: a colour, or noise", ge=0, le=0.9
    )
    colour_jitter: float = setting(
        0.3, "spread of random brightness, contrast and colour mixing of the training frames", ge=0, le=1
    )
    mirror: bool = setting(True, "mirror half of the frames")
    averaging: float = setting(
        0.99, "decay of the running average of the weights, which is what is exported", ge=0, lt=1
    )
    held_out: float = setting(
        0.1, "part of the clips kept for evaluation where the dataset names no test split", ge=0, le=0.5
    )
    clip_frames: int | None = setting(
        24, "read at most so many frames of a training clip, evenly spread; none reads all", "frames", ge=1
    )
    evaluate_clips: int = setting(16, "most clips in an evaluation", "clips", ge=1)
    cache: int = setting(2048, "decoded training frames kept in memory", "MiB", ge=0)

    @property
    def points(self) -> str:
        return "pgmm_36"

    @property
    def needs_pose(self) -> bool:
        return True

    @property
    def by_pose(self) -> bool:
        return False
