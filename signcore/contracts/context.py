from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

Item = TypeVar("Item")


def _quiet(items: Iterable[Item], total: int | None, label: str) -> Iterator[Item]:
    yield from items


@dataclass(frozen=True)
class Context:
    """Where and how a component works; handed to every constructor beside its config.

    device: "cpu", "cuda" or "cuda:N". dtype: "float32", "float16" or "bfloat16".
    seed: every random choice must follow from it. weights: a safetensors file or a folder of
    `config.json` + `model.safetensors`, or None for the component's own default.
    progress: wraps an iterable, `for frame in context.progress(frames, len(frames), "frames")`.
    """

    device: str = "cpu"
    dtype: str = "float32"
    seed: int = 0
    weights: str | None = None
    progress: Callable[[Iterable, int | None, str], Iterator] = _quiet
