"""Settings and inputs of LMT, of VideoGPT in the same frame, and of their judge; imports no torch."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from signcore.presets import PresetConfig, setting
from signcore.types import Image, Video

SMALL: dict[str, Any] = {}  # the defaults below
PAPER: dict[str, Any] = {
    "size": 128,
    "still": "first_slice",
    "hidden": 240,
    "fine_hidden": None,
    "blocks": 4,
    "codes": 1024,
    "dim": 256,
    "attention": "orthoformer",
    "normalisation": "batch",
    "linear_path": False,
    "moving_weight": 0.0,
    "mirror": False,
    "perceptual_weight": 1.0,
    "perceptual_frames": 0,
    "lpips_width": 64,
    "gan_weight": 1.0,
    "gan_loss": "vanilla",
    "gan_width": 64,
    "gan_layers": 3,
    "width": 512,
    "layers": 12,
    "prior_heads": 8,
    "positions": "learned",
    "look_back": False,
    "label_places": False,
    "label_dropout": 0.0,
    "guidance": 1.0,
    "top_p": 1.0,
    "visual_clips": 0,
    "learning_rate": 3e-4,
    "stage_one_schedule": "constant",
    "prior_learning_rate": 3e-4,
    "clip_gradient": 0.0,
    "averaging": 0.0,
    "prior_batch": 4,
}
RIVAL: dict[str, Any] = {  # what VideoGPT does otherwise, at any size
    "attention": "axial",
    "gan_weight": 0.0,
    "perceptual_weight": 0.0,
    "moving_weight": 0.0,
    "prior": "videogpt",
    "mask": "causal",
    "prior_perceptual_weight": 0.0,
    "prior_reconstruction_weight": 0.0,
    "label_dropout": 0.0,
    "guidance": 1.0,
}
VIDEOGPT: dict[str, Any] = {
    **PAPER,
    **RIVAL,
    "codes": 2048,
    "width": 576,
    "layers": 8,
    "prior_heads": 4,
    "dropout": 0.2,
}
STAGE_ONE = (
    "size", "clip_frames", "downsample", "hidden", "fine_hidden", "blocks", "heads", "attention", "prototypes", "codes", "dim",
    "normalisation", "linear_path",
)  # fmt: skip
STAGE_TWO = (
    "prior", "width", "layers", "prior_heads", "mask", "embedding", "positions", "look_back", "label_places",
    "label_dropout", "still",
)  # fmt: skip
Downsample = tuple[int, int, int]


class LMTConfig(PresetConfig):
    """A preset names the defaults; every other setting overrides it."""

    presets: ClassVar[dict[str, dict[str, Any]]] = {"small": SMALL, "paper": PAPER, "videogpt": VIDEOGPT}
    shapes: ClassVar[tuple[str, ...]] = (*STAGE_ONE, *STAGE_TWO)
    carried: ClassVar[tuple[str, ...]] = ("fps", "sampling", "centre_frames", "fit", "guidance")

    preset: Literal["small", "paper", "videogpt"] = setting(
        "small",
        "defaults of all other settings: small trains on two cores; paper; videogpt is the public code's model in this frame",
    )

    # what is made
    num_samples: int = setting(
        1, "how many videos are drawn; the first is the result, the report shows all", ge=1, le=256
    )
    frames: int | None = setting(
        None,
        "how long the video is; none makes one clip, more slides the window with the last slice as the next condition",
        "frames",
        ge=1,
        le=4096,
    )
    temperature: float = setting(1.0, "of the draws; 0 takes the most likely code", ge=0, le=10)
    top_k: int = setting(0, "draw among so many of the most likely codes; 0 for all", ge=0)
    top_p: float = setting(0.9, "draw among the most likely codes that have this share together", gt=0, le=1)
    guidance: float = setting(
        1.0, "classifier-free guidance: above 1 the gloss counts more; needs label_dropout", ge=0, le=20
    )
    fps: float | None = setting(
        None, "rate of the videos; none takes that of the clips that were trained on", gt=0, le=240
    )
    fit: Literal["crop", "pad"] = setting(
        "crop", "pictures that are not square: their middle square, or bordered (letterboxed)"
    )

    # the clips (4.1, L1, L13)
    size: int = setting(64, "side of the square video", "pixels", ge=16, le=512)
    clip_frames: int = setting(16, "T: frames of a clip", "frames", ge=2, le=256)
    sampling: Literal["uniform", "centre"] = setting(
        "uniform", "which frames of a video: spread over it (WLASL), or over its middle (NMFs-CSL)"
    )
    centre_frames: int = setting(48, "how long that middle is", "frames", ge=2)
    still: Literal["repeat", "first_slice"] = setting(
        "repeat",
        "the condition: the first frame, held for a slice and encoded so, or the first slice of the clip's codes, which sees motion",
    )

    # stage 1, the motion VQ-GAN (3.1)
    hidden: int = setting(96, "width of the encoder and the decoder", ge=8, le=1024, multiple_of=4)
    fine_hidden: int | None = setting(
        48, "their width at the levels finer than the codes; none: the same", ge=4, le=1024
    )
    downsample: Downsample = setting((4, 4, 4), "time, height and width of a code, powers of two (Table 3)")
    blocks: int = setting(1, "residual blocks in the encoder, and in the decoder", ge=0, le=16)
    heads: int = setting(2, "heads of their attention", ge=1, le=32)
    attention: Literal["trajectory", "orthoformer", "axial", "none"] = setting(
        "trajectory", "in the residual blocks (Table 2)"
    )
    prototypes: int = setting(128, "R: prototypes of orthoformer", ge=1, le=4096)
    normalisation: Literal["batch", "none"] = setting(
        "none", "in the residual blocks; over a batch of few clips it blurs their colours"
    )
    linear_path: bool = setting(
        True, "beside the convolutions, linear maps that start as the first batch's principal components"
    )
    codes: int = setting(1024, "size of the codebook (Table 4)", ge=2, le=65536)
    dim: int = setting(32, "n_z: of its vectors", ge=1, le=1024)
    reconstruction: Literal["mse", "l1"] = setting(
        "mse", "the loss of pixels: eq. 2, or the precursor's (L6)"
    )
    variance: float = setting(0.06, "by which that loss is divided in stage 1", gt=0)
    moving_weight: float = setting(
        4.0, "how much more a pixel counts that differs from the clip's first frame", ge=0
    )
    perceptual_weight: float = setting(0.1, "weight of LPIPS; 0 with gan_weight 0 makes a VQ-VAE", ge=0)
    perceptual_frames: int = setting(
        2, "frames of a clip that LPIPS looks at, drawn at random; 0 for all", ge=0
    )
    lpips: str | None = setting(
        None, "a .safetensors file of VGG-16 and LPIPS's heads; none: fixed random features of lpips_width"
    )
    lpips_width: int = setting(
        16, "features of the first layer of that VGG-16, 64 in the public one", ge=2, le=64
    )
    gan_weight: float = setting(0.1, "weight of the discriminator, times the adaptive one; 0 for none", ge=0)
    gan_start: float = setting(0.6, "part of the steps after which it counts", ge=0, le=1)
    gan_rise: float = setting(0.1, "part of the steps in which its weight then rises", ge=0, le=1)
    gan_loss: Literal["hinge", "vanilla"] = setting("hinge", "L9: the public code's, or eq. 3")
    gan_width: int = setting(16, "features of its first layer", ge=2, le=256)
    gan_layers: int = setting(2, "its layers", ge=1, le=5)
    gan_delta: float = setting(1e-6, "delta of the adaptive weight (L8)", gt=0)
    mirror: bool = setting(True, "stage 1 sees mirrored clips too")

    # stage 2, the prior (3.2, 3.3)
    prior: Literal["lmt", "videogpt"] = setting("lmt", "LMT's latent transformer, or VideoGPT's")
    width: int = setting(192, "of the transformer", ge=12, le=4096)
    layers: int = setting(4, "its layers", ge=1, le=96)
    prior_heads: int = setting(3, "its heads", ge=1, le=64)
    mask: Literal["prefix", "causal"] = setting(
        "prefix", "label and still image see each other, or not (Table 5, L3)"
    )
    embedding: Literal["codebook", "tokens"] = setting(
        "codebook", "L4: codes and label enter as codebook vectors, or as learned ones"
    )
    positions: Literal["factorised", "learned"] = setting(
        "factorised", "a vector for time, row and column each, or one a place"
    )
    look_back: bool = setting(
        True, "show each row the code that stands a slice before the one that it predicts"
    )
    label_places: bool = setting(
        True, "each gloss has vectors of its own for time, row and column of the code that is predicted"
    )
    dropout: float = setting(0.0, "in the transformer", ge=0, lt=1)
    label_dropout: float = setting(
        0.1, "how often the label is hidden, for guidance; 0 trains without", ge=0, lt=1
    )
    prior_perceptual_weight: float = setting(
        1.0, "weight of LPIPS of the decoded sample (eq. 8, Table 6)", ge=0
    )
    prior_reconstruction_weight: float = setting(1.0, "weight of its reconstruction loss", ge=0)
    visual_clips: int = setting(1, "clips of a step that are decoded for these two; 0 for all", ge=0)
    tau: float = setting(1.0, "of the Gumbel softmax (L5)", gt=0)

    # training (4.1)
    stages: Literal["both", "first", "second"] = setting(
        "both", "which are trained; the second alone needs stage_one"
    )
    stage_one: str | None = setting(None, "weights whose stage 1 is taken, frozen, for the second")
    batch: int = setting(4, "clips in a step of stage 1", ge=1, le=4096)
    prior_batch: int = setting(8, "clips in a step of stage 2", ge=1, le=4096)
    learning_rate: float = setting(1e-3, "AdamW's step in stage 1", gt=0, le=1)
    stage_one_schedule: Literal["cosine", "constant"] = setting("cosine", "stage 1's learning rate")
    prior_learning_rate: float = setting(1e-3, "AdamW's step in stage 2, a cosine", gt=0, le=1)
    clip_gradient: float = setting(1.0, "largest norm of the gradients; 0 for no limit", ge=0)
    averaging: float = setting(
        0.99, "decay of the running average of the prior's weights; 0 for none", ge=0, lt=1
    )
    held_out: float = setting(
        0.05,
        "part of the signers, or of clips where signers are not known, that is held out, where the dataset names no test split",
        ge=0,
        lt=1,
    )
    evaluate_clips: int = setting(48, "held-out clips that an evaluation looks at", ge=1)
    recognizer: str | None = setting(
        None, "who reads the generated clips in evaluations (slr-acc), with its shipped weights"
    )
    recognizer_weights: str | None = setting(None, "other weights of that recognizer")

    @property
    def grid(self) -> tuple[int, int, int]:
        """t, h, w of a clip's codes."""
        t, h, w = self.downsample
        return self.clip_frames // t, self.size // h, self.size // w

    @model_validator(mode="after")
    def _fitting(self) -> Self:
        for name, factor in zip(("time", "height", "width"), self.downsample, strict=True):
            if factor < 1 or factor & (factor - 1):
                raise ValueError(f"downsample: {factor} of {name} is not a power of two")
        if self.clip_frames % self.downsample[0]:
            raise ValueError(
                f"clip_frames: {self.clip_frames} is not a multiple of downsample's {self.downsample[0]}"
            )
        if self.clip_frames == self.downsample[0]:
            raise ValueError("clip_frames: only one slice of codes, so none is left to be generated")
        for factor in self.downsample[1:]:
            if self.size % factor:
                raise ValueError(f"size: {self.size} is not a multiple of downsample's {factor}")
        if self.hidden % self.heads:
            raise ValueError(f"hidden: {self.hidden} is not a multiple of heads, {self.heads}")
        if self.width % self.prior_heads:
            raise ValueError(f"width: {self.width} is not a multiple of prior_heads, {self.prior_heads}")
        if self.prior == "videogpt" and self.width % 3:
            raise ValueError(f"width: {self.width} is not a multiple of 3, as VideoGPT's positions need it")
        if self.guidance != 1 and not self.label_dropout:
            raise ValueError("guidance: needs a prior that was trained with label_dropout")
        if self.stages == "second" and self.stage_one is None:
            raise ValueError("stage_one: needed where only the second stage is trained")
        if self.gan_weight and self.clip_frames < 4 + 2 * self.gan_layers:
            raise ValueError(
                f"clip_frames: the discriminator of {self.gan_layers} layers needs {4 + 2 * self.gan_layers}, got {self.clip_frames}"
            )
        return self


class VideoGPTConfig(LMTConfig):
    """VideoGPT in LMT's frame: VQ-VAE with axial attention, causal prior with cross-entropy alone; the same clips and judges."""

    presets: ClassVar[dict[str, dict[str, Any]]] = {"small": RIVAL, "paper": VIDEOGPT, "videogpt": VIDEOGPT}


class GlossInputs(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    gloss: str | None = Field(
        None, description="One gloss of the vocabulary; without it the first that the weights know."
    )
    source: Image = Field(description="The still image: who signs, at rest, before what.")


class LMTInputs(GlossInputs):
    num_samples: int | None = Field(
        None, ge=1, le=256, description="How many videos are drawn; without it as the setting says."
    )


class RealFramesConfig(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    size: int = Field(
        64, ge=16, le=512, description="Side of the square video.", json_schema_extra={"unit": "px"}
    )
    fps: float = Field(8.0, gt=0, le=240, description="Frame rate.", json_schema_extra={"unit": "frames/s"})


class RealFramesInputs(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    video: Video = Field(description="The real clip.")


class PoseRouteConfig(RealFramesConfig):
    """A gloss to a pose to a video."""

    dataset: str = Field(
        "synthetic", description="Whose training clips give the poses; each needs exactly one gloss."
    )
    dataset_settings: dict[str, Any] = Field(
        {"max_glosses": 1, "clips": 200, "signers": 200}, description="Its settings."
    )
    animator: str = Field("pgmm", description="The generator that moves the picture by them.")
    animator_settings: dict[str, Any] = Field({}, description="Its settings.")


class SLRAccConfig(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    recognizer: str = Field(description="Who reads the videos; `signcore list recognizer`.")
    weights: str | None = Field(None, description="Its weights; none: those that ship.")
    recognizer_settings: dict[str, Any] = Field({}, description="Its settings.")


class ClipFramesConfig(PresetConfig):
    """A small network over frames: one sign a clip."""

    presets: ClassVar[dict[str, dict[str, Any]]] = {"small": {}}
    shapes: ClassVar[tuple[str, ...]] = ("frames", "held", "size", "width")

    preset: Literal["small"] = setting("small", "defaults of all other settings")
    frames: int = setting(16, "of a clip; a video of just so many is taken as it is", "frames", ge=4, le=256)
    held: int = setting(
        4, "how many of them hold a longer video's first one, as LMT's clips do", "frames", ge=1
    )
    size: int = setting(64, "side of the square that is looked at", "pixels", ge=16, le=512)
    width: int = setting(32, "features of the first layer", ge=4, le=512)
    dropout: float = setting(0.5, "before the last layer", ge=0, lt=1)
    batch: int = setting(24, "clips in a step", ge=1, le=4096)
    learning_rate: float = setting(2e-3, "AdamW's step", gt=0, le=1)
    weight_decay: float = setting(0.05, "AdamW's", ge=0, le=1)
    warm_up: float = setting(0.1, "part of the steps in which the learning rate rises", ge=0, le=1)
    least_rate: float = setting(0.01, "of the learning rate, where its cosine ends", ge=0, le=1)
    clip_gradient: float = setting(5.0, "largest norm of the gradients; 0 for no limit", ge=0)
    averaging: float = setting(0.98, "decay of the running average of the weights; 0 for none", ge=0, lt=1)
