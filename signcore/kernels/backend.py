"""Which implementation an op runs on, why, and how to choose another."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from signcore.errors import ArgumentError

BACKENDS = ("auto", "cpp", "cuda", "numba", "torch")
OPS = {
    "tcd": ("cuda", "cpp", "torch"),
    "warp": ("cuda", "cpp", "torch"),
    "prototype_attention": ("cuda", "cpp", "torch"),
    "trajectory_attention": ("cpp", "torch"),
    "temporal_attention": ("cpp", "torch"),
    "dtw": ("cuda", "cpp", "numba", "torch"),
    "fastdtw": ("cpp", "numba", "torch"),
}
_chosen: ContextVar[str | None] = ContextVar("signcore_backend", default=None)


@contextmanager
def use_backend(name: str) -> Iterator[None]:
    """Within the block ops run on `name`: "auto", "cpp", "cuda", "numba" or "torch" (the reference).

    Raises ArgumentError (a ValueError) for another name; an op that lacks the backend raises it when it is called.
    """
    _check(name)
    token = _chosen.set(name)
    try:
        yield
    finally:
        _chosen.reset(token)


def chosen() -> str:
    """What `use_backend` or SIGNCORE_BACKEND asks for."""
    return _chosen.get() or _of_process()


@functools.cache
def _of_process() -> str:
    name = os.environ.get("SIGNCORE_BACKEND") or "auto"
    _check(name)
    return name


def pick(op: str, cuda: bool = False) -> str:
    """The backend that a call of `op` takes. cuda: whether its tensors are on a CUDA device."""
    name = chosen()
    if name != "auto":
        if name not in OPS[op]:
            raise ArgumentError(
                f"backend: {op} has no {name!r} implementation; there are {', '.join(OPS[op])}"
            )
        return name
    return _best(op, cuda)


@functools.cache
def _best(op: str, cuda: bool) -> str:
    return next(b for b in OPS[op] if _usable(b, cuda)[0])


def _usable(name: str, cuda: bool) -> tuple[bool, str]:
    from signcore.kernels import _library

    if name == "numba":
        try:
            import numba
        except ImportError as error:
            return False, f"numba cannot be imported ({error})"
        return not cuda, f"numba {numba.__version__}"
    if name == "torch":
        return True, "the reference"
    library = _library.load()
    if name == "cuda":
        return library.path is not None and library.cuda and cuda, library.reason
    return library.path is not None and not cuda, library.reason


def backend() -> dict[str, tuple[str, str]]:
    """{op: (backend, reason)} for tensors on the CPU, as things stand now."""
    table = {}
    for op, known in OPS.items():
        name = pick(op)
        why = [_usable(b, False)[1] for b in known if b == name]
        missing = [f"{b}: {_usable(b, False)[1]}" for b in known if b == "cpp" and name != "cpp"]
        asked = "" if chosen() == "auto" else "chosen by use_backend or SIGNCORE_BACKEND; "
        table[op] = (name, asked + "; ".join(why + missing))
    return table


def _check(name: str) -> None:
    if name not in BACKENDS:
        raise ArgumentError(f"backend: expected one of {', '.join(BACKENDS)}, got {name!r}")
