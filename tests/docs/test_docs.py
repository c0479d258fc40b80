"""What the documentation shows, runs: every Python block of the kernels' pages, and every command's names exist."""

import re
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [
    *sorted((ROOT / "docs" / "kernels").glob("*.md")),
    *(ROOT / "docs" / f"{n}.md" for n in ("hamnosys", "ham2pose", "signx")),
]


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_the_pages_python_runs(page, tmp_path, monkeypatch):
    from signcore.weights import shipped

    if page.stem == "ham2pose" and shipped("generator", "ham2pose", "small") is None:
        pytest.skip("signcore-weights is not installed")
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", page.read_text(), flags=re.S)
    assert blocks
    space: dict = {}
    for block in blocks:
        exec(compile(block, str(page), "exec"), space)


def commands(page):
    for block in re.findall(r"```sh\n(.*?)```", page.read_text(), flags=re.S):
        for line in block.splitlines():
            words = line.split("#")[0].split()
            if words[:1] == ["signcore"]:
                yield words[1:]


def test_commands_name_parts_that_exist():
    from signcore.registry import PUBLISHED, registry

    found = 0
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for words in commands(page):
            for option, name in pairwise(words):
                kind = option.removeprefix("--")
                if kind in (
                    "estimator",
                    "generator",
                    "recognizer",
                    "metric",
                    "dataset",
                ) and option.startswith("--"):
                    known = registry.names(kind) + [n for k, n in PUBLISHED if k == kind]
                    assert name in known, f"{page.name}: {' '.join(words)}"
                    found += 1
    assert found > 5


def test_links_lead_somewhere():
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#\s]+)\)", page.read_text()):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.relative_to(ROOT)} links to {target}"
