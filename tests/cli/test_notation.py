"""`signcore notation`: what it prints, its exit codes and its errors."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from signcore.types.hamnosys import from_names

GOOD = from_names("hamsymmlr hamflathand hamextfingeruo hampalml hamtouch hammovedr")


def test_it_reads_symbol_by_symbol_and_as_a_whole(cli):
    code, out, _ = cli("notation", GOOD)
    assert code == 0
    lines = out.splitlines()
    assert lines[1].split() == [
        "1",
        "hamsymmlr",
        "U+E0E9",
        "symmetry",
        *["both", "hands", "do", "the", "same,", "mirrored", "left", "and", "right"],
    ]
    assert "handshape: flat hand, fingers together" in lines
    assert "  move down and right" in lines


def test_it_takes_names_and_files(cli, tmp_path):
    names = "hamflathand,hamextfingeru,hampalmd"
    assert cli("notation", names)[1] == cli("notation", from_names(names))[1]
    (tmp_path / "signs.txt").write_text(f"{GOOD}\n{names}\n", encoding="utf-8")
    code, out, _ = cli("notation", "--file", tmp_path / "signs.txt", "--json")
    assert code == 0
    read = json.loads(out)["signs"]
    assert [len(sign["symbols"]) for sign in read] == [6, 3]
    assert read[0]["error"] is None
    assert [0, "palm left"] in read[0]["outline"]


def test_an_ill_formed_sign_is_read_as_far_as_it_goes(cli):
    code, out, _ = cli("notation", GOOD[1:] + GOOD[1])
    assert code == 1
    assert "hamflathand" in out
    assert out.splitlines()[-1].startswith("ill-formed: notation: stopped at symbol 6 of 6, hamflathand")
    code, out, _ = cli("notation", "--json", "A" + GOOD)
    assert code == 1
    sign = json.loads(out)["signs"][0]
    assert sign["symbols"][0]["class"] == "unknown"
    assert "symbol 1 of 7 is 'A'" in sign["error"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["notation", ""], "notation: empty"),
        (["notation", "   "], "nothing but spaces"),
        (["notation"], "give a notation, or --file"),
        (["notation", "hamteapot"], "no symbol is called 'hamteapot'"),
        (["notation", "--file", "absent.txt"], "no such file"),
    ],
)
def test_errors_are_one_line(cli, arguments, words):
    code, _, err = cli(*arguments)
    assert code == 2
    assert len(err.strip().splitlines()) == 1
    assert words in err


def test_three_hundred_symbols_are_one_line(cli):
    code, out, _ = cli("notation", "--json", GOOD * 50)
    assert code == 1
    assert "300 symbols, a sign has at most 200" in json.loads(out)["signs"][0]["error"]


def test_reading_needs_nothing_heavy():
    code = "import sys; from signcore.cli import main\ntry: main(['notation', 'hamfist hamextfingeru hampalmd'])\nexcept SystemExit: pass\nprint([m for m in ('numpy', 'torch', 'pydantic') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
