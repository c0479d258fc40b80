"""TCD, the temporal consistency difference of a generated video (PGMM eq. 12, 13)."""

from __future__ import annotations

import torch
from torch import Tensor

from signcore.errors import ArgumentError, ArgumentTypeError
from signcore.kernels import reference as plain
from signcore.kernels._limits import tcd_limit
from signcore.kernels._stream import Stream
from signcore.kernels._traced import pick

_DTYPES = (torch.uint8, torch.float32, torch.float64)

torch.library.define(
    "signcore::tcd_counts", "(Tensor generated, Tensor reference, int reduce, float limit) -> Tensor"
)


@torch.library.register_fake("signcore::tcd_counts")
def _(generated: Tensor, reference: Tensor, reduce: int, limit: float) -> Tensor:
    return generated.new_empty((generated.shape[0],), dtype=torch.int64)


def tcd(
    generated: Tensor,  # [T, H, W, C] uint8, float32 or float64
    reference: Tensor,  # [T, H, W, C] of the same dtype
    *,
    threshold: float = 0.5,
    value_range: tuple[float, float] = (0.0, 1.0),
    channel_reduce: str = "mean",
) -> Tensor:  # [] float64, the share of pixels, 0..1
    """Share of pixels of a generated frame that differ from the mean of the reference's neighbouring frames.

    D = |generated[t] - (reference[t-1] + reference[t+1]) / 2|, reduced over channels by mean, max or sum; a pixel counts
    where D > threshold; averaged over t = 1 .. T-2 (PGMM eq. 12, 13; the paper's threshold is 0.5).
    value_range: what uint8 0..255 is mapped onto; floats are already in it, and the threshold is in its units.
    Missing: a NaN counts as no difference. Raises ArgumentError (ValueError) for T < 3, other shapes or settings;
    ArgumentTypeError (TypeError) for other dtypes or devices.
    """
    limit = check(generated, reference, threshold, value_range, channel_reduce, least=3)
    counts = _counts(generated, reference, limit, channel_reduce)
    frames, height, width = generated.shape[:3]
    return counts.sum().to(torch.float64) / max(1, (frames - 2) * height * width)


def _counts(generated: Tensor, reference: Tensor, limit: float, channel_reduce: str) -> Tensor:
    """How many pixels of each inner frame count: int64 [T - 2]."""
    if pick("tcd", generated.is_cuda) == "torch":
        return plain.tcd_counts(generated, reference, limit, channel_reduce)
    reduce = 1 if channel_reduce == "max" else 0
    counts = torch.ops.signcore.tcd_counts(generated.contiguous(), reference.contiguous(), reduce, limit)
    inner: Tensor = counts[1:-1]
    return inner


class TCDStream(Stream):
    """`tcd` of videos that come in parts and need not fit memory: `update` with consecutive frames, then `compute`.

    Its settings are those of `tcd`; parts may have any number of frames from one on, and change nothing in the result.
    """

    def _limit(self, generated: Tensor, reference: Tensor) -> float:
        return check(generated, reference, *self._settings, 1)

    def _counts(self, generated: Tensor, reference: Tensor, limit: float) -> Tensor:
        if len(generated) < 3:
            return torch.zeros(0, dtype=torch.int64, device=generated.device)
        return _counts(generated, reference, limit, self._settings[2])

    def _join(self, before: Tensor, after: Tensor) -> Tensor:
        return torch.cat([before, after])


def check(
    generated: Tensor,
    reference: Tensor,
    threshold: float,
    value_range: tuple[float, float],
    channel_reduce: str,
    least: int,
) -> float:
    """Refuse what cannot be compared; else the limit that |2 g - before - after|, summed or maximal, must exceed."""
    for name, frames in (("generated", generated), ("reference", reference)):
        if not isinstance(frames, Tensor):
            raise ArgumentTypeError(f"{name}: expected a Tensor, got {type(frames).__name__}")
        if frames.dtype not in _DTYPES:
            raise ArgumentTypeError(f"{name}: expected uint8, float32 or float64, got {frames.dtype}")
        if frames.ndim != 4:
            raise ArgumentError(f"{name}: expected [T, H, W, C], got {list(frames.shape)}")
    if reference.shape != generated.shape:
        raise ArgumentError(
            f"reference: {list(reference.shape)} differs from generated {list(generated.shape)}"
        )
    if reference.dtype != generated.dtype:
        raise ArgumentTypeError(f"reference: {reference.dtype} differs from generated {generated.dtype}")
    if reference.device != generated.device:
        raise ArgumentTypeError(f"reference: on {reference.device}, generated on {generated.device}")
    if generated.shape[0] < least:
        raise ArgumentError(f"generated: TCD needs at least {least} frames, got {generated.shape[0]}")
    return tcd_limit(
        threshold, value_range, channel_reduce, generated.shape[3], generated.dtype == torch.uint8
    )
