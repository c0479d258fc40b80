"""TCD of videos that come in parts: what the torch and the NumPy door share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from signcore.errors import ArgumentError


class Stream(ABC):
    """See `signcore.kernels.TCDStream`."""

    def __init__(
        self,
        *,
        threshold: float = 0.5,
        value_range: tuple[float, float] = (0.0, 1.0),
        channel_reduce: str = "mean",
    ) -> None:
        self._settings = threshold, value_range, channel_reduce
        self._before: tuple[Any, Any] | None = None
        self._counted = self._pixels = self._frames = 0

    def update(self, generated: Any, reference: Any) -> Any:  # [n, H, W, C] x 2 -> [m]
        """Take the next n >= 1 frames; returns the share of each inner frame that has now got both neighbours."""
        limit = self._limit(generated, reference)
        if self._before is not None:
            if self._before[0].shape[1:] != generated.shape[1:] or self._before[0].dtype != generated.dtype:
                raise ArgumentError(
                    f"generated: {list(generated.shape)} {generated.dtype} follows frames of another shape or dtype"
                )
            generated = self._join(self._before[0], generated)
            reference = self._join(self._before[1], reference)
        self._before = generated[-2:], reference[-2:]
        counts = self._counts(generated, reference, limit)
        pixels = int(generated.shape[1] * generated.shape[2])
        self._counted += int(counts.sum())
        self._pixels += len(counts) * pixels
        self._frames += len(counts)
        return counts / max(1, pixels)

    def compute(self) -> float:
        """`tcd` of all frames so far. Raises ArgumentError (ValueError) before the third."""
        if self._frames == 0:
            raise ArgumentError("generated: TCD needs at least 3 frames")
        return self._counted / max(1, self._pixels)

    @abstractmethod
    def _limit(self, generated: Any, reference: Any) -> float: ...

    @abstractmethod
    def _counts(self, generated: Any, reference: Any, limit: float) -> Any: ...

    @abstractmethod
    def _join(self, before: Any, after: Any) -> Any: ...
