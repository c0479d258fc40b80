"""The `signcore` command. Each verb is a module of this package, imported only when it is chosen."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

import click

from signcore._version import __version__
from signcore.cli import output

VERBS = {  # verb -> its line in `signcore --help`; the module has the verb's name
    "run": "Run estimators, generators, recognizers and metrics into one folder.",
    "train": "Train a component on a dataset.",
    "evaluate": "Judge a generator over a dataset, or metrics by what they retrieve.",
    "map": "Run one component over a table, on several processes or machines.",
    "notation": "Read a HamNoSys notation symbol by symbol.",
    "view": "Show a video, a pose, a picture or a run in the browser.",
    "list": "List the installed components.",
    "show": "Show one component: its inputs and settings.",
    "new": "Write a plugin package that passes the conformance kit.",
    "check": "Run the conformance kit on a component.",
    "convert-weights": "Somebody's .pth as .safetensors, without running what is in it.",
    "plugins": "List the installed plugins and what went wrong in each.",
    "bench": "Time the kernels beside their installed peers.",
    "doctor": "Check the installation and say what to do about each trouble.",
}


class Verbs(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in VERBS:
            return None
        command: click.Command = import_module(f"signcore.cli.{name.replace('-', '_')}").command
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args and not args[0].startswith("-") and args[0] not in VERBS:
            from difflib import get_close_matches

            near = get_close_matches(args[0], VERBS, n=1)
            ctx.fail(f"no verb is called {args[0]!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="signcore")
def cli() -> None:
    """Sign language production and recognition, from plugins."""


def main(args: list[str] | None = None) -> None:
    """The console script: every error is one line on stderr and an exit code (0, 1, 2, 3 or 130)."""
    arguments = sys.argv[1:] if args is None else args
    sys.exit(
        output.guarded(lambda: cli.main(arguments, prog_name="signcore", standalone_mode=False), arguments)
    )
