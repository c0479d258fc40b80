"""`evaluate` on several processes or machines: each builds generator, dataset and metrics once, and judges samples one by one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

from signcore.contracts import Context
from signcore.evaluation.generated import Judge, Judged
from signcore.runs.pool import spread


@dataclass(frozen=True)
class Job:
    """What every sample is judged with; the components by name with their settings. metrics: by what they are called in the result."""

    generator: tuple[str, dict[str, Any]]
    dataset: tuple[str, dict[str, Any]]
    metrics: dict[str, tuple[str, dict[str, Any]]]
    weights: str | None
    seed: int
    device: str
    with_ranks: bool


def spread_samples(
    job: Job, indices: list[int], told: Callable[[int], None] = lambda lost: None, **how: Any
) -> Iterator[Judged | str]:
    """Of every index in order, whatever the order in which they end: sums are then those of one process to the last digit.

    how: workers, engine and address of `spread`. told(lost) hears of workers that died.
    """
    waiting: dict[int, Judged | str] = {}
    following = 0
    for ended in spread(_judged, job, indices, **how):
        if ended.lost:
            told(ended.lost)
        if ended.item is None:
            continue
        failed = f"sample {indices[ended.item]}: {ended.error}"
        waiting[ended.item] = failed if ended.error is not None else ended.result
        while following in waiting:
            yield waiting.pop(following)
            following += 1


def _judged(job: Job, index: int) -> Judged | str:
    return _built(json.dumps(asdict(job), sort_keys=True, default=str))(index)


@cache
def _built(about: str) -> Judge:
    """Made once a process."""
    from signcore.registry import registry, resolve

    job = json.loads(about)
    context = Context(device=job["device"], seed=job["seed"])
    trained = Context(device=job["device"], seed=job["seed"], weights=job["weights"])
    name, values = job["generator"]
    record, component = registry.find("generator", name)
    return Judge(
        registry.load("generator", name, trained, **values),
        registry.load("dataset", job["dataset"][0], context, **job["dataset"][1]),
        {text: registry.load("metric", n, context, **v) for text, (n, v) in job["metrics"].items()},
        resolve(record, component, component.inputs) if component.inputs else None,
        component.output or "",
        job["with_ranks"],
    )
