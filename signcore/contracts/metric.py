from __future__ import annotations

from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class Metric(Protocol):
    """(prediction, reference) to scores. Built as `Metric(config, context)`.

    `update` adds one pair (both of the type that the Component names in `output`: video, pose or glosses);
    `compute` returns scores by name over all pairs so far; `merge(other)` adds another instance's pairs, so that shards
    and processes give the same numbers as one; `reset` forgets; `signature` is `name|setting:value|...|version`.
    It may have `series`: after an update, values by name for every frame of that pair (NaN where a frame has none); the report plots them.
    Missing: a point missing in the reference costs nothing, unless the metric's docstring says otherwise.
    Raises InputError where a pair cannot be compared (other size, no common frames) and names both.
    """

    def update(self, prediction: Any, reference: Any) -> None: ...
    def compute(self) -> dict[str, float]: ...
    def merge(self, other: Any) -> None: ...
    def reset(self) -> None: ...
    def signature(self) -> str: ...
