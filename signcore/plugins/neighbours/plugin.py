from __future__ import annotations

from signcore.component import Component
from signcore.hooks import hookimpl


@hookimpl
def signcore_components() -> list[Component]:
    return [
        Component(
            kind="recognizer",
            name="ndtw-neighbours",
            summary="Nearest examples by dynamic time warping of the hands: nothing is trained.",
            target="signcore.plugins.neighbours.recognizer:Neighbours",
            config="signcore.plugins.neighbours.config:NeighboursConfig",
            metrics=("wer", "top"),
        )
    ]
