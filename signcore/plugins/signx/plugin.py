from __future__ import annotations

from signcore.component import Component
from signcore.hooks import hookimpl

_HERE = "signcore.plugins.signx"


@hookimpl
def signcore_components() -> list[Component]:
    return [
        Component(
            kind="recognizer",
            name="signx",
            summary="Five pose tracks, or a video, to glosses: Pose2Gloss and Video2Pose (SignX).",
            target=f"{_HERE}.recognizer:SignX",
            config=f"{_HERE}.config:SignXConfig",
            task=f"{_HERE}.training:SignXTask",
            metrics=("wer", "bleu"),
        )
    ]
