"""One component over a table of inputs, on several processes or machines; what is done stays done."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from signcore.contracts import Context
from signcore.errors import InputError, SigncoreError
from signcore.runs.execute import _construct, _work
from signcore.runs.folder import native_output, whole_folder, write_product
from signcore.runs.inputs import WORDS, slots
from signcore.runs.plan import plan
from signcore.runs.pool import spread
from signcore.runs.request import Request, choose

DONE = "row.json"


@dataclass(frozen=True)
class Job:
    """What every row is done with. component: (kind, name). folder: where the table's paths begin."""

    component: tuple[str, str]
    settings: dict[str, Any]
    weights: str | None
    seed: int
    device: str
    output: Path
    folder: Path


@dataclass(frozen=True)
class Row:
    id: str
    line: int
    values: dict[str, str]


@dataclass
class Summary:
    """done: rows worked on now; kept: rows that an earlier call had done; bad: rows that could not be done, and why; lost: workers
    that died; seconds: of this call."""

    rows: int
    done: int = 0
    kept: int = 0
    bad: list[dict[str, Any]] = field(default_factory=list)
    lost: int = 0
    seconds: float = 0.0


def rows_of(table: Path) -> list[Row]:
    """A row's id is its column `id`, else its line's number. Raises InputError where two share one."""
    from signcore.types.tables import read_table

    found, seen = [], dict[str, int]()
    for row in read_table(table):
        name = (
            re.sub(r"[^\w.-]+", "_", row.values.get("id") or f"{row.line:06d}").strip(".")
            or f"{row.line:06d}"
        )
        if name in seen:
            raise InputError(f"{table}:{row.line}: the id {name!r} is that of line {seen[name]} too")
        seen[name] = row.line
        found.append(Row(name, row.line, dict(row.values)))
    return found


def map_rows(
    job: Job,
    rows: list[Row],
    *,
    workers: int = 1,
    engine: str = "local",
    address: str | None = None,
    told: Callable[[Row, str | None], None] = lambda row, error: None,
) -> Summary:
    """Every row's result in job.output/ID/, written whole or not at all.

    Rows that an earlier call did with the same component, settings, weights, seed and values are kept. told(row, error) hears of
    each row as it ends. A row whose worker is lost is done again, up to three times; nobody else's is.
    """
    started = time.perf_counter()
    job.output.mkdir(parents=True, exist_ok=True)
    todo = [row for row in rows if _mark(job, row) != _done(job, row)]
    summary = Summary(len(rows), kept=len(rows) - len(todo))
    for ended in spread(work, job, todo, workers=workers, engine=engine, address=address):
        summary.lost += ended.lost
        if ended.item is None:
            continue
        row, error = todo[ended.item], ended.error or ended.result
        if error is None:
            summary.done += 1
        else:
            summary.bad.append({"id": row.id, "line": row.line, "error": error})
        told(row, error)
    for row in todo:  # what lost workers had begun
        for left in job.output.glob(f".{row.id}.*.partial"):
            shutil.rmtree(left, ignore_errors=True)
    summary.bad.sort(key=lambda bad: bad["line"])
    summary.seconds = time.perf_counter() - started
    about = {
        "component": ":".join(job.component),
        "settings": job.settings,
        "seed": job.seed,
        **asdict(summary),
    }
    (job.output / "map.json").write_text(
        json.dumps(about, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    return summary


def work(job: Job, row: Row) -> str | None:
    """Do one row and write it; the error as one line, or None."""
    try:
        _work_row(job, row)
    except SigncoreError as error:
        return error.line()
    except Exception as error:  # a worker must outlive any row
        return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"
    return None


def _work_row(job: Job, row: Row) -> None:
    from signcore.registry import registry

    request = _request(job)
    (chosen,) = choose(registry, request)
    names = {slot.name: slot.type for slot in slots(chosen)}
    given = {name: value for name, value in row.values.items() if name in names and value}
    request.inputs = {
        name: value if names[name] in WORDS else str(job.folder / value) for name, value in given.items()
    }
    wired = plan(registry, [chosen], request, dict)
    products: list[Any] = []
    with whole_folder(job.output / row.id) as temporary, native_output(temporary / "log.txt"):
        for stage in wired.stages:
            inputs = {**stage.inputs, **{name: products[j] for name, j in stage.pending.items()}}
            component = _component(job, stage.chosen.kind, stage.chosen.name)
            products.append(_work(component, stage, inputs, wired.notes.append)[0])
        metadata = {"comment": f"made by signcore {chosen.label}, seed {job.seed}; not a recording"}
        write_product(products[-1], wired.stages[-1].output, temporary, metadata)
        (temporary / DONE).write_text(_mark(job, row) + "\n", encoding="utf-8")


@cache
def _built(key: str, job_json: str, kind: str, name: str) -> Any:
    from signcore.registry import registry

    about = json.loads(job_json)
    own = [kind, name] == about["component"]
    request = Request({kind: [name]}, settings=about["settings"] if own else {})
    if own and about["weights"]:
        request.weights = {"": about["weights"]}
    (chosen,) = choose(registry, request)
    return _construct(registry, chosen, Context(device=about["device"], seed=about["seed"]))


def _component(job: Job, kind: str, name: str) -> Any:
    """Made once a process."""
    about = json.dumps({**asdict(job), "output": "", "folder": ""}, default=str)
    return _built(hashlib.sha256(about.encode()).hexdigest(), about, kind, name)


def _request(job: Job) -> Request:
    kind, name = job.component
    weights = {"": job.weights} if job.weights else {}
    return Request({kind: [name]}, settings=job.settings, weights=weights, seed=job.seed)


def _mark(job: Job, row: Row) -> str:
    """What a row's result depends on, as one line of JSON."""
    about = {
        "component": ":".join(job.component),
        "settings": job.settings,
        "weights": job.weights,
        "seed": job.seed,
        "values": row.values,
    }
    return json.dumps(about, sort_keys=True, ensure_ascii=False, default=str)


def _done(job: Job, row: Row) -> str | None:
    file = job.output / row.id / DONE
    return file.read_text(encoding="utf-8").strip() if file.is_file() else None
