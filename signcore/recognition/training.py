"""What the tasks of all recognizers share: clips with their glosses, batches in an order that resumes, AdamW and a cosine."""

from __future__ import annotations

import copy
import logging
import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from signcore import weights
from signcore.contracts import Context, Dataset, Hypothesis, Sample
from signcore.errors import InputError, SigncoreError
from signcore.presets import PresetConfig
from signcore.recognition.vocabulary import Vocabulary

EVALUATED = 200  # held-out clips that `evaluate` looks at

Config = TypeVar("Config", bound=PresetConfig)


@dataclass(frozen=True)
class Clip:
    """value: what the method reads of a sample. glosses: the truth."""

    id: str
    value: Any
    glosses: list[str]
    signer: str | None


class GlossTask(ABC, Generic[Config]):
    """A recognizer's task. A method gives `read`, `build`, `losses`, `decode` and `described`, and a config with batch,
    learning_rate, weight_decay, warm_up, least_rate, clip_gradient and averaging.

    Samples that cannot be used are left out and counted; `skipped` says why of each. Labels of the split test that the
    training does not have are counted and named. Raises InputError where nothing is left to train on.
    """

    def __init__(self, config: Config, context: Context | None = None) -> None:
        self.config: Any = config
        self.context = context or Context()
        self.skipped: list[str] = []
        self._dataset: Dataset | None = None
        self._clips: dict[str, list[Clip]] = {}

    # what a method gives

    @abstractmethod
    def read(self, sample: Sample) -> Any: ...

    @abstractmethod
    def build(self, clips: Sequence[Clip], vocabulary: Vocabulary) -> nn.Module: ...

    @abstractmethod
    def collate(self, clips: Sequence[Clip], position: int) -> Any: ...

    @abstractmethod
    def losses(self, batch: Any) -> dict[str, Tensor]: ...

    @abstractmethod
    def decode(self, clip: Clip) -> list[Hypothesis]: ...

    @abstractmethod
    def described(self) -> dict[str, Any]: ...

    # the contract

    def begin(self, dataset: Dataset) -> None:
        train = self.clips(dataset)["train"]
        if not train:
            first = self.skipped[0] if self.skipped else "it is empty"
            raise InputError(f"dataset: holds no sample with glosses to train on ({first})")
        self.vocabulary = Vocabulary.of(c.glosses for c in train)
        outside = Vocabulary(self.vocabulary.glosses)
        for clip in self.clips(dataset)["test"]:
            outside.encode(clip.glosses)
        if outside.unknown:
            logging.getLogger("signcore").warning("held-out part: %s", outside.about_unknown())
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.context.seed)
            self.model = self.build(train, self.vocabulary)
        if self.config.averaging:
            self.average = copy.deepcopy(self.model).requires_grad_(False).eval()
        else:
            self.average = self.model
        decayed = [p for p in self.model.parameters() if p.requires_grad and p.ndim > 1]
        free = [p for p in self.model.parameters() if p.requires_grad and p.ndim <= 1]
        self.optimizer: torch.optim.Optimizer = torch.optim.AdamW(
            [
                {"params": decayed, "weight_decay": self.config.weight_decay},
                {"params": free, "weight_decay": 0.0},
            ],
            lr=self.config.learning_rate,
        )

    def clips(self, dataset: Dataset) -> dict[str, list[Clip]]:
        if self._dataset is not dataset:
            self._dataset, self._clips, self.skipped = dataset, {"train": [], "test": []}, []
            for i in self.context.progress(range(len(dataset)), len(dataset), "clips"):
                sample = dataset[i]
                try:
                    if not sample.glosses:
                        raise InputError("has no glosses")
                    clip = Clip(sample.id or str(i), self.read(sample), list(sample.glosses), sample.signer)
                except SigncoreError as error:
                    self.skipped.append(f"{sample.id or i}: {error}")
                    continue
                self._clips["train" if sample.split in (None, "train") else "test"].append(clip)
            if self.skipped:
                logging.getLogger("signcore").warning(
                    "%d of %d samples left out; the first: %s",
                    len(self.skipped),
                    len(dataset),
                    self.skipped[0],
                )
        return self._clips

    def about(self) -> dict[str, Any]:
        return {"left_out": self.skipped}

    def stages(self) -> list[Any]:
        return [self]

    def modules(self) -> dict[str, nn.Module]:
        kept: dict[str, nn.Module] = {"model": self.model}
        return {**kept, "average": self.average} if self.config.averaging else kept

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        return {"adamw": self.optimizer}

    def schedule(self, step: int, steps: int) -> None:
        """A linear rise over `warm_up` of the steps, then a cosine down to `least_rate` (S10)."""
        self.progress = step / steps
        rise = max(1.0, self.config.warm_up * steps)
        fall = max(0.0, (step - rise) / max(1.0, steps - rise))
        least = self.config.least_rate
        factor = min((step + 1) / rise, 1.0) * (least + (1 - least) * (1 + math.cos(math.pi * fall)) / 2)
        for group in self.optimizer.param_groups:
            group["lr"] = self.config.learning_rate * factor

    def batches(self, dataset: Dataset, split: str, start: int = 0) -> Iterator[Any]:
        """Endless. Every clip once an epoch; the order follows from the seed and the epoch."""
        clips = self.clips(dataset)["train" if split == "train" else "test"]
        size = min(self.config.batch, len(clips))
        a_round = max(1, len(clips) // size)
        position = start
        while True:
            epoch, place = divmod(position, a_round)
            order = np.random.Generator(np.random.PCG64([self.context.seed, epoch])).permutation(len(clips))
            yield self.collate([clips[i] for i in order[place * size : (place + 1) * size]], position)
            position += 1

    def random(self, position: int) -> np.random.Generator:
        """The draws of the batch at a position."""
        return np.random.Generator(np.random.PCG64([self.context.seed, 91, position]))

    def step(self, batch: Any, optimizer: str) -> dict[str, Tensor]:
        self.model.train()
        return self.losses(batch)

    def clip(self, optimizer: str) -> None:
        if self.config.clip_gradient:
            nn.utils.clip_grad_norm_(self.model.parameters(), self.config.clip_gradient)

    @torch.no_grad()
    def updated(self, step: int) -> None:
        if not self.config.averaging:
            return
        decay = min(self.config.averaging, (1 + step) / (10 + step))
        for there, here in zip(self.average.parameters(), self.model.parameters(), strict=True):
            there.lerp_(here, 1 - decay)
        for kept, now in zip(self.average.buffers(), self.model.buffers(), strict=True):
            kept.copy_(now)

    @torch.no_grad()
    def evaluate(self, dataset: Dataset) -> dict[str, float]:
        """Of held-out clips: word error rate, and the share that is wholly right, in per cent. Nothing without such clips."""
        from signcore.plugins.text_metrics.metrics import WER

        clips = self.clips(dataset)["test"]
        if not clips:
            return {}
        clips = (
            [clips[i * len(clips) // EVALUATED] for i in range(EVALUATED)]
            if len(clips) > EVALUATED
            else clips
        )
        self.average.eval()
        metric, right = WER(), 0
        for clip in clips:
            found = self.decode(clip)
            said = found[0].glosses if found else []
            metric.update(said, clip.glosses)
            right += said == clip.glosses
        return {**metric.compute(), "right": 100 * right / len(clips)}

    def samples(self, dataset: Dataset) -> dict[str, np.ndarray]:
        return {}

    def export(self, folder: Path) -> None:
        if self._dataset is None:
            raise InputError("nothing was trained, so there is nothing to export")
        weights.save(folder, self.described(), self.average.state_dict(), half=True)
