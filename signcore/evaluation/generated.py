"""A generator over the samples of a dataset, against their truth."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from signcore.contracts import Dataset, Sample
from signcore.errors import InputError, SigncoreError
from signcore.evaluation.ranks import GALLERY, ranks
from signcore.types.video import kept

Progress = Callable[[Iterable, int | None, str], Iterator]


@dataclass
class Evaluated:
    """scores: by name, over all samples that could be judged. signatures: of the metrics. count: samples judged.
    bad: one line for each sample that could not be. ranks: by metric, then `prediction` or `truth`, then k."""

    scores: dict[str, float] = field(default_factory=dict)
    signatures: dict[str, str] = field(default_factory=dict)
    count: int = 0
    bad: list[str] = field(default_factory=list)
    ranks: dict[str, dict[str, dict[int, float]]] = field(default_factory=dict)


@dataclass(frozen=True)
class Judged:
    """One sample. parts: each metric, having seen this sample alone. prepared: for ranks, what it makes of prediction and truth."""

    parts: dict[str, Any]
    prepared: dict[str, tuple[Any, Any]]


@dataclass
class Judge:
    """judge(i) generates sample i of the dataset and judges it by every metric, or says in one line why that cannot be done. What it
    gives holds until the next call."""

    generator: Any
    dataset: Dataset
    metrics: dict[str, Any]
    model: Any = None
    output: str = "pose"
    with_ranks: bool = False

    def __post_init__(self) -> None:
        self.parts = copy.deepcopy(self.metrics)

    def __call__(self, i: int) -> Judged | str:
        name = f"sample {i}"
        try:
            sample = self.dataset[i]
            name = sample.id or name
            inputs, truth = inputs_of(self.generator, sample, self.model, self.output)
            made = self.generator.generate(inputs)
            if (
                self.output == "video" and len(self.parts) > 1
            ):  # frames made lazily are made once, not for every metric
                made, truth = kept(made), kept(truth)
            prepared = {}
            for key, part in self.parts.items():
                part.reset()
                part.update(made, truth)
                if self.with_ranks:
                    prepared[key] = (part.prepare(made, "prediction"), part.prepare(truth, "reference"))
        except (SigncoreError, OSError) as error:
            return "; ".join(filter(None, [f"{name}: {error}", getattr(error, "hint", "")]))
        return Judged(self.parts, prepared)


def evaluate(
    generator: Any,
    dataset: Dataset,
    metrics: dict[str, Any],
    *,
    model: Any = None,
    output: str = "pose",
    split: str | None = "test",
    language: str | None = None,
    limit: int | None = None,
    with_ranks: bool = False,
    gallery: int = GALLERY,
    seed: int = 0,
    progress: Progress = lambda items, total, label: iter(items),
    each: Callable[[list[int]], Iterable[Judged | str]] | None = None,
) -> Evaluated:
    """Generate every sample's sign and judge it by every metric; a sample that cannot be judged is told and passed over.

    metrics: ready ones by name. model: the generator's inputs, where it has no `inputs_of`. output: what it makes. split: only
    samples of this one (None: all); language: likewise. limit: at most so many, spread over the split. with_ranks: section 7.3 of Ham2Pose,
    with `gallery` predictions and as many truths of other samples, drawn from `seed`. each: judges the samples of these indices elsewhere, in
    their order, instead of `Judge` here.
    Raises InputError where no sample of the split could be judged.
    """
    told = Evaluated()
    chosen = [
        i
        for i, sample in enumerate(dataset[i] for i in range(len(dataset)))
        if split in (None, sample.split) and language in (None, sample.language)
    ]
    if limit is not None and limit < len(chosen):
        chosen = [chosen[k * len(chosen) // limit] for k in range(limit)]
    pairs: dict[str, list[tuple[Any, Any]]] = {name: [] for name in metrics}
    one = Judge(generator, dataset, metrics, model, output, with_ranks)
    judged = each(chosen) if each is not None else (one(i) for i in progress(chosen, len(chosen), "samples"))
    for found in judged:
        if isinstance(found, str):
            told.bad.append(found)
            continue
        for key, part in found.parts.items():
            metrics[key].merge(part)
            pairs[key] += [found.prepared[key]] if with_ranks else []
        told.count += 1
    if not told.count:
        first = f"; the first: {told.bad[0]}" if told.bad else ""
        raise InputError(f"dataset: no sample of split {split!r} could be judged{first}")
    for name, metric in metrics.items():
        try:
            told.scores.update(metric.compute())
        except SigncoreError as error:  # too few samples for one metric; the others have theirs
            told.bad.append(f"metric {name}: {error}")
        told.signatures[name] = metric.signature()  # some count what they were given
    if with_ranks:
        told.ranks = {
            name: ranks(metrics[name], found, gallery=gallery, seed=seed) for name, found in pairs.items()
        }
    return told


def inputs_of(generator: Any, sample: Sample, model: Any, output: str) -> tuple[Any, Any]:
    """(inputs, truth): the generator's own reading of a sample, or its fields by name and type."""
    if hasattr(generator, "inputs_of"):
        return generator.inputs_of(sample)
    values: dict[str, Any] = {}
    for name, info in (model.model_fields if model is not None else {}).items():
        value = _value(sample, name)
        if value is None and info.is_required():
            raise InputError(f"{sample.id}: has nothing for the generator's input {name!r}")
        if value is not None:
            values[name] = value
    inputs = model(**values)
    truth = generator.judge(inputs)[1] if hasattr(generator, "judge") else getattr(sample, output)
    if truth is None:
        raise InputError(f"{sample.id}: has no {output} to judge by")
    if output == "video" and truth.glosses is None:
        truth.glosses = sample.glosses
    return inputs, truth


def _value(sample: Sample, name: str) -> Any:
    if name in ("driving", "video"):
        return sample.video
    if name == "source" and sample.video is not None:
        from signcore.types import Image

        return Image(sample.video[0])
    if name in ("driving_pose", "pose", "first_pose"):
        return sample.pose
    if name == "source_pose" and sample.pose is not None:
        from signcore.types.video import pose_frames

        return pose_frames(sample.pose, range(1))
    if name == "notation":
        return sample.notation
    if name in ("gloss", "glosses") and sample.glosses:
        return " ".join(sample.glosses)
    return None
