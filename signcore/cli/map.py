from __future__ import annotations

from pathlib import Path

import click

from signcore.cli.output import (
    JSON,
    SEED,
    TRACEBACK,
    ComponentName,
    note,
    print_json,
    settings_options,
    workers_options,
)
from signcore.errors import UsageError


@click.command("map")
@click.argument("table", type=click.Path(path_type=Path))
@click.option("--estimator", type=ComponentName("estimator"), help="Estimate a pose of every row's video.")
@click.option("--generator", type=ComponentName("generator"), help="Generate from every row's inputs.")
@click.option("--recognizer", type=ComponentName("recognizer"), help="Recognise every row's clip.")
@settings_options("`generator.size=128`")
@click.option("--weights", metavar="FILE|FOLDER|HUB-NAME", help="Trained weights.")
@SEED
@click.option("--device", default="cpu", show_default=True, metavar="cpu|cuda[:N]")
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path),
    required=True,
    help="Its folder ID holds a row's result.",
)
@workers_options("Rows done at a time.")
@JSON
@TRACEBACK
@click.pass_context
def command(
    ctx: click.Context,
    table: Path,
    estimator: str | None,
    generator: str | None,
    recognizer: str | None,
    sets: tuple[str, ...],
    configs: tuple[Path, ...],
    weights: str | None,
    seed: int,
    device: str,
    output: Path,
    workers: int,
    engine: str,
    address: str | None,
    as_json: bool,
) -> None:
    """Run one component over a TABLE whose columns are its inputs: paths from the table's folder, or text.

    A row's result is written whole or not at all. A second call goes on where the first one stopped; a bad row is told, recorded in
    map.json and passed over, and the exit code is 1 then.
    """
    from dataclasses import asdict

    from signcore.config import read_config
    from signcore.registry import registry
    from signcore.runs.map import Job, Row, map_rows, rows_of
    from signcore.runs.request import Request, choose, merge, parse_set

    named = [
        (k, n)
        for k, n in (("estimator", estimator), ("generator", generator), ("recognizer", recognizer))
        if n
    ]
    if len(named) != 1:
        raise UsageError("map runs one component", "--estimator NAME, --generator NAME or --recognizer NAME")
    if address is not None and engine != "ray":
        raise UsageError("--address is of a Ray cluster", "--engine ray")
    settings: dict = {}
    for path in configs:
        settings = merge(settings, read_config(path))
    settings = merge(settings, parse_set(list(sets)))
    kind, name = named[0]
    choose(registry, Request({kind: [name]}, settings=settings, weights={"": weights} if weights else {}))
    rows = rows_of(table)
    job = Job((kind, name), settings, weights, seed, device, output.resolve(), table.resolve().parent)

    def told(row: Row, error: str | None) -> None:
        if error is not None:
            note(f"{table}:{row.line}: {row.id}: {error}")

    found = map_rows(job, rows, workers=workers, engine=engine, address=address, told=told)
    if as_json:
        print_json(asdict(found))
    else:
        rate = found.done / found.seconds if found.seconds else 0.0
        print(
            f"{found.rows} rows: {found.done} done ({rate:.2f}/s), {found.kept} kept, {len(found.bad)} bad; {output}"
        )
    if found.bad:
        ctx.exit(1)
