"""Settings of CorrNet; imports no torch."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from signcore.presets import PresetConfig, setting

PAPER: dict[str, Any] = {
    "size": 224,
    "channels": 64,
    "hidden": 1024,
    "batch": 2,
    "learning_rate": 1e-4,
    "weight_decay": 1e-4,
    "averaging": 0.0,
    "clip_gradient": 0.0,
}


class CorrNetConfig(PresetConfig):
    presets: ClassVar[dict[str, dict[str, Any]]] = {"small": {}, "paper": PAPER}
    shapes: ClassVar[tuple[str, ...]] = ("channels", "hidden", "shared_classifier", "normalised_classifier")
    carried: ClassVar[tuple[str, ...]] = ("size", "fps")

    preset: Literal["small", "paper"] = setting(
        "small", "defaults of all other settings; paper has the public weights' shapes"
    )
    size: int = setting(64, "side of the frames that it reads", "pixels", ge=32, le=1024, multiple_of=32)
    fps: float = setting(25.0, "rate that videos are brought to", "frames/s", gt=0, le=240)
    channels: int = setting(
        16, "of the first layer, a 64th of the last times 512", ge=2, le=256, multiple_of=2
    )
    hidden: int = setting(128, "of the temporal convolutions and of the BiLSTM", ge=8, le=4096, multiple_of=2)
    shared_classifier: bool = setting(True, "convolutions and BiLSTM have one classifier")
    normalised_classifier: bool = setting(True, "its weights have length 1")
    beam: int = setting(10, "width of the prefix beam search", ge=1, le=1000)
    hypotheses: int = setting(10, "how many are given, best first", ge=1, le=1000)
    glosses: tuple[str, ...] | None = setting(
        None,
        "the vocabulary of public weights, which do not carry one, in their order; the blank is before it",
    )

    sequence_weight: float = setting(1.0, "of the BiLSTM's CTC loss", ge=0)
    convolution_weight: float = setting(1.0, "of the convolutions' CTC loss", ge=0)
    distillation_weight: float = setting(25.0, "of the BiLSTM teaching the convolutions", ge=0)
    distillation_temperature: float = setting(8.0, "of that", gt=0)
    batch: int = setting(2, "clips in a step", ge=1, le=4096)
    learning_rate: float = setting(1e-3, "AdamW's step", gt=0, le=1)
    weight_decay: float = setting(1e-4, "AdamW's", ge=0, le=1)
    warm_up: float = setting(0.05, "part of the steps in which the learning rate rises", ge=0, le=1)
    least_rate: float = setting(0.05, "of the learning rate, where its cosine ends", ge=0, le=1)
    clip_gradient: float = setting(5.0, "largest norm of the gradients; 0 for no limit", ge=0)
    averaging: float = setting(0.99, "decay of the running average of the weights; 0 for none", ge=0, lt=1)
    rescaling: float = setting(0.2, "training clips are made so much faster or slower at most", ge=0, lt=1)
    shift: float = setting(0.1, "part of the picture by which it is cropped at random", ge=0, lt=0.5)
