from __future__ import annotations

from signcore.component import Component
from signcore.hooks import hookimpl

_HERE = "signcore.plugins.spoter"


@hookimpl
def signcore_components() -> list[Component]:
    return [
        Component(
            kind="recognizer",
            name="spoter",
            summary="One sign by a transformer on normalised skeletons (SPOTER, WACVW 2022).",
            target=f"{_HERE}.recognizer:Spoter",
            config=f"{_HERE}.config:SpoterConfig",
            task=f"{_HERE}.training:SpoterTask",
            metrics=("wer",),
        )
    ]
