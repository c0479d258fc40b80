"""The C++ cores as a program without torch, on every instruction set of this machine and on an emulated ARM."""

import os
import platform
import shutil
import subprocess
from pathlib import Path

import pytest

SOURCE = Path(__file__).with_name("cores.cpp")
FLAGS = ["-std=c++20", "-O2", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=off", "-w", "-pthread"]
SETS = ("avx512", "avx2", "plain") if platform.machine() == "x86_64" else ("neon", "plain")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    if shutil.which("c++") is None:
        pytest.skip("no C++ compiler on this machine")
    made = tmp_path_factory.mktemp("cores") / "cores"
    subprocess.run(["c++", *FLAGS, str(SOURCE), "-o", str(made)], check=True)
    return made


def run(*command, **environment):
    return subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", SETS)
def test_every_core_keeps_its_definition(program, name):
    done = run(str(program), "2000", SIGNCORE_ISA=name)
    assert done.returncode == 0, done.stdout


@pytest.mark.skipif(
    not (shutil.which("aarch64-linux-gnu-g++") and shutil.which("qemu-aarch64")),
    reason="needs g++-aarch64-linux-gnu and qemu-user",
)
def test_neon_keeps_it_too(tmp_path):
    made = tmp_path / "cores"
    subprocess.run(["aarch64-linux-gnu-g++", *FLAGS, "-static", str(SOURCE), "-o", str(made)], check=True)
    done = run("qemu-aarch64", str(made), "100")
    assert done.returncode == 0, done.stdout
    assert "on neon" in done.stdout
