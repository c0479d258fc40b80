"""Settings of SPOTER; imports no torch."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from signcore.presets import PresetConfig, setting

PAPER: dict[str, Any] = {
    "layers": 6,
    "feedforward": 2048,
    "frames": None,
    "batch": 1,
    "optimizer": "sgd",
    "learning_rate": 1e-3,
    "weight_decay": 0.0,
    "warm_up": 0.0,
    "least_rate": 1.0,
    "clip_gradient": 0.0,
    "averaging": 0.0,
}


class SpoterConfig(PresetConfig):
    """`paper`: as the public code trains it, a clip a step. `small`: fewer layers, and trained as our other recognizers are."""

    presets: ClassVar[dict[str, dict[str, Any]]] = {"small": {}, "paper": PAPER}
    shapes: ClassVar[tuple[str, ...]] = ("hidden", "heads", "layers", "feedforward")
    carried: ClassVar[tuple[str, ...]] = ("frames",)

    preset: Literal["small", "paper"] = setting("small", "defaults of all other settings")
    hidden: int = setting(108, "two coordinates of 54 points", ge=9, le=108, multiple_of=9)
    heads: int = setting(9, "of every attention", ge=1, le=54)
    layers: int = setting(2, "of the encoder, and as many of the decoder", ge=1, le=24)
    feedforward: int = setting(256, "width of the feed-forward layers", ge=8, le=8192)
    frames: int | None = setting(48, "what a clip is brought to; none keeps its own", "frames", ge=2, le=1024)
    hypotheses: int = setting(10, "how many are given, best first", ge=1, le=1000)

    optimizer: Literal["adamw", "sgd"] = setting("adamw", "which learns")
    batch: int = setting(32, "clips in a step; of clips of different lengths, 1", ge=1, le=4096)
    learning_rate: float = setting(1e-3, "its step", gt=0, le=1)
    weight_decay: float = setting(0.01, "AdamW's", ge=0, le=1)
    warm_up: float = setting(0.1, "part of the steps in which the learning rate rises", ge=0, le=1)
    least_rate: float = setting(0.01, "of the learning rate, where its cosine ends", ge=0, le=1)
    clip_gradient: float = setting(1.0, "largest norm of the gradients; 0 for no limit", ge=0)
    averaging: float = setting(0.99, "decay of the running average of the weights; 0 for none", ge=0, lt=1)
    augmentation: float = setting(
        0.5, "how often a training clip is turned, squeezed, tilted or its arms are turned", ge=0, le=1
    )
    noise: float = setting(0.001, "standard deviation of what is added to every coordinate", ge=0, le=1)
