from __future__ import annotations

from signcore.component import Component
from signcore.hooks import hookimpl


@hookimpl
def signcore_components() -> list[Component]:
    return [
        Component(
            kind="generator",
            name="pgmm",
            summary="An image moves like a driving video, with the hands that its pose shows (PGMM, ECCV 2024).",
            target="signcore.plugins.pgmm.generator:PGMM",
            config="signcore.plugins.pgmm.config:PGMMConfig",
            inputs="signcore.plugins.pgmm.config:PGMMInputs",
            task="signcore.plugins.pgmm.training:PGMMTask",
            output="video",
            metrics=("l1", "psnr", "ssim", "tcd"),
        )
    ]
