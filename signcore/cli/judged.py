"""`signcore evaluate --recognizer`: what a recognizer reads in a dataset."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from signcore.cli.output import note, print_json, print_table, progress
from signcore.errors import UsageError

SHOWN = 5  # bad samples that are named; all are in --json


def judge_recognizer(
    recognizer: str,
    dataset: str,
    metrics: tuple[str, ...],
    split: str,
    limit: int | None,
    folds: str,
    seeds: int,
    steps: int,
    sweep: str | None,
    sets: tuple[str, ...],
    configs: tuple[Path, ...],
    weights: str | None,
    seed: int,
    device: str,
    output: Path | None,
    as_json: bool,
) -> int:
    """The exit code: 1 where a sample could not be judged. `output` names a .json, and a page .html is written beside it."""
    from signcore.api import resolve_device
    from signcore.config import read_config
    from signcore.contracts import Context
    from signcore.recognition.judging import Judgement, Part, judge, write_report
    from signcore.registry import registry, resolve
    from signcore.runs.request import Chosen, assign_settings, merge, named, parse_set

    data = Chosen("dataset", dataset, *registry.find("dataset", dataset))
    it = Chosen("recognizer", recognizer, *registry.find("recognizer", recognizer))
    wanted = list(metrics) or list(it.component.metrics)
    judges = {text: named(registry, "metric", text) for text in wanted}
    tree: dict[str, Any] = {}
    for path in configs:
        tree = merge(tree, read_config(path))
    assign_settings([data, it, *judges.values()], merge(tree, parse_set(list(sets))))
    context = Context(device=resolve_device(device), seed=seed, progress=progress, weights=weights)
    variants = _variants(it, sweep)
    for values in variants.values():
        registry.configure(it.record, it.component, values)
    samples = registry.load("dataset", dataset, replace(context, weights=None), **data.values)
    if folds == "none":
        chosen = [i for i in range(len(samples)) if split == "all" or (samples[i].split or split) == split]
        if not chosen:
            raise UsageError(f"--split {split}: the dataset has no such sample", "--split all")
        if limit is not None and limit < len(chosen):
            chosen = [chosen[k * len(chosen) // limit] for k in range(limit)]
        samples = Part(samples, chosen, split)

    def ready() -> dict[str, Any]:
        return {text: registry.load("metric", c.name, context, **c.values) for text, c in judges.items()}

    found: dict[str, Judgement] = {}
    for name, values in variants.items():

        def trained(part: Any, here: int, scratch: Path, values: dict[str, Any] = values) -> Any:
            if part is None:
                return registry.load("recognizer", recognizer, replace(context, seed=here), **values)
            if it.component.task is None:
                made = registry.load("recognizer", recognizer, replace(context, seed=here), **values)
                if not hasattr(made, "fit"):
                    raise UsageError(f"recognizer {recognizer} can neither be trained nor take examples")
                return made.fit(part[i] for i in range(len(part)))
            return _trained(it, part, here, scratch, values)

        def _trained(it: Chosen, part: Any, here: int, scratch: Path, values: dict[str, Any]) -> Any:
            from signcore.training import fit

            config = registry.configure(it.record, it.component, values)
            kind = resolve(it.record, it.component, str(it.component.task))
            task = kind(config, Context(device=context.device, seed=here, weights=weights))
            fitted = fit(
                task,
                part,
                folder=scratch,
                steps=steps,
                checkpoint_every=0,
                sample_every=0,
                accelerator=context.device,
                seed=here,
            )
            taught = replace(context, seed=here, weights=str(fitted.weights))
            return registry.load("recognizer", recognizer, taught, **values)

        found[name] = judge(
            trained,
            samples,
            ready,
            folds=folds,
            seeds=range(seed, seed + seeds),
            progress=progress,
            say=note,
        )
    _print(found, output, as_json, write_report, f"{recognizer} on {dataset}")
    return 1 if any(j.bad for j in found.values()) else 0


def _variants(it: Any, sweep: str | None) -> dict[str, dict[str, Any]]:
    """Settings of the recognizer by name of the row; one row without a sweep."""
    if sweep is None:
        return {"": dict(it.values)}
    key, equals, values = sweep.partition("=")
    key = key.removeprefix("recognizer.")
    if not equals or not values or key not in it.config_model().model_fields:
        raise UsageError(f"--sweep {sweep}: expected a setting of {it.label} and values, KEY=V1,V2")
    return {f"{key}={value}": {**it.values, key: value} for value in values.split(",")}


def _print(found: Any, output: Path | None, as_json: bool, write_report: Any, title: str) -> None:
    told = {name: asdict(j) for name, j in found.items()}
    if output is not None:
        whole = told.get("", told)
        output.write_text(json.dumps(whole, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        for name, judgement in found.items():
            page = output.with_name(f"{output.stem}{'-' if name else ''}{name}.html")
            write_report(page, judgement, f"{title} {name}".strip())
    if as_json:
        print_json(told.get("", told))
        return
    names = list(dict.fromkeys(n for j in found.values() for n in j.scores))
    rows = [
        [name or title, *(f"{j.scores[n]:.2f} ±{j.spread[n]:.2f}" if n in j.scores else "–" for n in names)]
        for name, j in found.items()
    ]
    print_table(["", *names], rows)
    for judgement in found.values():
        for signature in judgement.signatures.values():
            print(signature)
        print(f"{judgement.clips} clips")
        break
    for name, judgement in found.items():
        for line in judgement.bad[:SHOWN]:
            note(f"passed over: {line}")
        if judgement.bad:
            note(f"{name or title}: {len(judgement.bad)} samples could not be judged")
