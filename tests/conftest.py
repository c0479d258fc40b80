from __future__ import annotations

import importlib
import os
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
SHARED = Path(os.environ.get("SIGNCORE_SHARED", ROOT.parent / "shared"))


@pytest.fixture(autouse=True)
def _seeded():
    """The same random weights every time, in tests that draw them from torch's global generator."""
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data and oracles, which is not part of the repository."""
    if not SHARED.is_dir():
        pytest.skip("the shared data are not on this machine (SIGNCORE_SHARED names their folder)")
    return SHARED


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(7)


@pytest.fixture
def distribution(tmp_path, monkeypatch):
    """Make an installed distribution with one plugin module out of source text, without pip."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))

    def make(name: str, source: str, version: str = "1.2", entry: str = "plugin") -> Path:
        module = name.replace("-", "_")
        (site / f"{module}.py").write_text(textwrap.dedent(source))
        info = site / f"{module}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        (info / "entry_points.txt").write_text(f"[signcore]\n{entry} = {module}\n")
        return site / f"{module}.py"

    before = set(sys.modules)
    yield make
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(site)):
            del sys.modules[name]
    importlib.invalidate_caches()


@pytest.fixture
def registry():
    """A registry of its own: plugins are found anew."""
    from signcore.registry import Registry

    return Registry()


STATIC = '''
import numpy as np
from signcore import Component, hookimpl
from signcore.types import Video

class Static:
    """Grey frames."""
    def __init__(self, config, context): pass
    def generate(self, inputs): return Video.from_array(np.full((5, 32, 32, 3), 128, np.uint8), 10)

@hookimpl
def signcore_components():
    return [Component(kind="generator", name="{name}", summary="Grey frames.", target="{module}:Static")]
'''


@pytest.fixture
def static():
    """Source text of a plugin with one generator."""
    return lambda name, module: STATIC.replace("{name}", name).replace("{module}", module)


@pytest.fixture
def cli(monkeypatch, capsys):
    """Run the command line in this process, with plugins found anew: cli("list") -> (exit code, stdout, stderr)."""
    import signcore.api
    import signcore.cli
    import signcore.registry

    def call(*arguments: object) -> tuple[int, str, str]:
        fresh = signcore.registry.Registry()
        monkeypatch.setattr(signcore.registry, "registry", fresh)
        monkeypatch.setattr(signcore.api, "registry", fresh)
        words = [str(a) for a in arguments]
        monkeypatch.setattr(sys, "argv", ["signcore", *words])
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            signcore.cli.main(words)
        out, err = capsys.readouterr()
        return left.value.code, out, err

    return call


@pytest.fixture(scope="session")
def clip(tmp_path_factory) -> Path:
    """A short video file, 48x40 pixels, 12 frames at 12.5 a second, with its pose beside it."""
    from signcore.types import Video, layouts, write_pose, write_video
    from signcore.types.poses import pose_from_keypoints

    folder = tmp_path_factory.mktemp("clip")
    frames = np.full((12, 40, 48, 3), 90, np.uint8)
    for t in range(12):
        frames[t, 10:30, 2 * t : 2 * t + 12] = [200, 150, 120]
    write_video(folder / "clip.mp4", Video.from_array(frames, 12.5))
    points = np.random.default_rng(0).uniform(5, 35, (12, len(layouts.layout_names("openpose_137")), 2))
    pose = pose_from_keypoints(points, "openpose_137", fps=12.5, width=48, height=40)
    write_pose(folder / "clip.pose", pose)
    return folder / "clip.mp4"


@pytest.fixture(scope="session")
def picture(tmp_path_factory) -> Path:
    from signcore.types import write_image

    path = tmp_path_factory.mktemp("picture") / "person.png"
    write_image(path, np.random.default_rng(1).integers(0, 255, (50, 60, 3), np.uint8))
    return path
