"""Frames and clips to vectors, by networks that the settings name and the signature tells."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from signcore.plugins.video_metrics.config import FIDConfig, FramesConfig, FVDConfig
from signcore.plugins.video_metrics.frames import chunk_frames
from signcore.types.video import Video

if TYPE_CHECKING:
    from signcore.contracts import Context

CLIPS = 4  # at once


def digest(tensors: Mapping[str, Tensor]) -> str:
    """Eight hexadecimal digits of the sha256 of names and values as float32: equal where the numbers that are used are equal."""
    total = hashlib.sha256()
    for name in sorted(tensors):
        if not name.endswith("num_batches_tracked"):
            total.update(name.encode() + tensors[name].detach().cpu().float().contiguous().numpy().tobytes())
    return total.hexdigest()[:8]


def square(frames: np.ndarray, side: int | None) -> Tensor:
    """uint8 [n, H, W, 3] -> [n, 3, side, side] in [0, 1]: short side resized (bilinear, anti-aliased), middle square cropped. None: as they are."""
    images = torch.from_numpy(frames).permute(0, 3, 1, 2).float() / 255
    if side is None:
        return images
    height, width = images.shape[2:]
    short = min(height, width)
    if short != side:
        size = [max(side, round(n * side / short)) for n in (height, width)]
        images = F.interpolate(images, size, mode="bilinear", antialias=True).clamp(0, 1)
    y, x = ((n - side) // 2 for n in images.shape[2:])
    return images[..., y : y + side, x : x + side]


def squares(video: Video, side: int | None) -> Iterator[Tensor]:
    """A video's frames, a few at a time, as `square` makes them."""
    count, part = chunk_frames(video), []
    for frame in video:
        part.append(frame)
        if len(part) == count:
            yield square(np.stack(part), side)
            part = []
    if part:
        yield square(np.stack(part), side)


class FrameEmbedding:
    """[n, 3, H, W] in [0, 1] to float64 [n, d]. `label`: of the network, for scores; `about`: all that changes the numbers."""

    def __init__(self, config: FramesConfig | FIDConfig, context: Context) -> None:
        from signcore.nn.inception import Inception
        from signcore.nn.lpips import Backbone
        from signcore.nn.random_features import RandomFeatures

        self.device, self.label = context.device, config.network
        size = str(config.size)
        if config.weights is None:
            self.network: torch.nn.Module = RandomFeatures(2)
        elif config.network == "inception":
            self.network, size = Inception().load(config.weights), "whole"
        else:
            self.network = Backbone(config.network).load(config.weights)
        self.about = f"network:{config.network}|weights:{self.network.source}@{digest(self.network.state_dict())}|size:{size}"
        self.network.eval().to(self.device)

    @torch.inference_mode()
    def __call__(self, images: Tensor) -> np.ndarray:
        found = self.network(images.to(self.device))
        pooled = found[-1].mean(dim=(2, 3)) if isinstance(found, list) else found
        return pooled.cpu().double().numpy()


class ClipEmbedding:
    """[n, T, 3, S, S] in [0, 1] to float64 [n, d]; `label` and `about` as of `FrameEmbedding`."""

    def __init__(self, config: FVDConfig, context: Context) -> None:
        from signcore.nn.i3d import I3D
        from signcore.nn.random_features import RandomFeatures

        self.device, self.label = context.device, config.network
        if config.weights is None:
            self.network: torch.nn.Module = RandomFeatures(3)
        else:
            self.network = I3D().load(config.weights)
        self.about = f"network:{config.network}|weights:{self.network.source}@{digest(self.network.state_dict())}|size:{config.side}"
        self.network.eval().to(self.device)

    @torch.inference_mode()
    def __call__(self, clips: Tensor) -> np.ndarray:
        x = clips.to(self.device).transpose(1, 2)
        x = 2 * x - 1 if self.label == "i3d" else x  # I3D is for -1 .. 1
        return self.network(x).cpu().double().numpy()


def clips(video: Video, side: int, length: int, stride: int) -> Iterator[Tensor]:
    """Batches [n, T, 3, S, S] of the clips that start at frames 0, stride, 2 stride, ...; an unfinished one is left out."""
    held: list[Tensor] = []  # frames from `first` on, which is where the next clip starts, or will
    first, ready = 0, []
    for part in squares(video, side):
        held.extend(part)
        while len(held) - first >= length:
            ready.append(torch.stack(held[first : first + length]))
            first += stride
            if len(ready) == CLIPS:
                yield torch.stack(ready)
                ready = []
        gone = min(first, len(held))
        held, first = held[gone:], first - gone
    if ready:
        yield torch.stack(ready)
