"""docs/plugins.md, "Your own kernels", shows what is in this package."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = ROOT.parents[1] / "docs" / "plugins.md"


def blocks():
    """(file, its lines) of every code block of the section."""
    section = PAGE.read_text(encoding="utf-8").split("## Your own kernels")[1]
    for block in re.findall(r"```\w+\n(.*?)```", section, flags=re.S):
        first, *lines = block.splitlines()
        yield first.lstrip("#/ "), [line for line in lines if line.strip()]


@pytest.mark.skipif(not PAGE.is_file(), reason="the package is not in signcore's repository")
def test_every_line_that_the_page_shows_is_in_the_file_that_it_names():
    found = list(blocks())
    assert len(found) >= 4
    for name, lines in found:
        text = [line.strip() for line in (ROOT / name).read_text(encoding="utf-8").splitlines()]
        missing = [line for line in lines if line.strip() not in text]
        assert lines
        assert not missing, f"{name} has no line {missing[0]!r}"


@pytest.mark.skipif(not PAGE.is_file(), reason="the package is not in signcore's repository")
def test_every_file_that_the_page_names_is_there():
    section = PAGE.read_text(encoding="utf-8").split("## Your own kernels")[1]
    names = re.findall(r"^\| `([\w/.]+)`", section, flags=re.M)
    assert len(names) >= 5
    for name in names:
        assert (ROOT / name).exists(), name
