"""From the source archive to an installed package: without torch and without a compiler, in a path with a space, where nothing can be written."""

import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
OWN = f"3.{sys.version_info[1]}"
PYENV = (
    Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
)  # its shims on PATH may name no version
OTHERS = {
    v: next(map(str, PYENV.glob(f"{v}*/bin/python3")), None) or shutil.which(f"python{v}")
    for v in ("3.11", "3.12", "3.13", "3.14")
}
LIGHT = [
    "numpy",
    "pluggy",
    "click",
    "pydantic",
    "rich",
    "pyyaml",
    "pillow",
    "pose-format",
    "numba",
    "safetensors",
    "av",
]


def run(*command, **more):
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "CXX", "CC")}
    environment |= more.pop("env", {})
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, **more)
    assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}{done.stderr[-3000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    source, made = tmp_path_factory.mktemp("source") / "tree", tmp_path_factory.mktemp("archive")
    rubbish = shutil.ignore_patterns(".git", ".venv", "build", "*.so", "__pycache__", "*.egg-info")
    shutil.copytree(ROOT, source, ignore=rubbish)
    run(
        sys.executable,
        "-c",
        f"from setuptools import build_meta; build_meta.build_sdist({str(made)!r})",
        cwd=source,
    )
    return next(made.glob("signcore-*.tar.gz"))


def environment(folder, python=sys.executable):
    run(python, "-m", "venv", folder)
    own = folder / "bin" / "python"
    run(own, "-m", "pip", "install", "--quiet", "setuptools>=77", "wheel", "pybind11")
    return own


def test_the_archive_has_what_a_build_needs_and_nothing_built(archive):
    with tarfile.open(archive) as content:
        names = {n.partition("/")[2] for n in content.getnames()}
    assert {
        "pyproject.toml",
        "setup.py",
        "LICENSE",
        "csrc/library.cpp",
        "signcore/runs/report.html",
        "signcore/py.typed",
    } <= names
    for suffix in (".cu", ".h"):
        assert {str(p.relative_to(ROOT)) for p in (ROOT / "csrc").rglob(f"*{suffix}")} <= names
    assert not [n for n in names if n.endswith((".so", ".o", ".pyc"))]


@pytest.mark.parametrize("compiler", [True, False], ids=["compiler", "no-compiler"])
def test_it_installs_without_torch(archive, compiler, tmp_path):
    """Into a path with a space. The core's own dependencies come from this environment, so that torch is there when it runs."""
    if compiler and shutil.which("c++") is None:
        pytest.skip("no C++ compiler on this machine")
    python = environment(tmp_path / "an env")
    bare = tmp_path / "bin"
    bare.mkdir()
    path = os.environ["PATH"] if compiler else str(bare)
    run(
        python,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        archive,
        env={"PATH": path},
        cwd=tmp_path,
    )
    (site,) = (tmp_path / "an env").glob("lib/python3*/site-packages")
    assert len(list(site.glob("signcore/kernels/_door*.so"))) == int(
        compiler
    )  # the torch-free door wants pybind11 alone
    assert not list(site.glob("signcore/kernels/_ops*.so"))
    said = run(sys.executable, "-c", "import signcore, signcore.kernels.numpy as k; print(signcore.__file__, k._door)",
               env={"PYTHONPATH": str(site)}, cwd=tmp_path)  # fmt: skip
    assert str(site) in said
    assert ("_door" in said) == compiler


def test_it_runs_where_site_packages_cannot_be_written(archive, tmp_path):
    """On a read-only mount, which holds for root too; kernels and numba's code go into the cache, else nowhere."""
    site, out = tmp_path / "site packages", tmp_path / "out"
    run(
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--target",
        site,
        archive,
    )
    for built in site.glob("signcore/kernels/*.so"):
        built.unlink()  # as in an installation without a compiler
    mount = f"mount --bind '{site}' '{site}' && mount -o remount,ro,bind '{site}'"
    try:
        subprocess.run(["unshare", "-rm", "sh", "-c", mount], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this machine does not let a test mount a folder read-only")
    bare = tmp_path / "bin"
    bare.mkdir()
    for tool in ("mount", "sh"):
        (bare / tool).symlink_to(shutil.which(tool))
    work = f"""
import signcore
from pathlib import Path
assert str(Path(signcore.__file__)).startswith({str(site)!r}), signcore.__file__
try:
    (Path(signcore.__file__).parent / "x").touch()
except OSError:
    run = signcore.run(generator="hamnosys", notation="hamfist hamextfingeru hampalml hamshoulders hammoveu", output={str(out)!r})
    from signcore.kernels import dtw
    import torch
    print(run.report, float(dtw(torch.ones(3, 2, 2), torch.zeros(4, 2, 2)).sum()))
"""
    environ = {
        "PYTHONPATH": str(site),
        "PATH": str(bare),
        "SIGNCORE_CACHE": str(tmp_path / "cache"),
        "SIGNCORE_PLUGINS": "",
    }
    command = f"{mount} && exec '{sys.executable}' -c \"$WORK\""
    said = run(
        shutil.which("unshare"), "-rm", "sh", "-c", command, env={**environ, "WORK": work}, cwd=tmp_path
    )
    assert str(out / "report.html") in said
    assert json.loads((out / "run.json").read_text())["files"]["result"] == "result.pose"


@pytest.mark.parametrize("version", [v for v in OTHERS if v != OWN])
def test_other_pythons_build_it_and_run_what_needs_no_torch(version, archive, tmp_path):
    """torch is left out: where its build for the processor alone is not at hand for that Python, pip would fetch gigabytes."""
    python = OTHERS[version]
    if python is None or subprocess.run([python, "--version"], capture_output=True, check=False).returncode:
        pytest.skip(f"Python {version} is not on this machine")
    own = environment(tmp_path / "env", python)
    run(own, "-m", "pip", "install", "--quiet", *LIGHT)
    run(own, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", archive, cwd=tmp_path)
    work = "import signcore.kernels.numpy as k, numpy as np, sys; print(k._door is not None, k.dtw(np.ones((3, 1, 2)), np.zeros((3, 1, 2)))[0], 'torch' in sys.modules)"
    compiled, cost, torch = run(own, "-c", work, cwd=tmp_path).split()
    assert (compiled, torch) == (str(shutil.which("c++") is not None), "False")
    assert float(cost) == pytest.approx(3 * 2**0.5)
    assert len(json.loads(run(own, "-m", "signcore", "list", "--json", cwd=tmp_path))["components"]) > 50
    run(
        own,
        "-m",
        "signcore",
        "notation",
        "hamfist hamextfingeru hampalml hamshoulders hammoveu",
        cwd=tmp_path,
    )
    checks = {
        c["check"]: c
        for c in json.loads(run(own, "-m", "signcore", "doctor", "--json", cwd=tmp_path))["checks"]
    }
    assert checks["torch"]["state"] == "trouble"
    assert checks["plugins"]["state"] == "ok"
