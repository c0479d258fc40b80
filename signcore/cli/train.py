from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from signcore.cli.output import (
    DEVICE,
    JSON,
    SEED,
    TRACEBACK,
    ComponentName,
    note,
    print_json,
    print_table,
    settings_options,
)
from signcore.errors import ConfigError, UsageError
from signcore.training import PRECISIONS

if TYPE_CHECKING:
    from signcore.runs.request import Chosen

HELD_OUT = 0.3  # of the one clip that --video trains on
LEARNED = ("estimator", "generator", "recognizer")


@click.command("train", context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--estimator", type=ComponentName("estimator"), help="Train an estimator.")
@click.option("--generator", type=ComponentName("generator"), help="Train a generator.")
@click.option("--recognizer", type=ComponentName("recognizer"), help="Train a recognizer.")
@click.option(
    "--rows",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Train the rows of a table, as [rows.NAME] of a .toml, .yaml or .json names them, and print it.",
)
@click.option(
    "--seeds",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="With --rows: seeds a row, from --seed on.",
)
@click.option(
    "--dataset",
    type=ComponentName("dataset"),
    help="What to train on; `signcore list dataset`. Some components have one of their own where none is named.",
)
@click.option(
    "--video",
    type=click.Path(path_type=Path),
    help="Instead of a dataset: one clip. Its last 30 % are held out, and training starts from the shipped weights.",
)
@settings_options("`generator.batch=8`, `dataset.clips=100`")
@click.option("--weights", metavar="FILE|FOLDER|HUB-NAME", help="Start from these weights.")
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path),
    required=True,
    help="Checkpoints, logs, pictures, weights; resumed where it exists.",
)
@click.option(
    "--steps", type=click.IntRange(1), default=3000, show_default=True, help="Optimiser steps a stage."
)
@click.option("--checkpoint-every", type=click.IntRange(0), default=200, show_default=True, help="In steps.")
@click.option(
    "--sample-every",
    type=click.IntRange(0),
    default=500,
    show_default=True,
    help="Pictures, in steps; 0 for only at the end.",
)
@click.option(
    "--evaluate-every",
    type=click.IntRange(0),
    show_default="0, with --video a tenth of the steps",
    help="Held-out scores, in steps; 0 for only at the end.",
)
@click.option(
    "--precision",
    type=click.Choice(PRECISIONS),
    default="32-true",
    show_default=True,
    help="Of the passes; weights stay in 32 bits. 16-mixed is for GPUs.",
)
@click.option("--accumulate", type=click.IntRange(1), default=1, show_default=True, help="Batches a step.")
@click.option("--devices", type=click.IntRange(1), default=1, show_default=True, help="How many devices.")
@click.option("--nodes", type=click.IntRange(1), default=1, show_default=True, help="How many machines.")
@SEED
@DEVICE
@JSON
@TRACEBACK
def command(
    estimator: str | None,
    generator: str | None,
    recognizer: str | None,
    rows: Path | None,
    seeds: int,
    dataset: str | None,
    video: Path | None,
    sets: tuple[str, ...],
    configs: tuple[Path, ...],
    weights: str | None,
    output: Path,
    steps: int,
    checkpoint_every: int,
    sample_every: int,
    evaluate_every: int | None,
    precision: str,
    accumulate: int,
    devices: int,
    nodes: int,
    seed: int,
    device: str,
    as_json: bool,
) -> None:
    """Train a component on a dataset. A run that was stopped goes on where its last checkpoint is.

    Settings of the component and of the dataset are told apart by kind: `--set generator.batch=8 --set dataset.clips=100`.
    """
    from signcore.api import resolve_device
    from signcore.config import read_config
    from signcore.contracts import Context
    from signcore.registry import registry, resolve
    from signcore.runs.manifest import made_of
    from signcore.runs.request import Chosen, assign_settings, merge, parse_set

    named = [(k, n) for k, n in zip(LEARNED, (estimator, generator, recognizer), strict=True) if n]
    if len(named) + (rows is not None) != 1:
        raise UsageError(
            "name one component to train", "--estimator, --generator or --recognizer NAME, or --rows FILE"
        )
    own: dict[str, Any] = {}
    if named and dataset is None and video is None:
        dataset, own = _own_dataset(*named[0])
    if (dataset is None) == (video is None):
        raise UsageError("what to train on?", "--dataset NAME or --video FILE")
    if rows is not None and weights is not None:
        raise UsageError("--weights: goes with one component, rows start from random weights")
    named.append(("dataset", dataset or "video-folder"))
    chosen = [Chosen(kind, name, *registry.find(kind, name)) for kind, name in named]
    *learners, data = chosen
    for learner in learners:
        if learner.component.task is None:
            raise UsageError(f"{learner.label} cannot be trained")
    tree: dict[str, Any] = {"dataset": own} if own else {}
    if video is not None:
        tree["dataset"] = _one_clip(video, registry)
    for path in configs:
        tree = merge(tree, read_config(path))
    try:
        assign_settings(chosen, merge(tree, parse_set(list(sets))))
    except ConfigError as error:
        if rows is None:
            raise
        there = f"what is trained has its settings in {rows}: [settings] for all rows, or a row's own"
        raise ConfigError(str(error), "; ".join(filter(None, [error.hint, there]))) from error
    for c in chosen:
        c.config = registry.configure(c.record, c.component, c.values)
    where = resolve_device(device)
    if video is not None and weights is None and learners:
        from signcore.weights import shipped

        found = shipped(learners[0].kind, learners[0].name, getattr(learners[0].config, "preset", ""))
        weights = None if found is None else str(found)
        note(f"starts from {found.name}" if found else "no weights ship for it: starts from random ones")
    for learner in learners:
        learner.weights = weights
    context = Context(device=where, seed=seed, weights=weights)
    samples = registry.load("dataset", data.name, context, **data.values)
    from signcore.training import fit

    options: dict[str, Any] = {
        "steps": steps,
        "checkpoint_every": checkpoint_every,
        "sample_every": sample_every,
        "evaluate_every": (max(1, steps // 10) if video else 0) if evaluate_every is None else evaluate_every,
        "accelerator": where,
        "devices": devices,
        "num_nodes": nodes,
        "precision": precision,
        "accumulate": accumulate,
        "progress": (lines := _Lines()),
        "evaluated": lines.scores,
    }
    if rows is not None:
        _train_rows(rows, samples, data, output, range(seed, seed + seeds), where, options, as_json)
        return
    (learner,) = learners
    task = resolve(learner.record, learner.component, str(learner.component.task))(learner.config, context)
    about = {"command": _command(), **made_of(chosen)}
    fitted = fit(task, samples, folder=output, seed=seed, about=about, **options)
    if as_json:
        print_json(
            {
                "weights": str(fitted.weights),
                "scores": fitted.scores,
                "losses": fitted.losses,
                "steps": fitted.steps,
            }
        )
        return
    if fitted.scores:
        print_table(["score", "value"], [[k, f"{v:.5f}"] for k, v in fitted.scores.items()])
    print(f"weights: {fitted.weights}")


def _own_dataset(kind: str, name: str) -> tuple[str | None, dict[str, Any]]:
    """What a component's task is trained on where nothing is named, and its settings; None where the task does not say."""
    from signcore.registry import registry, resolve

    record, component = registry.find(kind, name)
    task = resolve(record, component, component.task) if component.task else None
    dataset, settings = getattr(task, "trains_on", (None, {}))
    if dataset is not None:
        note(f"trains on {dataset} ({', '.join(f'{k}={v}' for k, v in settings.items())})")
    return dataset, dict(settings)


def _one_clip(video: Path, registry: Any) -> dict[str, Any]:
    """Settings of video-folder for one clip: poses from the .pose beside it, else from the first estimator that is installed."""
    from signcore.runs.plan import ESTIMATORS

    settings: dict[str, Any] = {"path": str(video), "held_out": HELD_OUT}
    if not video.with_suffix(".pose").is_file():
        installed = registry.names("estimator")
        settings["estimator"] = next((name for name in ESTIMATORS if name in installed), None)
    return settings


def _train_rows(
    path: Path,
    samples: Any,
    data: Chosen,
    output: Path,
    seeds: range,
    device: str,
    options: dict[str, Any],
    as_json: bool,
) -> None:
    from signcore.contracts import Context
    from signcore.registry import registry, resolve
    from signcore.runs.manifest import made_of, settings_of
    from signcore.runs.request import Chosen
    from signcore.training.rows import Row, printed, read_rows, train_rows

    def make(row: Row, seed: int) -> tuple[Any, dict[str, Any]]:
        record, component = registry.find(row.kind, row.generator)
        if component.task is None:
            raise UsageError(f"{row.kind} {row.generator} cannot be trained")
        config = registry.configure(record, component, row.settings)
        task = resolve(record, component, component.task)(config, Context(device=device, seed=seed))
        learner = Chosen(row.kind, row.generator, record, component, config=config)
        return task, {"command": _command(), "row": row.name, **made_of([learner, data])}

    table = read_rows(path)
    for row in table:  # all that is wrong with a row is said before the first one is trained
        registry.configure(*registry.find(row.kind, row.generator), row.settings)
    about = {"name": data.name, "settings": settings_of(data)}
    found = train_rows(table, make, samples, data=about, folder=output, seeds=seeds, say=note, **options)
    if as_json:
        print_json(found)
    else:
        print_table(*printed(found))


def _command() -> list[str]:
    return ["signcore", *sys.argv[1:]] if sys.argv[1:2] == ["train"] else []


class _Lines:
    """A line every few seconds: step, rate, time left, losses; and one an evaluation."""

    def __init__(self) -> None:
        self.began: tuple[float, int] | None = None
        self.said = 0.0

    def __call__(self, step: int, steps: int, losses: Mapping[str, float]) -> None:
        now = time.monotonic()
        if self.began is None or step <= self.began[1]:  # the first, or another stage's or row's first
            self.began = (now, step)
            return
        if now - self.said < 10 and step != steps:
            return
        self.said = now
        rate = (step - self.began[1]) / max(now - self.began[0], 1e-9)
        left = (steps - step) / max(rate, 1e-9)
        text = " ".join(f"{k}={float(v):.4f}" for k, v in losses.items())
        note(f"step {step}/{steps}  {rate:.2f}/s  {left / 60:.0f} min left  {text}")

    def scores(self, step: int, steps: int, scores: Mapping[str, float]) -> None:
        """Each score beside that of repeating the source, where there is one."""
        own = {k: v for k, v in scores.items() if not k.startswith(("source.", "nearest."))}
        beside = {k: f" (source {scores[f'source.{k}']:.4f})" for k in own if f"source.{k}" in scores}
        text = "  ".join(f"{k} {v:.4f}{beside.get(k, '')}" for k, v in own.items())
        note(f"step {step}/{steps}  " + (f"held out: {text}" if text else "nothing held out could be scored"))
