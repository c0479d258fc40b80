"""Training Progressive Transformers: mean squared error of every next frame and its counter, inputs made noisy."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from signcore import weights
from signcore.contracts import Context, Dataset
from signcore.errors import InputError
from signcore.plugins.progressive.config import ProgressiveConfig
from signcore.plugins.progressive.generator import LAYOUT, build, described
from signcore.plugins.progressive.model import counter
from signcore.training.signs import Batch, Sign, Signs, collate, strips
from signcore.types import hamnosys, preprocess

EVALUATED = 32  # held-out signs that `evaluate` looks at
FOLLOWS = 0.01  # how fast the errors' spread follows


class ProgressiveTask:
    """One stage, one optimiser (Adam). Raises InputError where the dataset has no sign to learn from."""

    def __init__(self, config: ProgressiveConfig | None = None, context: Context | None = None) -> None:
        self.config, self.context = config or ProgressiveConfig(), context or Context()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.context.seed)
            self.model, self.config, _ = build(self.config, self.context.weights)
        self.names = preprocess.chosen_names(LAYOUT, self.config.points)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=self.config.learning_rate)
        self._signs: Signs | None = None

    def stages(self) -> list[ProgressiveTask]:
        return [self]

    def modules(self) -> dict[str, nn.Module]:
        return {"model": self.model}

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        return {"adam": self.optimizer}

    def schedule(self, step: int, steps: int) -> None:
        if self.config.schedule == "cosine":
            factor = 0.01 + 0.99 * (1 + math.cos(math.pi * step / steps)) / 2
            for group in self.optimizer.param_groups:
                group["lr"] = self.config.learning_rate * factor

    def signs(self, dataset: Dataset) -> Signs:
        if self._signs is None or self._signs.dataset is not dataset:
            self._signs = Signs(
                dataset,
                hamnosys.encode,
                self.names,
                max_length=self.config.max_length,
                fps=self.config.fps,
                progress=self.context.progress,
            )
        return self._signs

    def batches(self, dataset: Dataset, split: str, start: int = 0) -> Iterator[Batch]:
        signs = self.signs(dataset)
        part = signs.splits["train" if split == "train" else "test"]
        return signs.batches(part, self.config.batch, self.context.seed, start)

    def step(self, batch: Batch, optimizer: str) -> dict[str, Tensor]:
        self.model.train()
        config = self.config
        random = torch.Generator().manual_seed(self.context.seed * 1_000_003 + batch.position)
        lengths = (~batch.absent).sum(1).tolist()
        counters = torch.zeros(batch.absent.shape)
        for row, length in zip(counters, lengths, strict=True):
            row[:length] = torch.tensor([counter(i, length) for i in range(length)])
        truth = torch.cat([batch.pose.flatten(2), counters.to(batch.pose)[..., None]], dim=-1)
        given = truth[:, :-1].clone()
        if config.noise_rate:
            noise = torch.randn(given[..., :-1].shape, generator=random).to(given)
            given[..., :-1] += config.noise_rate * self.model.spread * noise
        memory, padding = self.model.encode(batch.tokens)
        found = self.model.decode(given, memory, padding)
        sure = (batch.confidence > 0).to(batch.pose)[..., None].expand(*batch.confidence.shape, 2).flatten(2)
        present = (~batch.absent).to(batch.pose)[..., None]
        weight = torch.cat([sure * present, present], dim=-1)
        error = (found[..., : self.model.size] - truth[:, 1:]) * weight[:, 1:]
        total, count = (error**2).sum(), weight[:, 1:].sum()
        width = self.model.size - 1
        for k in range(config.future):
            ahead = slice(self.model.size + k * width, self.model.size + (k + 1) * width)
            later = (found[:, : -k - 1, ahead] - truth[:, k + 2 :, :-1]) * weight[:, k + 2 :, :-1]
            total, count = total + (later**2).sum(), count + weight[:, k + 2 :, :-1].sum()
        with torch.no_grad():
            seen = weight[:, 1:, :-1].sum((0, 1)).clamp(min=1)
            spread = ((error[..., :-1] ** 2).sum((0, 1)) / seen).sqrt()
            self.model.spread.lerp_(spread, FOLLOWS)
        return {"regression": total / count.clamp(min=1)}

    def held_out(self, dataset: Dataset) -> list[Sign]:
        splits = self.signs(dataset).splits
        signs = splits["test"] or splits["train"]
        return (
            [signs[i * len(signs) // EVALUATED] for i in range(EVALUATED)]
            if len(signs) > EVALUATED
            else signs
        )

    def made(self, sign: Sign) -> Tensor:  # [T, K, 2], with the true counter
        batch = collate([sign])
        self.model.eval()
        with torch.no_grad():
            return self.model.unroll(batch.tokens, batch.pose[0, 0], len(sign.points))

    def evaluate(self, dataset: Dataset) -> dict[str, float]:
        """Of held-out signs, with the true counter: nDTW, and that of the first pose held still."""
        from signcore.kernels import dtw

        made, still = [], []
        for sign in self.held_out(dataset):
            truth = torch.from_numpy(np.where(sign.confidence[..., None] > 0, sign.points, np.nan)).double()
            held = torch.from_numpy(sign.points[:1].repeat(len(truth), axis=0)).double()
            made.append(float(dtw(truth, self.made(sign).double()).mean()))
            still.append(float(dtw(truth, held).mean()))
        return {"ndtw": float(np.mean(made)), "resting": float(np.mean(still))}

    def samples(self, dataset: Dataset) -> dict[str, np.ndarray]:
        return {
            f"sign{i}": strips(self.names, LAYOUT, sign.points, self.made(sign).numpy())
            for i, sign in enumerate(self.held_out(dataset)[:4])
        }

    def export(self, folder: Path) -> None:
        if self._signs is None:
            raise InputError("nothing was trained, so there is nothing to export")
        weights.save(
            folder, described(self.config, self._signs.mean_first()), self.model.state_dict(), half=True
        )
