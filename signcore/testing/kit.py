"""Subjects, reports, and the doors to the checks."""

from __future__ import annotations

import copy
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

from signcore.component import Component
from signcore.contracts import Context
from signcore.discovery import PluginRecord
from signcore.errors import ConfigError, SigncoreError, WeightsError
from signcore.registry import Registry, resolve

Check = Callable[["Subject"], None]  # returns, or raises AssertionError (failed) or Skip


class Skip(Exception):
    """Raised by a check that does not apply; its text is the reason."""


@dataclass(frozen=True)
class Result:
    check: str
    outcome: str  # "passed", "failed" or "skipped"
    reason: str = ""


@dataclass
class Report:
    """What a component did in every check of its kind."""

    label: str
    results: list[Result] = field(default_factory=list)

    def named(self, outcome: str) -> list[Result]:
        return [r for r in self.results if r.outcome == outcome]

    @property
    def ok(self) -> bool:
        return not self.named("failed")

    def __str__(self) -> str:
        counts = {o: len(self.named(o)) for o in ("passed", "failed", "skipped")}
        lines = [
            f"{self.label}: {len(self.results)} checks, {', '.join(f'{n} {o}' for o, n in counts.items())}"
        ]
        lines += [f"  {r.outcome} {r.check}: {r.reason}" for r in self.results if r.outcome != "passed"]
        return "\n".join(lines)


@dataclass
class Subject:
    """A component under test, and what it is given.

    settings: what its config cannot do without. inputs: by name, for a generator whose inputs the kit has no example of; a
    recognizer's or an estimator's clip as `sample` or `video`. weights: as `Context.weights`.
    """

    record: PluginRecord
    component: Component
    settings: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, Any] = field(default_factory=dict)
    weights: str | None = None
    registry: Registry = field(default_factory=Registry)

    @property
    def kind(self) -> str:
        return self.component.kind

    def resolve(self, target: str) -> Any:
        return resolve(self.record, self.component, target)

    @cached_property
    def config(self) -> Any:
        return self.registry.configure(self.record, self.component, self.settings)

    def make(self, seed: int = 0) -> Any:
        """A new one. Raises Skip where it needs settings or weights that were not given."""
        try:
            return self.resolve(self.component.target)(self.config, Context(seed=seed, weights=self.weights))
        except ConfigError as error:
            raise Skip(f"needs settings: {error}") from error
        except WeightsError as error:
            raise Skip(f"needs weights: {error}") from error

    @cached_property
    def examples(self) -> dict[str, Any]:
        """The embedded inputs by name: short, and this subject's own, since it may spoil them."""
        return copy.deepcopy(_examples())


@cache
def _examples() -> dict[str, Any]:
    from signcore.registry import registry
    from signcore.types import Video

    found = dict(registry.load("dataset", "synthetic").example())
    for name, value in found.items():
        if isinstance(value, Video):
            short = value[8:14]
            found[name] = Video.from_array(short.numpy(), short.fps, pose=short.pose)
    return found


def check(
    kind: str,
    name: str,
    *,
    settings: Mapping[str, Any] | None = None,
    inputs: Mapping[str, Any] | None = None,
    weights: str | None = None,
    registry: Registry | None = None,
) -> Report:
    """Run every check of its kind on an installed component. Raises UnknownComponent where there is none, and ConfigError where
    it does not take the settings."""
    from signcore.registry import registry as installed

    found = registry or installed
    record, component = found.find(kind, name)
    if settings:
        found.configure(record, component, settings)  # wrong ones are the caller's fault, not the component's
    return check_subject(Subject(record, component, settings or {}, inputs or {}, weights, found))


def check_subject(subject: Subject) -> Report:
    report = Report(f"{subject.kind} {subject.component.name}")
    with no_network() as called:
        for name, work in checks(subject.kind).items():
            report.results.append(_result(name, work, subject))
    if called:
        report.results.append(Result("no-network", "failed", f"asked for {called[0]}"))
    else:
        report.results.append(Result("no-network", "passed"))
    return report


def _result(name: str, work: Check, subject: Subject) -> Result:
    try:
        work(subject)
    except Skip as reason:
        return Result(name, "skipped", str(reason))
    except AssertionError as error:
        return Result(name, "failed", (str(error).splitlines() or ["failed"])[0])
    except SigncoreError as error:
        return Result(name, "failed", error.line())
    except Exception as error:
        return Result(
            name, "failed", f"raised {type(error).__name__}: {(str(error).splitlines() or [''])[0]}"
        )
    return Result(name, "passed")


def checks(kind: str) -> dict[str, Check]:
    """Every check of a kind by name, in their order."""
    from signcore.testing import checks as every

    return {**every.DECLARATION, **every.KINDS[kind]}


def check_names(kind: str) -> list[str]:
    return [*checks(kind), "no-network"]


@contextmanager
def no_network() -> Iterator[list[str]]:
    """Every name that is looked up or connected to meanwhile, which fails."""
    called: list[str] = []

    def refused(*args: Any, **more: Any) -> Any:
        called.append(str(next((a for a in args if isinstance(a, (str, tuple))), args)))
        raise OSError("the conformance kit allows no network")

    kept = socket.socket.connect, socket.getaddrinfo
    socket.socket.connect, socket.getaddrinfo = refused, refused  # type: ignore[method-assign, assignment]
    try:
        yield called
    finally:
        socket.socket.connect, socket.getaddrinfo = kept  # type: ignore[method-assign]


def conformance(
    distribution: str,
    given: Mapping[str, Mapping[str, Any]] | None = None,
    excused: Mapping[str, Mapping[str, str]] | None = None,
) -> Callable[[str], None]:
    """A pytest test over all components of a distribution ("signcore" means the built-ins).

    given: by "kind name", what `check` is to be called with: settings, inputs, weights. excused: by "kind name", the checks that it
    fails for a reason, and the reason; one that it passes may not be excused.
    """
    import pytest

    from signcore.registry import registry

    found = [
        (c.kind, c.name) for r in registry.plugins for c in r.components if r.distribution == distribution
    ]
    if not found:
        raise LookupError(f"no component of {distribution} is installed; see `signcore plugins`")

    @pytest.mark.parametrize("label", [f"{kind} {name}" for kind, name in found])
    def test_conformance(label: str) -> None:
        kind, name = label.split(" ", 1)
        written = name if distribution == "signcore" else f"{distribution}/{name}"
        report = check(kind, written, **dict((given or {}).get(label, {})))
        print(report)
        pardoned = dict((excused or {}).get(label, {}))
        failed = {r.check for r in report.named("failed")}
        assert failed <= pardoned.keys(), str(report)
        assert pardoned.keys() <= failed, (
            f"{label}: passes {', '.join(sorted(pardoned.keys() - failed))}: not to be excused"
        )
        assert report.named("passed"), f"{label}: nothing could be checked\n{report}"

    return test_conformance
