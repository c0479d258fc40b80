from __future__ import annotations

from signcore.component import Component
from signcore.hooks import hookimpl


@hookimpl
def signcore_components() -> list[Component]:
    return [
        Component(
            kind="generator",
            name="fomm",
            summary="An image moves like a driving video, by keypoints with Jacobians (FOMM, NeurIPS 2019).",
            target="signcore.plugins.fomm.generator:FOMM",
            config="signcore.plugins.fomm.config:FOMMConfig",
            inputs="signcore.plugins.fomm.config:FOMMInputs",
            task="signcore.plugins.fomm.generator:FOMMTask",
            output="video",
            metrics=("l1", "psnr", "ssim", "tcd"),
        )
    ]
