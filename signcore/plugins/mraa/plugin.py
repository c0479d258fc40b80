from __future__ import annotations

from signcore.component import Component
from signcore.hooks import hookimpl


@hookimpl
def signcore_components() -> list[Component]:
    return [
        Component(
            kind="generator",
            name="mraa",
            summary="An image moves like a driving video, by regions and their principal axes (MRAA, CVPR 2021).",
            target="signcore.plugins.mraa.generator:MRAA",
            config="signcore.plugins.mraa.config:MRAAConfig",
            inputs="signcore.plugins.mraa.config:MRAAInputs",
            task="signcore.plugins.mraa.generator:MRAATask",
            output="video",
            metrics=("l1", "psnr", "ssim", "tcd"),
        )
    ]
