"""One training loop for every learned part, on Lightning Fabric."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from signcore.training.loop import Fitted, fit

__all__ = ["PRECISIONS", "Fitted", "fit"]

PRECISIONS = ("32-true", "bf16-mixed", "16-mixed")


def __getattr__(name: str) -> Any:
    if name in __all__:
        from signcore.training import loop

        return getattr(loop, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
