"""The symbol table and the tokenizer."""

from __future__ import annotations

import csv
import json

import pytest

from signcore.errors import InputError
from signcore.types import hamnosys

HOUSE = "hamsymmlr,hamflathand,hamextfingeruo,hampalml"


def test_the_vocabulary_is_pad_bos_and_210_symbols_in_ascending_order():
    assert hamnosys.VOCABULARY_SIZE == 212
    codes = [s.code for s in hamnosys.SYMBOLS.values()]
    assert codes == sorted(codes)
    assert hamnosys.encode(" \ue000") == [1, 2, 11]
    assert hamnosys.encode("\ue0f1")[-1] == 211


def test_names_and_meanings_are_distinct():
    assert len({s.name for s in hamnosys.SYMBOLS.values()}) == 210
    assert len({s.meaning for s in hamnosys.SYMBOLS.values()}) == 210


def test_the_table_is_the_published_one(shared):
    table = (shared / "data" / "notation" / "hamnosys_symbols.tsv").read_text(encoding="utf-8")
    rows = csv.DictReader(table.splitlines(), delimiter="\t")
    assert {(r["codepoint"], r["name"]) for r in rows} == {
        (f"U+{s.code:04X}", s.name) for s in hamnosys.SYMBOLS.values()
    }


def test_every_symbol_survives_tokens_and_names():
    everything = "".join(hamnosys.SYMBOLS)
    assert hamnosys.decode(hamnosys.encode(everything)) == everything
    assert hamnosys.from_names(hamnosys.to_names(everything)) == everything


def test_real_names_are_aligned_with_the_characters(shared):
    entries = json.loads((shared / "data" / "notation" / "hamnosys.json").read_text(encoding="utf-8"))
    named = [e for e in entries.values() if "ham" in (e["hamnosys_text"] or "")]
    assert len(named) > 1000
    for entry in named:
        assert hamnosys.from_names(entry["hamnosys_text"]) == entry["hamnosys"]
        assert hamnosys.decode(hamnosys.encode(entry["hamnosys"])) == entry["hamnosys"]


def test_an_unknown_character_is_an_error_that_says_where_or_is_skipped():
    text = hamnosys.from_names(HOUSE)
    with pytest.raises(InputError, match=r"symbol 3 of 5 is 'A' \(U\+0041\)"):
        hamnosys.encode(text[:2] + "A" + text[2:])
    assert hamnosys.encode(text[:2] + "A" + text[2:], "skip") == hamnosys.encode(text)
    with pytest.raises(InputError, match="expected 'error' or 'skip'"):
        hamnosys.encode(text, "guess")


@pytest.mark.parametrize("number", [-1, 212])
def test_a_number_outside_the_vocabulary_is_refused(number):
    with pytest.raises(InputError, match=str(number)):
        hamnosys.decode([1, number])
