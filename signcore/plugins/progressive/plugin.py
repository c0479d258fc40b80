from __future__ import annotations

from signcore.component import Component
from signcore.hooks import hookimpl

_HERE = "signcore.plugins.progressive"


@hookimpl
def signcore_components() -> list[Component]:
    return [
        Component(
            kind="generator",
            name="progressive",
            summary="Progressive Transformers, from HamNoSys: a frame after the other; judged with the true counter, that is, length.",
            target=f"{_HERE}.generator:Progressive",
            config=f"{_HERE}.config:ProgressiveConfig",
            inputs=f"{_HERE}.config:ProgressiveInputs",
            task=f"{_HERE}.training:ProgressiveTask",
            output="pose",
            metrics=("ndtw",),
        ),
    ]
