from __future__ import annotations

from pathlib import Path

import click

from signcore.cli.output import JSON, TRACEBACK, note, print_json


@click.command("new")
@click.argument("kind")
@click.argument("name")
@click.option(
    "--output", "-o", type=click.Path(path_type=Path), help="The package's folder. Default: signcore-NAME."
)
@JSON
@TRACEBACK
def command(kind: str, name: str, output: Path | None, as_json: bool) -> None:
    """Write a plugin package: one component of KIND that works, its settings, its test, its README and its CI."""
    from signcore.testing.package import write_package

    folder = output or Path(f"signcore-{name}")
    files = write_package(kind, name, folder)
    if as_json:
        print_json({"folder": str(folder), "files": [str(f) for f in files]})
        return
    for file in files:
        print(file)
    note(f'next: cd {folder}; pip install -e ".[test]"; pytest')
