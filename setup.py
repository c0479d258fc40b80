"""The compiled extensions, where they can be built; everything else is in pyproject.toml.

An op is found by its folder: csrc/<op>/<op>_cpu.cpp and csrc/<op>/<op>_cuda.cu. Without torch or a compiler the package is
installed without them: the kernels are then built at first use, or fall back (`signcore doctor` says which).
"""

import sys
from pathlib import Path

from setuptools import Extension, find_packages, setup
from setuptools.command.build_ext import build_ext

ROOT = Path(__file__).parent
CORE = [
    "-O3", "-g0", "-std=c++20", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=off", "-fvisibility=hidden",
    "-Wno-maybe-uninitialized",
]  # fmt: skip
LINK = ["-pthread"] if sys.platform == "darwin" else ["-pthread", "-s"]
TARGET = "0x020a000000000000"  # TORCH_TARGET_VERSION 2.10: one build serves later torch versions


def sources(pattern: str) -> list[str]:
    return sorted(str(p.relative_to(ROOT)) for p in ROOT.glob(f"csrc/{pattern}"))


def extensions() -> tuple[list[Extension], type]:
    found: list[Extension] = []
    command: type = build_ext
    try:
        import pybind11

        door = {
            "include_dirs": [pybind11.get_include()],
            "extra_compile_args": CORE,
            "extra_link_args": LINK,
        }
        found.append(
            Extension(
                "signcore.kernels._door", ["csrc/numpy_door.cpp"], language="c++", optional=True, **door
            )
        )
    except ImportError:
        print("signcore: pybind11 is not there, the NumPy door is left out", file=sys.stderr)
    try:
        import torch
        from torch.utils import cpp_extension

        cuda = torch.version.cuda is not None and cpp_extension.CUDA_HOME is not None
        kind = cpp_extension.CUDAExtension if cuda else cpp_extension.CppExtension
        defines = [f"-DTORCH_TARGET_VERSION={TARGET}", *(["-DUSE_CUDA"] if cuda else [])]
        flags: dict = {"cxx": CORE + defines}
        if cuda:
            flags["nvcc"] = ["-O3", "-std=c++20", "--expt-relaxed-constexpr", *defines]
        ops = kind(
            "signcore.kernels._ops",
            sources("library.cpp") + sources("*/*_cpu.cpp") + (sources("*/*_cuda.cu") if cuda else []),
            extra_compile_args=flags,
            extra_link_args=LINK,
            py_limited_api=True,
        )
        ops.optional = True
        found.append(ops)
        command = cpp_extension.BuildExtension
    except ImportError:
        print("signcore: torch is not there, its kernels are built at first use", file=sys.stderr)
    return found, command


class Optional(extensions()[1]):  # type: ignore[misc]
    """A machine without a compiler still gets the package."""

    def run(self) -> None:
        try:
            super().run()
        except Exception as error:  # distutils, ninja and torch each have their own
            print(
                f"signcore: the compiled kernels are left out ({str(error).splitlines()[0]})", file=sys.stderr
            )


# csrc/ is installed beside the package, so that the kernels can be built at first use where they were not built now.
SOURCES = {
    f"signcore.{'.'.join(d.relative_to(ROOT).parts)}": str(d.relative_to(ROOT))
    for d in (ROOT / "csrc", *sorted((ROOT / "csrc").glob("*/")))
}

setup(
    packages=[*find_packages(include=["signcore*"]), *SOURCES],
    package_dir=SOURCES,
    ext_modules=extensions()[0],
    cmdclass={"build_ext": Optional},
)
