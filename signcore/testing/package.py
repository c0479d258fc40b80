"""What `signcore new` writes: a package with one component that works, its test, and its way into CI."""

from __future__ import annotations

import re
from pathlib import Path

from signcore.component import KINDS
from signcore.errors import UsageError

PYPROJECT = """\
[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"

[project]
name = "signcore-@name@"
version = "0.1.0"
description = "@summary@"
readme = "README.md"
requires-python = ">=3.11"
dependencies = ["signcore>=0.1"]

[project.optional-dependencies]
test = ["pytest"]

[project.entry-points.signcore]
@name@ = "@module@.plugin"

[tool.setuptools]
packages = ["@module@"]
"""
PLUGIN = '''\
"""The declaration: read by every signcore command, so it imports nothing heavy."""

from signcore import Component, hookimpl


@hookimpl
def signcore_components():
    return [
        Component(
            kind="@kind@",
            name="@name@",
            summary="@summary@",
            target="@module@.@kind@:@Class@",
            config="@module@.config:@Class@Config",@more@
            needs="signcore-@name@",
        )
    ]
'''
CONFIG = '''\
"""Settings@andinputs@; imports no torch."""

@imports@

class @Class@Config(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    @setting@
@inputs@'''
IMPLEMENTATION = {
    "estimator": '''\
"""Video to pose."""

import numpy as np

from signcore.types.poses import pose_from_keypoints


class @Class@:
    """The nose of the brightest person: where a frame is at least `config.threshold` bright, in the mean.

    Missing: a frame without anything so bright has no point.
    """

    def __init__(self, config, context):
        self.config, self.context = config, context

    def estimate(self, video):
        points = np.full((len(video), 137, 2), np.nan, np.float32)
        for t, frame in enumerate(self.context.progress(video, len(video), "frames")):
            rows, columns = np.nonzero(frame.mean(axis=2) >= self.config.threshold)
            if len(rows):
                points[t, 0] = columns.mean(), rows.mean()
        return pose_from_keypoints(
            points, "openpose_137", fps=video.fps, width=video.width, height=video.height
        )
''',
    "generator": '''\
"""Video to video."""

import numpy as np

from signcore.types import Video


class @Class@:
    """The driving video, mirrored, its colours `config.contrast` times as far from grey."""

    def __init__(self, config, context):
        self.config, self.context = config, context

    def generate(self, inputs):
        driving = inputs.driving

        def make(start):
            for frame in driving[start:]:
                strong = (frame[:, ::-1].astype(np.float32) - 128) * self.config.contrast + 128
                yield strong.clip(0, 255).astype(np.uint8)

        return Video.from_stream(make, len(driving), driving.height, driving.width, driving.fps)
''',
    "recognizer": '''\
"""Pose to glosses."""

import numpy as np

from signcore import Hypothesis
from signcore.errors import InputError
from signcore.types.poses import keypoints


class @Class@:
    """Tells signs that move from signs that rest, by the mean speed of the points in widths of the picture a second."""

    vocabulary = ("MOVES", "RESTS")

    def __init__(self, config, context):
        self.config, self.context = config, context

    def recognize(self, sample):
        pose = getattr(sample, "pose", sample)  # of a video: the pose that its maker knows
        if pose is None or not hasattr(pose, "body"):
            raise InputError("sample: @name@ reads poses", "name an estimator")
        points = keypoints(pose)
        seen = np.isfinite(points).all(axis=-1)
        if not seen.any():
            return [Hypothesis([], 0.0)]
        steps = np.linalg.norm(np.diff(points, axis=0), axis=-1)
        still = not np.isfinite(steps).any()
        speed = 0.0 if still else float(np.nanmean(steps)) * float(pose.body.fps) / pose.header.dimensions.width
        moves = 1 / (1 + np.exp(-(speed - self.config.threshold) / 0.05))
        scored = {"MOVES": moves, "RESTS": 1 - moves}
        times = [(0.0, len(points) / float(pose.body.fps))]
        best = sorted(scored, key=scored.get, reverse=True)
        return [Hypothesis([gloss], float(np.log(max(scored[gloss], 1e-12))), times) for gloss in best]
''',
    "metric": '''\
"""Poses to a score."""

import math

import numpy as np

from signcore.errors import InputError
from signcore.types.poses import keypoints


class @Class@:
    """Mean difference of two poses' speeds, in pixels a frame times `config.scale`; 0 is best.

    Missing: frames in which either pose lacks a point do not count for it.
    """

    def __init__(self, config, context):
        self.config = config
        self.reset()

    def reset(self):
        self.total, self.count = 0.0, 0

    def update(self, prediction, reference):
        a, b = keypoints(prediction), keypoints(reference)
        if a.shape != b.shape:
            raise InputError(f"prediction: is {list(a.shape)}, the reference {list(b.shape)}")
        apart = np.abs(np.linalg.norm(np.diff(a, axis=0), axis=-1) - np.linalg.norm(np.diff(b, axis=0), axis=-1))
        apart = apart[np.isfinite(apart)]
        self.total += self.config.scale * float(apart.sum())
        self.count += len(apart)

    def compute(self):
        return {"@name@": self.total / self.count if self.count else math.nan}

    def merge(self, other):
        self.total += other.total
        self.count += other.count

    def signature(self):
        return f"@name@|scale:{self.config.scale:g}|version:1"
''',
    "dataset": '''\
"""Poses on disk."""

from functools import partial

from signcore import Sample
from signcore.errors import ConfigError, InputError
from signcore.types import read_pose


class @Class@:
    """One sample a file GLOSS_SIGNER.pose of a folder, in the order of their names."""

    def __init__(self, config, context):
        if config is None:
            raise ConfigError("dataset @name@: path: is needed")
        self.files = sorted(config.path.glob("*.pose"))
        if not self.files:
            raise InputError(f"{config.path}: holds no .pose files")

    def __len__(self):
        return len(self.files)

    def __getitem__(self, index):
        if not 0 <= index < len(self):
            raise IndexError(f"sample {index} of {len(self)}")
        file = self.files[index]
        gloss, _, signer = file.stem.partition("_")
        return Sample(id=file.stem, pose=partial(read_pose, file), glosses=[gloss], signer=signer or None)
''',
}
SETTING = {
    "estimator": ('threshold: float = Field(200.0, ge=1, le=255, description="how bright a person is", json_schema_extra={"unit": "grey levels"})', ""),
    "generator": ('contrast: float = Field(1.5, gt=0, le=10, description="how much further from grey the colours are")', ""),
    "recognizer": ('threshold: float = Field(0.1, ge=0, le=10, description="speed from which on a sign moves", json_schema_extra={"unit": "widths/s"})', ""),
    "metric": ('scale: float = Field(1.0, gt=0, le=1000, description="what the score is multiplied by")', ""),
    "dataset": ('path: Path = Field(description="the folder of GLOSS_SIGNER.pose files")', "from pathlib import Path\n\n"),
}  # fmt: skip
INPUTS = """

class @Class@Inputs(BaseModel):
    model_config = ConfigDict(arbitrary_types_allowed=True)

    driving: Video = Field(description="the video that is mirrored")
"""
SUMMARY = {
    "estimator": "Finds the brightest place of every frame.",
    "generator": "Mirrors a video and strengthens its colours.",
    "recognizer": "Tells signs that move from signs that rest.",
    "metric": "Difference of two poses' speeds; 0 is best.",
    "dataset": "A folder of poses named GLOSS_SIGNER.pose.",
}
TEST = '''\
"""The conformance kit over everything that this package declares."""

from signcore.testing import conformance

test_conformance = conformance("signcore-@name@")
'''
DATASET_TEST = '''\
"""The conformance kit over everything that this package declares."""

import tempfile
from pathlib import Path

import numpy as np

from signcore.testing import conformance
from signcore.types import write_pose
from signcore.types.poses import pose_from_keypoints

FOLDER = Path(tempfile.mkdtemp())
for name in ("HOUSE_a", "TREE_b"):
    points = np.random.default_rng(len(name)).uniform(10, 90, (5, 137, 2))
    write_pose(FOLDER / f"{name}.pose", pose_from_keypoints(points, "openpose_137", fps=25, width=100, height=100))

test_conformance = conformance("signcore-@name@", {"dataset @name@": {"settings": {"path": FOLDER}}})
'''
README = """\
# signcore-@name@

@summary@ A plugin of signcore.

```sh
pip install -e ".[test]"
signcore show @kind@ @name@
@use@
pytest
```

`signcore check @kind@ @name@` runs the conformance kit: what passed, what failed, what was skipped and why.
"""
USE = {
    "estimator": "signcore run --estimator @name@ --video clip.mp4 --output out",
    "generator": "signcore run --generator @name@ --driving clip.mp4 --output out",
    "recognizer": "signcore run --recognizer @name@ --pose sign.pose --output out",
    "metric": "signcore run --generator hamnosys --metric @name@ --reference sign.pose --output out",
    "dataset": "signcore check dataset @name@ --set path=poses/",
}
WORKFLOW = """\
name: test
on: [push, pull_request]
jobs:
  test:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with: {python-version: "3.12"}
      - run: pip install -e ".[test]"
      - run: pytest
"""


def package(kind: str, name: str) -> dict[str, str]:
    """A new package's files by path. Raises UsageError where kind or name cannot be one."""
    if kind not in KINDS:
        raise UsageError(f"there is no kind {kind!r}", f"kinds: {', '.join(KINDS)}")
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name):
        raise UsageError(f"name {name!r}: expected lower-case letters, digits and dashes")
    words = {
        "kind": kind,
        "name": name,
        "module": f"signcore_{name.replace('-', '_')}",
        "Class": "".join(part.capitalize() for part in name.split("-")),
        "summary": SUMMARY[kind],
    }
    generates = kind == "generator"
    setting, first = SETTING[kind]
    imports = f"{first}from pydantic import BaseModel, ConfigDict, Field\n"
    more = {
        "more": {
            "generator": '\n            inputs="@module@.config:@Class@Inputs",\n            output="video",',
            "metric": '\n            output="pose",',
        }.get(kind, ""),
        "imports": imports + ("\nfrom signcore.types import Video\n" if generates else ""),
        "setting": setting,
        "inputs": INPUTS if generates else "",
        "andinputs": " and inputs" if generates else "",
        "use": USE[kind],
    }

    def filled(text: str) -> str:
        for _ in range(2):  # what is filled in holds names itself
            text = re.sub(r"@(\w+)@", lambda m: {**words, **more}[m[1]], text)
        return text

    folder = words["module"]
    files = {
        "pyproject.toml": PYPROJECT,
        "README.md": README,
        ".github/workflows/test.yml": WORKFLOW,
        f"{folder}/__init__.py": '"""@summary@"""\n',
        f"{folder}/plugin.py": PLUGIN,
        f"{folder}/config.py": CONFIG,
        f"{folder}/{kind}.py": IMPLEMENTATION[kind],
        "tests/test_conformance.py": DATASET_TEST if kind == "dataset" else TEST,
    }
    return {path: filled(text) for path, text in files.items()}


def write_package(kind: str, name: str, folder: Path) -> list[Path]:
    """Write a new package into a folder that is not there yet, or empty. Raises UsageError."""
    files = package(kind, name)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder}: is there already", "name another folder with --output")
    written = []
    for path, text in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        written.append(target)
    return written
