"""Settings of the video metrics; imports no torch."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class ImageConfig(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    region: Literal["frame", "hands", "face"] = Field(
        "frame",
        description="What of a frame counts: all, or the boxes around hands or face in the reference's pose; a frame without them counts nothing.",
    )


class LPIPSConfig(ImageConfig):
    network: Literal["alexnet", "vgg16"] = Field("alexnet", description="Whose features are compared.")
    weights: str | None = Field(
        None,
        description="A .safetensors file with the network's public weights (features.0.weight, ...); none: fixed random ones, and the score is called lpips-random.",
    )
    heads: str | None = Field(
        None,
        description="A .safetensors file with LPIPS's heads (lin0.model.1.weight, ...), where they are not in the file of weights; none: every feature counts alike.",
    )

    @model_validator(mode="after")
    def _heads_with_network(self) -> LPIPSConfig:
        if self.heads is not None and self.weights is None:
            raise ValueError("heads: belong to a trained network, give its weights too")
        return self


def _trained_or_random(network: str, weights: str | None) -> None:
    if network == "random" and weights is not None:
        raise ValueError("weights: the random network has none, choose the network that they belong to")
    if network != "random" and weights is None:
        raise ValueError(f"weights: the network {network} needs a .safetensors file with its public weights")


class _EmbeddedFrames(BaseModel):
    """Of metrics on embeddings of single frames."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    network: str = "random"
    weights: str | None = Field(
        None,
        description="A .safetensors file with the network's public weights (features.0.weight or Conv2d_1a_3x3.conv.weight, ...).",
    )
    size: int = Field(
        128,
        ge=32,
        le=1024,
        description="Frames are brought to this short side and cropped to their middle square.",
        json_schema_extra={"unit": "pixels"},
    )

    @model_validator(mode="after")
    def _weights(self) -> Self:
        _trained_or_random(self.network, self.weights)
        return self


class FramesConfig(_EmbeddedFrames):
    network: Literal["random", "alexnet", "vgg16"] = Field(
        "random",
        description="Whose features: fixed random convolutions, or the last convolution of a trained network, averaged over the picture.",
    )


class FIDConfig(_EmbeddedFrames):
    network: Literal["random", "alexnet", "vgg16", "inception"] = Field(
        "random",
        description="Whose features: those of the other metrics, or Inception's of 2015-12-05 (Mixed_7c, whole frames at 299 pixels), as papers have it.",
    )
    least: int = Field(16, ge=2, description="Fewer frames than this, on either side, are refused.")


class FVDConfig(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    network: Literal["random", "i3d"] = Field(
        "random",
        description="Whose features: fixed random convolutions, or the logits of I3D (Kinetics-400).",
    )
    weights: str | None = Field(
        None, description="A .safetensors file with I3D's public weights (Conv3d_1a_7x7.conv3d.weight, ...)."
    )
    size: int = Field(
        0,
        ge=0,
        le=1024,
        description="Frames are brought to this short side and cropped to their middle square; 0: 224 for i3d, 64 for random.",
        json_schema_extra={"unit": "pixels"},
    )
    length: int = Field(16, ge=2, le=256, description="Of a clip.", json_schema_extra={"unit": "frames"})
    stride: int = Field(
        16, ge=1, le=10000, description="From clip to clip.", json_schema_extra={"unit": "frames"}
    )
    least: int = Field(8, ge=2, description="Fewer clips than this, on either side, are refused.")

    @model_validator(mode="after")
    def _fits(self) -> FVDConfig:
        _trained_or_random(self.network, self.weights)
        if self.network == "i3d" and self.size not in (0, 224):
            raise ValueError("size: i3d takes 224 pixels")
        if self.network == "i3d" and self.length < 9:
            raise ValueError("length: i3d takes at least 9 frames")
        if self.size and self.size < 16:
            raise ValueError("size: at least 16 pixels")
        return self

    @property
    def side(self) -> int:
        return self.size or {"i3d": 224, "random": 64}[self.network]


class AKDConfig(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    estimator: str | None = Field(
        None,
        description="Finds the keypoints of both videos; none: the first installed one; `carried`: the poses that the videos carry.",
    )
    points: Literal["all", "body", "hands", "face"] = Field(
        "all", description="Which keypoints of those that both poses have."
    )


class SLRWERConfig(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    recognizer: str = Field(description="Who reads the videos; `signcore list recognizer`.")
    weights: str | None = Field(None, description="Its weights; none: those that ship.")
    recognizer_settings: dict[str, Any] = Field({}, description="Its settings.")
    estimator: str | None = Field(
        None,
        description="Finds the poses that it reads; none: it looks at the videos, and at poses that they carry.",
    )


class TCDConfig(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    threshold: float = Field(
        0.5,
        ge=0,
        le=3,
        description="A pixel counts where its difference is above this; the paper's 0.5.",
        json_schema_extra={"unit": "of the range 0..1"},
    )
    calibrated: float = Field(
        0.0375,
        ge=0,
        le=3,
        description="A second threshold, reported beside it: at 0.5 real clips hardly differ.",
        json_schema_extra={"unit": "of the range 0..1"},
    )
    channel_reduce: Literal["mean", "max", "sum"] = Field(
        "mean", description="How a pixel's channels become one difference."
    )
