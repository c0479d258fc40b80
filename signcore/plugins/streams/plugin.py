from __future__ import annotations

from signcore.component import Component
from signcore.hooks import hookimpl

_HERE = "signcore.plugins.streams"


@hookimpl
def signcore_components() -> list[Component]:
    return [
        Component(
            kind="recognizer",
            name="pose-streams",
            summary="Temporal convolutions over joints, bones and motion: one sign, or sentences by CTC.",
            target=f"{_HERE}.recognizer:PoseStreams",
            config=f"{_HERE}.config:StreamsConfig",
            task=f"{_HERE}.training:StreamsTask",
            metrics=("wer",),
        )
    ]
