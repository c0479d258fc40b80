"""LMT's two networks, made of settings, and read from and described for weights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from signcore import weights
from signcore.errors import WeightsError
from signcore.nn.video_autoencoder import VideoAutoencoder
from signcore.plugins.lmt.config import LMTConfig
from signcore.plugins.lmt.prior import GPTPrior, LatentTransformer, Prior
from signcore.presets import describe, trained_config

FIRST, SECOND = "autoencoder.", "prior."


@dataclass
class Built:
    """prior: None where the weights hold stage 1 alone. vocabulary: the glosses, by label."""

    autoencoder: VideoAutoencoder
    prior: Prior | None
    vocabulary: list[str]
    config: LMTConfig


def make_autoencoder(config: LMTConfig) -> VideoAutoencoder:
    return VideoAutoencoder(
        hidden=config.hidden,
        fine=config.fine_hidden,
        downsample=config.downsample,
        blocks=config.blocks,
        attention=config.attention,
        heads=config.heads,
        prototypes=config.prototypes,
        codes=config.codes,
        dim=config.dim,
        normalised=config.normalisation == "batch",
        linear_path=config.linear_path,
    )


def make_prior(config: LMTConfig, table: Tensor, classes: int) -> Prior:  # table: the codebook [K, d]
    shared: dict[str, Any] = {
        "width": config.width,
        "layers": config.layers,
        "heads": config.prior_heads,
        "dropout": config.dropout,
        "null_label": config.label_dropout > 0,
    }
    if config.prior == "videogpt":
        return GPTPrior(table, config.grid, classes, **shared)
    return LatentTransformer(
        table,
        config.grid,
        classes,
        mask=config.mask,
        embedding=config.embedding,
        positions=config.positions,
        look_back=config.look_back,
        label_places=config.label_places,
        **shared,
    )


def build(component: str, config: LMTConfig, source: str | Path, *, prior: bool = True) -> Built:
    """Both networks of weights, or with prior=False stage 1 alone, whose stage-2 settings are then those of `config`.

    Raises WeightsError where they are another component's, another architecture's, or their stages do not belong together.
    """
    trained, tensors = weights.read(source)
    if not prior:
        trained = {**trained, "component": f"generator:{component}", "settings": _first_settings(trained)}
    config = trained_config(component, config, trained, source)
    if prior:
        _same_clips(config, trained.get("settings", {}), source)
    first = {name.removeprefix(FIRST): t for name, t in tensors.items() if name.startswith(FIRST)}
    second = {name.removeprefix(SECOND): t for name, t in tensors.items() if name.startswith(SECOND)}
    autoencoder = make_autoencoder(config)
    weights.load_into(autoencoder, first, source)
    vocabulary = [str(gloss) for gloss in trained.get("vocabulary", [])]
    if not prior or not second:
        return Built(autoencoder, None, vocabulary, config)
    made = make_prior(config, autoencoder.codebook.embeddings, len(vocabulary))
    try:
        weights.load_into(made, second, source)
    except ValueError as error:
        raise WeightsError(
            f"{source}: holds {error}", "give weights whose two stages were trained together"
        ) from error
    return Built(autoencoder, made, vocabulary, config)


def _same_clips(config: LMTConfig, trained: dict[str, Any], source: str | Path) -> None:
    """Other clips than a second stage was trained on are refused by name, not by the shapes of tensors."""
    for name, what in (("size", "pixels a side"), ("clip_frames", "frames a clip")):
        made, wanted = trained.get(name), getattr(config, name)
        if made not in (None, wanted):
            raise WeightsError(f"{source}: makes {made} {what}, not {name}={wanted}", f"leave {name} out")


def _first_settings(trained: dict[str, Any]) -> dict[str, Any]:
    from signcore.plugins.lmt.config import STAGE_ONE

    return {name: value for name, value in trained.get("settings", {}).items() if name in STAGE_ONE}


def parts(autoencoder: VideoAutoencoder, prior: Prior | None) -> dict[str, Tensor]:
    """One state dict of both."""
    tensors = {FIRST + name: value for name, value in autoencoder.state_dict().items()}
    if prior is not None:
        tensors |= {SECOND + name: value for name, value in prior.state_dict().items()}
    return tensors


def described(component: str, config: LMTConfig, vocabulary: list[str]) -> dict[str, Any]:
    return describe(component, config, vocabulary=vocabulary)


@torch.no_grad()
def still_codes(
    model: VideoAutoencoder, image: Tensor, frames: int
) -> Tensor:  # [B, 3, H, W] in [-0.5, 0.5] -> int64 [B, h, w]
    """The still image, held for `frames` frames and encoded: the first slice of its codes (L1)."""
    return model.encode(image[:, :, None].expand(-1, -1, frames, -1, -1).contiguous())[:, 0]
