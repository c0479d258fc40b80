"""The compiled torch library: the one that the package was installed with, else built once into a cache, else none."""

from __future__ import annotations

import functools
import hashlib
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Library:
    """path: the loaded library or None; reason: how it came, or why there is none; cuda: whether it holds CUDA kernels."""

    path: Path | None
    reason: str
    cuda: bool = False


@functools.cache
def load() -> Library:
    """Load the library into torch, once a process. SIGNCORE_BUILD=0 forbids building at first use."""
    import torch

    found = _loaded(_installed(), "compiled at installation")
    if found.path is None and os.environ.get("SIGNCORE_BUILD", "1") != "0":
        built = _build()
        found = (
            _loaded(built.path, built.reason)
            if built.path
            else Library(None, f"{found.reason}; {built.reason}")
        )
    if found.path is None:
        return found
    cuda = torch._C._dispatch_has_kernel_for_dispatch_key("signcore::tcd_counts", "CUDA")
    return Library(found.path, found.reason, cuda)


def _loaded(path: Path | None, reason: str) -> Library:
    import torch

    if path is None:
        return Library(None, "no library was compiled at installation")
    try:
        torch.ops.load_library(str(path))
    except OSError as error:
        return Library(None, f"{path.name} cannot be loaded ({str(error).splitlines()[0]})")
    return Library(path, reason)


def _installed() -> Path | None:
    return next(iter(sorted(_HERE.glob("_ops*.so")) + sorted(_HERE.glob("_ops*.pyd"))), None)


def sources() -> Path | None:
    """csrc/: in the source tree, or as it was installed with the package."""
    candidates = (_HERE.parents[1] / "csrc", _HERE.parent / "csrc")
    return next((c for c in candidates if (c / "library.cpp").is_file()), None)


def cache_folder() -> Path:
    base = os.environ.get("SIGNCORE_CACHE") or os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "signcore"


def _build() -> Library:
    """Compile csrc/ with ninja into the cache, under a name that follows from sources, torch and Python."""
    import torch

    csrc = sources()
    if csrc is None:
        return Library(None, "the C++ sources are not installed")
    if shutil.which("ninja") is None and not _ninja_package():
        return Library(None, "ninja is not installed")
    compiler = os.environ.get("CXX") or shutil.which("c++") or shutil.which("g++") or shutil.which("clang++")
    if compiler is None or shutil.which(compiler.split()[0]) is None:
        return Library(None, "no C++ compiler was found")
    files = sorted([csrc / "library.cpp", *csrc.glob("*/*_cpu.cpp")])
    key = hashlib.sha256(f"{torch.__version__} {sys.version}".encode())
    for file in sorted(csrc.rglob("*.[ch]*")):
        key.update(file.read_bytes())
    folder = cache_folder() / f"ops-{key.hexdigest()[:16]}"
    done = folder / "signcore_ops.so"
    if done.is_file():
        return Library(done, "compiled at first use")
    print(f"signcore: compiling the kernels once into {folder}", file=sys.stderr)
    try:
        from torch.utils import cpp_extension

        folder.mkdir(parents=True, exist_ok=True)
        flags = ["-O3", "-std=c++20", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=off"]
        flags.append("-DTORCH_TARGET_VERSION=0x020a000000000000")
        cpp_extension.load(
            "signcore_ops",
            [str(f) for f in files],
            extra_cflags=flags,
            build_directory=str(folder),
            is_python_module=False,
        )
    except (RuntimeError, OSError, ImportError) as error:
        return Library(None, f"compiling failed ({(str(error).splitlines() or ['?'])[0]})")
    return Library(done, "compiled at first use")


def _ninja_package() -> bool:
    try:
        import ninja
    except ImportError:
        return False
    os.environ["PATH"] = f"{ninja.BIN_DIR}{os.pathsep}{os.environ.get('PATH', '')}"
    return True
