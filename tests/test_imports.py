"""Importing is free: what the light commands may not import (modules are counted, not milliseconds)."""

import json
import subprocess
import sys

import pytest

HEAVY = ("torch", "numba", "av", "cv2", "mediapipe", "scipy", "lightning_fabric", "tensorboard")


def imported(code: str) -> list[str]:
    program = f"import sys, json\ntry:\n exec({code!r})\nexcept SystemExit: pass\nprint(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return json.loads(done.stderr.splitlines()[-1])


def command(*args: str) -> str:
    return f"from signcore.cli import main; main({list(args)!r})"


@pytest.mark.parametrize(
    "code",
    [
        "import signcore",
        "import signcore.kernels",
        command("--help"),
        command("list"),
        command("list", "generator", "--json"),
        command("plugins"),
        command("train", "--help"),
        command("run", "--help"),
    ],
)
def test_the_light_doors_import_nothing_heavy(code):
    modules = imported(code)
    assert not [m for m in HEAVY if m in modules]
    assert "pydantic" not in modules
    assert "numpy" not in modules or "mediapipe" in code
    assert not [
        m
        for m in modules
        if m.startswith("signcore.plugins.") and m.count(".") > 2 and not m.endswith(".plugin")
    ]


def test_help_of_a_generator_imports_its_config_and_nothing_of_it_besides():
    modules = imported(command("run", "--generator", "pgmm", "--help"))
    assert not [m for m in HEAVY if m in modules]
    ours = [m for m in modules if m.startswith("signcore.plugins.pgmm.")]
    assert ours == ["signcore.plugins.pgmm.config", "signcore.plugins.pgmm.plugin"]


def test_the_numpy_door_imports_no_torch():
    modules = imported("import signcore.kernels.numpy")
    assert "torch" not in modules
    ours = {m for m in modules if m.startswith("signcore.")}
    assert ours <= {"signcore._lazy", "signcore._version", "signcore.errors"} | {
        m for m in ours if m.startswith("signcore.kernels")
    }


def test_the_kernels_import_nothing_else_of_signcore():
    modules = imported("from signcore.kernels import tcd, dtw, backend; backend()")
    ours = {m for m in modules if m.startswith("signcore.") and not m.startswith("signcore.kernels")}
    assert ours <= {"signcore._lazy", "signcore._version", "signcore.errors"}


def test_the_core_imports_no_plugin():
    modules = imported(
        "import signcore.api, signcore.registry, signcore.discovery, signcore.runs.plan, signcore.runs.report"
    )
    assert not [m for m in modules if m.startswith("signcore.plugins.")]


def cpu(*arguments: str) -> float:
    code = (
        "import resource, subprocess, sys\n"
        f"subprocess.run({[sys.executable, *arguments]!r}, stdout=subprocess.DEVNULL, check=True)\n"
        "used = resource.getrusage(resource.RUSAGE_CHILDREN)\nprint(used.ru_utime + used.ru_stime)"
    )
    return float(
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments", [("-c", "import signcore"), ("-m", "signcore", "--help"), ("-m", "signcore", "list")]
)
def test_the_light_doors_take_under_150_ms_more_than_python_itself(arguments):
    extra = min(cpu(*arguments) for _ in range(5)) - min(cpu("-c", "pass") for _ in range(5))
    assert extra < 0.15
