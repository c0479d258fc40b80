"""A small task with everything that a checkpoint must hold: dropout, batch statistics, two optimisers, momentum, an average."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from signcore import weights


class ToyTask:
    def __init__(
        self, *, nan_at: int | None = None, steep_at: int | None = None, kill_at: int | None = None
    ) -> None:
        with torch.random.fork_rng():
            torch.manual_seed(3)
            self.maker = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 2))
            self.judge = nn.Linear(2, 1)
        self.average = nn.Linear(8, 2)
        self.average.load_state_dict(self.maker[3].state_dict())
        self.adam = {
            "maker": torch.optim.Adam(self.maker.parameters(), lr=0.01),
            "judge": torch.optim.SGD(self.judge.parameters(), lr=0.01, momentum=0.9),
        }
        self.nan_at, self.steep_at, self.kill_at = nan_at, steep_at, kill_at
        self.seen, self.calls = [], []

    def stages(self) -> list[Any]:
        return [self]

    def modules(self) -> dict[str, nn.Module]:
        return {"maker": self.maker, "judge": self.judge, "average": self.average}

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        return self.adam

    def batches(self, dataset: Any, split: str, start: int = 0) -> Iterator[dict[str, Any]]:
        position = start
        while True:
            self.seen.append(position)
            draw = np.random.default_rng([7, position])
            yield {"x": torch.from_numpy(draw.normal(size=(6, 4)).astype(np.float32)), "position": position}
            position += 1

    def schedule(self, step: int, steps: int) -> None:
        for group in self.adam["maker"].param_groups:
            group["lr"] = 0.01 * (1 - step / 100)

    def step(self, batch: dict[str, Any], optimizer: str) -> dict[str, Tensor]:
        self.calls.append(optimizer)
        if self.kill_at is not None and batch["position"] + 1 == self.kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        made = self.maker(batch["x"] + 0.1 * float(np.random.rand()))
        if optimizer == "judge":
            return {"judge": self.judge(made.detach()).square().mean()}
        loss = (made - batch["x"][:, :2]).square().mean()
        if self.nan_at is not None and batch["position"] + 1 == self.nan_at:
            loss = loss * float("nan")
        if self.steep_at is not None and batch["position"] + 1 == self.steep_at:
            loss = loss + (0 * made).sum().sqrt()  # of 0: the loss is as before, its gradient nan
        return {"rebuild": loss, "fool": 0.1 * self.judge(made).mean()}

    @torch.no_grad()
    def updated(self, step: int) -> None:
        for kept, new in zip(self.average.parameters(), self.maker[3].parameters(), strict=True):
            kept.lerp_(new, 0.1)

    def evaluate(self, dataset: Any) -> dict[str, float]:
        return {"error": float(self.average.weight.abs().mean())}

    def samples(self, dataset: Any) -> dict[str, np.ndarray]:
        return {"grey": np.full((8, 12, 3), 127, np.uint8)}

    def export(self, folder: Path) -> None:
        weights.save(folder, {"component": "generator:toy"}, self.average.state_dict())

    def state(self) -> dict[str, Tensor]:
        return {f"{n}.{k}": v for n, m in self.modules().items() for k, v in m.state_dict().items()}


if __name__ == "__main__":
    from signcore.training import fit

    fit(ToyTask(kill_at=int(sys.argv[2])), None, folder=sys.argv[1], steps=8, checkpoint_every=2, log_every=1)  # type: ignore[arg-type]
