"""Video metrics in bounded memory: frames are taken a few at a time, and pairs add up."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, Self

import numpy as np

from signcore.contracts import Context
from signcore.errors import ArgumentError, InputError
from signcore.plugins.video_metrics.config import TCDConfig
from signcore.types.video import Video

CHUNK = 16  # frames


def chunks(prediction: Video, reference: Video) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """uint8 [n, H, W, 3] of both, n up to CHUNK."""
    a: list[np.ndarray] = []
    b: list[np.ndarray] = []
    for x, y in zip(prediction, reference, strict=True):
        a.append(x)
        b.append(y)
        if len(a) == CHUNK:
            yield np.stack(a), np.stack(b)
            a, b = [], []
    if a:
        yield np.stack(a), np.stack(b)


def check(prediction: Video, reference: Video, least: int = 1) -> None:
    for name, video in (("prediction", prediction), ("reference", reference)):
        if len(video) < least:
            raise InputError(f"{name}: {len(video)} frames, the metric needs at least {least}")
    if prediction.shape != reference.shape:
        sizes = [f"{len(v)} frames of {v.width}x{v.height}" for v in (prediction, reference)]
        raise InputError(
            f"prediction: {sizes[0]}, but the reference has {sizes[1]}", "bring both to one size and length"
        )


class _PerFrame(ABC):
    """A metric whose every frame gives a number, from uint8 pairs."""

    name = ""
    about = ""

    def __init__(self, config: Any = None, context: Context | None = None) -> None:
        self.reset()

    def reset(self) -> None:
        self.total, self.frames = 0.0, 0
        self.series: dict[str, np.ndarray] = {}

    @abstractmethod
    def values(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """uint8 [n, H, W, 3] x2 -> [n]"""

    def update(self, prediction: Video, reference: Video) -> None:
        check(prediction, reference)
        values = np.concatenate([self.values(a, b) for a, b in chunks(prediction, reference)])
        self.total += math.fsum(values)
        self.frames += len(values)
        self.series = {self.name: self.shown(values)}

    def shown(self, values: np.ndarray) -> np.ndarray:
        return values

    def compute(self) -> dict[str, float]:
        return {self.name: self.total / self.frames if self.frames else math.nan}

    def merge(self, other: Self) -> None:
        self.total += other.total
        self.frames += other.frames

    def signature(self) -> str:
        return f"{self.name}|{self.about}|version:1"


class L1(_PerFrame):
    """Mean absolute difference over frames, pixels and channels, on [0, 1]."""

    name, about = "l1", "range:0..1|reduce:mean"

    def values(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        difference = np.abs(a.astype(np.int16) - b.astype(np.int16))
        return difference.sum(axis=(1, 2, 3), dtype=np.int64) / (255.0 * difference[0].size)


class PSNR(_PerFrame):
    """10 log10(1 / MSE) with the MSE over all frames of all pairs, on [0, 1]; infinite where nothing differs."""

    name, about = "psnr", "range:0..1|mse:all-frames|unit:dB"

    def values(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        difference = a.astype(np.int32) - b.astype(np.int32)
        return (difference * difference).sum(axis=(1, 2, 3), dtype=np.int64) / (255.0**2 * difference[0].size)

    def shown(self, values: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore"):
            return np.minimum(-10 * np.log10(values), 99.0)

    def compute(self) -> dict[str, float]:
        error = super().compute()[self.name]
        return {
            self.name: math.inf if error == 0 else -10 * math.log10(error) if error == error else math.nan
        }


class SSIM(_PerFrame):
    """Structural similarity of frames (Wang et al. 2004), Gaussian window of 11, sigma 1.5, mean over pixels and channels."""

    name, about = "ssim", "window:gaussian11|sigma:1.5|range:0..1"

    def values(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        import torch

        from signcore.nn.ssim import ssim

        if min(a.shape[1:3]) < 6:
            raise InputError(f"prediction: {a.shape[2]}x{a.shape[1]} px, SSIM needs at least 6 px a side")
        x, y = (torch.from_numpy(v).permute(0, 3, 1, 2).to(torch.float64) / 255 for v in (a, b))
        return ssim(x, y).numpy()


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
