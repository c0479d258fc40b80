"""What the documentation shows, runs: every Python block, every command that takes seconds; of the others every word is checked.

Of a plugin's own README the commands are checked; its Python is for its own tests. A block that cannot run anywhere but where its data are says so above itself: <!-- not run: REASON -->.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    *sorted(p for p in (ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "plugins").glob("*/README.md")),
]
STAGES = ("estimator", "generator", "recognizer", "metric", "dataset")
NOT_RUN = "<!-- not run:"


def name(page):
    return str(page.relative_to(ROOT))


def blocks(page, *languages):
    """(text, marked) of the page's fenced blocks of these languages; marked: the reason for which one is not run."""
    found = re.findall(
        rf"(?:{NOT_RUN} (.*?) -->\n+)?^```({'|'.join(languages)})\n(.*?)^```",
        page.read_text(),
        flags=re.S | re.M,
    )
    return [(text, reason) for reason, _, text in found]


def commands(page):
    """The words after `signcore` of every command line in the page's shell blocks."""
    for text, _ in blocks(page, "sh", "console"):
        for line in text.replace("\\\n", " ").splitlines():
            if line.startswith("signcore "):
                yield shlex.split(line, comments=True)[1:]


def playground(folder):
    """What the pages' examples call their files."""
    import numpy as np

    import signcore
    from signcore import Hypothesis, load
    from signcore.recognition.transcript import write_transcript
    from signcore.types import hamnosys, read_pose, write_image, write_pose, write_video
    from signcore.types.tracks import write_tracks

    sign = load("generator", "synthetic").generate(load_inputs("generator", "synthetic")(gloss="FIRE BOOK"))
    for file in ("sign.mp4", "clip.mp4", "me.mp4"):
        write_video(folder / file, sign)
    for file in ("sign.pose", "clip.pose", "made.pose", "other.pose", "new.pose", "me.pose"):
        write_pose(folder / file, sign.pose)
    for file in ("person.png", "me.png", "cleo.png"):
        write_image(folder / file, np.asarray(sign[0]))
        write_pose((folder / file).with_suffix(".pose"), sign[:1].pose)
    moved = read_pose(folder / "made.pose")
    moved.body.data[..., 0] += np.linspace(0, 9, len(moved.body.data))[:, None, None]
    write_pose(folder / "made.pose", moved)
    text = hamnosys.from_names("hamflathand hamextfingeru hampalmd hamforehead hamlrat hamtouch hammoveor")
    for file in ("sign.txt", "signs.txt"):
        (folder / file).write_text(text + "\n")
    (folder / "signs.csv").write_text(f"id,notation\nhello,{text}\n")
    signcore.run(generator="hamnosys", notation=text, output=folder / "mine")
    write_transcript(
        folder / "recording.eaf",
        [Hypothesis(["FIRE", "BOOK"], -0.5, [(0.2, 0.8), (0.8, 1.5)])],
        folder / "sign.mp4",
    )
    (folder / "speed").mkdir()
    (folder / "speed" / "all.json").write_text("{}")
    sample = load("dataset", "synthetic-sentences", clips=1, test_clips=0, min_glosses=1, max_glosses=1)[0]
    write_tracks(folder / "clip.safetensors", sample.tracks)


def load_inputs(kind, component):
    from signcore.registry import registry, resolve

    record, found = registry.find(kind, component)
    return resolve(record, found, found.inputs)


@pytest.fixture(scope="session")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("playground")
    playground(folder)
    return folder


def needs_weights():
    from signcore.weights import shipped

    if shipped("generator", "ham2pose", "small") is None:
        pytest.skip("signcore-weights is not installed")


@pytest.mark.parametrize(
    "page", [p for p in PAGES if blocks(p, "python") and "plugins" not in p.parts], ids=name
)
def test_the_pages_python_runs(page, files, tmp_path, monkeypatch):
    if any(word in page.read_text() for word in ("ham2pose", "pgmm", "signcore.plugins.lmt")):
        needs_weights()
    shutil.copytree(files, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    space: dict = {"__name__": "__page__"}
    for text, reason in blocks(page, "python"):
        # The kit's line asks for the package that the page is about to write.
        if not reason and "conformance(" not in text:
            exec(compile(text, str(page), "exec"), space)


def parsed(words):
    """The click context of a command, with its options known and its values of the right type."""
    import click

    from signcore.cli import cli

    command = cli.get_command(click.Context(cli), words[0])
    assert command is not None, f"no verb {words[0]}"
    return command.make_context(words[0], list(words[1:]), parent=click.Context(cli))


@pytest.mark.parametrize("page", [p for p in PAGES if list(commands(p))], ids=name)
def test_commands_have_verbs_options_parts_and_settings_that_exist(page, files, monkeypatch):
    monkeypatch.chdir(files)
    from signcore.registry import PUBLISHED, registry
    from signcore.runs.request import Chosen, assign_settings, parse_set

    for words in commands(page):
        line = f"{name(page)}: signcore {' '.join(words)}"
        written, words = words, [w for w in words if w != "..." and not w.startswith("$")]
        chosen = []
        for option, value in pairwise(words):
            kind, part = option.removeprefix("--"), value.partition("[")[0]
            if option.startswith("--") and kind in STAGES and part not in registry.names(kind):
                # A package of ours that is not installed here, or one that the page is about to write.
                assert (kind, part) in PUBLISHED or part.startswith("my-"), line
                break
            if option.startswith("--") and kind in STAGES:
                chosen.append(Chosen(kind, part, *registry.find(kind, part)))
        else:
            if words[0] == "new" or (words[0] in ("show", "check") and words[2].startswith("my-")):
                continue
            try:
                context = parsed(words)
            except Exception as error:
                raise AssertionError(f"{line}: {error}") from error
            sets = [s for s in context.params.get("sets") or () if "--rows" not in words]
            if chosen and sets and not any(w.startswith("$") for w in written):
                assign_settings(chosen, parse_set(list(sets)))
                for c in chosen:
                    known = c.config_model().model_fields if c.config_model() else {}
                    assert set(c.values) <= set(known), f"{line}: {set(c.values) - set(known)}"


def why_not(words, here):
    """Why a command is not run in the folder `here`, or an empty string."""
    if words[0] in ("train", "evaluate"):
        return "trains or judges for minutes"
    if words[0] in ("map", "bench", "new", "check", "convert-weights"):
        return "is run by the tests of its verb"
    if words[0] == "view" and "-o" not in words:
        return "opens a browser"
    if "preset=paper" in " ".join(words):
        return "is the paper's size"
    for option, word in pairwise(words):
        value = word.rpartition("=")[2]
        if re.fullmatch(r"0|rtsp://.*", value) and option == "--video":
            return "looks into a camera"
        # A folder or a file of the reader's own, or what a training made.
        named = re.fullmatch(r"[\w./-]*(/|/\w[\w.-]*|\.[a-z]\w{1,10})", value)
        if (
            named
            and not word.startswith("-")
            and option not in ("--output", "-o")
            and not (here / value).exists()
        ):
            return f"reads {value}"
    return ""


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("page", [p for p in PAGES if list(commands(p))], ids=name)
def test_commands_that_take_seconds_run(page, files, tmp_path):
    from signcore.registry import registry

    needs_weights()
    shutil.copytree(files, tmp_path / "here")
    ran = 0
    for i, words in enumerate(commands(page)):
        parts = [
            (o.removeprefix("--"), v.partition("[")[0])
            for o, v in pairwise(words)
            if o.removeprefix("--") in STAGES
        ]
        if why_not(words, tmp_path / "here") or any(v not in registry.names(k) for k, v in parts):
            continue
        for option in ("--output", "-o"):
            if option in words:
                words[words.index(option) + 1] = f"out{i}"
        done = subprocess.run(
            [sys.executable, "-m", "signcore", *words], cwd=tmp_path / "here", capture_output=True, text=True, check=False,
            env={**os.environ, "MPLBACKEND": "agg"},
        )  # fmt: skip
        assert done.returncode == 0, f"{name(page)}: signcore {' '.join(words)}\n{done.stderr}"
        ran += 1
    if not ran:
        pytest.skip("every command of this page trains, or reads what is not here")


def test_the_fast_verbs_of_the_readme_run(cli, files, tmp_path, monkeypatch):
    shutil.copytree(files, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    ran = [
        w for w in commands(ROOT / "README.md") if w[0] == "notation" or ("hamnosys" in w and w[0] == "run")
    ]
    for words in ran:
        code, _, err = cli(*words)
        assert code == 0, f"{words}: {err}"
    assert len(ran) >= 2


def test_blocks_have_a_language_that_is_checked():
    """So that no block escapes: what is neither run nor checked is text."""
    known = {
        "sh",
        "console",
        "python",
        "text",
        "toml",
        "tsv",
        "json",
        "{toctree}",
        "{made} verbs",
        "{made} components",
        "{made} public-names",
    }
    for page in PAGES:
        fences = re.findall(r"^```(.*)$", page.read_text(), flags=re.M)[::2]
        assert set(fences) <= known, f"{name(page)}: {set(fences) - known}"


def test_links_lead_somewhere():
    for page in [*PAGES, ROOT / "CONTRIBUTING.md"]:
        for target in re.findall(r"\]\(([^)#\s]+)\)", page.read_text()):
            if "://" not in target:
                made = ROOT / "docs" / "reference"
                assert (page.parent / target).exists() or (page.parent / target).parent == made, (
                    f"{name(page)} links to {target}"
                )


def test_every_page_is_in_the_contents():
    listed = set()
    for page in (ROOT / "docs").rglob("*.md"):
        for tree in re.findall(r"```\{toctree\}\n(.*?)```", page.read_text(), flags=re.S):
            listed |= {page.parent / f"{e}.md" for e in tree.split() if not e.startswith(":")}
    assert {p for p in (ROOT / "docs").rglob("*.md") if p.stem != "index"} <= listed


@pytest.mark.slow
def test_the_pages_build_without_a_warning(tmp_path):
    pytest.importorskip("sphinx", reason="sphinx is not installed: pip install --group docs")
    pytest.importorskip("furo", reason="furo is not installed: pip install --group docs")
    pytest.importorskip("myst_parser", reason="myst-parser is not installed: pip install --group docs")
    build = [
        sys.executable,
        "-m",
        "sphinx",
        "--quiet",
        "--fail-on-warning",
        "--keep-going",
        ROOT / "docs",
        tmp_path,
    ]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    components = (tmp_path / "reference" / "components.html").read_text()
    api = (tmp_path / "reference" / "api.html").read_text()
    listed = json.loads(
        subprocess.run(
            [sys.executable, "-m", "signcore", "list", "--json"], capture_output=True, check=True
        ).stdout
    )
    for c in listed["components"]:
        if c["distribution"] == "signcore":
            assert f">{c['name']}<" in components, c["name"]
    for line in (ROOT / "tests" / "public_api.txt").read_text().splitlines():
        public = line.partition("(")[0].rpartition(".")[2]
        assert public.startswith("__") or public in api, line
