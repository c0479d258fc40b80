"""The oldest and the newest versions that signcore says it works with: it does, installed as a wheel, away from the checkout."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
LOCKS = ("lowest", "newest")


def locked(name):
    lines = (ROOT / "requirements" / f"{name}.txt").read_text().splitlines()
    pins = [Requirement(line) for line in lines if not line.startswith("#")]
    return {canonicalize_name(r.name): Version(next(iter(r.specifier)).version) for r in pins}


def declared():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return {canonicalize_name(r.name): r.specifier for r in map(Requirement, project["dependencies"])}


def test_the_locks_are_those_of_the_declared_dependencies():
    lowest, newest = map(locked, LOCKS)
    for name, bounds in declared().items():
        assert lowest[name] in bounds, name
        assert newest[name] in bounds, name
        if name != "torch":  # one build of it, tests/packaging says which
            assert lowest[name] == Version(next(iter(bounds)).version), name
    assert lowest["numpy"] < Version("2") <= newest["numpy"]


@pytest.fixture(scope="module")
def wheels(tmp_path_factory):
    """signcore and its weights, built here with the kernels for the torch of this environment."""
    folder = tmp_path_factory.mktemp("wheels")
    rubbish = shutil.ignore_patterns(".git", ".venv", "build", "*.so", "__pycache__", "*.egg-info")
    for source in (ROOT, ROOT / "plugins" / "signcore-weights"):
        copy = folder / source.name
        shutil.copytree(source, copy, ignore=rubbish)
        pip = [
            sys.executable,
            "-m",
            "pip",
            "wheel",
            "--quiet",
            "--no-deps",
            "--no-build-isolation",
            "-w",
            folder,
            copy,
        ]
        subprocess.run(pip, check=True, capture_output=True)
    return sorted(folder.glob("*.whl"))


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("lock", LOCKS)
def test_signcore_works_with(lock, wheels, tmp_path):
    venv.create(tmp_path / "env", with_pip=True)
    python = tmp_path / "env" / "bin" / "python"
    pip = [python, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    # Without the environment of the checkout, and without its plugins.
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "SIGNCORE_CACHE")}
    environment |= {"SIGNCORE_SHARED": str(tmp_path / "absent"), "SIGNCORE_CACHE": str(tmp_path / "cache")}

    def run(*command):
        done = subprocess.run(
            command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout

    run(*pip, "install", "-r", ROOT / "requirements" / f"{lock}.txt")
    run(*pip, "install", "--no-deps", *wheels)
    run(*pip, "check")
    seen = {
        canonicalize_name(p["name"]): Version(p["version"]).public
        for p in json.loads(run(python, "-m", "pip", "list", "--format=json"))
    }
    assert {n: Version(v) for n, v in seen.items() if n in locked(lock)} == locked(lock)

    run(python, "-m", "signcore", "run", "--generator", "pgmm", "--output", tmp_path / "out")
    scores = {
        s["name"]: s["value"] for s in json.loads((tmp_path / "out" / "run.json").read_text())["scores"]
    }
    assert 0 < scores["l1"] < 0.05

    run(*pip, "install", "pytest>=8", "pytest-timeout", "hypothesis")
    run(*pip, "check")
    for name in ("tests", "docs"):
        shutil.copytree(ROOT / name, tmp_path / "suite" / name)
    for name in ("pyproject.toml", "setup.py"):
        shutil.copy(ROOT / name, tmp_path / "suite")
    fast = [
        tmp_path / "suite" / "tests" / n for n in ("types", "kernels", "training", "cli", "test_discovery.py")
    ]
    said = run(
        python,
        "-m",
        "pytest",
        "-q",
        "-m",
        "not slow",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        tmp_path / "suite",
        *fast,
    )
    assert " passed" in said.splitlines()[-1]


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_mediapipe_whose_pins_clash_works_in_an_environment_of_its_own(wheels, tmp_path):
    """It holds NumPy and protobuf below what the newest lock has."""
    venv.create(tmp_path / "env", with_pip=True)
    python = tmp_path / "env" / "bin" / "python"
    pip = [python, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    shutil.copytree(
        ROOT / "plugins" / "signcore-mediapipe",
        tmp_path / "plugin",
        ignore=shutil.ignore_patterns("*.egg-info"),
    )
    torch = f"torch=={locked('newest')['torch']}"

    def run(*command):
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        done = subprocess.run(
            command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout

    run(*pip, "install", torch)
    run(*pip, "install", *wheels, tmp_path / "plugin", "pytest>=8", "pytest-timeout", "hypothesis")
    run(*pip, "check")
    listed = json.loads(run(python, "-m", "signcore", "list", "estimator", "--json"))["components"]
    assert "mediapipe" in {c["name"] for c in listed}
    said = run(
        python,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-m",
        "not slow",
        "--import-mode=importlib",
        tmp_path / "plugin" / "tests",
    )
    assert " passed" in said.splitlines()[-1]
