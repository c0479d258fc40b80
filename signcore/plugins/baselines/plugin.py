from __future__ import annotations

from signcore.component import Component
from signcore.hooks import hookimpl


@hookimpl
def signcore_components() -> list[Component]:
    here = "signcore.plugins.baselines"
    return [
        Component(
            kind="generator",
            name="repeat-source",
            summary="Baseline: the source picture, held as long as the driving video.",
            target=f"{here}.generators:RepeatSource",
            config=f"{here}.config:StillConfig",
            inputs=f"{here}.config:StillInputs",
            metrics=("l1", "psnr", "ssim", "tcd"),
        ),
        Component(
            kind="generator",
            name="nearest-frame",
            summary="Baseline: for each driving frame the training frame whose pose is nearest.",
            target=f"{here}.generators:NearestFrame",
            config=f"{here}.config:NearestConfig",
            inputs=f"{here}.config:NearestInputs",
            metrics=("l1", "psnr", "ssim", "tcd"),
        ),
    ]
