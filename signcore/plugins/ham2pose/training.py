"""Training Ham2Pose (sections 5.4 and 6)."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from signcore import weights
from signcore.contracts import Context, Dataset
from signcore.errors import InputError
from signcore.plugins.ham2pose.config import Ham2PoseConfig
from signcore.plugins.ham2pose.generator import LAYOUT, build, described
from signcore.training.signs import Batch, Sign, Signs, collate, strips
from signcore.types import hamnosys, layouts, preprocess

WARM_UP = 0.02  # part of the steps in which the cosine schedule rises
LEAST = 0.01  # of the learning rate, where the cosine ends
EVALUATED = 64  # held-out signs that `evaluate` looks at


class Ham2PoseTask:
    """One stage, one optimiser (Adam); exports the running average of the weights and the mean first pose.

    With `context.weights` training starts from those. Raises InputError where the dataset has no sign to learn from.
    """

    def __init__(self, config: Ham2PoseConfig | None = None, context: Context | None = None) -> None:
        self.config, self.context = config or Ham2PoseConfig(), context or Context()
        self._signs: Signs | None = None
        if self.config.layout is not None or self.context.weights is not None:
            self._build()

    def begin(self, dataset: Dataset) -> None:
        """The network for the dataset's layout, where neither the settings nor the weights name one."""
        if self.config.layout is None:
            pose = next(
                (s.pose for s in (dataset[i] for i in range(len(dataset))) if s.notation and s.pose), None
            )
            if pose is None:
                raise InputError("dataset: holds no sample with notation and pose to train on")
            self.config = self.config.model_copy(update={"layout": layouts.nearest_layout(pose.header)})
            self._build()

    def _build(self) -> None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.context.seed)
            self.model, self.config, _ = build(self.config, self.context.weights)
        self.average = (
            copy.deepcopy(self.model).requires_grad_(False) if self.config.averaging else self.model
        )
        self.average.eval()
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=self.config.learning_rate)
        self.layout = self.config.layout or LAYOUT
        self.names = preprocess.chosen_names(self.layout, self.config.points)

    def stages(self) -> list[Ham2PoseTask]:
        return [self]

    def modules(self) -> dict[str, nn.Module]:
        kept: dict[str, nn.Module] = {"model": self.model}
        return {**kept, "average": self.average} if self.config.averaging else kept

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        return {"adam": self.optimizer}

    def schedule(self, step: int, steps: int) -> None:
        factor = 1.0
        if self.config.schedule == "cosine":
            fall = max(0.0, (step / steps - WARM_UP) / (1 - WARM_UP))
            factor = min((step + 1) / max(1.0, WARM_UP * steps), 1.0)
            factor *= LEAST + (1 - LEAST) * (1 + math.cos(math.pi * fall)) / 2
        for group in self.optimizer.param_groups:
            group["lr"] = self.config.learning_rate * factor

    def signs(self, dataset: Dataset) -> Signs:
        if self._signs is None or self._signs.dataset is not dataset:
            self._signs = Signs(
                dataset,
                hamnosys.encode,
                self.names,
                layout=self.layout,
                preset=self.config.preprocessing,
                max_length=self.config.max_length,
                fps=self.config.fps,
                progress=self.context.progress,
            )
        return self._signs

    def part(self, dataset: Dataset, split: str) -> list[Sign]:
        """The signs of a split; with a language left out, train is all others and test that one (section 7.4)."""
        splits, out = self.signs(dataset).splits, self.config.leave_out
        if out is None:
            return splits[split]
        found = [s for s in splits["train"] + splits["test"] if (s.language == out) == (split == "test")]
        if not found:
            raise InputError(
                f"leave_out: the dataset has no sign {'of' if split == 'test' else 'beside'} {out!r}"
            )
        return found

    def batches(self, dataset: Dataset, split: str, start: int = 0) -> Iterator[Batch]:
        signs = self.part(dataset, "train" if split == "train" else "test")
        return self.signs(dataset).batches(signs, self.config.batch, self.context.seed, start)

    def about(self) -> dict[str, list[str]]:
        return {"left_out": [] if self._signs is None else self._signs.skipped}

    def step(self, batch: Batch, optimizer: str) -> dict[str, Tensor]:
        self.model.train()
        config = self.config
        random = torch.Generator().manual_seed(self.context.seed * 1_000_003 + batch.position)
        teacher = (torch.rand(config.steps, generator=random) < config.teacher_forcing).tolist()
        noise = None
        if config.noise:
            noise = [
                config.noise * torch.randn(batch.pose.shape, generator=random).to(batch.pose)
                for _ in range(config.steps)
            ]
        sure = batch.confidence if config.confidence_loss else (batch.confidence > 0).to(batch.pose)
        others = (batch.other_tokens, batch.other_frames)
        return self.model.losses(
            batch.tokens, batch.pose, sure, batch.absent, teacher=teacher, noise=noise, others=others
        )

    def clip(self, optimizer: str) -> None:
        if self.config.clip_gradient:
            nn.utils.clip_grad_norm_(self.model.parameters(), self.config.clip_gradient)

    @torch.no_grad()
    def updated(self, step: int) -> None:
        if self.config.averaging:
            decay = min(self.config.averaging, (1 + step) / (10 + step))
            for there, here in zip(self.average.parameters(), self.model.parameters(), strict=True):
                there.lerp_(here, 1 - decay)

    def held_out(self, dataset: Dataset) -> list[Sign]:
        signs = self.part(dataset, "test") or self.part(dataset, "train")
        return (
            [signs[i * len(signs) // EVALUATED] for i in range(EVALUATED)]
            if len(signs) > EVALUATED
            else signs
        )

    @torch.no_grad()
    def evaluate(self, dataset: Dataset) -> dict[str, float]:
        """Of held-out signs at their true length: nDTW of the model, with its own notation and with another sign's
        (`shuffled`: as good where the notation is not read), and of the first pose held still; the model's share of that;
        the same of the handshapes alone, the hands' points relative to their wrists; and the mean error of the predicted
        length in frames."""
        from signcore.kernels import dtw

        self.average.eval()
        made, shuffled, still, errors = [], [], [], []
        shapes: dict[str, list[float]] = {"hands": [], "resting.hands": []}
        wrists = self.model.wrists
        fingers = [i for i, wrist in enumerate(wrists) if i != wrist]
        signs = self.held_out(dataset)
        for i, sign in enumerate(signs):
            batch = collate([sign])
            lengths = torch.tensor([len(sign.points)])
            first = batch.pose[:, 0]
            *_, last = self.average.unroll(batch.tokens, first, lengths)
            truth = torch.from_numpy(np.where(sign.confidence[..., None] > 0, sign.points, np.nan)).double()
            made.append(float(dtw(truth, last[0].double()).mean()))
            for name, pose in (("hands", last[0]), ("resting.hands", first.expand(len(truth), -1, -1))):
                if fingers:
                    of, by = ((p - p[:, wrists])[:, fingers].double() for p in (truth, pose))
                    shapes[name].append(float(dtw(of, by).mean()))
            other = torch.tensor([signs[(i + 1) % len(signs)].tokens])
            *_, last = self.average.unroll(other, first, lengths)
            shuffled.append(float(dtw(truth, last[0].double()).mean()))
            still.append(float(dtw(truth, first.double().expand(len(truth), -1, -1).contiguous()).mean()))
            predicted = self.average.lengths(self.average.read(batch.tokens))
            errors.append(abs(int(predicted) - len(truth)))
        told = {
            "ndtw": float(np.mean(made)),
            "shuffled": float(np.mean(shuffled)),
            "resting": float(np.mean(still)),
        }
        told |= {name: float(np.mean(values)) for name, values in shapes.items() if values}
        return {**told, "share": told["ndtw"] / told["resting"], "length-error": float(np.mean(errors))}

    @torch.no_grad()
    def samples(self, dataset: Dataset) -> dict[str, np.ndarray]:
        """Of four held-out signs: the truth above, the model's below."""
        pictures = {}
        for i, sign in enumerate(self.held_out(dataset)[:4]):
            batch = collate([sign])
            *_, last = self.average.unroll(batch.tokens, batch.pose[:, 0], torch.tensor([len(sign.points)]))
            pictures[f"sign{i}"] = strips(self.names, self.layout, sign.points, last[0].numpy())
        return pictures

    def export(self, folder: Path) -> None:
        if self._signs is None:
            raise InputError("nothing was trained, so there is nothing to export")
        first = self._signs.mean_first()
        weights.save(folder, described(self.config, first), self.average.state_dict(), half=True)
