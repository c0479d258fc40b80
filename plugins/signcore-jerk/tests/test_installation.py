"""The package with and without its compiled op, away from the checkout."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("signcore_jerk", reason="signcore-jerk is not installed")

ROOT = Path(__file__).parents[1]
ASK = (
    "import torch\n"
    "from signcore_jerk.squared_jerk import KERNELS, squared_jerk\n"
    "found = [squared_jerk(torch.arange(8.0)[:, None, None] ** 3).item() for _ in range(2)]\n"
    "print(*KERNELS.backend(), found)"
)


def ask(folder, tmp_path, compiler):
    bare = tmp_path / "bin"
    bare.mkdir(exist_ok=True)
    environment = {k: v for k, v in os.environ.items() if k not in ("CXX", "CC", "SIGNCORE_BACKEND")}
    environment |= {"PATH": environment["PATH"] if compiler else str(bare), "PYTHONPATH": str(folder)}
    environment |= {"SIGNCORE_CACHE": str(tmp_path / "cache")}
    command = [sys.executable, "-c", ASK]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip(), done.stderr


@pytest.fixture
def sources(tmp_path):
    """As an installation without a compiler leaves it, in a path with a space."""
    folder = tmp_path / "site packages"
    ignored = shutil.ignore_patterns("*.so", "__pycache__")
    shutil.copytree(ROOT / "signcore_jerk", folder / "signcore_jerk", ignore=ignored)
    return folder


def test_without_a_compiler_the_reference_does_the_work_and_says_so_once(sources, tmp_path):
    out, said = ask(sources, tmp_path, compiler=False)
    assert out.startswith("torch ")
    assert out.endswith("[36.0, 36.0]")
    assert said.count("signcore_jerk: runs on plain torch") == 1
    assert "no C++ compiler" in said or "ninja" in said


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("c++") is None, reason="no C++ compiler on this machine")
def test_a_source_install_builds_the_op_once_at_first_use(sources, tmp_path):
    out, said = ask(sources, tmp_path, compiler=True)
    assert out == "cpp compiled at first use [36.0, 36.0]"
    assert "signcore_jerk: compiling the kernels once" in said
    out, said = ask(sources, tmp_path, compiler=True)
    assert out == "cpp compiled at first use [36.0, 36.0]"
    assert "compiling" not in said


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("c++") is None, reason="no C++ compiler on this machine")
def test_a_wheel_runs_without_a_compiler(tmp_path):
    source = tmp_path / "source"
    shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns("build", "*.so", "__pycache__", "*.egg-info"))
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "-w", str(tmp_path / "wheel"), str(source)], check=True, capture_output=True)
    wheel = next((tmp_path / "wheel").glob("signcore_jerk-*.whl"))
    shutil.unpack_archive(wheel, tmp_path / "site", "zip")
    assert (tmp_path / "site/signcore_jerk/csrc/squared_jerk/squared_jerk_core.h").is_file()
    assert ask(tmp_path / "site", tmp_path, compiler=False)[0] == "cpp compiled at installation [36.0, 36.0]"
