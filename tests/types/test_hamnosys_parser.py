"""The parser: real strings and their structure, what it refuses, and the reading in words."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signcore.errors import InputError
from signcore.types import hamnosys
from signcore.types.hamnosys.structure import (
    Blend,
    Both,
    Group,
    Handshape,
    Move,
    Pair,
    Repeat,
    Replace,
    Target,
)


def notation(words: str) -> str:
    """`fist extfingeru` and single characters to symbols."""
    return "".join(w if len(w) == 1 else hamnosys.from_names("ham" + w) for w in words.split())


def only(words: str):
    """The one sign of a notation."""
    (sign,) = hamnosys.parse(notation(words))
    return sign


HAND = "flathand extfingeru palmd"


@pytest.fixture(scope="module")
def real(shared):
    entries = json.loads((shared / "data" / "notation" / "hamnosys.json").read_text(encoding="utf-8"))
    return {key: entry["hamnosys"] for key, entry in entries.items()}


def test_nearly_all_real_notations_parse_and_print_as_they_were(real):
    refusals = []
    for text in real.values():
        try:
            structure = hamnosys.parse(text)
        except InputError as error:
            refusals.append(error.line())
            continue
        assert str(structure) == text
    assert len(refusals) < 0.01 * len(real)
    assert all("stopped at symbol" in r or "breaks off after symbol" in r for r in refusals)


def test_it_is_the_order_that_parses_not_the_symbols(real):
    draw = np.random.default_rng(0)
    accepted = 0
    for text in list(real.values())[:400]:
        try:
            hamnosys.parse("".join(draw.permutation(list(text))))
        except InputError:
            continue
        accepted += 1
    assert accepted <= 4


def test_symmetry_says_what_the_other_hand_does():
    sign = only(f"symmlr largemod alternatingmotion {HAND}")
    assert (sign.symmetry.mirrored, sign.symmetry.opposite_heights, sign.symmetry.alternating) == (True,) * 3
    assert not sign.symmetry.opposite_depths
    assert not only(f"symmpar {HAND}").symmetry.mirrored
    assert only(f"symmlr {HAND}").two_handed
    assert not only(HAND).two_handed


def test_a_handshape_has_thumb_bending_and_single_fingers():
    shape = (
        only("finger2345 thumboutmod fingerbendmod middlefinger fingerstraightmod extfingeru palmd")
        .posture.hand()
        .shape
    )
    assert shape == Handshape(notation("finger2345"), notation("thumboutmod fingerbendmod"), shape.details)
    (detail,) = shape.details
    assert (detail.fingers, detail.marks) == (notation("middlefinger"), notation("fingerstraightmod"))
    between = only("flathand between finger2345 thumboutmod extfingeru palmd").posture.hand().shape
    assert isinstance(between, Blend)
    assert between.second.marks == notation("thumboutmod")


def test_two_hands_share_what_is_said_once():
    posture = only("parbegin fist plus flathand parend extfingero palml").posture
    assert posture.hand(True).shape.base == notation("fist")
    assert posture.hand(False).shape.base == notation("flathand")
    assert posture.hand(True).palm == posture.hand(False).palm


def test_a_place_has_side_distance_and_the_part_that_touches():
    (place,) = only(f"{HAND} chin lrat seqbegin touch thumb fingertip seqend").places
    assert (place.where.spot.before, place.where.spot.after) == ("", notation("lrat"))
    assert place.where.contact.symbols == notation("touch")
    assert place.where.contact.part.symbols == notation("thumb fingertip")
    (other,) = only(f"{HAND} lrat chin").places
    assert (other.where.spot.before, other.where.spot.after) == (notation("lrat"), "")


def test_two_hands_meet_somewhere():
    first, second = only(f"symmlr {HAND} parbegin palm plus handback parend touch shoulders").places
    assert isinstance(first.where, Pair)
    assert first.contact.symbols == notation("touch")
    assert second.where.spot.symbols == notation("shoulders")


def test_movements_come_in_sequence_in_parallel_and_for_each_hand():
    sign = only(
        f"symmlr {HAND} moveo smallmod parbegin moved replace fist parend parbegin moveu plus nomotion parend chest touch "
        "repeatfromstart"
    )
    move, group, both, target, repeat = sign.actions
    assert isinstance(move, Move)
    assert move.marks == notation("smallmod")
    assert isinstance(group, Group)
    assert isinstance(group.actions[1], Replace)
    assert isinstance(both, Both)
    assert isinstance(target, Target)
    assert isinstance(repeat, Repeat)


def test_signs_are_joined_by_plus_and_a_space_may_follow():
    structure = hamnosys.parse(notation(f"{HAND} moveo plus symmlr {HAND}") + " ")
    assert [sign.two_handed for sign in structure] == [False, True]
    assert structure.after == " "


REFUSED = {
    "fingerbendmod": "symbol 1 of 1, hamfingerbendmod",
    "fingerbendmod flathand extfingeru palmd": "symbol 1 of 4, hamfingerbendmod",
    f"shoulders {HAND}": "symbol 1 of 4, hamshoulders",
    "moveo": "symbol 1 of 1, hammoveo",
    "flathand flathand extfingeru palmd": "symbol 2 of 4, hamflathand: a posture says",
    "flathand extfingeru": "breaks off after symbol 2, hamextfingeru: expected",
    "flathand palmd": "hampalmd: expected a finger direction",
    "flathand palmd extfingeru": "hampalmd|hamextfingeru",
    "flathand extfingeru extfingerd palmd": "symbol 3 of 4, hamextfingerd",
    "flathand extfingeru palmd palmu": "symbol 4 of 4, hampalmu",
    "flathand between extfingeru palmd": "symbol 3 of 4, hamextfingeru: expected a handshape",
    "flathand thumboutmod thumbacrossmod extfingeru palmd": "symbol 3 of 5, hamthumbacrossmod",
    "flathand indexfinger indexfinger extfingeru palmd": "symbol 2 of 5|symbol 4 of 5",
    f"symmlr symmpar {HAND}": "symbol 2 of 5, hamsymmpar",
    f"{HAND} smallmod": "symbol 4 of 4, hamsmallmod",
    f"{HAND} chest lrat lrat": "symbol 6, hamlrat: expected a place",
    f"{HAND} lrat": "breaks off after symbol 4, hamlrat",
    f"{HAND} chest stomach belowstomach smallmod": "hamsmallmod",
    f"{HAND} repeatfromstart": "symbol 4 of 4, hamrepeatfromstart",
    f"{HAND} moveo smallmod smallmod smallmod": "symbol 7 of 7, hamsmallmod",
    f"{HAND} fingerplay arcu": "symbol 5 of 5, hamarcu",
    f"{HAND} moveo clocku": "symbol 5 of 5, hamclocku",
    f"{HAND} replace": "breaks off after symbol 4, hamreplace",
    f"{HAND} replace moveo": "symbol 5 of 5, hammoveo",
    f"{HAND} parbegin moveo": "symbol 4 of 5, hamparbegin: this bracket is never closed",
    f"{HAND} moveo parend": "symbol 5 of 5, hamparend: it closes a bracket that is not open",
    f"{HAND} parbegin moveo seqend": "symbol 6 of 6, hamseqend",
    f"{HAND} parbegin parend": "symbol 5 of 5, hamparend",
    f"{HAND} parbegin moveo plus parend": "symbol 7 of 7, hamparend",
    f"{HAND} plus": "breaks off after symbol 4, hamplus",
    f"parbegin {HAND} plus fist parend": "expected a finger direction",
    f"{HAND} moveo {{": "symbol 5 of 5, hamaltbegin",
    f"{HAND} mime": "symbol 4 of 4, hammime",
}  # fmt: skip


@pytest.mark.parametrize("words", REFUSED)
def test_what_is_ill_formed_is_refused_at_its_symbol(words):
    with pytest.raises(InputError, match=REFUSED[words]) as refusal:
        hamnosys.parse(notation(words))
    assert "\n" not in refusal.value.line()
    assert len(refusal.value.line()) < 260


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        ("   \n", "nothing but spaces"),
        ("\ue001A", "symbol 2 of 2 is 'A'"),
        (notation(HAND) + notation("moveo") * 297, "300 symbols, a sign has at most 200"),
        (notation(HAND) + notation("parbegin") * 9 + notation("parend") * 9, "nested more than 8 deep"),
    ],
)
def test_what_is_no_notation_at_all_is_refused(text, words):
    with pytest.raises(InputError, match=words):
        hamnosys.parse(text)


def test_deep_brackets_do_not_take_forever():
    text = notation(HAND) + notation("parbegin") * 8 + notation("moveo") + notation("parend") * 8
    assert str(hamnosys.parse(text)) == text


def test_a_text_holds_signs_by_lines_spaces_or_names():
    one = notation(HAND)
    assert hamnosys.split_signs(f"{one}\n{one} {one}\n") == [one] * 3
    assert hamnosys.split_signs("hamflathand, hamextfingeru hampalmd") == [one]
    with pytest.raises(InputError, match="'hamteapot'"):
        hamnosys.split_signs("hamteapot")
    with pytest.raises(InputError, match="'hamfistt'") as refusal:
        hamnosys.split_signs("hamfistt")
    assert refusal.value.hint == "did you mean hamfist?"
    with pytest.raises(InputError, match="nothing but spaces"):
        hamnosys.split_signs(" \n ")


def test_the_outline_tells_every_part():
    lines = [
        words
        for _, words in hamnosys.outline(
            hamnosys.parse(
                notation(
                    "symmlr fist between flathand extfingeru palmd lrat chin close parbegin moveo smallmod replace palmu parend "
                    "repeatfromstart plus flathand extfingeru palmd"
                )
            )
        )
    ]
    text = "\n".join(lines)
    for words in (
        "sign 1", "sign 2", "mirrored", "between fist and flat hand", "left side of chin, close", "at the same time",
        "move out, small", "changes to", "once more",
    ):  # fmt: skip
        assert words in text


def test_a_readings_rows_name_every_symbol_and_where_it_stopped():
    rows = hamnosys.reading_rows(notation("fist extfingeru"))
    assert [name for name, _ in rows] == ["hamfist", "hamextfingeru", "in all"]
    assert "breaks off" in rows[-1][1]
    several = hamnosys.reading_rows(f"{notation(HAND)}\n{notation(HAND)}")
    assert [name for name, _ in several if name.startswith("sign")] == ["sign 1", "sign 2"]


def test_the_pages_python_runs(capsys):
    page = Path(__file__).parents[2] / "docs" / "hamnosys.md"
    (block,) = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.S)
    exec(compile(block, str(page), "exec"), {})
    assert "place: chin, touching it" in capsys.readouterr().out


@given(st.text(st.sampled_from("".join(hamnosys.SYMBOLS)), max_size=60))
def test_any_row_of_symbols_is_read_back_or_refused_in_one_line(text):
    try:
        assert str(hamnosys.parse(text)) == text
    except InputError as refusal:
        assert "\n" not in refusal.line()  # noqa: PT017
