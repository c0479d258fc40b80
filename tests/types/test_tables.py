import numpy as np
import pytest

from signcore.errors import InputError
from signcore.types import Tracks, read_table, read_text
from signcore.types.tracks import read_tracks, write_tracks

ROWS = {
    "a.csv": 'id,glosses\n1,HOUSE DRINK\n\n2,"A, B"\n',
    "a.tsv": "id\tglosses\n1\tHOUSE DRINK\n2\tA, B\n",
    "a.json": '[{"id": 1, "glosses": "HOUSE DRINK"}, {"id": 2, "glosses": "A, B"}]',
    "b.json": '{"1": {"glosses": "HOUSE DRINK"}, "2": {"glosses": "A, B"}}',
    "a.jsonl": '{"id": 1, "glosses": "HOUSE DRINK"}\n{"id": 2, "glosses": "A, B"}\n',
}


@pytest.mark.parametrize("name", ROWS)
def test_a_table_reads_the_same_from_every_form(tmp_path, name):
    (tmp_path / name).write_text(ROWS[name], encoding="utf-8-sig" if name == "a.csv" else "utf-8")
    rows = read_table(tmp_path / name, ["glosses"])
    assert [(r.values["id"], r.values["glosses"]) for r in rows] == [("1", "HOUSE DRINK"), ("2", "A, B")]


def test_lines_are_the_files_own(tmp_path):
    (tmp_path / "a.csv").write_text(ROWS["a.csv"])
    assert [r.line for r in read_table(tmp_path / "a.csv")] == [2, 4]
    (tmp_path / "a.txt").write_text("one\n\ntwo\n")
    assert [(r.line, r.values["text"]) for r in read_table(tmp_path / "a.txt")] == [(1, "one"), (3, "two")]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", "id,glosses\n1\n", "line 2 has 1 columns"),
        ("a.csv", "id,glosses\n1,\n", ":2: column 'glosses' is missing or empty"),
        ("a.csv", "id\n1\n", "column 'glosses'"),
        ("a.csv", "", "holds no rows"),
        ("a.json", "{", "is not JSON"),
        ("a.json", "3", "expected a list of objects"),
        ("a.jsonl", '{"glosses": "a"}\n[', "line 2 is not JSON"),
        ("a.xls", "x", "not a table"),
    ],
)
def test_a_bad_table_is_refused_with_its_line(tmp_path, name, content, words):
    (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match=words):
        read_table(tmp_path / name, ["glosses"])


def test_text_that_is_not_utf8_is_refused(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not UTF-8"):
        read_text(tmp_path / "a.txt")


def test_tracks_are_read_as_written(tmp_path, random):
    tracks = Tracks(
        {"mediapipe": random.normal(size=(4, 258)).astype(np.float32)},
        25,
        {"mediapipe": np.array([1, 1, 0, 1], bool)},
    )
    write_tracks(tmp_path / "x.safetensors", tracks)
    back = read_tracks(tmp_path / "x.safetensors")
    assert np.array_equal(back.features["mediapipe"], tracks.features["mediapipe"])
    assert back.presence["mediapipe"].tolist() == [True, True, False, True]
    assert (back.fps, back.widths, len(back)) == (25, {"mediapipe": 258}, 4)


def test_tracks_that_do_not_fit_together_are_refused(tmp_path):
    with pytest.raises(InputError, match="different lengths"):
        Tracks({"a": np.zeros((3, 2)), "b": np.zeros((4, 2))}, 25)
    with pytest.raises(InputError, match="no numbers"):
        Tracks({"a": np.full((3, 2), np.nan)}, 25)
    (tmp_path / "x.safetensors").write_bytes(b"junk")
    with pytest.raises(InputError, match="not a readable tracks file"):
        read_tracks(tmp_path / "x.safetensors")
