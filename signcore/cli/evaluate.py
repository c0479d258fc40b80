from __future__ import annotations

import json
from pathlib import Path
from typing import Any

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
    progress,
    settings_options,
    workers_options,
)
from signcore.errors import UsageError

SHOWN = 5  # bad samples that are named; all are in --json


@click.command("evaluate", context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--generator", type=ComponentName("generator"), help="Judge what this one makes of a dataset.")
@click.option(
    "--recognizer", type=ComponentName("recognizer"), help="Judge what this one reads in a dataset."
)
@click.option(
    "--folds",
    default="none",
    show_default=True,
    metavar="signer|split|N|none",
    help="With --recognizer: train it anew with a signer at a time, the split test, or one of N parts held out.",
)
@click.option(
    "--seeds",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="With --folds: trainings, from --seed on.",
)
@click.option(
    "--steps", type=click.IntRange(1), default=1000, show_default=True, help="With --folds: of a training."
)
@click.option(
    "--sweep",
    metavar="KEY=V1,V2",
    help="With --recognizer: judge it with each of these values of a setting, in one table.",
)
@click.option(
    "--retrieval", is_flag=True, help="Judge the metrics: do they find the same sign by another signer?"
)
@click.option(
    "--dataset",
    type=ComponentName("dataset"),
    required=True,
    help="What to judge on; `signcore list dataset`.",
)
@click.option(
    "--metric",
    "metrics",
    multiple=True,
    type=ComponentName("metric"),
    metavar="NAME[SETTING=VALUE,...]",
    help="Judge by this metric; repeat it.",
)
@click.option(
    "--split", default="test", show_default=True, help="Only samples of this split; `all` for every one."
)
@click.option("--language", help="Only samples of this language.")
@click.option("--limit", type=click.IntRange(1), help="At most so many samples, spread over the split.")
@click.option("--ranks", is_flag=True, help="Distance ranks too (Ham2Pose section 7.3).")
@click.option(
    "--gallery",
    type=click.IntRange(1),
    default=20,
    show_default=True,
    help="Predictions, and truths, in a rank's gallery.",
)
@click.option(
    "--protocol",
    type=click.Choice(["all", "table1"]),
    default="all",
    show_default=True,
    help="Retrieval among all samples of other signers, or as Ham2Pose's Table 1.",
)
@click.option(
    "--drop",
    type=click.FloatRange(0, 0.95),
    default=0.0,
    show_default=True,
    help="Retrieval with this share of points missing.",
)
@settings_options("`dataset.path=signs.npz`, `metric:ndtw.method=fastdtw`")
@click.option("--weights", metavar="FILE|FOLDER|HUB-NAME", help="The generator's weights.")
@workers_options("Processes that generate and judge.")
@SEED
@DEVICE
@click.option(
    "--output", "-o", type=click.Path(path_type=Path), help="Write the result as JSON to this file."
)
@JSON
@TRACEBACK
def command(
    generator: str | None,
    recognizer: str | None,
    folds: str,
    seeds: int,
    steps: int,
    sweep: str | None,
    retrieval: bool,
    dataset: str,
    metrics: tuple[str, ...],
    split: str,
    language: str | None,
    limit: int | None,
    ranks: bool,
    gallery: int,
    protocol: str,
    drop: float,
    sets: tuple[str, ...],
    configs: tuple[Path, ...],
    weights: str | None,
    workers: int,
    engine: str,
    address: str | None,
    seed: int,
    device: str,
    output: Path | None,
    as_json: bool,
) -> int:
    """Judge a generator or a recognizer over a dataset, or metrics by what they retrieve.

    A sample that cannot be judged is counted and passed over; the exit code is 1 then.
    """
    from dataclasses import asdict, replace

    from signcore.api import resolve_device
    from signcore.config import read_config
    from signcore.contracts import Context
    from signcore.registry import registry
    from signcore.runs.request import assign_settings, merge, named, parse_set

    if generator and recognizer:
        raise UsageError(
            "--generator and --recognizer: one of them is judged",
            f"to let {recognizer} read what {generator} makes: --metric slr-wer --set metric:slr-wer.recognizer={recognizer}",
        )
    if [bool(generator), bool(recognizer), retrieval].count(True) != 1:
        raise UsageError("what is to be judged?", "--generator NAME, --recognizer NAME, or --retrieval")
    if recognizer is not None:
        from signcore.cli.judged import judge_recognizer

        return judge_recognizer(
            recognizer, dataset, metrics, split, limit, folds, seeds, steps, sweep, sets, configs, weights, seed, device,
            output, as_json,
        )  # fmt: skip
    if sweep or folds != "none":
        raise UsageError(f"--{'sweep' if sweep else 'folds'}: goes with --recognizer")
    if (workers > 1 or engine != "local") and not generator:
        raise UsageError(f"--{'workers' if workers > 1 else 'engine'}: goes with --generator")
    if drop and not retrieval:
        raise UsageError("--drop: goes with --retrieval")
    if ranks and not generator:
        raise UsageError("--ranks: goes with --generator")
    wanted = list(metrics)
    asked = [("dataset", dataset), *([("generator", generator)] if generator else [])]
    chosen = [named(registry, kind, name) for kind, name in asked]
    if not wanted:
        wanted = list(chosen[-1].component.metrics) if generator else []
    if not wanted:
        raise UsageError("no metric", "--metric NAME; `signcore list metric`")
    judges = {text: named(registry, "metric", text) for text in wanted}
    tree: dict[str, Any] = {}
    for path in configs:
        tree = merge(tree, read_config(path))
    assign_settings([*chosen, *judges.values()], merge(tree, parse_set(list(sets))))
    context = Context(device=resolve_device(device), seed=seed, progress=progress)
    ready = {text: registry.load("metric", c.name, context, **c.values) for text, c in judges.items()}
    if ranks or retrieval:
        for name, metric in ready.items():
            if not hasattr(metric, "matrix"):
                raise UsageError(f"metric {name} judges pairs only, it cannot rank a set")
    samples = registry.load("dataset", dataset, context, **chosen[0].values)
    result: Any
    if retrieval:
        from signcore.evaluation import retrieve

        result = retrieve(samples, ready, protocol=protocol, drop=drop, seed=seed, progress=progress)  # type: ignore[arg-type]
    else:
        from signcore.evaluation import evaluate

        it = chosen[1]
        made, each = None, None
        if workers > 1 or engine != "local":
            from signcore.evaluation.spread import Job, spread_samples

            job = Job(
                (it.name, it.values),
                (dataset, chosen[0].values),
                {text: (c.name, c.values) for text, c in judges.items()},
                weights,
                seed,
                context.device,
                ranks,
            )
            registry.configure(it.record, it.component, it.values)

            def each(indices: list[int]) -> Any:
                found = spread_samples(
                    job,
                    indices,
                    lambda lost: note(f"{lost} worker lost, its sample is done again"),
                    workers=workers,
                    engine=engine,
                    address=address,
                )
                return progress(found, len(indices), "samples")
        else:
            made = registry.load("generator", it.name, replace(context, weights=weights), **it.values)
        result = evaluate(
            made,
            samples,
            ready,
            model=it.inputs_model(),
            output=it.component.output or "",
            split=None if split == "all" else split,
            language=language,
            limit=limit,
            with_ranks=ranks,
            gallery=gallery,
            seed=seed,
            progress=progress,
            each=each,
        )
    if output is not None:
        output.write_text(json.dumps(asdict(result), indent=2) + "\n", encoding="utf-8")
    if as_json:
        print_json(asdict(result))
    elif retrieval:
        keys = list(next(iter(result.scores.values())))
        rows = [
            [name, *(f"{s[k]:.3f}" for k in keys), result.signatures[name]]
            for name, s in result.scores.items()
        ]
        print_table(["metric", *keys, "signature"], rows)
        print(f"{result.queries} queries")
    else:
        print_table(["score", "value"], [[k, f"{v:.4f}"] for k, v in result.scores.items()])
        for name, found in result.ranks.items():
            heads = [f"rank {k}" for k in next(iter(found.values()))]
            print_table(
                [f"{name}: distance to", *heads],
                [[to, *(f"{v:.3f}" for v in by.values())] for to, by in found.items()],
            )
        for signature in result.signatures.values():
            print(signature)
        print(f"{result.count} samples")
    if result.bad:
        for line in result.bad[:SHOWN]:
            note(f"passed over: {line}")
        note(f"{len(result.bad)} samples could not be judged")
    return 1 if result.bad else 0
