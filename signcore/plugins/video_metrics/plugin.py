from __future__ import annotations

from signcore.component import Component
from signcore.hooks import hookimpl

_HERE = "signcore.plugins.video_metrics"
_METRICS = {
    "l1": ("metrics:L1", "ImageConfig", "Mean absolute difference of pixels, on [0, 1]; 0 is best."),
    "psnr": ("metrics:PSNR", "ImageConfig", "Peak signal-to-noise ratio in dB; more is better."),
    "ssim": ("metrics:SSIM", "ImageConfig", "Structural similarity (Gaussian window of 11); 1 is best."),
    "tcd": ("metrics:TCD", "TCDConfig", "Temporal consistency difference (PGMM eq. 12, 13); less is steadier."),
    "lpips": ("perceptual:LPIPS", "LPIPSConfig", "Distance of frames as a network's features see it; 0 is best."),
    "aed": ("perceptual:AED", "FramesConfig", "Average distance of frames' embeddings; 0 is best."),
    "akd": ("keypoints:AKD", "AKDConfig", "Average distance of keypoints in pixels, and the share missing; 0 is best."),
    "slr-wer": ("reading:SLRWER", "SLRWERConfig", "Word error rate of what a recognizer reads in the videos; 0 is best."),
    "fid": ("frechet:FID", "FIDConfig", "Fréchet distance of all frames' embeddings; 0 is best."),
    "fvd": ("frechet:FVD", "FVDConfig", "Fréchet distance of all clips' embeddings; 0 is best."),
}  # fmt: skip


@hookimpl
def signcore_components() -> list[Component]:
    return [
        Component(
            kind="metric",
            name=name,
            summary=summary,
            target=f"{_HERE}.{target}",
            config=f"{_HERE}.config:{config}",
            output="video",
        )
        for name, (target, config, summary) in _METRICS.items()
    ]
