from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from signcore.cli.output import JSON, TRACEBACK, note, print_json, print_table, progress


@click.command("bench")
@click.argument("op", required=False)
@JSON
@click.option("--save", is_flag=True, help="Write the numbers as JSON and the scaling curves as SVG.")
@click.option(
    "--folder", default="docs/benchmarks", type=click.Path(path_type=Path), help="Where --save writes."
)
@click.option(
    "--compare",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="An earlier JSON; exit 1 where something takes 15 % longer.",
)
@TRACEBACK
def command(op: str | None, as_json: bool, save: bool, folder: Path, compare: Path | None) -> None:
    """Time the kernels beside their installed peers: all of them, or one OP."""
    old = _read(compare) if compare else []
    from signcore.errors import UsageError, WorkError
    from signcore.kernels import measure

    cases = measure.cases(op)
    if not cases:
        known = sorted({c.op for c in measure.cases()})
        raise UsageError(f"no benchmark is called {op!r}", f"there are {', '.join(known)}")
    limits = measure.machine()
    rows = [measure.one(case, limits) for case in progress(cases, len(cases), "timing")]
    result = {"machine": _machine(limits), "rows": rows}
    if save:
        result["files"] = _save(result, op, folder)
    worse = measure.losses(old, rows)
    if as_json:
        print_json(result | {"worse": worse})
    else:
        print_table(
            ["op", "what", "ms", "rate", "of the limit", "against", "ratio", "wanted"],
            [line for row in rows for line in _lines(row)],
        )
        missing = sorted({name for row in rows for name in row["missing"]})
        if missing:
            note(f"not installed, and left out: {', '.join(missing)}")
    if worse:
        raise WorkError(f"slower than {compare}: {'; '.join(worse)}", "measure again on a quiet machine")


def _lines(row: dict[str, Any]) -> list[list[str]]:
    rate = f"{row['rate']:.3g} {row['unit']}" if row["unit"] else ""
    share = f"{row['share']:.0%}" if row["unit"] else ""
    head = [row["op"], row["name"], f"{row['ms']:.3f}", rate, share]
    lines = []
    for name, peer in row["peers"].items():
        verdict = (
            "" if peer["wanted"] is None else f"{peer['wanted']:g} x" + ("" if peer["met"] else ", missed")
        )
        lines.append([*head, f"{name} {peer['ms']:.2f} ms", f"{peer['ratio']:,.2f} x", verdict])
        head = [""] * 5
    return lines or [[*head, "", "", ""]]


def _machine(limits: Any) -> dict[str, Any]:
    import datetime
    import platform

    import torch

    from signcore._version import __version__

    return {
        "date": datetime.date.today().isoformat(),
        "platform": platform.platform(),
        "processors": torch.get_num_threads(),
        "torch": torch.__version__,
        "signcore": __version__,
        "gflops": limits.flops / 1e9,
        "gigabytes": limits.moved / 1e9,
    }


def _save(result: dict[str, Any], op: str | None, folder: Path) -> list[str]:
    from signcore.kernels.measure import curves

    folder.mkdir(parents=True, exist_ok=True)
    files = []
    result["curves"] = {}
    for curve in curves.curves(op):
        times = curves.measure(curve)
        path = folder / f"{curve.op}-{curve.axis}.svg"
        curves.draw(curve, times, path)
        result["curves"][path.stem] = {"values": list(curve.values), "ms": times}
        files.append(str(path))
    path = folder / f"{op or 'all'}.json"
    path.write_text(json.dumps(result, indent=1) + "\n")
    return [*files, str(path)]


def _read(path: Path) -> list[dict[str, Any]]:
    from signcore.errors import InputError

    try:
        rows = json.loads(path.read_text())["rows"]
        return [{key: row[key] for key in ("op", "name", "threads", "ms")} for row in rows]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: not what --save writes", "give the JSON of an earlier --save") from error
