"""Executing a plan: every stage's product is checked against its contract before the next stage sees it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

from signcore.contracts import Context
from signcore.errors import ConfigError, ContractError, InputError, SigncoreError, UsageError, out_of_memory
from signcore.registry import Registry, failed, resolve
from signcore.runs.inputs import read_reference, type_of
from signcore.runs.plan import Plan, Stage
from signcore.runs.request import Chosen, Request

# Errors that come from the machine, not from the plugin, keep their own handling.
_PASS = (SigncoreError, KeyboardInterrupt, OSError, MemoryError)


@dataclass
class Score:
    metric: str
    name: str
    value: float
    signature: str


@dataclass
class Outcome:
    products: list[Any] = field(default_factory=list)
    scores: list[Score] = field(default_factory=list)
    series: dict[str, list[float]] = field(default_factory=dict)
    timings: dict[str, float] = field(default_factory=dict)
    metrics: list[Chosen] = field(default_factory=list)
    views: dict[str, Any] = field(default_factory=dict)

    @property
    def result(self) -> Any:
        return self.products[-1]


def execute(
    registry: Registry,
    plan: Plan,
    request: Request,
    context: Context,
    keep: Callable[[Any, Path], Any],
    folder: Path,
    tell: Callable[[str], None],
) -> Outcome:
    """Run the stages, then the metrics. keep(product, folder) writes the last product and returns it as read back; tell(line) notes what
    the user should know."""
    outcome = Outcome()
    components = [_construct(registry, s.chosen, context) for s in plan.stages]
    made_inputs: Any = None
    for i, (stage, component) in enumerate(zip(plan.stages, components, strict=True)):
        start = time.perf_counter()
        inputs = {**stage.inputs, **{name: outcome.products[j] for name, j in stage.pending.items()}}
        product, made_inputs = _guarded(stage.chosen, partial(_work, component, stage, inputs, tell))
        if i == len(plan.stages) - 1:
            product = _guarded(stage.chosen, lambda p=product: keep(p, folder))  # type: ignore[misc]
            if hasattr(component, "views"):
                outcome.views = _guarded(stage.chosen, lambda c=component, p=product: dict(c.views(p)))  # type: ignore[misc]
        outcome.products.append(product)
        outcome.timings[stage.chosen.label] = round(time.perf_counter() - start, 3)
    start = time.perf_counter()
    _judge(registry, plan, request, context, outcome, components[-1], made_inputs, tell)
    if outcome.scores:
        outcome.timings["metrics"] = round(time.perf_counter() - start, 3)
    return outcome


def _construct(registry: Registry, chosen: Chosen, context: Context) -> Any:
    from dataclasses import replace

    target = resolve(chosen.record, chosen.component, chosen.component.target)
    return _guarded(
        chosen,
        lambda: target(chosen.config, replace(context, weights=chosen.weights)),
        "could not be constructed",
    )


def _guarded(chosen: Chosen, work: Callable[[], Any], what: str = "raised while it worked") -> Any:
    try:
        return work()
    except _PASS:
        raise
    except (Exception, SystemExit) as error:
        if out_of_memory(error):
            raise
        raise failed(chosen.record, chosen.component, error, what) from error


def _work(
    component: Any, stage: Stage, inputs: dict[str, Any], tell: Callable[[str], None]
) -> tuple[Any, Any]:
    """The stage's product, checked, and the inputs as the component took them."""
    kind, label = stage.chosen.kind, stage.chosen.label
    if kind == "estimator":
        video = inputs["video"]
        pose = component.estimate(video)
        check_product(label, pose, stage.output)
        if stage.output == "pose" and len(pose.body.data) != len(video):
            raise ContractError(f"{label} returned {len(pose.body.data)} frames for a video of {len(video)}")
        return pose, inputs
    if kind == "recognizer":
        sample = next(inputs[k] for k in ("tracks", "pose", "video") if k in inputs)
        hypotheses = component.recognize(sample)
        if type_of(hypotheses) != "glosses" or any(a.score < b.score for a, b in pairwise(hypotheses)):
            raise ContractError(f"{label} must return a list of Hypothesis, best first")
        return hypotheses, inputs
    model = stage.chosen.inputs_model()
    taken = _build_inputs(model, inputs, label) if model is not None else inputs
    for line in component.troubles(taken) if hasattr(component, "troubles") else ():
        tell(f"{label}: {line}")
    product = component.generate(taken)
    check_product(label, product, stage.output)
    return product, taken


def _build_inputs(model: Any, inputs: dict[str, Any], label: str) -> Any:
    from pydantic import ValidationError

    from signcore.config import describe

    try:
        return model(**inputs)
    except ValidationError as error:
        raise ConfigError(f"{label}: {describe(error)}") from None


def check_product(label: str, product: Any, expected: str) -> None:
    made = type_of(product)
    if made != expected:
        raise ContractError(f"{label} declares output={expected!r} but returned {type(product).__name__}")
    if made == "video" and len(product) == 0:
        raise ContractError(f"{label} returned a video without frames")
    if made == "pose":
        from signcore.types.poses import check_pose

        try:
            check_pose(product, f"{label}'s pose")
        except SigncoreError as error:
            raise ContractError(str(error)) from error


def _judge(
    registry: Registry,
    plan: Plan,
    request: Request,
    context: Context,
    outcome: Outcome,
    last: Any,
    inputs: Any,
    tell: Callable[[str], None],
) -> None:
    """Score the products. Without --metric those that the generator names; without --reference its own truth."""
    given = request.inputs.get("reference")
    final = plan.stages[-1]
    names, truth = list(final.chosen.component.metrics), None
    if hasattr(last, "judge"):
        names, truth = _guarded(final.chosen, lambda: last.judge(inputs))
    metrics = list(plan.metrics)
    if not metrics and (truth is not None or given is not None):
        metrics = [_default_metric(registry, name, request) for name in names]
    outcome.metrics = metrics
    for metric in metrics:
        kind = metric.component.output
        position = max(i for i, s in enumerate(plan.stages) if s.output == kind)
        product = outcome.products[position]
        reference = read_reference(kind or "", given) if given is not None else truth
        if reference is None or (type_of(reference) != kind and kind != "glosses"):
            raise UsageError(f"{metric.label} needs --reference, a {kind} to compare with")
        judge = _construct(registry, metric, context)
        prediction = product
        if kind == "glosses" and product and not getattr(judge, "takes_hypotheses", False):
            prediction = product[0].glosses
        try:
            _guarded(metric, lambda j=judge, p=prediction, r=reference: j.update(p, r))  # type: ignore[misc]
        except InputError as error:
            if plan.metrics:  # asked for by name
                raise
            tell(f"{metric.name} left out: {error}")
            continue
        scores = _guarded(metric, judge.compute)
        outcome.scores += [
            Score(metric.name, name, float(v), judge.signature()) for name, v in scores.items()
        ]
        for name, values in (getattr(judge, "series", None) or {}).items():
            outcome.series[name] = [round(float(v), 6) for v in values]


def _default_metric(registry: Registry, name: str, request: Request) -> Chosen:
    record, component = registry.find("metric", name)
    chosen = Chosen("metric", name, record, component)
    chosen.values = {**request.settings.get("metric", {}), **request.settings.get(f"metric:{name}", {})}
    chosen.config = registry.configure(record, component, chosen.values)
    return chosen
