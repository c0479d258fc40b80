"""Timing the kernels beside their peers: what `signcore bench` and benchmarks/ run.

A case is one size of one op with the calls that compete there. A call gets fresh inputs and returns what is timed; calls
take turns, and the least time of each counts.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch

QUICK = 0.02  # seconds

Call = Callable[..., Callable[[], Any]]  # inputs -> what is timed


@dataclass(frozen=True)
class Case:
    op: str
    name: str
    make: Callable[[int], tuple[Any, ...]]  # seed -> inputs
    ours: Call
    peers: dict[str, Callable[[], Call]]  # an ImportError: that peer is not installed
    wanted: dict[str, float] = field(default_factory=dict)  # peer -> at least this many times its speed
    work: float = 0  # units in a call
    unit: str = ""  # such as Gcell/s, for work in billions
    flops: float = 0  # arithmetic in a call, or
    moved: float = 0  # bytes in a call: what the machine's limit is held against
    threads: int = 1
    rounds: int = 15
    wall: bool = False  # time on the wall, for what other processes do


@dataclass(frozen=True)
class Machine:
    """What one thread reaches here: flops a second in a matrix product, bytes a second in a memory copy."""

    flops: float
    moved: float


def seconds(call: Callable[[], Any], wall: bool) -> float:
    """Processor time, which other work on the machine does not lengthen; of several threads the time on the wall."""
    clock = time.perf_counter if wall else time.process_time
    begin = clock()
    call()
    return clock() - begin


def machine() -> Machine:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    a, x = torch.randn(1536, 1536), torch.zeros(64 << 20, dtype=torch.uint8)
    y = x.clone()
    product = min(seconds(lambda: a @ a, False) for _ in range(6))
    copy = min(seconds(lambda: y.copy_(x), False) for _ in range(6))
    torch.set_num_threads(before)
    return Machine(2 * 1536**3 / product, 2 * x.numel() / copy)


def one(case: Case, limits: Machine, budget: float = 4.0) -> dict[str, Any]:
    """Measure a case: {op, name, threads, ms, rate, unit, share, peers: {name: {ms, ratio, wanted, met}}, missing}.

    budget: seconds after which a call takes no more turns; each has two.
    """
    calls: dict[str, Call] = {"ours": case.ours}
    missing = []
    for name, load in case.peers.items():
        try:
            calls[name] = load()
        except ImportError:
            missing.append(name)
    before = torch.get_num_threads()
    torch.set_num_threads(case.threads)
    try:
        times = _in_turns(case, calls, budget)
    finally:
        torch.set_num_threads(before)
    ours = times.pop("ours")
    limit = case.flops / limits.flops if case.flops else case.moved / limits.moved  # seconds at best
    peers = {
        name: {
            "ms": each * 1e3,
            "ratio": each / ours,
            "wanted": case.wanted.get(name),
            "met": name not in case.wanted or each / ours >= case.wanted[name],
        }
        for name, each in times.items()
    }
    return {
        "op": case.op,
        "name": case.name,
        "threads": case.threads,
        "ms": ours * 1e3,
        "rate": case.work / ours / 1e9,
        "unit": case.unit,
        "share": limit / case.threads / ours,
        "peers": peers,
        "missing": missing,
    }


def _in_turns(case: Case, calls: dict[str, Call], budget: float) -> dict[str, float]:
    wall = case.wall or case.threads > 1
    spent, least = dict.fromkeys(calls, 0.0), dict.fromkeys(calls, float("inf"))
    for turn in range(case.rounds):
        inputs = case.make(turn)
        for name, call in calls.items():
            if turn > 1 and spent[name] > budget:
                continue
            torch.set_num_threads(case.threads)
            each = seconds(call(*inputs), wall)
            spent[name] += each
            least[name] = min(least[name], each)
            if each < QUICK:  # others' turns have emptied the caches of a quick call: again, on new memory
                for ready in [call(*inputs) for _ in range(4)]:
                    least[name] = min(least[name], seconds(ready, wall))
    return least


def cases(op: str | None = None) -> list[Case]:
    from signcore.kernels.measure import door, dtw, tcd, trajectory_attention, warp

    found = [*door.CASES, *dtw.CASES, *tcd.CASES, *warp.CASES, *trajectory_attention.CASES]
    return [c for c in found if op in (None, c.op)]


def losses(old: list[dict[str, Any]], new: list[dict[str, Any]], loss: float = 0.15) -> list[str]:
    """What takes at least `loss` longer than before; rows are matched by op, name and threads."""
    key = lambda row: (row["op"], row["name"], row["threads"])  # noqa: E731
    before = {key(row): row["ms"] for row in old}
    return [
        f"{row['op']}, {row['name']}: {row['ms']:.3g} ms, was {before[key(row)]:.3g}"
        for row in new
        if key(row) in before and row["ms"] > before[key(row)] * (1 + loss)
    ]
