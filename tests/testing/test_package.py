"""`signcore new`: every kind installs apart, passes its own tests, and works from the command line."""

import os
import subprocess
import sys

import numpy as np
import pytest

from signcore.component import KINDS
from signcore.errors import UsageError
from signcore.testing.package import package, write_package
from signcore.types import Video, write_pose, write_video
from signcore.types.poses import pose_from_keypoints


def test_every_word_is_filled_in():
    for kind in KINDS:
        files = package(kind, "my-thing")
        assert f"signcore_my_thing/{kind}.py" in files
        for path, text in files.items():
            assert "@name@" not in text, path
            assert "@Class@" not in text, path
            if path.endswith(".py"):
                compile(text, path, "exec")


def test_what_cannot_be_written_is_refused(tmp_path):
    with pytest.raises(UsageError, match="no kind 'thing'"):
        package("thing", "a")
    with pytest.raises(UsageError, match="lower-case"):
        package("metric", "My Thing")
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="is there already"):
        write_package("metric", "a", tmp_path)
    assert (tmp_path / "mine.txt").read_text() == "mine"


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_new_package_installs_passes_and_works(kind, tmp_path, cli):
    code, out, _ = cli("new", kind, f"my-{kind}", "-o", tmp_path / "package")
    assert code == 0
    assert "plugin.py" in out
    environment = tmp_path / "environment"

    def run(*command, **more):
        done = subprocess.run(command, capture_output=True, text=True, check=False, **more)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run(sys.executable, "-m", "venv", "--without-pip", environment)
    own = next((environment / "lib").glob("python*/site-packages"))
    (own / "beside.pth").write_text("\n".join(p for p in sys.path if p.endswith("site-packages")))
    run(
        sys.executable,
        "-m",
        "pip",
        "install",
        "-q",
        "--no-deps",
        "--no-build-isolation",
        "--target",
        own,
        tmp_path / "package",
    )
    python, home = (
        environment / "bin" / "python",
        {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
    )
    tested = run(
        python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests", cwd=tmp_path / "package", env=home
    )
    assert "1 passed" in tested

    points = np.random.default_rng(0).uniform(5, 60, (6, 137, 2))
    write_pose(
        tmp_path / "HOUSE_a.pose", pose_from_keypoints(points, "openpose_137", fps=25, width=64, height=64)
    )
    write_video(tmp_path / "clip.mp4", Video.from_array(np.full((6, 64, 64, 3), 230, np.uint8), 25))
    signcore = (python, "-m", "signcore")
    commands = {
        "estimator": ("run", "--estimator", "my-estimator", "--video", "clip.mp4", "-o", "out"),
        "generator": ("run", "--generator", "my-generator", "--driving", "clip.mp4", "-o", "out"),
        "recognizer": ("run", "--recognizer", "my-recognizer", "--pose", "HOUSE_a.pose", "-o", "out"),
        "metric": ("check", "metric", "my-metric"),
        "dataset": ("check", "dataset", "my-dataset", "--set", "path=."),
    }
    said = run(*signcore, *commands[kind], cwd=tmp_path, env=home)
    assert "result:" in said or "0 failed" in said
