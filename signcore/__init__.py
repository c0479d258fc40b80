"""signcore: sign language production and recognition from plugins. Importing it is free: names load on first use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from signcore._lazy import lazy
from signcore._version import __version__

if TYPE_CHECKING:
    from signcore.api import load, names, run
    from signcore.component import Component
    from signcore.contracts import Context, Hypothesis, Sample
    from signcore.errors import SigncoreError
    from signcore.hooks import hookimpl
    from signcore.types import Image, Tracks, Video

_WHERE = {
    "Component": "signcore.component",
    "hookimpl": "signcore.hooks",
    "SigncoreError": "signcore.errors",
    "Context": "signcore.contracts",
    "Hypothesis": "signcore.contracts",
    "Sample": "signcore.contracts",
    "Video": "signcore.types",
    "Image": "signcore.types",
    "Tracks": "signcore.types",
    "load": "signcore.api",
    "names": "signcore.api",
    "run": "signcore.api",
    "types": "signcore.types",
    "kernels": "signcore.kernels",
    "errors": "signcore.errors",
}
__all__ = [
    "Component",
    "Context",
    "Hypothesis",
    "Image",
    "Sample",
    "SigncoreError",
    "Tracks",
    "Video",
    "__version__",
    "hookimpl",
    "load",
    "names",
    "run",
]
__getattr__, __dir__ = lazy(__name__, _WHERE)
