"""Wiring: which input of which stage is filled by what; all of it is known before any model starts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from signcore.errors import UsageError
from signcore.registry import PUBLISHED, Registry
from signcore.runs.inputs import WORDS, Slot, check_names, read, slots, type_of
from signcore.runs.request import Chosen, Request
from signcore.types.image import Image
from signcore.types.video import Video

ESTIMATORS = ("mediapipe", "rtmw")  # tried in this order where a pose is needed and no estimator is named


@dataclass
class Stage:
    """A component and its inputs by name. `pending`: the inputs that earlier stages fill, name -> index of that stage."""

    chosen: Chosen
    inputs: dict[str, Any] = field(default_factory=dict)
    pending: dict[str, int] = field(default_factory=dict)

    @property
    def output(self) -> str:
        made = self.chosen.component.output or ""
        return "tracks" if made.startswith("track:") else made


@dataclass
class Plan:
    stages: list[Stage]
    metrics: list[Chosen]
    files: dict[str, Path]
    embedded: list[str]
    notes: list[str]


def plan(
    registry: Registry, chosen: list[Chosen], request: Request, example: Callable[[], dict[str, Any]]
) -> Plan:
    """Read the inputs, wire the stages by type, and refuse what does not fit.

    example: makes the embedded inputs by name, for those that are missing.
    """
    check_names(chosen, request.inputs)
    made = Plan([], [c for c in chosen if c.kind == "metric"], {}, [], [])
    values = _read_all(chosen, request.inputs, made)
    work = [c for c in chosen if c.kind != "metric"]
    for position, c in enumerate(work):
        _wire(made, c, values, work[position + 1 :], registry, example)
    products = {s.output for s in made.stages}
    for metric in made.metrics:
        if metric.component.output not in products:
            raise UsageError(
                f"{metric.label} compares {metric.component.output}, but this run makes {' and '.join(sorted(products))}"
            )
    return made


def _read_all(chosen: list[Chosen], inputs: dict[str, Any], made: Plan) -> dict[str, Any]:
    kinds: dict[str, str] = {}
    for c in chosen:
        for slot in slots(c):
            kinds.setdefault(slot.name, slot.type)
    values = {}
    for name, value in inputs.items():
        if name == "reference" or value is None:
            continue
        values[name] = read(kinds[name], value, name)
        if isinstance(value, (str, Path)) and kinds[name] not in WORDS:
            made.files[name] = Path(value)
    return values


def _wire(
    made: Plan,
    c: Chosen,
    values: dict[str, Any],
    later: list[Chosen],
    registry: Registry,
    example: Callable[[], dict[str, Any]],
) -> None:
    stage = Stage(c)
    there = slots(c)
    for slot in there:
        if slot.name in values:
            stage.inputs[slot.name] = values[slot.name]
    if c.kind == "estimator" and "video" not in stage.inputs:
        stage.inputs.update(_video_of_later(values, later, there[0], made, example))
    elif made.stages:
        _take_product(made, stage, there)
    if c.kind == "recognizer" and not (stage.inputs or stage.pending):
        video = example().get("driving")
        if video is None:
            raise UsageError(f"{c.label} needs --video, --pose or --tracks")
        stage.inputs["video"] = video
        made.embedded.append("video")
    filled = {*stage.inputs, *stage.pending}
    needless = {slot.name for slot in there if slot.unless is not None and slot.unless in filled}
    for slot in there:
        required = slot.required or (slot.unless is not None and slot.pose_of is None)
        if required and slot.name not in {*stage.inputs, *stage.pending, *needless}:
            given = example().get(slot.name)
            if given is None:
                raise UsageError(f"{c.label} needs --{slot.name.replace('_', '-')}", slot.help)
            stage.inputs[slot.name] = values[slot.name] = given
            made.embedded.append(slot.name)
    for slot in there:
        wanted = slot.when is not None and getattr(c.config, slot.when, False)
        if slot.pose_of and slot.name not in stage.inputs and slot.name not in stage.pending:
            needed = wanted or slot.unless not in stage.inputs
            _find_pose(made, stage, slot, registry if needed else None)
    made.stages.append(stage)


def _video_of_later(
    values: dict[str, Any], later: list[Chosen], slot: Slot, made: Plan, example: Callable[[], dict[str, Any]]
) -> dict[str, Any]:
    """An estimator without --video works on the first video that a later stage is given."""
    for c in later:
        for other in slots(c):
            if other.type == "video" and (other.name in values or other.required):
                if other.name not in values:
                    values[other.name] = example().get(other.name)
                    made.embedded.append(other.name)
                return {slot.name: values[other.name]}
    raise UsageError("an estimator needs --video")


def _take_product(made: Plan, stage: Stage, there: list[Slot]) -> None:
    before = len(made.stages) - 1
    product = made.stages[before].output
    for slot in there:
        if slot.type == product and slot.name not in stage.inputs:
            stage.pending[slot.name] = before
            return
    was = made.stages[before].chosen.label
    raise UsageError(
        f"{stage.chosen.label} has no free input of type {product}, which {was} makes",
        f"its inputs: {', '.join(f'{s.name} ({s.type})' for s in there)}",
    )


def pose_file(of: Video | Image) -> Path | None:
    """The .pose beside the file that a video or picture was read from."""
    beside = of.path.with_suffix(".pose") if of.path is not None else None
    return beside if beside is not None and beside.is_file() else None


def _find_pose(made: Plan, stage: Stage, slot: Slot, registry: Registry | None) -> None:
    """The pose of a driving video or of a source picture: its own, the .pose beside it, or, with a registry, the first installed
    estimator's."""
    of = stage.inputs.get(slot.pose_of or "")
    if of is None:
        return
    if of.pose is not None:
        stage.inputs[slot.name] = of.pose
        return
    beside = pose_file(of)
    if beside is not None:
        stage.inputs[slot.name] = read("pose", beside, slot.name)
        made.files[slot.name] = beside
        made.notes.append(f"pose of {of.path.name} from {beside.name}")
        return
    if registry is None:
        return
    picture = type_of(of) == "image"
    video = Video.from_array(of.array[None]) if picture else of
    what = f"{slot.pose_of} {'picture' if picture else 'video'}"
    names = registry.names("estimator")
    for name in ESTIMATORS:
        if name in names:
            record, component = registry.find("estimator", name)
            estimator = Chosen("estimator", name, record, component)
            estimator.config = registry.configure(record, component, {})
            made.stages.append(Stage(estimator, {"video": video}))
            stage.pending[slot.name] = len(made.stages) - 1
            made.notes.append(f"pose of the {what} by {name}")
            return
    package = PUBLISHED["estimator", "mediapipe"]
    raise UsageError(
        f"{stage.chosen.label} needs the pose of its {what}, and no estimator is installed",
        f"pip install {package}, or give --{slot.name.replace('_', '-')} FILE.pose, or put a .pose beside the {'picture' if picture else 'video'}",
    )
