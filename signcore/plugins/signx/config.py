"""Settings of SignX; imports no torch. S1 to S13 are the points that the paper leaves open, as docs/signx.md settles them."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, Self

from pydantic import model_validator

from signcore.presets import PresetConfig, setting

SMALL: dict[str, Any] = {}  # the defaults below
PAPER: dict[str, Any] = {
    "hidden": 512,
    "fusion_heads": 8,
    "width": 512,
    "decoder_layers": 6,
    "decoder_heads": 8,
    "feedforward": 2048,
    "temporal_blocks": 0,
    "fps": 30.0,
    "unet_width": 512,
    "noise_gradient": True,
    "noise_share": 1.0,
    "noise_weight": 1.0,
    "ctc_weight": 0.0,
    "ctc_share": 0.0,
    "teacher_forcing": (0.5, 0.0),
    "temperature": 0.7,
    "repetition_penalty": 2.5,
    "max_glosses": 64,
    "batch": 32,
    "learning_rate": 1e-3,
    "clip_gradient": 7.0,
    "averaging": 0.0,
    "augmentation": 0.0,
    "track_dropout": 0.0,
    "image_size": 224,
    "patch": 16,
    "vit_width": 768,
    "vit_layers": 12,
    "vit_heads": 12,
    "temporal_layers": 4,
    "temporal_heads": 8,
    "stem": "patches",
    "readout": "class",
    "video_batch": 32,
    "video_clip": 64,
    "reading_weight": 0.0,
    "mirroring": 0.0,
}
POSE2GLOSS = (
    "tracks", "hidden", "fusion_heads", "pad", "latent", "width", "temporal_blocks", "decoder_layers", "decoder_heads",
    "feedforward", "bottleneck", "codes", "unet_width", "learned_weights",
)  # fmt: skip
VIDEO2POSE = (
    "image_size", "patch", "vit_width", "vit_layers", "vit_heads", "stem", "readout", "temporal_layers", "temporal_heads", "video_clip",
)  # fmt: skip
TRACKS = ("smplerx", "dwpose", "mediapipe", "depth", "segmentation")


class SignXConfig(PresetConfig):
    """A preset names the defaults; every other setting overrides it."""

    presets: ClassVar[dict[str, dict[str, Any]]] = {"small": SMALL, "paper": PAPER}
    shapes: ClassVar[tuple[str, ...]] = (*POSE2GLOSS, *VIDEO2POSE)
    carried: ClassVar[tuple[str, ...]] = ("fps", "noise_steps")

    preset: Literal["small", "paper"] = setting(
        "small", "defaults of all other settings: small trains on a core; paper as Table 2 has them"
    )

    # what is read
    fps: float = setting(12.5, "rate that tracks are brought to", "frames/s", gt=0, le=240)
    see: Literal["auto", "pixels", "pose"] = setting(
        "auto",
        "of a video: its pixels (Video2Pose), or the pose that travels with it or lies beside it; auto: the pose if there is one",
    )
    tracks: tuple[Literal["smplerx", "dwpose", "mediapipe", "depth", "segmentation"], ...] = setting(
        TRACKS, "which tracks there are; one that a clip lacks is zeros, and marked absent"
    )

    # Pose2Gloss (section 3.2)
    hidden: int = setting(64, "d_h: width of an encoded track (S1)", ge=4, le=4096)
    fusion_heads: int = setting(4, "heads of the attention over a frame's tracks (eq. 2)", ge=1, le=64)
    pad: Literal["zeros", "linear"] = setting(
        "zeros", "PadMatch (eq. 3): zeros behind, or a linear layer (S2)"
    )
    latent: int = setting(2048, "width of the unified representation", ge=64, le=16384)
    width: int = setting(128, "of the decoder", ge=8, le=4096)
    temporal_blocks: int = setting(
        2, "blocks of convolutions, each of which halves the rate, between the representation and the decoder; the paper has none",
        ge=0,
        le=8,
    )  # fmt: skip
    decoder_layers: int = setting(2, "depth of the codebook decoder (S5)", ge=1, le=48)
    decoder_heads: int = setting(4, "heads of its attention", ge=1, le=64)
    feedforward: int = setting(256, "width of its feed-forward layers", ge=8, le=16384)
    dropout: float = setting(0.1, "in encoder and decoder", ge=0, lt=1)
    bottleneck: Literal["none", "vq"] = setting(
        "none", "quantise what the decoder reads with a learned codebook (S5)"
    )
    codes: int = setting(1024, "of that codebook", ge=2, le=65536)

    # diffusion (eq. 4, 8; S3, S4)
    noise_steps: int = setting(1000, "T", ge=2, le=10000)
    unet_width: int = setting(64, "widest of the one-dimensional U-Net", ge=8, le=4096)
    noise_share: float = setting(
        0.25, "part of a batch that the noise loss is taken of, to save time", gt=0, le=1
    )
    noise_gradient: bool = setting(
        False, "whether the noise loss changes the representation too; it can be made small by emptying it"
    )
    read_latent: Literal["clean", "estimate", "ddim"] = setting(
        "clean",
        "what the decoder reads: z0, the one-step estimate of it at denoise_t, or DDIM from there (S4)",
    )
    denoise_t: int = setting(50, "time from which is denoised", ge=1, le=9999)
    ddim_steps: int = setting(50, "steps of DDIM", ge=1, le=1000)

    # losses (section 4.1, eq. 8 to 12)
    noise_weight: float = setting(0.1, "lambda_noise at the start; it falls to 0 as a cosine", ge=0)
    text_weight: float = setting(1.0, "lambda_text", ge=0)
    word_weight: float = setting(1.0, "lambda_word", ge=0)
    contrast_weight: float = setting(0.2, "lambda_contrast", ge=0)
    ngram_weight: float = setting(0.0, "lambda_ngram; 0.6 in Table 2, dropped by later versions (S8)", ge=0)
    ctc_weight: float = setting(1.0, "of a CTC loss on the frames; not in the paper", ge=0)
    learned_weights: bool = setting(False, "learn the weights of the losses as uncertainties (S9)")
    label_smoothing: float = setting(0.1, "of the text loss", ge=0, lt=1)
    contrast_temperature: float = setting(0.07, "tau of eq. 11 (S7)", gt=0, le=10)
    contrast_symmetric: bool = setting(True, "eq. 11 from text to pose too")
    teacher_forcing: tuple[float, float] = setting(
        (1.0, 0.7), "share of true glosses among the decoder's inputs, at the start and at the end (S10)"
    )

    # decoding (S11)
    decoder: Literal["beam", "sample", "ctc"] = setting(
        "beam", "beam search, sampling, or the frames' CTC alone"
    )
    beam: int = setting(5, "width", ge=1, le=1000)
    length_penalty: float = setting(0.7, "a score is divided by the length to this power", ge=0, le=10)
    repetition_penalty: float = setting(1.0, "of glosses that were said already; 1 for none", ge=1, le=100)
    temperature: float = setting(0.3, "of the decoder's answers", gt=0, le=100)
    ctc_share: float = setting(
        0.8, "part of CTC in the score of a hypothesis, whichever of the two found it; 0 for the decoder alone", ge=0, le=1
    )  # fmt: skip
    top_k: int = setting(50, "sampling: from so many", ge=1)
    top_p: float = setting(0.92, "sampling: from the likeliest that have this share", gt=0, le=1)
    max_glosses: int = setting(24, "longest sentence", ge=1, le=1000)
    hypotheses: int = setting(5, "how many are given, best first", ge=1, le=1000)
    window: float = setting(8.0, "live use: what is looked at together", "s", gt=0.5, le=600)
    hop: float = setting(2.0, "live use: how often it is looked at", "s", gt=0.1, le=600)

    # training, stage 1
    batch: int = setting(16, "clips in a step", ge=1, le=4096)
    learning_rate: float = setting(2e-3, "AdamW's step", gt=0, le=1)
    weight_decay: float = setting(0.01, "AdamW's", ge=0, le=1)
    warm_up: float = setting(0.05, "part of the steps in which the learning rate rises", ge=0, le=1)
    least_rate: float = setting(0.05, "of the learning rate, where its cosine ends", ge=0, le=1)
    clip_gradient: float = setting(5.0, "largest norm of the gradients; 0 for no limit", ge=0)
    averaging: float = setting(0.995, "decay of the running average of the weights; 0 for none", ge=0, lt=1)
    augmentation: float = setting(
        1.0, "strength of turning, scaling, shifting and speeding in training; 0 for none", ge=0, le=5
    )
    mirroring: float = setting(0.5, "how often a training clip is mirrored", ge=0, le=1)
    track_dropout: float = setting(0.15, "how often a track is hidden in training", ge=0, lt=1)

    # Video2Pose (section 3.3, S12), stage 2
    stage: Literal["pose", "video", "both"] = setting(
        "pose", "what is trained: Pose2Gloss, Video2Pose (Pose2Gloss frozen), or one after the other"
    )
    image_size: int = setting(72, "side of the frames that it reads", "pixels", ge=16, le=1024)
    patch: int = setting(8, "side of a patch", "pixels", ge=2, le=128)
    vit_width: int = setting(64, "of the vision transformer", ge=8, le=4096)
    vit_layers: int = setting(4, "its depth", ge=1, le=48)
    vit_heads: int = setting(2, "its heads", ge=1, le=64)
    stem: Literal["patches", "convolutions"] = setting(
        "convolutions",
        "how patches become rows: a linear map each, as the published transformer, or convolutions of stride 2 (Xiao et al. 2021), which learn from less",
    )
    readout: Literal["class", "places"] = setting(
        "places", "what is told of a frame: the class token, or a few numbers of every place beside it"
    )
    temporal_layers: int = setting(2, "depth of the attention over time (eq. 6)", ge=1, le=48)
    temporal_heads: int = setting(4, "its heads", ge=1, le=64)
    vit_weights: str | None = setting(None, "public ViT weights to start from, a .safetensors")
    frozen_vit: bool = setting(False, "leave the spatial part as those weights have it")
    video_batch: int = setting(4, "clips in a step of stage 2", ge=1, le=4096)
    video_clip: int = setting(
        32, "frames of a clip in stage 2; a longer video is looked at in windows of so many", "frames", ge=2, le=4096
    )  # fmt: skip
    pose_loss: Literal["mean", "sum"] = setting(
        "mean", "eq. 13: mean squared difference of each track, or its sum over the track's numbers"
    )

    reading_weight: float = setting(
        1.0, "weight of how far what the frozen Pose2Gloss makes of the seen tracks, and answers, is from what it does of the true ones; not in the paper", ge=0
    )  # fmt: skip

    @model_validator(mode="after")
    def _fitting(self) -> Self:
        from signcore.recognition.tracks import WIDTHS

        if not self.tracks or len(set(self.tracks)) < len(self.tracks):
            raise ValueError("tracks: name each once")
        whole = sum(WIDTHS[t] for t in self.tracks)
        if self.latent < whole:
            raise ValueError(f"latent: {self.latent} is less than the tracks' {whole}")
        for width, heads in (
            ("hidden", "fusion_heads"),
            ("width", "decoder_heads"),
            ("vit_width", "vit_heads"),
            ("vit_width", "temporal_heads"),
        ):
            if getattr(self, width) % getattr(self, heads):
                raise ValueError(
                    f"{width}: {getattr(self, width)} is no multiple of {heads}, {getattr(self, heads)}"
                )
        if self.image_size % self.patch:
            raise ValueError(f"image_size: {self.image_size} is no multiple of patch, {self.patch}")
        if self.stem == "convolutions" and self.patch & (self.patch - 1):
            raise ValueError(
                f"stem: convolutions of stride 2 need a patch that is a power of two, got {self.patch}"
            )
        if self.vit_weights is not None and self.stem != "patches":
            raise ValueError("stem: public weights are of patches")
        if self.denoise_t >= self.noise_steps:
            raise ValueError(f"denoise_t: {self.denoise_t} is not below noise_steps, {self.noise_steps}")
        if self.decoder == "ctc" and self.ctc_weight == 0 and self.preset != "paper":
            raise ValueError("decoder: ctc has not learned anything with ctc_weight 0")
        return self
