"""The verbs from Python: `signcore.load`, `signcore.names`, `signcore.run`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from signcore.contracts import Context
from signcore.errors import UsageError
from signcore.registry import Registry, registry
from signcore.runs.execute import Outcome, Score, execute
from signcore.runs.folder import (
    RESULTS,
    native_output,
    output_folder,
    parts_folder,
    whole_folder,
    write_product,
)
from signcore.runs.manifest import asked, manifest
from signcore.runs.plan import plan
from signcore.runs.request import Request, choose


def load(kind: str, name: str, *, context: Context | None = None, **config: Any) -> Any:
    """A ready component: `load("generator", "pgmm", size=128)`. Settings are those that `signcore show` lists.

    Raises UnknownComponent, AmbiguousComponent, PluginFailed or ConfigError, each with a line that says what to do.
    """
    return registry.load(kind, name, context, **config)


def names(kind: str) -> list[str]:
    """The names of all components of a kind: estimator, generator, recognizer, metric or dataset."""
    return registry.names(kind)


@dataclass
class Run:
    """A finished run. result: Video, Pose or hypotheses; scores: one entry a number; manifest: what is in run.json."""

    folder: Path
    result: Any
    scores: list[Score]
    manifest: dict[str, Any] = field(repr=False)

    @property
    def report(self) -> Path:
        return self.folder / "report.html"


def run(
    *,
    estimator: str | Iterable[str] = (),
    generator: str | Iterable[str] = (),
    recognizer: str | Iterable[str] = (),
    metric: str | Iterable[str] = (),
    settings: dict[str, Any] | None = None,
    weights: str | dict[str, str] | None = None,
    seed: int = 0,
    device: str = "auto",
    output: str | Path | None = None,
    overwrite: bool = False,
    resume: bool = False,
    mark: str = "",
    progress: Callable[[Iterable, int | None, str], Iterator] | None = None,
    **inputs: Any,
) -> Run:
    """Run a pipeline: `run(generator="pgmm", source="me.png", driving="sign.mp4", output="out")`.

    inputs: by the names that the components declare; paths, or Video, Image, Pose, Tracks and text. settings: a tree as
    in a config file, `{"generator": {"size": 128}}`. mark: text written into every frame of the video. resume: go on with the long video of
    the same run, where that was interrupted. The folder appears whole or not at all.
    """

    def listed(value: str | Iterable[str]) -> list[str]:
        return [value] if isinstance(value, str) else list(value)

    request = Request(
        components={
            "estimator": listed(estimator),
            "generator": listed(generator),
            "recognizer": listed(recognizer),
            "metric": listed(metric),
        },
        inputs={k: v for k, v in inputs.items() if v is not None},
        settings=settings or {},
        weights={"": weights} if isinstance(weights, str) else weights or {},
        seed=seed,
        device=device,
        output=None if output is None else Path(output),
        overwrite=overwrite,
        resume=resume,
        mark=mark,
    )
    return perform(registry, request, progress)


def perform(
    found: Registry,
    request: Request,
    progress: Callable[..., Iterator] | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Run:
    """Check everything that can be checked, then work, then write the folder."""
    chosen = choose(found, request)
    wired = plan(found, chosen, request, cache(lambda: _example(found)))
    for name in wired.embedded:
        wired.notes.append(f"no --{name.replace('_', '-')} given: the embedded synthetic signer's is used")
    for note in wired.notes:
        say(note)

    def tell(line: str) -> None:
        wired.notes.append(line)
        say(line)

    last = wired.stages[-1]
    folder = output_folder(request.output, last.chosen.name.replace("/", "-"), request.overwrite)
    device = resolve_device(request.device)
    context = Context(device=device, seed=request.seed)
    if progress is not None:
        context = replace(context, progress=progress)
    metadata = {
        "comment": f"made by signcore {last.chosen.label}, seed {request.seed}; not a recording",
        "encoded_by": "signcore",
    }

    def keep(product: Any, where: Path) -> Any:
        if request.mark and last.output == "video":
            from signcore.types.draw import marked

            product = marked(product, request.mark)
        return write_product(product, last.output, where, metadata, begin)

    about = asked(wired, request, wired.metrics, device)
    with whole_folder(folder) as temporary, parts_folder(folder, about, request.resume, say) as begin:
        with native_output(temporary / "log.txt"):
            outcome = execute(found, wired, request, context, keep, temporary, tell)
        _write_pages(temporary, wired, request, outcome, device, last.output)
        about = json.loads((temporary / "run.json").read_text(encoding="utf-8"))
    if last.output == "video":
        from signcore.types import read_video

        outcome.products[-1] = read_video(folder / RESULTS["video"])
    return Run(folder, outcome.result, outcome.scores, about)


def _write_pages(
    temporary: Path, wired: Any, request: Request, outcome: Outcome, device: str, kind: str
) -> None:
    from signcore.runs.report import write_report

    files = {"result": RESULTS[kind], "report": "report.html"}
    if kind == "glosses":
        files |= {name: f"result.{name}" for name in ("json", "vtt", "eaf")}
    if kind == "pose":
        from signcore.types import write_video
        from signcore.types.draw import draw_pose

        files["video"] = RESULTS["video"]
        write_video(temporary / files["video"], outcome.views.get("video") or draw_pose(outcome.result))
    about = manifest(wired, request, outcome, device, files)
    text = json.dumps(about, indent=2, ensure_ascii=False, allow_nan=True)
    (temporary / "run.json").write_text(text + "\n", encoding="utf-8")
    write_report(temporary / "report.html", about, wired, outcome)


def _example(found: Registry) -> dict[str, Any]:
    """The embedded inputs: of the first dataset that has some."""
    for name, _, component in found.listing("dataset"):
        if component.name == "synthetic":
            return dict(found.load("dataset", name).example())
    return {}


def resolve_device(device: str) -> str:
    """ "auto", "cpu", "cuda" or "cuda:N" to a device that is there."""
    if device == "cpu":
        return device
    kind, _, index = device.partition(":")
    if kind not in ("auto", "cuda") or (index and not index.isdigit()) or (kind == "auto" and index):
        raise UsageError(f"--device {device}: expected auto, cpu, cuda or cuda:N")
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if kind == "auto":
        return "cuda" if count else "cpu"
    if int(index or 0) >= count:
        raise UsageError(f"--device {device}: this machine has {count} CUDA devices", "use --device cpu")
    return device
