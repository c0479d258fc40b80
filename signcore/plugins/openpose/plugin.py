from __future__ import annotations

from signcore.component import Component
from signcore.hooks import hookimpl


@hookimpl
def signcore_components() -> list[Component]:
    return [
        Component(
            kind="estimator",
            name="openpose-json",
            summary="The pose in a folder of OpenPose JSON files, one a frame.",
            target="signcore.plugins.openpose.estimator:OpenPoseJSON",
            config="signcore.plugins.openpose.config:OpenPoseConfig",
        )
    ]
