"""The tables in docs/tables can be trained: every row's settings are what its component takes."""

import re
from pathlib import Path

import pytest

from signcore.registry import registry
from signcore.training.rows import read_rows

DOCS = Path(__file__).parents[2] / "docs"
TABLES = sorted((DOCS / "tables").glob("*.toml"))


def configured(path):
    return {
        row.name: registry.configure(*registry.find(row.kind, row.generator), row.settings)
        for row in read_rows(path)
    }


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.stem)
def test_every_row_is_a_component_s_settings(path):
    assert len(configured(path)) > 1
    for row in read_rows(path):
        assert registry.find(row.kind, row.generator)[1].task is not None


def lmt(name):
    return configured(DOCS / "tables" / f"lmt-{name}.toml")


def test_rows_of_one_table_of_lmt_see_the_same_clips():
    from signcore.plugins.lmt.clips import places

    for name in ("attention", "codebook", "downsampling", "losses", "mask"):
        assert len({tuple(places(60, settings)) for settings in lmt(name).values()}) == 1, name


def test_the_second_stage_s_tables_take_the_first_stage_of_the_page():
    page = (DOCS / "lmt.md").read_text()
    for name in ("losses", "mask"):
        for settings in lmt(name).values():
            folder = str(settings.stage_one).removesuffix("/weights")
            assert re.search(rf"generator\.stages=first .*--output {folder}$", page, re.M)
            assert settings.recognizer == "clip-frames"
