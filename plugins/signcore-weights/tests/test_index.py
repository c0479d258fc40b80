from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def records():
    sys.path.insert(0, str(PACKAGE))
    try:
        import signcore_weights
    finally:
        sys.path.remove(str(PACKAGE))
    return signcore_weights.records()


def test_every_file_is_the_one_that_the_index_names(records):
    for record in records:
        file = Path(record["file"])
        assert hashlib.sha256(file.read_bytes()).hexdigest() == record["sha256"], file.name
        assert file.suffix == ".safetensors"


def test_every_file_is_in_the_index(records):
    held = {p.name for p in (PACKAGE / "signcore_weights").glob("*.safetensors")}
    assert held == {Path(record["file"]).name for record in records}


def test_records_say_what_they_are_for_and_how_they_were_made(records):
    for record in records:
        assert set(record) == {"component", "preset", "file", "sha256", "version", "config", "trained_by"}
        assert record["trained_by"].startswith("signcore train --")
    pairs = [(record["component"], record["preset"]) for record in records]
    assert len(pairs) == len(set(pairs))


def test_all_files_together_stay_under_28_mebibytes(records):
    assert sum(Path(record["file"]).stat().st_size for record in records) < 28 << 20
