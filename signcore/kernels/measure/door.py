"""Importing the NumPy door beside importing NumPy, each in a process of its own."""

from __future__ import annotations

import subprocess
import sys

from signcore.kernels.measure import Call, Case


def importing(module: str) -> Call:
    command = [sys.executable, "-c", f"import {module}"]
    return lambda: lambda: subprocess.run(command, check=True)


CASES = [
    Case(
        "import",
        "signcore.kernels.numpy, with the interpreter",
        lambda seed: (),
        importing("signcore.kernels.numpy"),
        {"numpy": lambda: importing("numpy")},
        wall=True,
    )
]
