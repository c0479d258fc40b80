from __future__ import annotations

from pathlib import Path

import click

from signcore.cli.output import JSON, TRACEBACK, print_json


@click.command("convert-weights")
@click.argument("source", type=click.Path(path_type=Path))
@click.argument("target", type=click.Path(path_type=Path))
@click.option(
    "--under", default="", metavar="NAME", help="Only the tensors under this name, such as `state_dict`."
)
@JSON
@TRACEBACK
def command(source: Path, target: Path, under: str, as_json: bool) -> None:
    """Write the tensors of a pickled checkpoint as .safetensors, which `run --weights` takes; nothing in the file is run."""
    from signcore.weights import convert

    count, digest = convert(source, target, under=under)
    if as_json:
        print_json({"file": str(target), "tensors": count, "sha256": digest})
    else:
        print(f"{target}: {count} tensors of {source.name} (sha256 {digest})")
