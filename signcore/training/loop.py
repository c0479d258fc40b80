"""The loop that trains every learned part: a Task gives batches, losses and scores; Fabric gives devices and precision.

Beside the contract a task may have five methods, called where it has them:
begin(dataset)           once, before modules and optimisers are asked for: what depends on the data's kind
schedule(step, steps)    before a step: set learning rates; a function of the position alone, so a resumed run agrees
clip(optimizer)          after the backward pass of the optimiser of that name, before it steps
updated(step)            after a step: running averages of weights, codebooks
about()                  at the end: what else the weights follow from, for train.json; `left_out` lists the samples that could not be used
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import lightning_fabric
import torch
from lightning_fabric.utilities.exceptions import MisconfigurationException

from signcore.contracts import Dataset, Task
from signcore.errors import ConfigError, WeightsError, WorkError
from signcore.training import PRECISIONS, checkpoint
from signcore.training.logs import Logs
from signcore.types.files import replacing

CHECKPOINT, MANIFEST = "checkpoint.pt", "train.json"
RANK_STRIDE = 1 << 40  # batch positions of one process never meet those of another


@dataclass
class Fitted:
    """weights: the exported folder. scores: of each stage's last evaluation, by name. losses: of the last step, by name.
    steps: made in the last stage, all starts counted. seconds: of this start. resumed: the step that it started from."""

    weights: Path
    scores: dict[str, float] = field(default_factory=dict)
    losses: dict[str, float] = field(default_factory=dict)
    steps: int = 0
    seconds: float = 0.0
    resumed: int = 0


def fit(
    task: Task,
    dataset: Dataset,
    *,
    folder: str | Path,
    steps: int,
    checkpoint_every: int = 500,
    sample_every: int = 500,
    evaluate_every: int = 0,
    log_every: int = 20,
    accelerator: str = "cpu",
    devices: int | str = 1,
    num_nodes: int = 1,
    strategy: str = "auto",
    precision: str = "32-true",
    accumulate: int = 1,
    clip: float = 0.0,
    seed: int = 0,
    resume: bool = True,
    progress: Callable[[int, int, Mapping[str, float]], None] | None = None,
    evaluated: Callable[[int, int, Mapping[str, float]], None] | None = None,
    about: Mapping[str, Any] | None = None,
) -> Fitted:
    """Train `task` on `dataset` for `steps` steps a stage; write everything under `folder`, and resume what is there.

    checkpoint_every, sample_every, evaluate_every, log_every: in steps; 0 for never (evaluation, pictures and a
    checkpoint come at the end in any case). clip: largest norm of an optimiser's gradients, 0 for none. accumulate: batches
    a step. precision: one of PRECISIONS, weights stay in 32 bits. strategy: as Lightning Fabric names it.
    accelerator: cpu, cuda, or cuda:N for that one GPU.
    progress(step, steps, losses) is called after every step, evaluated(step, steps, scores) after every evaluation.
    about: what the caller knows of the training, for train.json.

    Leaves metrics.csv, tensorboard/, samples/*.png, checkpoint.pt, train.json and weights/ (config.json + model.safetensors).
    A run that was killed and is started again with the same settings is the same run, to the bit on a CPU.
    Raises WorkError where a loss or a gradient is not finite (the last checkpoint stays) or the disk is full.
    """
    if steps < 1:
        raise ConfigError(f"steps: expected at least 1, got {steps}")
    if precision not in PRECISIONS:
        raise ConfigError(f"precision: expected {', '.join(PRECISIONS)}, got {precision}")
    if precision == "16-mixed" and accelerator == "cpu":
        raise ConfigError("precision: 16-mixed needs a GPU", "bf16-mixed works on a CPU too")
    accelerator, _, index = accelerator.partition(":")
    if index and devices != 1:
        raise ConfigError(
            f"devices: {accelerator}:{index} is one GPU, got {devices}", f"name {accelerator} alone"
        )
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WorkError(f"{folder}: cannot be made ({error.strerror or error})") from error
    try:
        fabric = lightning_fabric.Fabric(
            accelerator=accelerator,
            devices=[int(index)] if index else devices,
            num_nodes=num_nodes,
            strategy=strategy,
            precision=precision,  # type: ignore[arg-type]
        )
    except MisconfigurationException as error:
        raise ConfigError(f"devices: {' '.join(str(error).split())}") from error
    if fabric.world_size > 1 or num_nodes > 1:
        fabric.launch()
    path, began = folder / CHECKPOINT, time.monotonic()
    state = checkpoint.load(path) if resume and path.is_file() else None
    if state is None:
        lightning_fabric.seed_everything(seed + fabric.global_rank, workers=True, verbose=False)
    done = Fitted(folder / "weights", scores=dict(state.get("scores", {})) if state is not None else {})
    run = _Run(
        fabric,
        folder,
        steps,
        checkpoint_every,
        sample_every,
        evaluate_every,
        log_every,
        accumulate,
        clip,
        progress,
        evaluated,
        began - (state.get("seconds", 0.0) if state is not None else 0.0),
    )
    try:
        for stage, part in enumerate(task.stages()):
            if state is not None and stage < state["stage"]:
                _call(part, "begin", dataset)
                _finished(part, state, stage)
                continue
            here = state if state is not None and state["stage"] == stage else None
            run.stage(part, dataset, stage, here, done)
        task.export(done.weights)
    except KeyboardInterrupt as stop:
        kept = f"{path} stays" if path.is_file() else f"{folder} holds no checkpoint yet"
        stop.add_note(f"{kept}: the same command {'goes on there' if path.is_file() else 'begins anew'}")
        raise
    done.seconds = time.monotonic() - began
    if fabric.is_global_zero:
        told = _call(task, "about") or {}
        _tell_left_out(told.get("left_out", ()), dataset)
        asked = {"seed": seed, "steps": steps, "precision": precision, "accumulate": accumulate}
        place = {"device": str(fabric.device), "processes": fabric.world_size, "seconds": run.seconds()}
        found = {"scores": done.scores, "losses": done.losses}
        _write_manifest(folder / MANIFEST, {**(about or {}), **asked, **told, **place, **found})
    return done


def _finished(part: Task, state: dict[str, Any], stage: int) -> None:
    """A stage that was complete before the checkpoint was made: its modules come from the stage's own file."""
    try:
        checkpoint.restore_modules(state["finished"][stage], part)
    except ValueError as error:
        raise WeightsError(
            f"stage {stage}: the checkpoint was made with other settings ({error})",
            "use the same settings, or another output folder",
        ) from error


def _tell_left_out(reasons: Sequence[str], dataset: Dataset) -> None:
    if reasons:
        logging.getLogger("signcore").warning(
            "%d of %d samples left out; the first: %s", len(reasons), len(dataset), reasons[0]
        )


def _write_manifest(path: Path, record: Mapping[str, Any]) -> None:
    from signcore.runs.manifest import made_with

    text = json.dumps({**record, **made_with()}, indent=2, ensure_ascii=False)
    try:
        with replacing(path) as temporary:
            temporary.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise WorkError(f"{path}: cannot be written ({error.strerror or error})") from error


@dataclass
class _Run:
    fabric: lightning_fabric.Fabric
    folder: Path
    steps: int
    checkpoint_every: int
    sample_every: int
    evaluate_every: int
    log_every: int
    accumulate: int
    clip: float
    progress: Callable[[int, int, Mapping[str, float]], None] | None
    evaluated: Callable[[int, int, Mapping[str, float]], None] | None
    began: float  # on the monotonic clock, earlier starts' time taken off
    finished: list[dict[str, Any]] = field(default_factory=list)
    kept: str = "no checkpoint was written yet"

    def seconds(self) -> float:
        """Of all starts, as far as their steps were kept."""
        return round(time.monotonic() - self.began, 1)

    def stage(
        self, task: Task, dataset: Dataset, stage: int, state: dict[str, Any] | None, done: Fitted
    ) -> None:
        _call(task, "begin", dataset)
        for module in task.modules().values():
            self.fabric.to_device(module)
        optimizers = dict(task.optimizers())
        start = 0
        if state is not None:
            checkpoint.restore(state, self.folder / CHECKPOINT, task, optimizers)
            if state.get("precision"):
                self.fabric.strategy.precision.load_state_dict(state["precision"])
            self.finished, start = list(state["finished"]), int(state["step"])
            self.kept = _kept(stage, start)
        done.resumed = done.steps = start
        logs = Logs(self.folder, stage, start) if self.fabric.is_global_zero else None
        first = start * self.accumulate + self.fabric.global_rank * RANK_STRIDE
        batches = iter(task.batches(dataset, "train", first))
        try:
            if start and logs is not None:  # the checkpoint was written before its step was judged
                self.judge(task, dataset, logs, start, done)
            for step in range(start + 1, self.steps + 1):
                done.losses = self.step(task, optimizers, batches, step)
                done.steps = step
                if logs is not None:
                    self.report(task, dataset, optimizers, logs, stage, step, done)
                if self.progress is not None:
                    self.progress(step, self.steps, done.losses)
        finally:
            if logs is not None:
                logs.close()
        self.finished.append({name: module.state_dict() for name, module in task.modules().items()})

    def step(
        self, task: Task, optimizers: dict[str, torch.optim.Optimizer], batches: Iterator[Any], step: int
    ) -> dict[str, float]:
        """One step of every optimiser, in order, on the same batches."""
        _call(task, "schedule", step - 1, self.steps)
        drawn = [self.fabric.to_device(next(batches)) for _ in range(self.accumulate)]
        told: dict[str, float] = {}
        precision = self.fabric.strategy.precision  # in 16-mixed its scaler leaves a step out that overflowed
        for name, optimizer in optimizers.items():
            optimizer.zero_grad(set_to_none=True)
            for batch in drawn:
                with self.fabric.autocast():
                    losses = task.step(batch, name)
                for key, value in losses.items():
                    told[key] = told.get(key, 0.0) + float(value.detach()) / self.accumulate
                bad = [key for key in losses if not torch.isfinite(losses[key]).all()]
                if bad:
                    raise WorkError(
                        f"step {step}: the loss {bad[0]} is {float(losses[bad[0]].detach())}",
                        f"lower the learning rate; {self.kept}",
                    )
                self.fabric.backward(torch.stack(list(losses.values())).sum() / self.accumulate)
            self.share(optimizer)  # before unscaling: all processes then see the same gradients overflow
            precision.unscale_gradients(optimizer)
            _call(task, "clip", name)
            if self.clip:
                torch.nn.utils.clip_grad_norm_(_parameters(optimizer), self.clip)
            if getattr(precision, "scaler", None) is None:
                self.check(optimizer, name, step)
            precision.optimizer_step(optimizer)
        _call(task, "updated", step)
        return told

    def check(self, optimizer: torch.optim.Optimizer, name: str, step: int) -> None:
        """A finite loss can have a gradient that is not: one such step spoils the weights, and the checkpoint after it."""
        found = [p.grad for p in _parameters(optimizer) if p.grad is not None]
        if found and not torch.isfinite(torch.nn.utils.get_total_norm(found)):
            raise WorkError(
                f"step {step}: the gradient of {name} is not finite", f"lower the learning rate; {self.kept}"
            )

    def share(self, optimizer: torch.optim.Optimizer) -> None:
        """Mean of the gradients over all processes: modules stay as the task built them, no wrapper needed."""
        if self.fabric.world_size > 1:
            for parameter in _parameters(optimizer):
                if parameter.grad is not None:
                    parameter.grad = cast(
                        torch.Tensor, self.fabric.all_reduce(parameter.grad, reduce_op="mean")
                    )

    def report(
        self,
        task: Task,
        dataset: Dataset,
        optimizers: dict[str, torch.optim.Optimizer],
        logs: Logs,
        stage: int,
        step: int,
        done: Fitted,
    ) -> None:
        last = step == self.steps
        if last or _due(step, self.log_every):
            logs.numbers(step, "train", {**done.losses, "total": sum(done.losses.values())})
        if last or _due(step, self.checkpoint_every):
            position = {
                "stage": stage,
                "step": step,
                "finished": self.finished,
                "scores": done.scores,
                "precision": self.fabric.strategy.precision.state_dict(),
                "seconds": self.seconds(),
            }
            checkpoint.save(self.folder / CHECKPOINT, task, optimizers, position)
            self.kept = _kept(stage, step)
        self.judge(task, dataset, logs, step, done)

    def judge(self, task: Task, dataset: Dataset, logs: Logs, step: int, done: Fitted) -> None:
        """Scores and pictures where they are due; what they draw at random leaves the training's draws as they were."""
        last, random = step >= self.steps, checkpoint.random_states()
        if last or _due(step, self.evaluate_every):
            scores = dict(task.evaluate(dataset))
            done.scores = {**done.scores, **scores}
            logs.numbers(step, "held-out", scores)
            if self.evaluated is not None:
                self.evaluated(step, self.steps, scores)
        if last or _due(step, self.sample_every):
            logs.pictures(step, task.samples(dataset))
        checkpoint.restore_random_states(random)


def _kept(stage: int, step: int) -> str:
    return f"the checkpoint of stage {stage}, step {step} is good, and a new start resumes from it"


def _due(step: int, every: int) -> bool:
    return every > 0 and step % every == 0


def _parameters(optimizer: torch.optim.Optimizer) -> list[torch.nn.Parameter]:
    return [p for group in optimizer.param_groups for p in group["params"]]


def _call(task: Task, name: str, *arguments: Any) -> Any:
    method = getattr(task, name, None)
    return None if method is None else method(*arguments)
