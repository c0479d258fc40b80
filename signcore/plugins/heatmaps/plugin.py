from __future__ import annotations

from signcore.component import Component
from signcore.hooks import hookimpl


@hookimpl
def signcore_components() -> list[Component]:
    return [
        Component(
            kind="estimator",
            name="heatmaps",
            summary="Poses from frames by a small network of one's own training; what PGMM's pose distance loss looks with.",
            target="signcore.plugins.heatmaps.estimator:HeatmapEstimator",
            config="signcore.plugins.heatmaps.config:HeatmapsConfig",
            task="signcore.plugins.heatmaps.training:HeatmapsTask",
            output="pose",
        )
    ]
