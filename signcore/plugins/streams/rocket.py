"""Random convolutions and a ridge regression: a stream whose only learned layer is solved for, not trained.

After ROCKET (Dempster, Petitjean and Webb 2020, arXiv 1910.13051): kernels are drawn at random, dilated, over random channels; of each
the clip keeps its largest answer and how often it is over a threshold (PPV), here in every half, so that order counts.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

TAPS, SHAPES, DILATIONS = 7, 16, (1, 2, 4, 8, 16)
CHANNELS = 3.5  # a kernel sees up to 2 ** CHANNELS channels
HALVES = 2
SCALES = (2.0, 4.0, 8.0, 12.0, 16.0, 24.0)  # from the regression's answers to logits
AT_ONCE = 256  # clips


class RandomKernels(nn.Module):
    """[B, channels, T] of `frames` frames to logits [B, classes]. `fit` draws and solves; everything is a buffer."""

    taps: Tensor  # [shapes * dilations, TAPS]
    mix: Tensor  # [shapes * dilations, channels, kernels of one]
    centre: Tensor  # [channels]
    threshold: Tensor  # [shapes * dilations, kernels of one]
    mean: Tensor  # [features]
    weight: Tensor  # [features, classes]

    def __init__(self, channels: int, classes: int, frames: int, kernels: int) -> None:
        super().__init__()
        self.dilations = [d for d in DILATIONS if d * (TAPS - 1) < frames] or [1]
        banks = SHAPES * len(self.dilations)
        each = max(1, kernels // banks)
        features = banks * each * (1 + HALVES)
        shapes = {
            "taps": (banks, TAPS),
            "mix": (banks, channels, each),
            "threshold": (banks, each),
            "centre": (channels,),
            "mean": (features,),
            "weight": (features, classes),
        }
        for name, shape in shapes.items():
            self.register_buffer(name, torch.zeros(shape))

    def forward(self, x: Tensor) -> Tensor:
        answer: Tensor = (self.features(x) - self.mean) @ self.weight
        return answer

    def features(self, x: Tensor) -> Tensor:
        """[B, channels, T] to [B, features]."""
        return torch.cat([self._features(part) for part in x.split(AT_ONCE)])

    def _features(self, x: Tensor) -> Tensor:
        x = x.transpose(1, 2) - self.centre
        found: list[Tensor] = []
        for bank, threshold in enumerate(self.threshold):
            answers = self._answers(x, bank) - threshold
            found.append(answers.amax(dim=1))
            found += [(half > 0).to(x.dtype).mean(dim=1) for half in answers.chunk(HALVES, dim=1)]
        return torch.cat(found, dim=1)

    def _answers(self, x: Tensor, bank: int) -> Tensor:  # [B, T, channels] to [B, T, kernels of one]
        count, step = x.shape[1], self.dilations[bank % len(self.dilations)]
        # one shape for all channels, then their mixture: far fewer operations than kernels one by one
        held = F.pad(x.transpose(1, 2), (step * (TAPS // 2),) * 2, mode="replicate").transpose(1, 2)
        shaped = sum(w * held[:, i * step : i * step + count] for i, w in enumerate(self.taps[bank]))
        return shaped @ self.mix[bank]

    @torch.no_grad()
    def fit(
        self, x: Tensor, labels: Tensor, groups: Tensor, ridge: float, generator: torch.Generator
    ) -> None:
        """Draw the kernels and solve for the answers.

        x: [N, channels, T]. labels: int64 [N]. groups: int64 [N], what is held out together (a signer, all copies of a clip).
        ridge: beside features of mean square norm 1. The scale of the logits is the one with the least cross entropy over
        groups held out, which a ridge regression gives without another fit.
        """
        self._draw(x, generator)
        features = self.features(x)
        self.mean.copy_(features.mean(dim=0))
        unit = 1 / ((features.std(dim=0) + 1e-4) * features.shape[1] ** 0.5)
        features = (features - self.mean) * unit
        wanted = F.one_hot(labels, self.weight.shape[1]).to(features) - 1 / self.weight.shape[1]
        gram = features @ features.T
        gram.diagonal().add_(ridge)
        inverse = torch.cholesky_inverse(torch.linalg.cholesky(gram))
        solved = inverse @ wanted
        held_out = torch.zeros_like(wanted)
        for group in groups.unique():
            own = torch.nonzero(groups == group)[:, 0]
            held_out[own] = wanted[own] - torch.linalg.solve(inverse[own][:, own], solved[own])
        losses = [float(F.cross_entropy(scale * held_out, labels)) for scale in SCALES]
        scale = SCALES[losses.index(min(losses))]
        self.weight.copy_(scale * unit[:, None] * (features.T @ solved))

    def _draw(self, x: Tensor, generator: torch.Generator) -> None:
        channels, each = self.mix.shape[1:]
        self.centre.copy_(x.mean(dim=(0, 2)))
        spread = x.std(dim=(0, 2)) + 1e-3
        taps = torch.randn(self.taps.shape, generator=generator)
        level = torch.arange(len(taps)) // len(self.dilations) % 2 == 1
        taps[level] -= taps[level].mean(dim=1, keepdim=True)  # every other shape sees changes only
        self.taps.copy_(taps / taps.norm(dim=1, keepdim=True))
        most = min(CHANNELS, float(torch.tensor(channels).log2()))
        counts = 2 ** (most * torch.rand(len(taps), 1, each, generator=generator))
        ranks = torch.rand(len(taps), channels, each, generator=generator).argsort(dim=1)
        mix = torch.randn(len(taps), channels, each, generator=generator) * (ranks < counts.floor())
        self.mix.copy_(mix / counts.floor().sqrt() / spread[:, None])
        quantiles = 0.1 + 0.8 * torch.rand(self.threshold.shape, generator=generator)
        seen = x[torch.randperm(len(x), generator=generator)[:64]].transpose(1, 2) - self.centre
        for bank, places in enumerate(quantiles):
            ordered = self._answers(seen, bank).flatten(0, 1).sort(dim=0).values
            self.threshold[bank] = ordered.gather(0, (places * (len(ordered) - 1)).long()[None])[0]
