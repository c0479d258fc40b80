"""Settings of the streams of convolutions; imports no torch."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from signcore.presets import PresetConfig, setting


class StreamsConfig(PresetConfig):
    presets: ClassVar[dict[str, dict[str, Any]]] = {"small": {}, "large": {"width": 192, "blocks": 4}}
    shapes: ClassVar[tuple[str, ...]] = (
        "reads", "streams", "kernels", "frames", "width", "blocks", "kernel", "halvings",
    )  # fmt: skip
    carried: ClassVar[tuple[str, ...]] = ("dims", "fps", "share")

    preset: Literal["small", "large"] = setting("small", "defaults of all other settings")
    reads: Literal["auto", "sign", "sentence"] = setting(
        "auto",
        "one sign a clip, or sentences by CTC; auto: sentences where a training clip has several glosses",
    )
    streams: tuple[Literal["joint", "bone", "motion", "turn"], ...] = setting(
        ("joint", "bone", "motion"),
        "what is looked at, each by a network of its own: places, limbs, speeds, speeds of limbs",
    )
    kernels: int = setting(
        4000,
        "one sign: convolutions drawn at random over limbs and speeds, whose answers a ridge regression reads; 0 for none",
        ge=0,
        le=100_000,
    )
    share: float = setting(
        0.2, "one sign: of the networks in the answer, beside the random kernels", ge=0, le=1
    )
    dims: Literal["auto", 2, 3] = setting(
        "auto", "coordinates of a point; auto: the third only where it was measured"
    )
    frames: int = setting(32, "what a clip of one sign is brought to", "frames", ge=8, le=512)
    fps: float = setting(25.0, "what sentences are brought to", "frames/s", gt=0, le=240)
    both_sides: bool = setting(True, "one sign: recognise the mirrored clip too, and average")
    beam: int = setting(30, "sentences: width of the prefix beam search", ge=1, le=1000)
    language: float = setting(
        1.0, "sentences: weight of the training sentences' trigrams in the search; 0 for none", ge=0, le=10
    )
    levelling: float = setting(
        0.5,
        "sentences: what power of its usual probability every gloss, and the blank, is divided by",
        ge=0,
        le=1,
    )
    hypotheses: int = setting(10, "how many are given, best first", ge=1, le=1000)

    width: int = setting(64, "channels of a stream", ge=8, le=2048)
    blocks: int = setting(3, "residual blocks", ge=1, le=16)
    kernel: int = setting(5, "frames of a convolution", ge=1, le=31)
    halvings: int = setting(2, "how often the rate is halved on the way", ge=0, le=6)
    dropout: float = setting(0.4, "before the last layer", ge=0, lt=1)

    batch: int = setting(16, "clips in a step", ge=1, le=4096)
    learning_rate: float = setting(3e-3, "AdamW's step", gt=0, le=1)
    weight_decay: float = setting(0.05, "AdamW's", ge=0, le=1)
    warm_up: float = setting(0.1, "part of the steps in which the learning rate rises", ge=0, le=1)
    least_rate: float = setting(0.01, "of the learning rate, where its cosine ends", ge=0, le=1)
    clip_gradient: float = setting(5.0, "largest norm of the gradients; 0 for no limit", ge=0)
    averaging: float = setting(0.99, "decay of the running average of the weights; 0 for none", ge=0, lt=1)
    label_smoothing: float = setting(0.1, "one sign: share of the truth that goes to all glosses", ge=0, lt=1)
    copies: int = setting(5, "altered copies of every clip that the ridge regression sees", ge=0, le=100)
    ridge: float = setting(
        0.03, "of the ridge regression, beside answers of mean square norm 1", gt=0, le=1000
    )
    augmentation: float = setting(
        1.0, "strength of turning, scaling, shifting and speeding in training; 0 for none", ge=0, le=5
    )
    mirroring: float = setting(0.5, "one sign: how often a training clip is mirrored", ge=0, le=1)
