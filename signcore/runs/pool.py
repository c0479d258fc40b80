"""Work on many items by several processes or machines: a lost worker's item is done again, and nobody else's."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any

from signcore.errors import UsageError

ATTEMPTS = 3  # how often an item may lose its worker before it is given up


@dataclass(frozen=True)
class Ended:
    """item: its place among the items; None where a worker was lost whose item will be done again. error: where it was lost for good.
    lost: workers that died since."""

    item: int | None
    result: Any = None
    error: str | None = None
    lost: int = 0


def spread(
    work: Callable[[Any, Any], Any],
    job: Any,
    items: Sequence[Any],
    *,
    workers: int = 1,
    engine: str = "local",
    address: str | None = None,
) -> Iterator[Ended]:
    """work(job, item) of every item, as they end. work: a module's function; job, items and results can be pickled.

    engine: "local", processes of this machine, or "ray", of the cluster at `address` (none: of this machine).
    Raises UsageError where Ray is not installed.
    """
    return _ray(work, job, items, workers, address) if engine == "ray" else _local(work, job, items, workers)


def _local(work: Callable[[Any, Any], Any], job: Any, items: Sequence[Any], count: int) -> Iterator[Ended]:
    """Each process has one item at a time, so that a lost one loses that alone."""
    spawn = multiprocessing.get_context("spawn")
    todo, tries = deque(range(len(items))), [0] * len(items)
    busy: dict[Connection, tuple[Any, int | None]] = {}

    def start() -> None:
        here, there = spawn.Pipe()
        process = spawn.Process(target=_serve, args=(work, job, there), daemon=True)
        process.start()
        there.close()
        busy[here] = process, None
        give(here)

    def give(pipe: Connection) -> None:
        process, _ = busy[pipe]
        item = todo.popleft() if todo else None
        busy[pipe] = process, item
        try:
            pipe.send(None if item is None else (items[item],))
        except (BrokenPipeError, OSError):
            return  # its death is heard below
        if item is None:
            process.join(10)
            pipe.close()
            del busy[pipe]

    try:
        for _ in range(min(count, len(items))):
            start()
        while busy:
            for ready in wait(list(busy)):
                pipe: Any = ready
                process, item = busy[pipe]
                try:
                    result = pipe.recv()
                except (EOFError, OSError):
                    del busy[pipe]
                    process.join(1)
                    yield Ended(None, lost=1)
                    if item is not None:
                        tries[item] += 1
                        if tries[item] < ATTEMPTS:
                            todo.appendleft(item)
                        else:
                            code = process.exitcode
                            yield Ended(
                                item, error=f"its worker was lost {ATTEMPTS} times (exit code {code})"
                            )
                    if todo:
                        start()
                    continue
                assert item is not None
                yield Ended(item, result)
                give(pipe)
    finally:
        for process, _ in busy.values():
            process.terminate()


def _serve(work: Callable[[Any, Any], Any], job: Any, pipe: Connection) -> None:
    while (given := pipe.recv()) is not None:
        pipe.send(work(job, given[0]))


def _ray(
    work: Callable[[Any, Any], Any], job: Any, items: Sequence[Any], count: int, address: str | None
) -> Iterator[Ended]:
    try:
        import ray
    except ImportError:
        raise UsageError("--engine ray: Ray is not installed", "pip install ray") from None
    import logging

    more: dict[str, Any] = {"address": address}
    if not address:  # workers of this machine see what this process sees
        here = {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
        more = {"num_cpus": count, "include_dashboard": False, "runtime_env": {"env_vars": here}}
    with contextlib.redirect_stdout(
        sys.stderr
    ):  # where Ray tells of dead workers; what is printed there may be JSON
        ray.init(logging_level=logging.ERROR, log_to_driver=False, **more)
        try:
            remote = ray.remote(num_cpus=1, max_retries=ATTEMPTS - 1)(work)
            given = ray.put(job)
            running = {remote.remote(given, item): i for i, item in enumerate(items)}
            while running:
                ended, _ = ray.wait(list(running), num_returns=1)
                for task in ended:
                    i = running.pop(task)
                    try:
                        yield Ended(i, ray.get(task))
                    except ray.exceptions.RayError as error:
                        first = (str(error).splitlines() or [""])[0]
                        yield Ended(i, error=f"its worker was lost ({first})", lost=1)
        finally:
            ray.shutdown()
