"""A table of trainings on the same data, steps and seeds: ablations, or a method beside its rivals."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from signcore.config import read_config
from signcore.contracts import Dataset
from signcore.errors import ConfigError
from signcore.types.files import replacing

SCORES = "scores.json"
KINDS = ("generator", "recognizer")


@dataclass(frozen=True)
class Row:
    """name: as the table prints it. generator: which component is trained, of `kind`. settings: its own."""

    name: str
    generator: str
    settings: dict[str, Any] = field(default_factory=dict)
    kind: str = "generator"

    @property
    def folder(self) -> str:
        return "".join(c if c.isalnum() else "-" for c in self.name.lower()).strip("-")


def read_rows(path: str | Path) -> list[Row]:
    """Of a .toml, .yaml or .json: `[rows."+ pose"]` with `generator` or `recognizer` and, under `settings`, what differs from
    its defaults.

    `[settings]` at the top holds for every row. Raises ConfigError where a row names neither or two have one folder.
    """
    tree = read_config(Path(path))
    shared, table = tree.get("settings", {}), tree.get("rows", {})
    if not isinstance(table, dict) or not table:
        raise ConfigError(f"{path}: holds no [rows.NAME]")
    rows = []
    for name, entry in table.items():
        kind = next((k for k in KINDS if isinstance(entry, dict) and isinstance(entry.get(k), str)), None)
        if kind is None:
            raise ConfigError(f"{path}: row {name!r} names no generator")
        rows.append(Row(str(name), entry[kind], {**shared, **entry.get("settings", {})}, kind))
    if len({row.folder for row in rows}) < len(rows):
        raise ConfigError(
            f"{path}: two rows would write to one folder", "give them names that differ in letters or digits"
        )
    return rows


def train_rows(
    rows: Sequence[Row],
    make: Callable[[Row, int], tuple[Any, dict[str, Any]]],
    dataset: Dataset,
    *,
    data: dict[str, Any],
    folder: Path,
    seeds: Sequence[int],
    say: Callable[[str], None] = lambda _: None,
    **options: Any,
) -> dict[str, dict[str, list[float]]]:
    """{row: {score: one value a seed}}. make(row, seed) gives the row's task, and what train.json says of it; data: the dataset's
    name and settings; options go to `fit`.

    Every row and seed has a folder of its own: what is complete is not trained again, what was stopped goes on. Raises ConfigError
    where a folder holds the scores of another training.
    """
    from signcore.training.loop import fit

    found: dict[str, dict[str, list[float]]] = {row.name: {} for row in rows}
    for row in rows:
        for seed in seeds:
            here = folder / f"{row.folder}-seed{seed}"
            about = {
                "row": row.name,
                "generator": row.generator,
                "settings": row.settings,
                "dataset": data,
                "seed": seed,
                "steps": options["steps"],
                "precision": options["precision"],
                "accumulate": options["accumulate"],
            }
            kept = here / SCORES
            scores = _kept(kept, about)
            if scores is None:
                say(f"{row.name}, seed {seed}")
                task, made_of = make(row, seed)
                fitted = fit(task, dataset, folder=here, seed=seed, about=made_of, **options)
                scores = fitted.scores
                with replacing(kept) as temporary:
                    temporary.write_text(json.dumps({**about, "scores": scores}, indent=2) + "\n")
            for name, value in scores.items():
                found[row.name].setdefault(name, []).append(value)
    return found


def _kept(path: Path, about: dict[str, Any]) -> dict[str, float] | None:
    if not path.is_file():
        return None
    kept = json.loads(path.read_text())
    scores: dict[str, float] = kept.pop("scores")
    wanted = json.loads(json.dumps(about))
    other = [key for key in {**wanted, **kept} if kept.get(key) != wanted.get(key)]
    if other:
        raise ConfigError(
            f"{path}: its {', '.join(other)} {'are' if len(other) > 1 else 'is'} not what is asked for",
            "name another --output",
        )
    return scores


def printed(found: dict[str, dict[str, list[float]]]) -> tuple[list[str], list[list[str]]]:
    """(head, rows) of the table: the mean over seeds, and, of several, how far they lie apart."""
    names = list(dict.fromkeys(name for scores in found.values() for name in scores))
    rows = []
    for row, scores in found.items():
        cells = [row]
        for name in names:
            values = scores.get(name, [])
            spread = f" ±{np.ptp(values) / 2:.4f}" if len(values) > 1 else ""
            cells.append(f"{np.mean(values):.4f}{spread}" if values else "–")
        rows.append(cells)
    return ["row", *names], rows
