"""What every verb prints and how it fails: results on stdout, everything else on stderr, errors as one line."""

from __future__ import annotations

import errno
import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from signcore.errors import SigncoreError, out_of_memory

Item = TypeVar("Item")


def guarded(work: Callable[[], Any], arguments: Sequence[str]) -> int:
    """Run a verb and return the exit code; `--traceback` shows the whole story of an error."""
    try:
        code = work()
        return code if isinstance(code, int) else 0
    except click.exceptions.Exit as leave:
        return leave.exit_code
    except (KeyboardInterrupt, click.exceptions.Abort) as stop:
        # click makes an Abort of it; who keeps something for a second start notes that on the interruption
        left = getattr(stop.__cause__ or stop, "__notes__", [])
        if not left and arguments[:1] == ["run"]:
            left = ["nothing was left behind"]
        note("; ".join(["stopped", *left]))
        return 130
    except click.ClickException as error:
        return _fail(error.format_message(), "", error.exit_code, arguments)
    except SigncoreError as error:
        return _fail(" ".join(str(error).split()), error.hint, error.exit_code, arguments)
    except BrokenPipeError:
        sys.stderr.close()
        return 1
    except OSError as error:
        hint = {
            errno.ENOSPC: "free some space",
            errno.EACCES: "check the permissions",
            errno.EDQUOT: "free some space",
        }
        name = f" ({error.filename})" if error.filename else ""
        return _fail(f"{error.strerror or error}{name}", hint.get(error.errno or 0, ""), 1, arguments)
    except ModuleNotFoundError as error:
        missing = (error.name or str(error)).partition(".")[0]
        return _fail(
            f"the package {missing} is not installed",
            f"pip install {missing}; signcore doctor tells what else is missing",
            1,
            arguments,
        )
    except Exception as error:
        if out_of_memory(error):
            return _fail("out of memory", _to_lower(arguments), 1, arguments)
        text = (str(error).splitlines() or [""])[0]
        return _fail(
            f"unexpected {type(error).__name__}: {text}",
            "--traceback shows where; please report it",
            1,
            arguments,
        )


def _to_lower(arguments: Sequence[str]) -> str:
    """The settings that a verb's memory hangs on."""
    named = {word.partition("=")[0] for word in arguments}
    kind = next((k for k in ("generator", "recognizer", "estimator") if f"--{k}" in named), "generator")
    size = "" if kind == "recognizer" else f" or {kind}.size"
    if arguments[:1] == ["train"]:
        return f"lower {kind}.batch (--accumulate makes up for it){size}; the last checkpoint stays"
    if kind == "recognizer":
        return "use a shorter clip"
    return f"lower {kind}.batch_frames{size}, or use a shorter clip"


def _fail(message: str, hint: str, code: int, arguments: Sequence[str]) -> int:
    if "--traceback" in arguments:
        import traceback

        traceback.print_exc()
    if "--json" in arguments:
        print(json.dumps({"error": message, "hint": hint, "exit_code": code}))
    print(f"error: {message}" + (f"; {hint}" if hint else ""), file=sys.stderr)
    return code


def note(text: str) -> None:
    """A line for the person at the terminal."""
    print(text, file=sys.stderr)


def print_json(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False, default=str))


def print_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Columns by width; the last one is cut to the terminal's width where there is a terminal."""
    import shutil

    widths = [max(len(r[i]) for r in [head, *rows]) for i in range(len(head))]
    limit = shutil.get_terminal_size().columns if sys.stdout.isatty() else 10_000
    for row in [head, *rows]:
        line = "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip()
        print(line if len(line) <= limit else line[: limit - 1] + "…")


def progress(items: Iterable[Item], total: int | None, label: str) -> Iterator[Item]:
    """A bar with rate and time left on stderr; nothing where stderr is no terminal."""
    if not sys.stderr.isatty():
        yield from items
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = [
        TextColumn(label),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    ]
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=total, rate="")
        start = time.perf_counter()
        for done, item in enumerate(items, 1):
            yield item
            bar.update(task, advance=1, rate=f"{done / max(time.perf_counter() - start, 1e-9):.1f}/s")


Command = TypeVar("Command", bound=Callable[..., Any])


def settings_options(examples: str) -> Callable[[Command], Command]:
    """`--set KEY=VALUE` and `--config FILE`, as `sets` and `configs`."""
    one = click.option("--set", "sets", multiple=True, metavar="KEY=VALUE", help=f"A setting: {examples}.")
    many = click.option(
        "--config",
        "configs",
        multiple=True,
        type=click.Path(path_type=Path),
        help="Settings from .toml, .yaml or .json.",
    )
    return lambda command: one(many(command))


def workers_options(workers: str) -> Callable[[Command], Command]:
    """`--workers`, `--engine` and `--address`; workers: what its processes do."""
    how_many = click.option(
        "--workers", type=click.IntRange(1, 4096), default=1, show_default=True, help=workers
    )
    which = click.option(
        "--engine",
        type=click.Choice(["local", "ray"]),
        default="local",
        show_default=True,
        help="Processes of this machine, or of a Ray cluster.",
    )
    where = click.option("--address", help="With --engine ray: of the cluster; none starts one here.")
    return lambda command: how_many(which(where(command)))


SEED = click.option(
    "--seed",
    type=click.IntRange(0, 2**31 - 1),
    default=0,
    show_default=True,
    help="Every random choice follows from it.",
)
DEVICE = click.option("--device", default="auto", show_default=True, metavar="auto|cpu|cuda[:N]")
JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
TRACEBACK = click.option(
    "--traceback", is_flag=True, expose_value=False, help="Show the whole story of an error."
)


class Kind(click.ParamType):
    name = "kind"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:
        from click.shell_completion import CompletionItem

        from signcore.component import KINDS

        return [CompletionItem(k) for k in KINDS if k.startswith(incomplete)]


class ComponentName(click.ParamType):
    """A component's name, with shell completion; kind: of one kind, or of the kind given as the argument before."""

    name = "name"

    def __init__(self, kind: str | None = None) -> None:
        self.kind = kind

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:
        from click.shell_completion import CompletionItem

        from signcore.registry import registry

        kind = self.kind or ctx.params.get("kind")
        try:
            rows = registry.listing(kind)
        except SigncoreError:
            return []
        return [CompletionItem(name, help=c.summary) for name, _, c in rows if name.startswith(incomplete)]
