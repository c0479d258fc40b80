from __future__ import annotations

from signcore.component import Component
from signcore.hooks import hookimpl

_HERE = "signcore.plugins.ham2pose"


@hookimpl
def signcore_components() -> list[Component]:
    return [
        Component(
            kind="generator",
            name="ham2pose",
            summary="HamNoSys to a signing pose, refined step by step (Ham2Pose, CVPR 2023).",
            target=f"{_HERE}.generator:Ham2Pose",
            config=f"{_HERE}.config:Ham2PoseConfig",
            inputs=f"{_HERE}.config:Ham2PoseInputs",
            task=f"{_HERE}.training:Ham2PoseTask",
            output="pose",
            metrics=("ndtw",),
        ),
    ]
