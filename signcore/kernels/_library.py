"""signcore's own compiled ops, by the recipe in `build`."""

from __future__ import annotations

import functools
from pathlib import Path

from signcore.kernels.build import Library, cache_folder
from signcore.kernels.build import load as load_by_recipe

__all__ = ["Library", "cache_folder", "load", "sources"]
_HERE = Path(__file__).parent


@functools.cache
def load() -> Library:
    """Load the library into torch, once a process. SIGNCORE_BUILD=0 forbids building at first use."""
    csrc = sources()
    files = [] if csrc is None else [csrc / "library.cpp", *csrc.glob("*/*_cpu.cpp")]
    return load_by_recipe(_HERE, csrc, files, "signcore", "signcore::tcd_counts")


def sources() -> Path | None:
    """csrc/: in the source tree, or as it was installed with the package."""
    candidates = (_HERE.parents[1] / "csrc", _HERE.parent / "csrc")
    return next((c for c in candidates if (c / "library.cpp").is_file()), None)
