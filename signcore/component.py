from __future__ import annotations

import re
from dataclasses import dataclass

KINDS = ("estimator", "generator", "recognizer", "metric", "dataset")
OUTPUTS = {  # what a component of the kind may make or judge; the first is the default
    "estimator": ("pose",),
    "generator": ("video", "pose"),
    "recognizer": ("glosses",),
    "metric": ("video", "pose", "glosses"),
    "dataset": ("sample",),
}
CONTRACT = 1
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_TARGET = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """A plugin's record of one component; declaring it imports nothing.

    kind: estimator, generator, recognizer, metric or dataset. name: lower case, digits and dashes.
    summary: one line for `signcore list`. target: "package.module:Class", imported only when used.
    config: "package.module:Model", a pydantic model of settings, imported without torch. inputs: the same, for what `run` asks for.
    output: what it makes ("pose", "video", "glosses", "track:NAME"); for a metric, what it compares.
    task: "package.module:Task" where it can be trained. metrics: those that `run` uses where none is named; a generator
    may choose among them by a method `judge(inputs) -> (metric names, reference)`.
    contract: the version of the contracts it was written for. needs: what to pip install if its import fails.

    Raises ValueError or TypeError where a field is malformed.
    """

    kind: str
    name: str
    summary: str
    target: str
    config: str | None = None
    inputs: str | None = None
    output: str | None = None
    task: str | None = None
    metrics: tuple[str, ...] = ()
    contract: int = CONTRACT
    needs: str | None = None

    def __post_init__(self) -> None:
        for field in ("kind", "name", "summary", "target"):
            if not isinstance(getattr(self, field), str):
                raise TypeError(f"{field}: expected a str, got {type(getattr(self, field)).__name__}")
        if self.kind not in KINDS:
            raise ValueError(f"kind: expected one of {', '.join(KINDS)}, got {self.kind!r}")
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"name: expected lower-case letters, digits and dashes, got {self.name!r}")
        if not self.summary.strip() or "\n" in self.summary:
            raise ValueError(f"summary: expected one line, got {self.summary!r}")
        for field in ("target", "config", "inputs", "task"):
            value = getattr(self, field)
            if value is not None and not (isinstance(value, str) and _TARGET.fullmatch(value)):
                raise ValueError(f"{field}: expected 'package.module:Name', got {value!r}")
        if self.contract != CONTRACT:
            raise ValueError(
                f"contract: this signcore speaks contract {CONTRACT}, the component wants {self.contract!r}"
            )
        if self.output is None:
            object.__setattr__(self, "output", OUTPUTS[self.kind][0])
        elif self.output not in OUTPUTS[self.kind] and not self.output.startswith("track:"):
            raise ValueError(f"output: expected one of {', '.join(OUTPUTS[self.kind])}, got {self.output!r}")
