"""Checks that the torch and the NumPy door share."""

from __future__ import annotations

from signcore.errors import ArgumentError, ArgumentTypeError

REDUCES = ("mean", "max", "sum")
VARIANTS = ("python", "compiled")


def check_choice(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ArgumentError(f"{name}: expected one of {', '.join(known)}, got {value!r}")


def check_whole(name: str, value: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ArgumentTypeError(f"{name}: expected a whole number, got {type(value).__name__}")
    if value < 0:
        raise ArgumentError(f"{name}: expected at least 0, got {value}")
    return value


def tcd_limit(
    threshold: float, value_range: tuple[float, float], channel_reduce: str, channels: int, is_bytes: bool
) -> float:
    """What |2 g - before - after|, summed over channels or maximal, must exceed for a pixel to count."""
    low, high = value_range
    if channel_reduce not in REDUCES:
        raise ArgumentError(f"channel_reduce: expected one of {', '.join(REDUCES)}, got {channel_reduce!r}")
    if not high > low:
        raise ArgumentError(f"value_range: expected low < high, got {value_range}")
    if not threshold >= 0:
        raise ArgumentError(f"threshold: expected a number >= 0, got {threshold}")
    limit = 2.0 * threshold * (channels if channel_reduce == "mean" else 1)
    return limit * 255.0 / (high - low) if is_bytes else limit
