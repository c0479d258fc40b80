"""The kernels: dynamic time warping, TCD. Importing this imports no torch; see docs/kernels.md.

Every op has a readable reference (`signcore.kernels.reference`), which is its definition. `backend()` tells which
implementation an op runs on and why; `use_backend` chooses another.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_WHERE = {"tcd": "tcd", "dtw": "dtw", "backend": "backend", "use_backend": "backend"}
__all__ = list(_WHERE)


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)
    globals()[name] = value  # an op and its module share a name: the function wins
    return value
