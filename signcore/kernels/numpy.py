"""The torch-free door: the kernels on NumPy arrays, for people who score poses and videos without torch.

The C++ cores where they were compiled (pybind11; the GIL is released), else numba for the DTW family and NumPy for TCD.
`threads`: None takes every core.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from signcore.errors import ArgumentError, ArgumentTypeError
from signcore.kernels._limits import VARIANTS, check_choice, check_whole, tcd_limit
from signcore.kernels._stream import Stream

try:
    from signcore.kernels import _door
except ImportError:
    _door = None  # type: ignore[assignment]

_DTYPES = (np.uint8, np.float32, np.float64)
__all__ = ["TCDStream", "dtw", "dtw_matrix", "fastdtw", "fastdtw_path", "tcd"]


def dtw(
    reference: np.ndarray,  # [T, K, D] float32 or float64, NaN where missing
    other: np.ndarray,  # [S, K, D]
    *,
    align: str = "keypoint",
    window: int | None = None,
    threads: int | None = None,
) -> Any:  # [K], or a number with align="pose"
    """`signcore.kernels.dtw` on NumPy arrays (Ham2Pose eq. 6).

    Missing: a frame pair costs 0 where the reference is missing, ‖reference‖/2 where only the other is.
    """
    _check_pose("reference", reference)
    _check_pose("other", other, reference)
    check_choice("align", align, ("keypoint", "pose"))
    band = -1 if window is None else check_whole("window", window)
    if _door is None:
        from signcore.kernels import _numba_dtw

        a, b = (np.ascontiguousarray(x, np.float64) for x in (reference, other))
        if align == "pose":
            return reference.dtype.type(_numba_dtw.pose_cost(a, b, band))
        return _numba_dtw.keypoint_costs(a, b, band).astype(reference.dtype)
    x, y = _joined([reference]), _joined([other])
    costs = _door.dtw_pairs(
        *x, *y, align == "pose", band, align == "keypoint", threads or os.cpu_count() or 1
    )
    return costs[0, 0]


def fastdtw(
    reference: np.ndarray,  # [T, K, D] float32 or float64, NaN where missing
    other: np.ndarray,  # [S, K, D]
    *,
    radius: int = 1,
    variant: str = "python",
    threads: int | None = None,
) -> np.ndarray:  # [K]
    """`signcore.kernels.fastdtw` on NumPy arrays. Missing: as in `dtw`, at every level."""
    _check_pose("reference", reference)
    _check_pose("other", other, reference)
    check_whole("radius", radius)
    check_choice("variant", variant, VARIANTS)
    chosen = VARIANTS.index(variant)
    if _door is None:
        from signcore.kernels import _numba_dtw

        a, b = (np.ascontiguousarray(x, np.float64) for x in (reference, other))
        return _numba_dtw.fast_costs(a, b, radius, chosen).astype(reference.dtype)
    x, y = _joined([reference]), _joined([other])
    return _door.fastdtw_pairs(*x, *y, radius, chosen, True, threads or os.cpu_count() or 1)[0, 0]


def fastdtw_path(
    reference: np.ndarray,  # [T, D] float32 or float64, NaN where missing
    other: np.ndarray,  # [S, D]
    *,
    radius: int = 1,
    variant: str = "python",
) -> tuple[float, np.ndarray]:  # distance, int64 [L, 2] of (reference, other)
    """`signcore.kernels.fastdtw_path` on NumPy arrays. Missing: as in `dtw`, at every level."""
    _check_pose("reference", reference, rank=2)
    _check_pose("other", other, reference, rank=2)
    check_whole("radius", radius)
    check_choice("variant", variant, VARIANTS)
    a, b = (np.ascontiguousarray(x, np.float64) for x in (reference, other))
    chosen = VARIANTS.index(variant)
    if _door is None:
        from signcore.kernels import _numba_dtw

        return _numba_dtw.fast_path(a, b, radius, chosen)
    cost, path = _door.fastdtw_path(a, b, radius, chosen)
    return cost, path


def dtw_matrix(
    references: Sequence[np.ndarray],  # N of [T_i, K, D], NaN where missing
    others: Sequence[np.ndarray],  # M of [S_j, K, D]
    *,
    method: str = "dtw",
    align: str = "keypoint",
    radius: int = 1,
    variant: str = "python",
    window: int | None = None,
    threads: int | None = None,
) -> np.ndarray:  # [N, M], the mean over all K of each pair's costs
    """`signcore.kernels.dtw_matrix` on NumPy arrays. Missing: as in `dtw`."""
    check_choice("method", method, ("dtw", "fastdtw"))
    check_choice("align", align, ("keypoint", "pose"))
    check_choice("variant", variant, VARIANTS)
    check_whole("radius", radius)
    band = -1 if window is None else check_whole("window", window)
    if method == "fastdtw" and (align != "keypoint" or window is not None):
        raise ArgumentError("method: fastdtw takes neither align nor window")
    first = None
    for name, clips in (("references", references), ("others", others)):
        if isinstance(clips, np.ndarray) or not isinstance(clips, Sequence):
            raise ArgumentTypeError(
                f"{name}: expected a list of arrays [T, K, D], got {type(clips).__name__}"
            )
        for i, clip in enumerate(clips):
            _check_pose(f"{name}[{i}]", clip, first)
            first = clip if first is None else first
    if not references or not others:
        return np.empty((len(references), len(others)), np.float32)
    count = threads or os.cpu_count() or 1
    if _door is None:
        return np.array(
            [[_pair(a, b, method, align, radius, variant, window) for b in others] for a in references]
        )
    x, y = _joined(references), _joined(others)
    if method == "dtw":
        return _door.dtw_pairs(*x, *y, align == "pose", band, False, count)
    return _door.fastdtw_pairs(*x, *y, radius, VARIANTS.index(variant), False, count)


def _pair(
    a: np.ndarray, b: np.ndarray, method: str, align: str, radius: int, variant: str, window: int | None
) -> Any:
    costs = (
        dtw(a, b, align=align, window=window)
        if method == "dtw"
        else fastdtw(a, b, radius=radius, variant=variant)
    )
    return a.dtype.type(np.mean(costs, dtype=np.float64)) if np.size(costs) else a.dtype.type(0)


def _joined(clips: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    together = np.ascontiguousarray(clips[0] if len(clips) == 1 else np.concatenate(clips))
    return together, np.cumsum([0] + [len(c) for c in clips], dtype=np.int64)


def _check_pose(name: str, pose: np.ndarray, like: np.ndarray | None = None, rank: int = 3) -> None:
    form = "[T, K, D]" if rank == 3 else "[T, D]"
    if not isinstance(pose, np.ndarray) or pose.dtype not in (np.float32, np.float64):
        kind = getattr(pose, "dtype", type(pose).__name__)
        raise ArgumentTypeError(f"{name}: expected a float32 or float64 array {form}, got {kind}")
    if pose.ndim != rank:
        raise ArgumentError(f"{name}: expected {form}, got {list(pose.shape)}")
    if len(pose) == 0:
        raise ArgumentError(f"{name}: holds no frames")
    if pose.shape[-1] == 0:
        raise ArgumentError(f"{name}: points need at least one coordinate, got {list(pose.shape)}")
    if like is not None and pose.shape[1:] != like.shape[1:]:
        raise ArgumentError(f"{name}: {list(pose.shape)} differs from {list(like.shape)} beyond the frames")
    if like is not None and pose.dtype != like.dtype:
        raise ArgumentTypeError(f"{name}: {pose.dtype} differs from {like.dtype}")


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
    limit = _check_frames(generated, reference, threshold, value_range, channel_reduce, least=3)
    counts = _counts(generated, reference, limit, channel_reduce, threads)
    pixels = generated.shape[1] * generated.shape[2]
    return float(counts.sum()) / max(1, (len(generated) - 2) * pixels)


class TCDStream(Stream):
    """`signcore.kernels.TCDStream` on NumPy arrays."""

    def _limit(self, generated: np.ndarray, reference: np.ndarray) -> float:
        return _check_frames(generated, reference, *self._settings, 1)

    def _counts(self, generated: np.ndarray, reference: np.ndarray, limit: float) -> np.ndarray:
        if len(generated) < 3:
            return np.zeros(0, np.int64)
        return _counts(generated, reference, limit, self._settings[2])

    def _join(self, before: np.ndarray, after: np.ndarray) -> np.ndarray:
        return np.concatenate([before, after])


def _check_frames(
    generated: np.ndarray,
    reference: np.ndarray,
    threshold: float,
    value_range: tuple[float, float],
    channel_reduce: str,
    least: int,
) -> float:
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
    if len(generated) < least:
        raise ArgumentError(f"generated: TCD needs at least {least} frames, got {len(generated)}")
    return tcd_limit(threshold, value_range, channel_reduce, generated.shape[3], generated.dtype == np.uint8)


def _counts(
    generated: np.ndarray,
    reference: np.ndarray,
    limit: float,
    channel_reduce: str,
    threads: int | None = None,
) -> np.ndarray:  # int64 [T - 2]
    if _door is not None:
        reduce = 1 if channel_reduce == "max" else 0
        counts: np.ndarray = _door.tcd_counts(
            generated, reference, reduce, limit, threads or os.cpu_count() or 1
        )
        return counts[1:-1]
    return np.array(
        [_count(generated, reference, t, limit, channel_reduce) for t in range(1, len(generated) - 1)]
    )


def _count(generated: np.ndarray, reference: np.ndarray, t: int, limit: float, channel_reduce: str) -> int:
    wide = np.int64 if generated.dtype == np.uint8 else np.float64
    before, after = reference[t - 1].astype(wide), reference[t + 1].astype(wide)
    difference = np.abs(2 * generated[t].astype(wide) - before - after)
    reduced = difference.max(-1) if channel_reduce == "max" else difference.sum(-1)
    return int((reduced > limit).sum())
