from __future__ import annotations

from signcore.component import Component
from signcore.hooks import hookimpl


@hookimpl
def signcore_components() -> list[Component]:
    return [
        Component(
            kind="generator",
            name="tpsmm",
            summary="An image moves like a driving video, by thin-plate splines (TPSMM, CVPR 2022).",
            target="signcore.plugins.tpsmm.generator:TPSMM",
            config="signcore.plugins.tpsmm.config:TPSMMConfig",
            inputs="signcore.plugins.tpsmm.config:TPSMMInputs",
            task="signcore.plugins.tpsmm.training:TPSMMTask",
            output="video",
            metrics=("l1", "psnr", "ssim", "tcd"),
        )
    ]
