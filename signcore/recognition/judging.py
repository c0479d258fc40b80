"""Judging a recognizer over a dataset: as it is, or trained anew with signers or sentences held out."""

from __future__ import annotations

import html
import logging
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from signcore.contracts import Dataset, Sample
from signcore.errors import InputError, SigncoreError, UsageError


@dataclass
class Judgement:
    """scores: mean over folds and seeds, weighted by clips. spread: standard deviation over seeds (0 of one), of every
    score. folds: name of the fold -> its scores, mean over seeds. confusions: truth -> what was said -> how often, over all seeds.
    bad: a line for each sample that could not be judged. unknown: glosses that the training part lacks, counted."""

    scores: dict[str, float] = field(default_factory=dict)
    spread: dict[str, float] = field(default_factory=dict)
    folds: dict[str, dict[str, float]] = field(default_factory=dict)
    signatures: dict[str, str] = field(default_factory=dict)
    confusions: dict[str, dict[str, int]] = field(default_factory=dict)
    bad: list[str] = field(default_factory=list)
    unknown: dict[str, int] = field(default_factory=dict)
    clips: int = 0


class Part:
    """Some samples of a dataset, all of one split."""

    def __init__(self, dataset: Dataset, indices: Sequence[int], split: str) -> None:
        self.dataset, self.indices, self.split = dataset, list(indices), split

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int) -> Sample:
        if not 0 <= index < len(self):
            raise IndexError(f"sample {index} of {len(self)}")
        sample = self.dataset[self.indices[index]]
        sample.split = self.split
        return sample


def folds_of(dataset: Dataset, how: str, seed: int = 0) -> list[tuple[str, list[int], list[int]]]:
    """(name, training samples, held-out samples). how: "signer" leaves out one signer at a time, a number makes so many
    parts at random, "split" takes the dataset's own, "none" trains nothing and judges all."""
    count = len(dataset)
    if how == "none":
        return [("all", [], list(range(count)))]
    if how == "signer":
        signers = [dataset[i].signer or "" for i in range(count)]
        if len(set(signers)) < 2:
            raise InputError("dataset: names fewer than two signers", "use --folds 5")
        return [
            (s, [i for i in range(count) if signers[i] != s], [i for i in range(count) if signers[i] == s])
            for s in sorted(set(signers))
        ]
    if how == "split":
        splits = [dataset[i].split for i in range(count)]
        train = [i for i in range(count) if splits[i] in (None, "train")]
        test = [i for i in range(count) if splits[i] not in (None, "train")]
        if not train or not test:
            raise InputError("dataset: has no " + ("split test" if train else "split train"))
        return [("test", train, test)]
    if not how.isdigit() or not 2 <= int(how) <= count:
        raise UsageError(f"--folds {how}: expected signer, split, none, or a number from 2 to {count}")
    order = np.random.Generator(np.random.PCG64([seed, 17])).permutation(count)
    parts = [sorted(order[k :: int(how)].tolist()) for k in range(int(how))]
    return [(f"part {k + 1}", sorted(set(range(count)) - set(p)), p) for k, p in enumerate(parts)]


def judge(
    trained: Callable[[Dataset | None, int, Path], Any],
    dataset: Dataset,
    metrics: Callable[[], dict[str, Any]],
    *,
    folds: str = "none",
    seeds: Sequence[int] = (0,),
    progress: Callable[[Iterable, int | None, str], Iterator] = lambda items, total, label: iter(items),
    say: Callable[[str], None] = lambda _: None,
) -> Judgement:
    """trained(training part or None, seed, scratch folder) gives a recognizer; metrics() gives fresh ones by name.

    Every fold is trained and judged with every seed; scores are those of all clips of all folds together. A sample that
    cannot be judged is counted and passed over.
    """
    told = Judgement()
    by_seed: list[dict[str, float]] = []
    by_fold: dict[str, list[dict[str, float]]] = {}
    parts = folds_of(dataset, folds)
    for seed in seeds:
        together = metrics()
        for name, train, test in parts:
            with tempfile.TemporaryDirectory() as scratch:
                part = Part(dataset, train, "train") if train else None
                recognizer = trained(part, seed, Path(scratch))
            known = {g for i in train for g in dataset[i].glosses or []} if train else None
            own = metrics()
            for i in progress(test, len(test), name):
                _judge_one(dataset[i], f"sample {i}", recognizer, own, known, told)
            for key, metric in own.items():
                together[key].merge(metric)
            scores = _scores(own)
            by_fold.setdefault(name, []).append(scores)
            say(f"{name}, seed {seed}: " + "  ".join(f"{k} {v:.2f}" for k, v in scores.items()))
        by_seed.append(_scores(together))
        told.signatures = {key: metric.signature() for key, metric in together.items()}
        told.clips = sum(len(test) for _, _, test in parts)
    names = list(dict.fromkeys(n for scores in by_seed for n in scores))
    told.scores = {n: float(np.mean([s.get(n, 0.0) for s in by_seed])) for n in names}
    told.spread = {n: float(np.std([s.get(n, 0.0) for s in by_seed])) for n in names}
    told.folds = {
        fold: {n: float(np.mean([s.get(n, 0.0) for s in every])) for n in names}
        for fold, every in by_fold.items()
    }
    if told.unknown:
        words = ", ".join(f"{g} ({c})" for g, c in list(told.unknown.items())[:5])
        logging.getLogger("signcore").warning(
            "%d glosses are outside the vocabulary: %s", sum(told.unknown.values()), words
        )
    return told


def _judge_one(
    sample: Sample,
    name: str,
    recognizer: Any,
    metrics: dict[str, Any],
    known: set[str] | None,
    told: Judgement,
) -> None:
    try:
        if not sample.glosses:
            raise InputError("has no glosses")
        found = recognizer.recognize(sample_input(sample, recognizer))
        said = found[0].glosses if found else []
        for metric in metrics.values():
            metric.update(found if getattr(metric, "takes_hypotheses", False) else said, sample.glosses)
    except SigncoreError as error:
        told.bad.append(f"{sample.id or name}: {error}")
        return
    truth = " ".join(sample.glosses)
    if len(sample.glosses) == 1:
        row = told.confusions.setdefault(truth, {})
        row[" ".join(said)] = row.get(" ".join(said), 0) + 1
    for gloss in sample.glosses:
        if known is not None and gloss not in known:
            told.unknown[gloss] = told.unknown.get(gloss, 0) + 1


def sample_input(sample: Sample, recognizer: Any) -> Any:
    """What of a sample the recognizer takes: as its `takes` says, else tracks, pose, or video, the first that is there."""
    for kind in getattr(recognizer, "takes", ("tracks", "pose", "video")):
        value = getattr(sample, kind)
        if value is not None:
            return value
    raise InputError("has neither tracks, pose nor video that the recognizer takes")


def _scores(metrics: dict[str, Any]) -> dict[str, float]:
    return {name: value for metric in metrics.values() for name, value in metric.compute().items()}


def write_report(path: Path, told: Judgement, title: str) -> None:
    """One self-contained page: scores with their spread, the folds, the confusion matrix."""

    def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
        cells = ["<tr>" + "".join(f"<th>{html.escape(c)}</th>" for c in head) + "</tr>"]
        cells += ["<tr>" + "".join(f"<td>{html.escape(c)}</td>" for c in row) + "</tr>" for row in rows]
        return f"<table>{''.join(cells)}</table>"

    names = list(told.scores)
    body = [f"<h1>{html.escape(title)}</h1><p>{told.clips} clips</p>"]
    body.append(
        table(
            ["score", "mean", "± over seeds"],
            [[n, f"{told.scores[n]:.2f}", f"{told.spread[n]:.2f}"] for n in names],
        )
    )
    folds = [[fold, *(f"{s[n]:.2f}" for n in names)] for fold, s in told.folds.items()]
    body.append("<h2>Folds</h2>" + table(["fold", *names], folds))
    if told.confusions:
        truths = sorted(told.confusions)
        said = sorted({s for row in told.confusions.values() for s in row})
        body.append(
            "<h2>Confusions</h2><p>rows: signed; columns: recognised</p>" + _matrix(told, truths, said)
        )
    if told.unknown:
        body.append(
            "<h2>Outside the vocabulary</h2>"
            + table(["gloss", "times"], [[g, str(n)] for g, n in told.unknown.items()])
        )
    if told.bad:
        body.append("<h2>Not judged</h2>" + table(["sample"], [[b] for b in told.bad]))
    signatures = "".join(f"<p><code>{html.escape(s)}</code></p>" for s in told.signatures.values())
    style = "body{font:14px sans-serif;margin:2em}td,th{padding:2px 8px;text-align:right}th{font-weight:600}"
    path.write_text(
        f"<!doctype html><meta charset=utf-8><title>{html.escape(title)}</title><style>{style}</style>{''.join(body)}{signatures}\n",
        encoding="utf-8",
    )


def _matrix(told: Judgement, truths: Sequence[str], said: Sequence[str]) -> str:
    rows = ["<tr><th></th>" + "".join(f"<th>{html.escape(s) or '–'}</th>" for s in said) + "</tr>"]
    for truth in truths:
        row = told.confusions[truth]
        total = sum(row.values())
        cells = "".join(
            f'<td style="background:rgba({"40,140,60" if s == truth else "200,50,40"},{row.get(s, 0) / total:.2f})">{row.get(s, "")}</td>'
            for s in said
        )
        rows.append(f"<tr><th>{html.escape(truth)}</th>{cells}</tr>")
    return f"<table>{''.join(rows)}</table>"
