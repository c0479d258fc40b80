"""`signcore doctor` on installations that are broken for real: it names the trouble and the cure, and keeps its other checks."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import signcore

PACKAGE = Path(signcore.__file__).parent


def doctor(*before, **environment):
    """{check: row} of a process of its own."""
    done = subprocess.run(
        [*map(str, before), sys.executable, "-m", "signcore", "doctor", "--json"],
        env={**os.environ, **{k: str(v) for k, v in environment.items()}}, capture_output=True, text=True, check=False,
        cwd="/",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    rows = {row["check"]: row for row in json.loads(done.stdout)["checks"]}
    assert rows["python"]["state"] == "ok"
    return rows


def trouble(row, *words):
    assert row["state"] == "trouble", row
    text = f"{row['found']} -> {row['cure']}"
    assert "\n" not in text
    for word in words:
        assert word in text, text


def possible(*command):
    """Skip where this machine does not let a test do that to a process of its own."""
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"{command[0]} cannot do that here ({type(error).__name__})")


def test_a_missing_libstdcxx_is_named_with_debians_package(tmp_path):
    maps = subprocess.run(
        [sys.executable, "-c", "import torch; print(open('/proc/self/maps').read())"], capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    used = {line.split()[-1] for line in maps.splitlines() if "libstdc++" in line}
    if not used:
        pytest.skip("torch brings its own libstdc++ here")
    (tmp_path / "empty").touch()
    hide = " && ".join(f"mount --bind '{tmp_path / 'empty'}' '{file}'" for file in used)
    possible("unshare", "-rm", "sh", "-c", hide)
    rows = doctor("unshare", "-rm", "sh", "-c", f'{hide} && exec "$@"', "sh")
    trouble(rows["torch"], "torch cannot be imported", "libstdc++.so.6", "apt-get install libstdc++6")
    trouble(rows["kernels"], "mend torch first")


def test_another_version_of_torch_is_named(tmp_path):
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "__init__.py").write_text("__version__ = '2.9.1'\n")
    (tmp_path / "torch-2.9.1.dist-info").mkdir()
    (tmp_path / "torch-2.9.1.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: torch\nVersion: 2.9.1\n"
    )
    rows = doctor(PYTHONPATH=tmp_path)
    trouble(rows["torch"], "torch 2.9.1 is older than 2.10", 'pip install --upgrade "torch>=2.10"')
    trouble(rows["dependencies"], "signcore needs torch>=2.10, there is 2.9.1")


def test_no_torch_is_said_and_the_rest_still_checked(tmp_path):
    (tmp_path / "torch.py").write_text(
        "raise ModuleNotFoundError(\"No module named 'torch'\", name='torch')\n"
    )
    rows = doctor(PYTHONPATH=tmp_path)
    trouble(rows["torch"], "torch is not installed", 'pip install "torch>=2.10"')
    assert rows["plugins"]["state"] == "ok"


def test_kernels_that_were_compiled_for_something_else_are_named(tmp_path):
    shutil.copytree(PACKAGE, tmp_path / "signcore", ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    (tmp_path / "signcore" / "kernels" / "_ops.abi3.so").write_bytes(b"\x7fELF of another machine")
    rows = doctor(PYTHONPATH=tmp_path, SIGNCORE_BUILD=0)
    trouble(
        rows["kernels"], "_ops.abi3.so", "does not load with torch", "--force-reinstall --no-deps signcore"
    )


def test_a_half_installed_plugin_is_named_with_the_file_that_is_missing(tmp_path):
    info = tmp_path / "half_lab-0.4.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: half-lab\nVersion: 0.4\nRequires-Dist: surely-absent>=3\n"
    )
    (info / "entry_points.txt").write_text("[signcore]\nhalf = half_lab.plugin\n")
    (info / "RECORD").write_text(
        "half_lab/__init__.py,,\nhalf_lab/plugin.py,,\nhalf_lab-0.4.dist-info/METADATA,,\n"
    )
    (tmp_path / "half_lab").mkdir()
    (tmp_path / "half_lab" / "__init__.py").touch()
    rows = doctor(PYTHONPATH=tmp_path)
    trouble(
        rows["plugins"],
        "half-lab 0.4",
        "1 of its files are missing, half_lab/plugin.py",
        "pip install --force-reinstall half-lab",
    )
    trouble(
        rows["dependencies"],
        "half-lab needs surely-absent>=3, there is none",
        'pip install "surely-absent>=3"',
    )


def test_a_cache_that_cannot_be_read_or_written_is_named(tmp_path):
    (tmp_path / "file").touch()
    trouble(doctor(SIGNCORE_CACHE=tmp_path / "file")["cache"], str(tmp_path / "file"), "set SIGNCORE_CACHE")
    closed = tmp_path / "closed"
    closed.mkdir()
    closed.chmod(0)
    before = []
    if os.geteuid() == 0:  # root reads everything, unless that right is taken from it
        before = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"]
        possible(*before, sys.executable, "-c", "")
    try:
        trouble(
            doctor(*before, SIGNCORE_CACHE=closed)["cache"],
            str(closed),
            "Permission denied",
            "set SIGNCORE_CACHE",
        )
    finally:
        closed.chmod(0o700)


def test_a_damaged_library_in_the_cache_is_named(tmp_path):
    built = tmp_path / "signcore" / "signcore-0" / "signcore_ops.so"
    built.parent.mkdir(parents=True)
    built.mkdir()
    trouble(doctor(SIGNCORE_CACHE=tmp_path)["cache"], str(built), "set SIGNCORE_CACHE")
