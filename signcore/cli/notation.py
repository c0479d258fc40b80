from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from signcore.cli.output import JSON, TRACEBACK, print_json, print_table


@click.command("notation")
@click.argument("text", required=False)
@click.option(
    "--file",
    "file",
    type=click.Path(path_type=Path),
    help="Read the notation from a UTF-8 text file; one sign a line.",
)
@JSON
@TRACEBACK
def command(text: str | None, file: Path | None, as_json: bool) -> int:
    """Read a HamNoSys notation symbol by symbol, and say what it means as a whole.

    TEXT is one sign, or several parted by spaces; or the names of one sign's symbols, `hamfist hamextfingeru ...`.
    Exit code 1: some sign is ill-formed; the line says at which symbol reading stopped.
    """
    from signcore.errors import UsageError
    from signcore.types import read_text
    from signcore.types.hamnosys import split_signs

    if (text is None) == (file is None):
        raise UsageError("give a notation, or --file", 'signcore notation "..."')
    given = read_text(file) if file is not None else text or ""
    read = [_sign(notation) for notation in split_signs(given)]
    wrong = any(sign["error"] for sign in read)
    if as_json:
        print_json({"signs": read})
        return int(wrong)
    for i, sign in enumerate(read):
        if i:
            print()
        print_table(
            ["", "symbol", "code", "class", "meaning"],
            [
                [str(n), s["name"], s["code"], s["class"], s["meaning"]]
                for n, s in enumerate(sign["symbols"], 1)
            ],
        )
        print()
        for depth, words in sign["outline"]:
            print("  " * depth + words)
        if sign["error"]:
            print(f"ill-formed: {sign['error']}")
    return int(wrong)


def _sign(notation: str) -> dict[str, Any]:
    from signcore.errors import InputError
    from signcore.types.hamnosys import outline, parse, read_symbols

    symbols = [
        {"name": s.name, "code": f"U+{s.code:04X}", "class": s.slot, "meaning": s.meaning}
        for s in read_symbols(notation)
    ]
    try:
        lines, error = outline(parse(notation)), None
    except InputError as refusal:
        lines, error = [], str(refusal)
    return {"notation": notation, "symbols": symbols, "outline": lines, "error": error}
