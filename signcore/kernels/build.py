"""The build recipe of compiled ops: signcore's own, and those of plugins (docs/plugins.md, "Your own kernels").

An op is compiled when its package is installed where torch is importable, else once at first use, into the cache, else its
reference does the work. On torch's stable ABI one build serves later torch versions. Importing this imports no torch.
"""

from __future__ import annotations

import functools
import hashlib
import os
import shutil
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from signcore.errors import ArgumentError

__all__ = ["Kernels", "Library", "extensions"]
FLAGS = ("-O3", "-std=c++20", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=off")
TARGET = "0x020a000000000000"  # TORCH_TARGET_VERSION 2.10: the oldest torch that a build runs on


@dataclass(frozen=True)
class Library:
    """path: the loaded library or None; reason: how it came, or why there is none; cuda: whether it holds CUDA kernels."""

    path: Path | None
    reason: str
    cuda: bool = False


class Kernels:
    """A package's compiled ops: `pick` says which implementation a call takes, and loads or builds them on the first one.

    package: its import name; its folder holds `csrc/` and, where they were compiled at installation, `_ops*.so`.
    op: one of its ops as "namespace::name", defined by `torch.library.define`; it tells whether there are CUDA kernels.
    Raises ArgumentError where the package is not to be found.
    """

    def __init__(self, package: str, op: str) -> None:
        from torch.compiler import assume_constant_result

        spec = find_spec(package)
        if spec is None or not spec.submodule_search_locations:
            raise ArgumentError(f"package: {package!r} is not a package that can be imported")
        self.package, self.op, self._folder = package, op, Path(next(iter(spec.submodule_search_locations)))

        def pick(cuda: bool = False) -> str:
            return self._pick(cuda)

        # torch.compile cannot look into the choice; it is made once, while tracing
        self.pick: Callable[[bool], str] = assume_constant_result(pick)

    @functools.cached_property
    def library(self) -> Library:
        """Loaded into torch once a process; where there is none, a line on stderr says so. SIGNCORE_BUILD=0 forbids building."""
        csrc = self._folder / "csrc"
        found = load(self._folder, csrc, csrc.rglob("*.cpp"), self.package, self.op)
        if found.path is None:
            print(f"{self.package}: runs on plain torch ({found.reason})", file=sys.stderr)
        return found

    def backend(self) -> tuple[str, str]:
        """(backend, reason) for tensors on the CPU, as `signcore.kernels.backend` tells them."""
        name = self._pick(False)
        if name == "torch" and self.library.path is not None:
            return name, "chosen by use_backend or SIGNCORE_BACKEND"
        return name, self.library.reason

    def _pick(self, cuda: bool) -> str:
        from signcore.kernels.backend import chosen

        name, known = chosen(), ("cuda", "cpp", "torch")
        if name == "auto":
            wanted = "cuda" if cuda else "cpp"
            usable = self.library.path is not None and (self.library.cuda or not cuda)
            return wanted if usable else "torch"
        if name not in known:
            raise ArgumentError(
                f"backend: {self.op} has no {name!r} implementation; there are {', '.join(known)}"
            )
        if name != "torch":
            self.library  # noqa: B018 (an op without its library names itself in torch's own error)
        return name


def extensions(package: str) -> dict[str, Any]:
    """What `setuptools.setup` of a plugin takes: PACKAGE/csrc/**/*.cpp, and *.cu where torch has CUDA, as PACKAGE._ops.

    Called from the folder of setup.py. A machine without torch or a compiler still gets the package, and a line that says so.
    """
    try:
        from torch.utils import cpp_extension
        from torch.version import cuda as torch_cuda
    except ImportError:
        print(f"{package}: torch is not there, its kernels are built at first use", file=sys.stderr)
        return {}
    cuda = torch_cuda is not None and cpp_extension.CUDA_HOME is not None
    files = sorted(str(p) for p in Path(package).glob("csrc/**/*.c*") if p.suffix in (".cpp", ".cu"))
    defines = [f"-DTORCH_TARGET_VERSION={TARGET}", *(["-DUSE_CUDA"] if cuda else [])]
    flags = {"cxx": [*FLAGS, "-g0", "-fvisibility=hidden", *defines]}
    if cuda:
        flags["nvcc"] = ["-O3", "-std=c++20", "--expt-relaxed-constexpr", *defines]
    kind = cpp_extension.CUDAExtension if cuda else cpp_extension.CppExtension
    ops = kind(
        f"{package}._ops",
        [f for f in files if cuda or f.endswith(".cpp")],
        extra_compile_args=flags,
        extra_link_args=["-pthread"] if sys.platform == "darwin" else ["-pthread", "-s"],
        py_limited_api=True,
    )

    class Optional(cpp_extension.BuildExtension):
        def run(self) -> None:
            try:
                super().run()
            except Exception as error:  # distutils, ninja and torch each have their own
                line = (str(error).splitlines() or [type(error).__name__])[0]
                print(f"{package}: the compiled kernels are left out ({line})", file=sys.stderr)

    return {"ext_modules": [ops], "cmdclass": {"build_ext": Optional}}


def load(folder: Path, csrc: Path | None, files: Iterable[Path], name: str, op: str) -> Library:
    """The library beside a package in `folder`, else one built once from `files` under `csrc`, loaded into torch."""
    import torch

    found = _loaded(_installed(folder), "compiled at installation")
    if found.path is None and os.environ.get("SIGNCORE_BUILD", "1") != "0":
        built = _build(csrc, files, name)
        found = (
            _loaded(built.path, built.reason)
            if built.path
            else Library(None, f"{found.reason}; {built.reason}")
        )
    if found.path is None:
        return found
    return Library(found.path, found.reason, torch._C._dispatch_has_kernel_for_dispatch_key(op, "CUDA"))


def cache_folder() -> Path:
    base = os.environ.get("SIGNCORE_CACHE") or os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "signcore"


def _loaded(path: Path | None, reason: str) -> Library:
    import torch

    if path is None:
        return Library(None, "no library was compiled at installation")
    try:
        torch.ops.load_library(str(path))
    except OSError as error:
        return Library(None, f"{path.name} cannot be loaded ({str(error).splitlines()[0]})")
    return Library(path, reason)


def _installed(folder: Path) -> Path | None:
    return next(iter(sorted(folder.glob("_ops*.so")) + sorted(folder.glob("_ops*.pyd"))), None)


def _build(csrc: Path | None, files: Iterable[Path], name: str) -> Library:
    """Compile with ninja into the cache, under a name that follows from sources, torch and Python."""
    import torch

    if csrc is None or not (files := sorted(files)):
        return Library(None, "the C++ sources are not installed")
    if shutil.which("ninja") is None and not _ninja_package():
        return Library(None, "ninja is not installed")
    compiler = os.environ.get("CXX") or shutil.which("c++") or shutil.which("g++") or shutil.which("clang++")
    if compiler is None or shutil.which(compiler.split()[0]) is None:
        return Library(None, "no C++ compiler was found")
    key = hashlib.sha256(f"{torch.__version__} {sys.version}".encode())
    for file in sorted(csrc.rglob("*.[ch]*")):
        key.update(file.read_bytes())
    folder = cache_folder() / f"{name}-{key.hexdigest()[:16]}"
    done = folder / f"{name}_ops.so"
    if done.is_file():
        return Library(done, "compiled at first use")
    print(f"{name}: compiling the kernels once into {folder}", file=sys.stderr)
    try:
        from torch.utils import cpp_extension

        folder.mkdir(parents=True, exist_ok=True)
        cpp_extension.load(
            f"{name}_ops",
            [str(f) for f in files],
            extra_cflags=[*FLAGS, f"-DTORCH_TARGET_VERSION={TARGET}"],
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
