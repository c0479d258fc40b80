"""LMT as a generator: a gloss and a still image in, a signing video out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor

from signcore import weights
from signcore.animation.frames import fit_frame
from signcore.contracts import Context, Sample
from signcore.errors import ConfigError, WeightsError
from signcore.plugins.lmt.baselines import truth_of
from signcore.plugins.lmt.clips import as_frames, label_of
from signcore.plugins.lmt.config import LMTConfig, LMTInputs, VideoGPTConfig
from signcore.plugins.lmt.model import build, described, parts, still_codes
from signcore.plugins.lmt.sampling import sample
from signcore.types import Image
from signcore.types.video import Video

FPS = 8.0  # where neither settings nor weights say


class LMT:
    """Latent Motion Transformer (Xie et al.).

    `generate` makes `config.frames` frames (one clip of the weights' length without), square, `config.size` pixels a side; `samples` gives
    all that are asked for. The source may have any size and aspect: its middle square is taken, or it is
    bordered (`config.fit`). A video longer than a clip slides the window: the last slice of codes is the next clip's first.
    Raises InputError for a gloss that the weights do not know, ConfigError where the frames do not fit the codes' grid,
    WeightsError where the weights hold no stage 2.
    """

    component: ClassVar[str] = "lmt"
    config_class: ClassVar[type[LMTConfig]] = LMTConfig

    def __init__(self, config: LMTConfig | None = None, context: Context | None = None) -> None:
        config, self.context = config or self.config_class(), context or Context()
        source = weights.find(self.context.weights, "generator", self.component, config.preset)
        found = build(self.component, config, source)
        self.config, self.vocabulary = found.config, found.vocabulary
        if found.prior is None:
            raise WeightsError(f"{source}: holds stage 1 alone", "train the second: generator.stages=second")
        device = self.context.device
        self.autoencoder = found.autoencoder.eval().requires_grad_(False).to(device)
        self.prior = found.prior.eval().requires_grad_(False).to(device)
        self._last: list[Video] = []
        stride = self.config.downsample[0]
        if self.config.frames is not None and self.config.frames % stride:
            near = max(1, round(self.config.frames / stride)) * stride
            raise ConfigError(
                f"frames: {self.config.frames} is not a multiple of {stride}, the frames of one slice of codes",
                f"take {near}",
            )

    @classmethod
    def from_pretrained(
        cls, source: str | Path, config: LMTConfig | None = None, context: Context | None = None
    ) -> Self:
        """From a folder, a .safetensors file or a hub name."""
        return cls(config, replace(context or Context(), weights=str(source)))

    def save_pretrained(self, folder: str | Path, *, half: bool = True) -> Path:
        about = described(self.component, self.config, self.vocabulary)
        return weights.save(folder, about, parts(self.autoencoder, self.prior), half=half)

    def generate(self, inputs: LMTInputs) -> Video:
        return self.samples(inputs)[0]

    @torch.inference_mode()
    def samples(self, inputs: LMTInputs) -> list[Video]:
        """`inputs.num_samples` videos of the same gloss and image (without it `config.num_samples`), drawn from `context.seed`."""
        config = self.config
        label = 0 if inputs.gloss is None else label_of(inputs.gloss, self.vocabulary)
        image = fit_frame(inputs.source.array, config.size, config.fit)[None].to(self.context.device) - 0.5
        still = still_codes(self.autoencoder, image, config.clip_frames)
        codes = self._codes(still.expand(inputs.num_samples or config.num_samples, -1, -1), label)
        with self._precision():
            videos = [self._decoded(one) for one in codes]
        fps = config.fps or FPS
        self._last = [Video.from_array(as_frames(video), fps) for video in videos]
        return self._last

    def _codes(self, still: Tensor, label: int) -> Tensor:  # int64 [B, h, w] -> [B, slices, h, w]
        """Windows after one another: each continues from the last slice of the one before."""
        config = self.config
        stride, slices = config.downsample[0], config.grid[0]
        wanted = (config.frames or config.clip_frames) // stride
        generator = torch.Generator().manual_seed(self.context.seed)
        labels = torch.full((len(still),), label, device=still.device)
        made = still[:, None]
        with self._precision():
            while made.shape[1] < max(wanted, 2):
                window = sample(
                    self.prior,
                    made[:, -1],
                    labels,
                    temperature=config.temperature,
                    top_k=config.top_k,
                    top_p=config.top_p,
                    guidance=config.guidance,
                    generator=generator,
                    progress=self.context.progress,
                )
                # VideoGPT's prior makes the first slice anew
                made = window if made.shape[1] == 1 else torch.cat([made, window[:, 1:]], 1)
        return made[:, : max(wanted, min(slices, 1))]

    def _decoded(self, codes: Tensor) -> Tensor:  # int64 [s, h, w] -> [3, T, H, W] in [-0.5, 0.5]
        """In windows of a clip's length, as the decoder was trained; of overlapping windows the later frames of each are kept."""
        slices, stride = self.config.grid[0], self.config.downsample[0]
        found: list[Tensor] = []
        at = 0
        while at == 0 or sum(part.shape[1] for part in found) < len(codes) * stride:
            window = codes[at : at + slices]
            frames = self.autoencoder.decode(window[None])[0].float()
            found.append(frames if at == 0 else frames[:, stride:])
            at += slices - 1
        return torch.cat(found, 1)[:, : len(codes) * stride].clamp(-0.5, 0.5)

    def _precision(self) -> Any:
        kind = getattr(torch, self.context.dtype)
        half = kind != torch.float32
        return torch.autocast(self.context.device.split(":")[0], kind if half else None, enabled=half)

    def inputs_of(self, sample: Sample) -> tuple[LMTInputs, Video]:
        """A dataset's sample: its gloss and first frame; the truth is the clip as the model would have seen it, and carries the gloss."""
        truth = truth_of(sample, self.config, self.config.fps or FPS)
        assert sample.video is not None
        assert sample.glosses is not None
        video = sample.video
        return LMTInputs(gloss=sample.glosses[0], source=Image(np.ascontiguousarray(video[0]))), truth

    def views(self, product: Video) -> dict[str, Any]:
        """The other samples, and all of them as strips."""
        more = {f"sample {i + 1}": video for i, video in enumerate(self._last[1:], 1)}
        strips = [np.concatenate([*video.numpy()], 1) for video in self._last]
        return {**more, "frames": Image(np.concatenate(strips))}


class VideoGPT(LMT):
    """VideoGPT (Yan et al. 2021) on the same clips, codes and conditions; see `VideoGPTConfig`."""

    component: ClassVar[str] = "videogpt"
    config_class: ClassVar[type[LMTConfig]] = VideoGPTConfig
