"""Retrieval (Ham2Pose section 7.2): are the nearest poses of other recordings of the same sign?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from pose_format import Pose

from signcore.contracts import Dataset
from signcore.errors import InputError, SigncoreError

KS = (1, 5, 10)
DISTRACTORS = 4  # times the sign's own samples (Table 1)
ROWS = 64  # queries whose distances are computed at a time


@dataclass
class Retrieved:
    """scores: by metric, `mAP` and `precision@k`. queries: how many. bad: one line for each sample that was passed over."""

    scores: dict[str, dict[str, float]] = field(default_factory=dict)
    signatures: dict[str, str] = field(default_factory=dict)
    queries: int = 0
    bad: list[str] = field(default_factory=list)


def retrieve(
    dataset: Dataset,
    metrics: dict[str, Any],
    *,
    protocol: Literal["all", "table1"] = "all",
    drop: float = 0.0,
    seed: int = 0,
    progress: Callable[[Iterable, int | None, str], Iterator] = lambda items, total, label: iter(items),
) -> Retrieved:
    """Every sample with a gloss and a pose is a query (`metric`'s reference).

    protocol: "all": candidates are all samples of other signers. "table1": the sign's other samples and four times as many
    of other signs, drawn from `seed`. drop: this share of all points, drawn anew in every frame, is missing.
    A query whose sign nobody else makes is left out. Raises InputError where there is nothing to retrieve.
    """
    told = Retrieved(signatures={name: metric.signature() for name, metric in metrics.items()})
    glosses, signers, prepared = [], [], {name: [] for name in metrics}  # type: ignore[var-annotated]
    for i in progress(range(len(dataset)), len(dataset), "poses"):
        name = f"sample {i}"
        try:
            sample = dataset[i]
            name = sample.id or name
            if not sample.glosses or sample.pose is None:
                raise InputError("has no gloss" if sample.pose is not None else "has no pose")
            pose = dropped(sample.pose, drop, seed + i) if drop else sample.pose
            made = {key: metric.prepare(pose) for key, metric in metrics.items()}
        except (SigncoreError, OSError) as error:
            told.bad.append(f"{name}: {error}")
            continue
        for key, value in made.items():
            prepared[key].append(value)
        glosses.append(" ".join(sample.glosses))
        signers.append(sample.signer or "")
    candidates = _candidates(np.array(glosses), np.array(signers), protocol, seed)
    queries = [i for i, c in enumerate(candidates) if any(glosses[j] == glosses[i] for j in c)]
    if not queries:
        raise InputError(
            "dataset: no sample's sign is made by another signer, so there is nothing to retrieve"
        )
    told.queries = len(queries)
    for key, metric in metrics.items():
        told.scores[key] = _scores(metric, prepared[key], np.array(glosses), candidates, queries, progress)
    return told


def _candidates(glosses: np.ndarray, signers: np.ndarray, protocol: str, seed: int) -> list[np.ndarray]:
    if protocol == "all":
        if len(set(signers)) < 2:
            raise InputError("dataset: names fewer than two signers", "use --protocol table1")
        return [np.flatnonzero(signers != s) for s in signers]
    pools = {}
    for k, gloss in enumerate(sorted(set(glosses))):
        own, rest = np.flatnonzero(glosses == gloss), np.flatnonzero(glosses != gloss)
        random = np.random.Generator(np.random.PCG64([seed, k]))
        pools[gloss] = np.sort(np.concatenate([own, random.permutation(rest)[: DISTRACTORS * len(own)]]))
    return [pools[gloss][pools[gloss] != i] for i, gloss in enumerate(glosses)]


def _scores(
    metric: Any,
    prepared: list[Any],
    glosses: np.ndarray,
    candidates: list[np.ndarray],
    queries: list[int],
    progress: Callable[[Iterable, int | None, str], Iterator],
) -> dict[str, float]:
    precisions: list[float] = []
    within: dict[int, list[float]] = {k: [] for k in KS}
    starts = range(0, len(queries), ROWS)
    for start in progress(starts, len(starts), metric.signature().split("|")[0]):
        part = queries[start : start + ROWS]
        distances = metric.matrix([prepared[i] for i in part], prepared)
        for i, row in zip(part, distances, strict=True):
            order = candidates[i][np.argsort(row[candidates[i]], kind="stable")]
            right = glosses[order] == glosses[i]
            precisions.append(average_precision(right))
            for k in KS:
                within[k].append(float(right[:k].mean()))
    return {
        "mAP": float(np.mean(precisions)),
        **{f"precision@{k}": float(np.mean(v)) for k, v in within.items()},
    }


def average_precision(right: np.ndarray) -> float:
    """Of a ranking: bool [N], nearest first; the mean precision at the place of every right one, 0 where none is."""
    places = np.flatnonzero(right)
    return float((np.arange(1, len(places) + 1) / (places + 1)).mean()) if len(places) else 0.0


def dropped(pose: Pose, share: float, seed: int) -> Pose:
    """The pose with a share of its points missing, drawn anew in every frame."""
    from pose_format.numpy import NumPyPoseBody

    confidence = np.array(np.ma.getdata(pose.body.confidence))
    confidence[np.random.Generator(np.random.PCG64(seed)).random(confidence.shape) < share] = 0
    data = np.ma.getdata(pose.body.data)
    mask = np.broadcast_to((confidence == 0)[..., None], data.shape)
    return Pose(pose.header, NumPyPoseBody(pose.body.fps, np.ma.masked_array(data, mask=mask), confidence))
