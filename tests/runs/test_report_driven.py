"""The report, driven in chromium (by playwright) and in Firefox (by Mozilla's marionette), as a person with a keyboard would."""

import contextlib
import functools
import http.server
import json
import os
import shutil
import threading
import time

import pytest

import signcore

pytestmark = pytest.mark.slow
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


@pytest.fixture(scope="module")
def pages(tmp_path_factory, clip, picture):
    """A folder with two reports: videos with scores, and a video that was read."""
    from signcore.types import read_pose, read_video
    from signcore.weights import shipped

    if shipped("recognizer", "signx", "small") is None:
        pytest.skip("signcore-weights is not installed")
    folder = tmp_path_factory.mktemp("pages")
    driving = read_video(clip)
    driving.pose = read_pose(clip.with_suffix(".pose"))
    signcore.run(
        generator="repeat-source", source=picture, driving=driving, output=folder / "scored", settings={"size": 64},
        metric=["l1", "tcd"],
    )  # fmt: skip
    signcore.run(generator="synthetic", gloss="FIRE BOOK", recognizer="signx", output=folder / "read")
    return folder


@pytest.fixture(scope="module")
def server(pages):
    """(address, the list of what was asked for): any second request of a page would be seen."""
    asked = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            asked.append(self.path)

    serving = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Handler, directory=str(pages))
    )
    threading.Thread(target=serving.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{serving.server_port}", asked
    serving.shutdown()


class Chromium:
    def __init__(self, page):
        self.page = page
        self.js = lambda code: page.evaluate(f"() => {{ {code} }}")
        self.key = page.keyboard.press
        self.get = page.goto


class Firefox:
    def __init__(self, driver):
        from marionette_driver.keys import Keys

        self.driver = driver
        self.get = driver.navigate
        names = {"ArrowLeft": Keys.ARROW_LEFT, "ArrowRight": Keys.ARROW_RIGHT, "Home": Keys.HOME, "End": Keys.END,
                 "Shift+ArrowRight": Keys.SHIFT + Keys.ARROW_RIGHT, "Space": " "}  # fmt: skip
        body = functools.partial(driver.find_element, "tag name", "body")
        self.key = lambda name: body().send_keys(names.get(name, name))
        self.js = functools.partial(driver.execute_script, sandbox=None)


@contextlib.contextmanager
def chromium():
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("chromium is not installed")
    api = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed: pip install --group browser"
    )
    with api.sync_playwright() as player:
        browser = player.chromium.launch(executable_path=path, args=FLAGS)
        yield Chromium(browser.new_page(viewport={"width": 1000, "height": 800}))
        browser.close()


@contextlib.contextmanager
def firefox():
    path = shutil.which("firefox-esr") or shutil.which("firefox")
    if path is None:
        pytest.skip("Firefox is not installed")
    api = pytest.importorskip(
        "marionette_driver.marionette",
        reason="marionette_driver is not installed: pip install --group browser",
    )
    driver = api.Marionette(bin=path, headless=True, port=0, gecko_log=os.devnull, startup_timeout=180)
    driver.start_session()
    yield Firefox(driver)
    driver.quit()


@pytest.fixture(scope="module", params=[chromium, firefox], ids=["chromium", "firefox"])
def browser(request):
    with request.param() as driven:
        yield driven


@pytest.fixture
def page(browser, server):
    """page(name): the report `name`, loaded."""

    def load(name):
        browser.get(f"{server[0]}/{name}/report.html")
        until(browser, "return document.body.dataset.ready === '1'")
        return browser

    return load


def until(browser, condition, seconds=30.0):
    end = time.monotonic() + seconds
    while not browser.js(condition):
        assert time.monotonic() < end, condition
        time.sleep(0.05)


DATA = "return document.getElementById('data').textContent"
FRAME = "const frame = Number(document.getElementById('seek').value); return "
CLOCK = "return document.getElementById('clock').textContent"
TIMES = "return [...document.querySelectorAll('video')].map(v => v.currentTime)"


def test_it_asks_for_nothing_and_could_not(page, server):
    before = len(server[1])
    shown = page("scored")
    assert server[1][before:] == ["/scored/report.html"]
    shown.js("window.got = 0; fetch('/scored/run.json').then(() => window.got = 1, () => window.got = 2)")
    until(shown, "return window.got")
    assert shown.js("return window.got") == 2
    assert server[1][before:] == ["/scored/report.html"]


def test_keys_step_all_videos_and_the_curves(page):
    shown = page("scored")
    shown.key("End")
    shown.key("Home")
    for _ in range(3):
        shown.key("ArrowRight")
    assert shown.js(CLOCK).startswith("frame 4 of 12")
    until(shown, "return [...document.querySelectorAll('video')].every(v => !v.seeking)")
    assert shown.js(TIMES) == pytest.approx([3.5 / 12.5] * 2, abs=0.01)
    assert float(shown.js("return document.querySelector('svg line').getAttribute('x1')")) == pytest.approx(
        3.5 / 12 * 100
    )
    values = json.loads(shown.js(DATA))["series"]["l1"]
    assert float(shown.js("return document.querySelector('.curve b').textContent")) == pytest.approx(
        values[3], rel=5e-3
    )
    assert "frame 4 of 12" in shown.js(
        "return document.getElementById('said').textContent"
    )  # to a screen reader
    shown.key("Shift+ArrowRight")
    assert shown.js(CLOCK).startswith("frame 12 of 12")


def test_it_plays_in_step_and_stops_in_step(page):
    shown = page("scored")
    shown.key("[")
    shown.key("[")
    assert shown.js("return document.getElementById('speed').value") == "0.25"
    shown.key("Space")
    until(shown, FRAME + "frame >= 3 && frame < 11")
    assert shown.js("return document.getElementById('play').textContent") == "Pause"
    shown.key("Space")
    until(shown, "return [...document.querySelectorAll('video')].every(v => !v.seeking && v.paused)")
    frame = shown.js(FRAME + "frame")
    assert shown.js(TIMES) == pytest.approx([(frame + 0.5) / 12.5] * 2, abs=0.02)


def test_the_pose_is_drawn_over_the_video_and_taken_away(page):
    shown = page("scored")
    coloured = """const c = document.querySelector('canvas');
    return c.style.display === 'none' ? 0 : c.getContext('2d').getImageData(0, 0, c.width, c.height).data.filter((x, i) => i % 4 === 3 && x).length"""
    assert shown.js(coloured) == 0
    shown.key("p")
    assert shown.js(coloured) > 100
    shown.key("p")
    assert shown.js(coloured) == 0


def test_glosses_are_subtitles_at_their_times(page):
    shown = page("read")
    asked, read = json.loads(shown.js(DATA))["captions"]
    assert asked["cues"][0][2] == "FIRE BOOK"
    lines = "return [...document.querySelectorAll('#subtitles b')].map(b => b.textContent)"
    start, _, gloss = read["cues"][0]
    assert shown.js(lines) == ["FIRE BOOK", gloss if start == 0 else ""]
    shown.js("document.querySelector('.lane button').click()")
    assert shown.js(lines) == ["FIRE BOOK", gloss]
    shown.key("c")
    assert shown.js("return document.getElementById('subtitles').hidden")


def test_nothing_is_wider_than_a_narrow_window(page):
    shown = page("read")
    if isinstance(shown, Chromium):
        shown.page.set_viewport_size({"width": 360, "height": 700})
    else:
        shown.driver.set_window_rect(width=460, height=700)  # Firefox has no narrower window
    wide = "const e = document.documentElement; return e.scrollWidth - e.clientWidth"
    assert shown.js("return innerWidth") <= 500
    assert shown.js(wide) <= 0


def test_dark_and_light_pages_pass_axe_and_print_on_white(browser, server):
    if not isinstance(browser, Chromium):
        pytest.skip("axe and the print medium are driven in chromium")
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    dull = "const c = getComputedStyle(document.body).backgroundColor; return c.match(/[0-9]+/g).slice(0, 3).reduce((a, b) => a + Number(b), 0) / 3"
    # axe is a script of its own, which the page's policy would refuse.
    context = browser.page.context.browser.new_context(bypass_csp=True)
    tab = context.new_page()
    shown = Chromium(tab)
    for name in ("scored", "read"):
        tab.goto(f"{server[0]}/{name}/report.html")
        for scheme in ("light", "dark"):
            tab.emulate_media(color_scheme=scheme, media="screen")
            assert (shown.js(dull) > 128) == (scheme == "light")
            found = axe.Axe().run(tab).response["violations"]
            assert not found, [(v["id"], v["nodes"][0]["html"]) for v in found]
        tab.emulate_media(color_scheme="dark", media="print")
        assert shown.js(dull) > 240
        assert shown.js("return getComputedStyle(document.getElementById('bar')).display") == "none"
    context.close()
