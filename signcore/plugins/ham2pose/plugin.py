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
        Component(
            kind="generator",
            name="resting",
            summary="Baseline: the first pose, held as long as Ham2Pose predicts.",
            target=f"{_HERE}.baselines:Resting",
            config=f"{_HERE}.config:RestingConfig",
            inputs=f"{_HERE}.config:Ham2PoseInputs",
            output="pose",
            metrics=("ndtw",),
        ),
        Component(
            kind="generator",
            name="random-pose",
            summary="Baseline: the pose of a training sign drawn at random.",
            target=f"{_HERE}.baselines:RandomPose",
            config=f"{_HERE}.config:RecalledConfig",
            inputs=f"{_HERE}.config:Ham2PoseInputs",
            output="pose",
            metrics=("ndtw",),
        ),
        Component(
            kind="generator",
            name="nearest-notation",
            summary="Baseline: the pose of the training sign whose notation is most alike.",
            target=f"{_HERE}.baselines:NearestNotation",
            config=f"{_HERE}.config:RecalledConfig",
            inputs=f"{_HERE}.config:Ham2PoseInputs",
            output="pose",
            metrics=("ndtw",),
        ),
    ]
