"""The package with and without its compiled parts, away from the checkout."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ASK = (
    "import json, numpy as np, signcore, torch\n"
    "from signcore.kernels import backend, dtw, tcd, numpy as door\n"
    "frames = torch.arange(3 * 4 * 4 * 3).reshape(3, 4, 4, 3).to(torch.uint8)\n"
    "pose = torch.arange(12.0).reshape(3, 2, 2)\n"
    "out = {'where': signcore.__file__, 'backend': backend(), 'tcd': float(tcd(frames, frames.flip(0), threshold=0.01)),\n"
    "       'dtw': dtw(pose, pose.flip(0)).tolist(), 'door': door.dtw(pose.numpy(), pose.flip(0).numpy()).tolist(),\n"
    "       'compiled': door._door is not None}\n"
    "print(json.dumps(out))"
)


def ask(folder, tmp_path, compiler):
    """What the package in `folder` says of itself, run from elsewhere."""
    bare = tmp_path / "bin"
    bare.mkdir(exist_ok=True)
    path = os.environ["PATH"] if compiler else str(bare)
    environment = {k: v for k, v in os.environ.items() if k not in ("CXX", "CC", "SIGNCORE_BACKEND")}
    environment |= {"PATH": path, "PYTHONPATH": str(folder), "SIGNCORE_CACHE": str(tmp_path / "cache")}
    done = subprocess.run(
        [sys.executable, "-c", ASK],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    out = json.loads(done.stdout.splitlines()[-1])
    assert Path(out["where"]).is_relative_to(folder)
    return out, done.stderr


@pytest.fixture
def sources(tmp_path):
    """The package as a source install without compiled parts leaves it, in a path with a space."""
    folder = tmp_path / "site packages"
    shutil.copytree(
        ROOT / "signcore", folder / "signcore", ignore=shutil.ignore_patterns("*.so", "__pycache__")
    )
    shutil.copytree(ROOT / "csrc", folder / "signcore" / "csrc")
    return folder


def test_without_a_compiler_it_falls_back_and_says_so(sources, tmp_path):
    out, _ = ask(sources, tmp_path, compiler=False)
    assert out["backend"]["tcd"][0] == "torch"
    assert out["backend"]["dtw"][0] == "numba"
    assert "no C++ compiler" in out["backend"]["tcd"][1] or "ninja" in out["backend"]["tcd"][1]
    assert not out["compiled"]
    assert out["dtw"] == pytest.approx(out["door"])


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("c++") is None, reason="no C++ compiler on this machine")
def test_a_source_install_builds_the_kernels_once_at_first_use(sources, tmp_path):
    out, said = ask(sources, tmp_path, compiler=True)
    assert out["backend"]["tcd"] == ["cpp", "compiled at first use"]
    assert "compiling the kernels once" in said
    again, said = ask(sources, tmp_path, compiler=True)
    assert again["backend"] == out["backend"]
    assert "compiling" not in said


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("c++") is None, reason="no C++ compiler on this machine")
def test_a_wheel_runs_without_a_compiler(tmp_path):
    source = tmp_path / "source"
    shutil.copytree(
        ROOT,
        source,
        ignore=shutil.ignore_patterns(".git", ".venv", "build", "*.so", "__pycache__", "*.egg-info"),
    )
    pip = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        str(tmp_path / "wheel"),
    ]
    subprocess.run([*pip, str(source)], check=True, capture_output=True)
    wheel = next((tmp_path / "wheel").glob("signcore-*.whl"))
    assert wheel.stat().st_size < 2_000_000
    shutil.unpack_archive(wheel, tmp_path / "site", "zip")
    out, _ = ask(tmp_path / "site", tmp_path, compiler=False)
    assert out["backend"]["tcd"] == ["cpp", "compiled at installation"]
    assert out["backend"]["dtw"][0] == "cpp"
    assert out["compiled"]
