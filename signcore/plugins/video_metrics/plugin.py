from __future__ import annotations

from signcore.component import Component
from signcore.hooks import hookimpl

_HERE = "signcore.plugins.video_metrics"
_METRICS = {
    "l1": ("L1", None, "Mean absolute difference of pixels, on [0, 1]; 0 is best."),
    "psnr": ("PSNR", None, "Peak signal-to-noise ratio in dB; more is better."),
    "ssim": ("SSIM", None, "Structural similarity (Gaussian window of 11); 1 is best."),
    "tcd": ("TCD", "TCDConfig", "Temporal consistency difference (PGMM eq. 12, 13); less is steadier."),
}


@hookimpl
def signcore_components() -> list[Component]:
    return [
        Component(
            kind="metric",
            name=name,
            summary=summary,
            target=f"{_HERE}.metrics:{target}",
            config=f"{_HERE}.config:{config}" if config else None,
            output="video",
        )
        for name, (target, config, summary) in _METRICS.items()
    ]
