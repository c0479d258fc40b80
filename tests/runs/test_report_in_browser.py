"""The report in a real browser: it plays, steps and draws, without a request to anywhere."""

import re
import shutil
import subprocess

import pytest

import signcore

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")


@pytest.fixture(scope="module")
def report(tmp_path_factory, clip, picture):
    folder = tmp_path_factory.mktemp("report")
    run = signcore.run(
        generator="repeat-source",
        source=picture,
        driving=clip,
        output=folder / "out",
        settings={"size": 64},
        metric=["l1", "tcd"],
    )
    return run.report


def browse(page, folder, *arguments):
    command = [
        CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
        "--disable-background-networking", "--disable-component-update", f"--user-data-dir={folder}", "--virtual-time-budget=8000",
        *arguments, f"file://{page}",
    ]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout


def test_the_page_loads_its_videos_and_shows_scores_and_curves(report, tmp_path):
    dom = browse(report, tmp_path, "--dump-dom")
    assert 'data-ready="1"' in dom
    assert dom.count("<figure>") == 3
    assert len(re.findall(r"<video[^>]*data:video/mp4", dom)) == 2
    assert "frame 1 of 12" in dom
    assert "l1|range:0..1|reduce:mean|version:1" in dom
    assert dom.count("<svg") == 2
    assert "signcore" in dom


def test_stepping_moves_every_panel(report, tmp_path):
    page = report.read_text()
    probe = """<script>
    document.addEventListener("readystatechange", () => {});
    setTimeout(() => {
      document.getElementById("on").click(); document.getElementById("on").click();
      dispatchEvent(new KeyboardEvent("keydown", {key: "ArrowRight"}));
      setTimeout(() => {
        document.body.dataset.times = [...document.querySelectorAll("video")].map(v => v.currentTime.toFixed(3)).join(",");
        document.body.dataset.clock = document.getElementById("clock").textContent;
      }, 500);
    }, 3000);
    </script></body>"""
    altered = tmp_path / "probe.html"
    altered.write_text(page.replace("</body>", probe))
    dom = browse(altered, tmp_path / "profile", "--dump-dom")
    assert 'data-clock="frame 4 of 12' in dom
    assert 'data-times="0.280,0.280"' in dom  # the middle of frame 3 at 12.5 a second


def test_a_screenshot_has_the_pictures(report, tmp_path):
    from signcore.types import read_image

    shot = tmp_path / "shot.png"
    browse(report, tmp_path / "profile", "--window-size=1000,900", f"--screenshot={shot}")
    colours = read_image(shot).array[60:520]
    assert (
        len({tuple(c) for c in colours.reshape(-1, 3)[::97].tolist()}) > 100
    )  # the noise picture is on the page
