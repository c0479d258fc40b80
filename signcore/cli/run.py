from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from signcore.cli.output import (
    JSON,
    TRACEBACK,
    ComponentName,
    note,
    print_json,
    print_table,
    progress,
    settings_options,
)
from signcore.errors import UsageError

if TYPE_CHECKING:
    from signcore.runs.request import Chosen

_STAGES = ("estimator", "generator", "recognizer", "metric")
_WORDS = {
    "estimator": "Estimate a pose from a video.",
    "generator": "Generate a pose or a video; more than once to chain.",
    "recognizer": "Recognise glosses.",
    "metric": "Score the result; more than once for several.",
}


class RunCommand(click.Command):
    """`run` whose options grow by the inputs of the components that the command line names."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        named = _named(args)
        source = _value_of(args, "--from")
        if source and not any(named.values()):
            from signcore.runs.manifest import read_request

            named = read_request(Path(source)).components
        chosen = _find(named)
        ctx.meta["signcore.chosen"] = chosen
        ctx.meta["signcore.options"] = _input_options(chosen)
        return super().parse_args(ctx, args)

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        return [*ctx.meta.get("signcore.options", []), *super().get_params(ctx)]

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for c in ctx.meta.get("signcore.chosen", []):
            model = c.config_model()
            if model is None:
                continue
            from signcore.config import settings

            with formatter.section(f"Settings of {c.label} (--set name=value)"):
                formatter.write_dl([(f"{s.name} ({s.type})", _setting_help(s)) for s in settings(model)])


def _setting_help(s: Any) -> str:
    limits = f" [{', '.join(x for x in (s.unit, s.bounds) if x)}]" if s.unit or s.bounds else ""
    return f"{s.help}{limits} Default: {s.default}."


def _named(args: list[str]) -> dict[str, list[str]]:
    named: dict[str, list[str]] = {kind: [] for kind in _STAGES}
    for i, arg in enumerate(args):
        for kind in _STAGES:
            if arg == f"--{kind}" and i + 1 < len(args):
                named[kind].append(args[i + 1])
            elif arg.startswith(f"--{kind}="):
                named[kind].append(arg.partition("=")[2])
    return named


def _value_of(args: list[str], option: str) -> str | None:
    for i, arg in enumerate(args):
        if arg == option and i + 1 < len(args):
            return args[i + 1]
        if arg.startswith(f"{option}="):
            return arg.partition("=")[2]
    return None


def _find(given: dict[str, list[str]]) -> list[Chosen]:
    from signcore.registry import registry
    from signcore.runs.request import named

    return [named(registry, kind, text) for kind in _STAGES for text in given.get(kind, [])]


def _input_options(chosen: list[Chosen]) -> list[click.Parameter]:
    from signcore.runs.inputs import slots

    options: dict[str, click.Parameter] = {}
    for c in chosen:
        for slot in slots(c):
            flag = f"--{slot.name.replace('_', '-')}"
            words = f"{slot.help or slot.name} [{slot.type}]"
            options.setdefault(
                slot.name, click.Option([flag, f"input_{slot.name}"], metavar=slot.type.upper(), help=words)
            )
            if slot.type == "text":
                options.setdefault(
                    f"{slot.name}_file",
                    click.Option(
                        [f"{flag}-file", f"input_{slot.name}_file"],
                        metavar="FILE",
                        help=f"The same, from a text file ({flag}).",
                    ),
                )
    if chosen:
        words = "The truth to score against: a video, a .pose, or glosses."
        options["reference"] = click.Option(["--reference", "input_reference"], metavar="FILE", help=words)
    return list(options.values())


@click.command(cls=RunCommand, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--estimator", "estimators", multiple=True, type=ComponentName("estimator"), help=_WORDS["estimator"]
)
@click.option(
    "--generator", "generators", multiple=True, type=ComponentName("generator"), help=_WORDS["generator"]
)
@click.option(
    "--recognizer", "recognizers", multiple=True, type=ComponentName("recognizer"), help=_WORDS["recognizer"]
)
@click.option("--metric", "metrics", multiple=True, type=ComponentName("metric"), help=_WORDS["metric"])
@settings_options("`steps=20`, `generator.steps=20`, `metric:ndtw.radius=2`")
@click.option(
    "--weights",
    multiple=True,
    metavar="FILE|FOLDER|HUB-NAME",
    help="Trained weights; `generator:pgmm=FILE` where several could take them.",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**63 - 1),
    default=None,
    help="Every random choice follows from it. Default: 0.",
)
@click.option("--device", default=None, metavar="auto|cpu|cuda[:N]", help="Where to compute. Default: auto.")
@click.option(
    "--output", "-o", type=click.Path(path_type=Path), help="The run's folder. Default: runs/NAME-TIME."
)
@click.option("--overwrite", is_flag=True, help="Replace an earlier run in --output.")
@click.option(
    "--resume", is_flag=True, help="Go on with a long video that was interrupted, in the same --output."
)
@click.option(
    "--mark",
    is_flag=False,
    flag_value="generated by signcore",
    metavar="TEXT",
    help="Write TEXT into every frame of the video; without TEXT: generated by signcore.",
)
@click.option(
    "--from", "source", type=click.Path(path_type=Path), metavar="RUN.JSON", help="Make an earlier run again."
)
@JSON
@TRACEBACK
@click.pass_context
def command(
    ctx: click.Context,
    estimators: tuple[str, ...],
    generators: tuple[str, ...],
    recognizers: tuple[str, ...],
    metrics: tuple[str, ...],
    sets: tuple[str, ...],
    configs: tuple[Path, ...],
    weights: tuple[str, ...],
    seed: int | None,
    device: str | None,
    output: Path | None,
    overwrite: bool,
    resume: bool,
    mark: str | None,
    source: Path | None,
    as_json: bool,
    **inputs: Any,
) -> None:
    """Run estimators, generators, recognizers and metrics into one folder.

    The stages run in that order; each one's output fills the next one's first free input of its type. The inputs that a
    component takes are shown by `signcore run --generator NAME --help`. A missing input is taken from the embedded
    synthetic signer.
    """
    from signcore.api import perform
    from signcore.config import read_config
    from signcore.registry import registry
    from signcore.runs.manifest import read_request
    from signcore.runs.request import Request, merge, parse_set

    request = read_request(source) if source else Request(components={})
    named = {"estimator": estimators, "generator": generators, "recognizer": recognizers, "metric": metrics}
    if any(named.values()):
        request.components = {kind: list(names) for kind, names in named.items()}
    for path in configs:
        request.settings = merge(request.settings, read_config(path))
    request.settings = merge(request.settings, parse_set(list(sets)))
    for given in weights:
        key, equals, value = given.partition("=")
        request.weights[key if equals else ""] = value if equals else given
    request.inputs.update(_given(inputs))
    request.seed = request.seed if seed is None else seed
    request.device = request.device if device is None else device
    request.output, request.overwrite, request.resume = output, overwrite, resume
    request.mark = request.mark if mark is None else mark
    request.command = ["signcore", *sys.argv[1:]] if sys.argv[1:2] == ["run"] else []
    from signcore.cli.live import is_stream, run_live

    if is_stream(request.inputs.get("video")):
        run_live(registry, request, as_json)
        return
    run = perform(registry, request, progress, note)
    if as_json:
        print_json({"folder": str(run.folder), **run.manifest})
        return
    if run.scores:
        print_table(
            ["metric", "score", "signature"], [[s.name, f"{s.value:.4f}", s.signature] for s in run.scores]
        )
    if isinstance(run.result, list):
        print_table(["score", "glosses", "times in seconds"], [_read(h) for h in run.result])
    print(f"result: {run.folder / run.manifest['files']['result']}")
    print(f"report: {run.report}")


def _read(h: Any) -> list[str]:
    times = "" if h.times is None else "  ".join(f"{a:.2f}-{b:.2f}" for a, b in h.times)
    return [f"{h.score:.2f}", " ".join(h.glosses) or "(nothing)", times]


def _given(inputs: dict[str, Any]) -> dict[str, Any]:
    from signcore.types import read_text

    out = {}
    for parameter, value in inputs.items():
        if value is None:
            continue
        name = parameter.removeprefix("input_")
        if name.endswith("_file") and parameter.removesuffix("_file") in inputs:
            name = name.removesuffix("_file")
            if inputs[f"input_{name}"] is not None:
                raise UsageError(f"--{name} and --{name}-file are both given", "give one")
            value = read_text(value).strip()
        out[name] = value
    return out
