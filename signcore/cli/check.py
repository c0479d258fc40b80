from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import click

from signcore.cli.output import JSON, TRACEBACK, print_json, settings_options


@click.command("check")
@click.argument("kind")
@click.argument("name")
@settings_options("`path=signs.csv`, `preset=pose`")
@click.option("--weights", metavar="FILE|FOLDER|HUB-NAME", help="Trained weights, where it needs some.")
@JSON
@TRACEBACK
@click.pass_context
def command(
    ctx: click.Context,
    kind: str,
    name: str,
    sets: tuple[str, ...],
    configs: tuple[Path, ...],
    weights: str | None,
    as_json: bool,
) -> None:
    """Run the conformance kit on a component: what passed, what failed, what was skipped and why. Exit code 1 where one failed."""
    from signcore.config import read_config
    from signcore.runs.folder import native_output
    from signcore.runs.request import merge, parse_set
    from signcore.testing import check

    settings: dict[str, Any] = {}
    for path in configs:
        settings = merge(settings, read_config(path))
    with tempfile.TemporaryDirectory() as folder, native_output(Path(folder) / "log.txt"):
        report = check(kind, name, settings=merge(settings, parse_set(list(sets))), weights=weights)
    if as_json:
        print_json({"component": report.label, "results": [r.__dict__ for r in report.results]})
    else:
        print(report)
    if not report.ok:
        ctx.exit(1)
