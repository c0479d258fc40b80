"""The kernels: dynamic time warping, TCD, warping, attentions. Importing this imports no torch; see docs/kernels/.

Every op has a readable reference (`signcore.kernels.reference`), which is its definition. `backend()` tells which
implementation an op runs on and why; `use_backend` chooses another.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from signcore.kernels.backend import backend, use_backend
    from signcore.kernels.dtw import dtw, dtw_matrix
    from signcore.kernels.fastdtw import fastdtw, fastdtw_path
    from signcore.kernels.prototype_attention import prototype_attention
    from signcore.kernels.tcd import TCDStream, tcd
    from signcore.kernels.trajectory_attention import temporal_attention, trajectory_attention
    from signcore.kernels.warp import warp

_WHERE = {
    "tcd": "tcd",
    "TCDStream": "tcd",
    "warp": "warp",
    "prototype_attention": "prototype_attention",
    "trajectory_attention": "trajectory_attention",
    "temporal_attention": "trajectory_attention",
    "dtw": "dtw",
    "dtw_matrix": "dtw",
    "fastdtw": "fastdtw",
    "fastdtw_path": "fastdtw",
    "backend": "backend",
    "use_backend": "backend",
}
__all__ = [
    "TCDStream",
    "backend",
    "dtw",
    "dtw_matrix",
    "fastdtw",
    "fastdtw_path",
    "prototype_attention",
    "tcd",
    "temporal_attention",
    "trajectory_attention",
    "use_backend",
    "warp",
]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)
    globals()[name] = value
    return value


class _Kernels(ModuleType):
    """An op and its module share a name: importing the module must not hide the function."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _WHERE and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Kernels
