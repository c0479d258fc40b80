"""Differences of pixels, and their steadiness over time, in bounded memory."""

from __future__ import annotations

import math

import numpy as np

from signcore.contracts import Context
from signcore.errors import ArgumentError, InputError
from signcore.plugins.video_metrics.config import TCDConfig
from signcore.plugins.video_metrics.frames import PerFrame, check, chunks, parts
from signcore.types.video import Video


def _mean(difference: np.ndarray, inside: np.ndarray | None) -> np.ndarray:
    """Whole numbers [n, H, W, 3] -> [n]: their mean over the pixels inside and the channels."""
    each = difference.sum(axis=3, dtype=np.int64)
    if inside is None:
        return each.sum(axis=(1, 2)) / difference[0].size
    return (each * inside).sum(axis=(1, 2)) / (3 * inside.sum(axis=(1, 2)))


class L1(PerFrame):
    """Mean absolute difference over frames, pixels and channels, on [0, 1]."""

    name, about = "l1", "range:0..1|reduce:mean"

    def values(self, a: np.ndarray, b: np.ndarray, inside: np.ndarray | None) -> np.ndarray:
        return _mean(np.abs(a.astype(np.int16) - b.astype(np.int16)), inside) / 255.0


class PSNR(PerFrame):
    """10 log10(1 / MSE) with the MSE over all frames of all pairs, on [0, 1]; infinite where nothing differs."""

    name, about = "psnr", "range:0..1|mse:all-frames|unit:dB"

    def values(self, a: np.ndarray, b: np.ndarray, inside: np.ndarray | None) -> np.ndarray:
        difference = a.astype(np.int32) - b.astype(np.int32)
        return _mean(difference * difference, inside) / 255.0**2

    def shown(self, values: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore"):
            return np.minimum(-10 * np.log10(values), 99.0)

    def compute(self) -> dict[str, float]:
        error = super().compute()[self.label]
        return {
            self.label: math.inf if error == 0 else -10 * math.log10(error) if error == error else math.nan
        }


class SSIM(PerFrame):
    """Structural similarity of frames (Wang et al. 2004), Gaussian window of 11, sigma 1.5, mean over pixels and channels."""

    name, about, least_side = "ssim", "window:gaussian11|sigma:1.5|range:0..1", 6

    def values(self, a: np.ndarray, b: np.ndarray, inside: np.ndarray | None) -> np.ndarray:
        import torch

        from signcore.nn.ssim import ssim_map

        found = []
        for part in parts(a):
            x, y = (torch.from_numpy(v[part]).permute(0, 3, 1, 2).to(torch.float64) / 255 for v in (a, b))
            each = ssim_map(x, y).mean(dim=1).numpy()
            found.append(each.mean(axis=(1, 2)) if inside is None else masked_mean(each, inside[part]))
        return np.concatenate(found)


def masked_mean(values: np.ndarray, inside: np.ndarray) -> np.ndarray:  # [n, H, W] and bool [n, H, W] -> [n]
    return (values * inside).sum(axis=(1, 2)) / inside.sum(axis=(1, 2))


class TCD:
    """Temporal consistency difference, PGMM eq. 12 and 13, at the paper's threshold and at a calibrated one."""

    def __init__(self, config: TCDConfig | None = None, context: Context | None = None) -> None:
        self.config = config or TCDConfig()
        self.reset()

    def reset(self) -> None:
        self.totals = [0.0, 0.0]
        self.frames = 0
        self.series: dict[str, np.ndarray] = {}

    def update(self, prediction: Video, reference: Video) -> None:
        check(prediction, reference, least=3)
        shares = self._shares(prediction, reference)  # [2, T - 2] of each inner frame
        self.totals = [total + math.fsum(row) for total, row in zip(self.totals, shares, strict=True)]
        self.frames += shares.shape[1]
        self.series = {"tcd-calibrated": np.pad(shares[1], 1, constant_values=np.nan)}

    def _shares(self, prediction: Video, reference: Video) -> np.ndarray:
        from signcore.kernels.numpy import TCDStream

        thresholds = (self.config.threshold, self.config.calibrated)
        streams = [TCDStream(threshold=t, channel_reduce=self.config.channel_reduce) for t in thresholds]
        try:
            parts = [[s.update(a, b) for s in streams] for a, b in chunks(prediction, reference)]
        except ArgumentError as error:
            raise InputError(str(error)) from error
        return np.concatenate(parts, axis=1)

    def compute(self) -> dict[str, float]:
        literal, calibrated = (t / self.frames if self.frames else math.nan for t in self.totals)
        return {"tcd": literal, "tcd-calibrated": calibrated}

    def merge(self, other: TCD) -> None:
        self.totals = [a + b for a, b in zip(self.totals, other.totals, strict=True)]
        self.frames += other.frames

    def signature(self) -> str:
        c = self.config
        return f"tcd|threshold:{c.threshold:g}|calibrated:{c.calibrated:g}|channels:{c.channel_reduce}|range:0..1|version:1"
