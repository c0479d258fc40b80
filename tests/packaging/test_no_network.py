"""No telemetry: the verbs look nothing up and connect to nothing, unless a hub's name asks for it."""

import os
import subprocess
import sys

import pytest

WATCH = """
import sys
def watch(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"):
        with open({log!r}, "a") as log:
            print(event, arguments[1:] if event == "socket.connect" else arguments, file=log)
        raise OSError("no network here")
sys.addaudithook(watch)
"""
NOTATION = "hamfist hamextfingeru hampalml hamshoulders hammoveu"


@pytest.fixture
def watched(tmp_path):
    """watched(*words) -> (exit code, what was asked of the network), of a `signcore` process that gets none."""
    site, log = tmp_path / "site", tmp_path / "asked.txt"
    site.mkdir()
    (site / "sitecustomize.py").write_text(WATCH.format(log=str(log)))

    def run(*words):
        environment = {**os.environ, "PYTHONPATH": str(site), "HF_HUB_OFFLINE": "0", "HF_HOME": str(tmp_path)}
        command = [sys.executable, "-m", "signcore", *map(str, words)]
        done = subprocess.run(
            command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
        )
        return done.returncode, log.read_text() if log.exists() else ""

    return run


@pytest.mark.parametrize(
    "words",
    [
        ("list",),
        ("plugins",),
        ("doctor",),
        ("run", "--generator", "hamnosys", "--notation", NOTATION, "--output", "out"),
        ("run", "--generator", "synthetic", "--gloss", "FIRE", "--recognizer", "signx", "--output", "out"),
    ],
    ids=lambda words: " ".join(words[:3]),
)
def test_nothing_is_asked_of_the_network(watched, words):
    from signcore.weights import shipped

    if "signx" in words and shipped("recognizer", "signx", "small") is None:
        pytest.skip("signcore-weights is not installed")
    assert watched(*words) == (0, "")


def test_the_watch_sees_a_hub_that_is_asked_for(watched):
    words = (
        "run",
        "--generator",
        "ham2pose",
        "--notation",
        NOTATION,
        "--weights",
        "nobody/nothing",
        "--output",
        "out",
    )
    code, asked = watched(*words)
    assert code != 0
    assert "huggingface.co" in asked
