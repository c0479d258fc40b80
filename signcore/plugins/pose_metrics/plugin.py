from __future__ import annotations

from signcore.component import Component
from signcore.hooks import hookimpl

_HERE = "signcore.plugins.pose_metrics"


@hookimpl
def signcore_components() -> list[Component]:
    return [
        Component(
            kind="metric",
            name="ape",
            summary="Average position error of keypoints in the pose's units; 0 is best.",
            target=f"{_HERE}.metrics:APE",
            output="pose",
        ),
        Component(
            kind="metric",
            name="ndtw",
            summary="Normalised dynamic time warping of poses with missing points (Ham2Pose eq. 6, 7); 0 is best.",
            target=f"{_HERE}.metrics:NDTW",
            output="pose",
        ),
    ]
