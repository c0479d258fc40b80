"""The torch-free door: the kernels on NumPy arrays, for people who score poses and videos without torch."""

from __future__ import annotations

import os

import numpy as np

from signcore.errors import ArgumentError, ArgumentTypeError

try:
    from signcore.kernels import _door
except ImportError:
    _door = None  # type: ignore[assignment]

_DTYPES = (np.uint8, np.float32, np.float64)


def tcd(
    generated: np.ndarray,  # [T, H, W, C] uint8, float32 or float64
    reference: np.ndarray,  # [T, H, W, C] of the same dtype
    *,
    threshold: float = 0.5,
    value_range: tuple[float, float] = (0.0, 1.0),
    channel_reduce: str = "mean",
    threads: int | None = None,
) -> float:
    """`signcore.kernels.tcd` on NumPy arrays (PGMM eq. 12, 13); releases the GIL. threads: None takes every core."""
    for name, frames in (("generated", generated), ("reference", reference)):
        if not isinstance(frames, np.ndarray) or frames.dtype not in _DTYPES:
            raise ArgumentTypeError(
                f"{name}: expected uint8, float32 or float64, got {getattr(frames, 'dtype', type(frames))}"
            )
        if frames.ndim != 4:
            raise ArgumentError(f"{name}: expected [T, H, W, C], got {list(frames.shape)}")
    if reference.shape != generated.shape:
        raise ArgumentError(
            f"reference: {list(reference.shape)} differs from generated {list(generated.shape)}"
        )
    if reference.dtype != generated.dtype:
        raise ArgumentTypeError(f"reference: {reference.dtype} differs from generated {generated.dtype}")
    if len(generated) < 3:
        raise ArgumentError(f"generated: TCD needs at least 3 frames, got {len(generated)}")
    from signcore.kernels._limits import tcd_limit

    limit = tcd_limit(threshold, value_range, channel_reduce, generated.shape[3], generated.dtype == np.uint8)
    if _door is not None:
        reduce = 1 if channel_reduce == "max" else 0
        counts = _door.tcd_counts(generated, reference, reduce, limit, threads or os.cpu_count() or 1)
    else:
        counts = np.array(
            [_count(generated, reference, t, limit, channel_reduce) for t in range(1, len(generated) - 1)]
        )
    pixels = generated.shape[1] * generated.shape[2]
    return float(counts.sum()) / max(1, (len(generated) - 2) * pixels)


def _count(generated: np.ndarray, reference: np.ndarray, t: int, limit: float, channel_reduce: str) -> int:
    wide = np.int64 if generated.dtype == np.uint8 else np.float64
    before, after = reference[t - 1].astype(wide), reference[t + 1].astype(wide)
    difference = np.abs(2 * generated[t].astype(wide) - before - after)
    reduced = difference.max(-1) if channel_reduce == "max" else difference.sum(-1)
    return int((reduced > limit).sum())
