"""A plugin package written outside this repository: pip-installed, found, listed, run and scored without touching signcore."""

import json
import os
import subprocess
import sys
import textwrap

import pytest

PYPROJECT = """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
[project]
name = "outside-lab"
version = "0.3"
[project.entry-points.signcore]
outside = "outside_lab.plugin"
[tool.setuptools]
packages = ["outside_lab"]
"""
PLUGIN = """
from signcore import Component, hookimpl

@hookimpl
def signcore_components():
    return [
        Component(kind="generator", name="reversed", summary="The driving video backwards.",
                  target="outside_lab.work:Reversed", inputs="outside_lab.config:Inputs"),
        Component(kind="metric", name="brightness", summary="Mean grey level difference.",
                  target="outside_lab.work:Brightness", output="video"),
    ]
"""
CONFIG = """
from pydantic import BaseModel, ConfigDict, Field
from signcore.types import Video

class Inputs(BaseModel):
    model_config = ConfigDict(arbitrary_types_allowed=True)
    driving: Video = Field(description="video to turn around")
"""
WORK = """
class Reversed:
    def __init__(self, config, context): pass
    def generate(self, inputs): return inputs.driving[::-1]

class Brightness:
    def __init__(self, config, context): self.reset()
    def reset(self): self.values = []
    def update(self, prediction, reference):
        self.values.append(abs(float(prediction.numpy().mean()) - float(reference.numpy().mean())))
    def merge(self, other): self.values += other.values
    def compute(self): return {"brightness": sum(self.values) / max(1, len(self.values))}
    def signature(self): return "brightness|version:1"
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The package, pip-installed into a folder of its own that stands on PYTHONPATH."""
    source, site = tmp_path_factory.mktemp("outside"), tmp_path_factory.mktemp("site")
    (source / "outside_lab").mkdir()
    (source / "pyproject.toml").write_text(PYPROJECT)
    for name, text in {"__init__": "", "plugin": PLUGIN, "config": CONFIG, "work": WORK}.items():
        (source / "outside_lab" / f"{name}.py").write_text(textwrap.dedent(text))
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        "--no-build-isolation",
    ]
    subprocess.run([*pip, "--target", str(site), str(source)], check=True, capture_output=True)
    return site


def signcore(installed, *arguments):
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    command = [sys.executable, "-m", "signcore", *map(str, arguments)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_it_is_found_listed_run_and_scored(installed, clip, tmp_path):
    listed = json.loads(signcore(installed, "list", "--json").stdout)["components"]
    ours = {(c["kind"], c["name"], c["version"]) for c in listed if c["distribution"] == "outside-lab"}
    assert ours == {("generator", "reversed", "0.3"), ("metric", "brightness", "0.3")}
    done = signcore(
        installed, "run", "--generator", "reversed", "--driving", clip, "--metric", "brightness", "--metric", "l1",
        "--reference", clip, "--output", tmp_path / "out",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    about = json.loads((tmp_path / "out" / "run.json").read_text())
    scores = {s["name"]: s["value"] for s in about["scores"]}
    assert scores["brightness"] == pytest.approx(0, abs=1e-9)
    assert scores["l1"] > 0
    assert {c["distribution"] for c in about["components"]} == {"outside-lab", "signcore"}
