from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    import torch

    from signcore.contracts.dataset import Dataset


@runtime_checkable
class Task(Protocol):
    """What `signcore train` drives: one learned component's losses, batches and scores. Built as `Task(config, context)`.

    stages: consecutive tasks (most have one: themselves). modules: everything with state that a checkpoint must hold.
    optimizers: by name, in the order in which the loop steps them. batches: endless for split "train"; every random draw
    follows from `context.seed` and the batch's position, so a resumed run sees the same data.
    step: the loop calls it once an optimizer and back-propagates the sum of the returned losses.
    evaluate: scores by name on the dataset's held-out part. samples: pictures by name, uint8 [H, W, 3].
    It may have `begin(dataset)`, called before its modules are asked for, `schedule(step, steps)`, called before a step (learning rates), `clip(optimizer)`, called between the backward
    pass and the step, `updated(step)`, called after it (running averages), and `about()`, called at the end: what else the weights follow from.
    Its class may have `trains_on`: the name and the settings of the dataset that `signcore train` takes where none is named.
    export: writes `config.json` + `model.safetensors` that `run --weights` takes.
    """

    def stages(self) -> list[Task]: ...
    def modules(self) -> dict[str, torch.nn.Module]: ...
    def optimizers(self) -> dict[str, torch.optim.Optimizer]: ...
    def batches(self, dataset: Dataset, split: str, start: int = 0) -> Iterator[Any]: ...
    def step(self, batch: Any, optimizer: str) -> dict[str, torch.Tensor]: ...
    def evaluate(self, dataset: Dataset) -> dict[str, float]: ...
    def samples(self, dataset: Dataset) -> dict[str, np.ndarray]: ...
    def export(self, folder: Path) -> None: ...
