from __future__ import annotations

from signcore.component import Component
from signcore.hooks import hookimpl

_HERE = "signcore.plugins.corrnet"


@hookimpl
def signcore_components() -> list[Component]:
    return [
        Component(
            kind="recognizer",
            name="corrnet",
            summary="Sentences from video: ResNet-18 with correlations of neighbouring frames, BiLSTM, CTC (CorrNet, CVPR 2023).",
            target=f"{_HERE}.recognizer:CorrNet",
            config=f"{_HERE}.config:CorrNetConfig",
            task=f"{_HERE}.training:CorrNetTask",
            metrics=("wer",),
        )
    ]
