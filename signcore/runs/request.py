"""What a run was asked for, as data: it goes into run.json and comes back from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from signcore.component import Component
from signcore.discovery import PluginRecord
from signcore.errors import ConfigError, UsageError
from signcore.registry import Registry, resolve

STAGE_KINDS = ("estimator", "generator", "recognizer", "metric")


@dataclass
class Request:
    """components: names by kind, in order. inputs: by name, paths or values. settings: a tree as in a config file.

    resume: go on with the long video of the same run, where that was interrupted.
    mark: text that is written into every frame of a video that the run makes; "" for none.
    weights: "FILE" for the only component that takes weights, or {"generator:pgmm": "FILE"}.
    """

    components: dict[str, list[str]]
    inputs: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    weights: dict[str, str] = field(default_factory=dict)
    seed: int = 0
    device: str = "auto"
    output: Path | None = None
    overwrite: bool = False
    resume: bool = False
    mark: str = ""
    command: list[str] = field(default_factory=list)


@dataclass
class Chosen:
    """A component of this run with its settings; own: those written behind its name, which go before all others."""

    kind: str
    name: str
    record: PluginRecord
    component: Component
    values: dict[str, Any] = field(default_factory=dict)
    own: dict[str, Any] = field(default_factory=dict)
    config: Any = None
    weights: str | None = None

    @property
    def label(self) -> str:
        return f"{self.kind} {self.name}"

    def config_model(self) -> Any:
        return resolve(self.record, self.component, self.component.config) if self.component.config else None

    def inputs_model(self) -> Any:
        return resolve(self.record, self.component, self.component.inputs) if self.component.inputs else None


def choose(registry: Registry, request: Request) -> list[Chosen]:
    """The components of a request with their settings and weights, in the order of the stages."""
    chosen = []
    for kind in STAGE_KINDS:
        chosen += [named(registry, kind, text) for text in request.components.get(kind, [])]
    if not any(c.kind != "metric" for c in chosen):
        raise UsageError("nothing to run", "name at least one of --estimator, --generator, --recognizer")
    assign_settings(chosen, request.settings)
    _assign_weights(chosen, request.weights)
    for c in chosen:
        c.config = registry.configure(c.record, c.component, c.values)
    return chosen


def named(registry: Registry, kind: str, text: str) -> Chosen:
    """`ssim`, or `ssim[region=hands]`: with settings of its own, so that one metric can judge twice. Raises UsageError."""
    name, bracket, rest = text.partition("[")
    if bracket and not rest.endswith("]"):
        raise UsageError(f"{kind} {text}: expected NAME[setting=value,...]")
    own = parse_set(rest[:-1].split(",")) if bracket else {}
    return Chosen(kind, name, *registry.find(kind, name), own=own)


def assign_settings(chosen: list[Chosen], tree: Mapping[str, Any]) -> None:
    """Give every setting of a tree to its component.

    Keys are a kind (`generator`), a kind and a name (`metric:ndtw`), or a bare setting that only one component has.
    """
    for key, value in tree.items():
        kind, _, name = key.partition(":")
        owners = [c for c in chosen if c.kind == kind and name in ("", c.name)]
        if isinstance(value, Mapping) and (owners or kind in (*STAGE_KINDS, "dataset")):
            if not owners:
                raise ConfigError(f"settings for {key!r}, but this run has no such component")
            if len({c.name for c in owners}) > 1:
                names = " or ".join(f"{kind}:{c.name}.…" for c in owners)
                raise ConfigError(f"settings for {key!r} fit several components", f"write {names}")
            for owner in owners:
                owner.values.update(value)
            continue
        owners = [c for c in chosen if (model := c.config_model()) is not None and key in model.model_fields]
        if len(owners) > 1:
            ways = " or ".join(f"{c.kind}:{c.name}.{key}" for c in owners)
            raise ConfigError(f"setting {key!r} fits several components", f"write {ways}")
        if not owners:
            raise ConfigError(f"no component of this run has a setting {key!r}", _nearest(chosen, key))
        owners[0].values[key] = value
    for c in chosen:
        c.values.update(c.own)


def _nearest(chosen: list[Chosen], key: str) -> str:
    known = {s: c for c in chosen if (model := c.config_model()) is not None for s in model.model_fields}
    near = get_close_matches(key, known, n=1)
    if near:
        return f"did you mean {near[0]!r} of {known[near[0]].label}?"
    return f"settings: {', '.join(sorted(known)) or 'none'}"


def _assign_weights(chosen: list[Chosen], weights: Mapping[str, str]) -> None:
    takers = [c for c in chosen if c.kind != "metric"]
    for key, value in weights.items():
        kind, _, name = key.partition(":")
        owners = takers if not key else [c for c in takers if c.kind == kind and name in ("", c.name)]
        if not key:
            trainable = [c for c in takers if c.component.task]
            owners = trainable or owners
        if len(owners) != 1:
            ways = ", ".join(f"--weights {c.kind}:{c.name}={value}" for c in takers)
            raise UsageError(
                f"--weights {key or value}: fits {len(owners)} components of this run", f"write {ways}"
            )
        owners[0].weights = value


def parse_set(pairs: list[str]) -> dict[str, Any]:
    """`generator.steps=20`, `metric:ndtw.method=fastdtw`, `steps=20` to the tree that a config file holds."""
    tree: dict[str, Any] = {}
    for pair in pairs:
        path, equals, value = pair.partition("=")
        if not equals or not path:
            raise UsageError(f"--set {pair}: expected key=value")
        owner, _, key = path.rpartition(".")
        if owner:
            branch = tree.setdefault(owner, {})
            if not isinstance(branch, dict):
                raise UsageError(f"--set {pair}: {owner} is set to a value elsewhere")
            branch[key] = value
        else:
            tree[key] = value
    return tree


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Two settings trees; the second wins."""
    out = dict(base)
    for key, value in over.items():
        both = isinstance(value, Mapping) and isinstance(out.get(key), Mapping)
        out[key] = merge(out[key], value) if both else value
    return out
