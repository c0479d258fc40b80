"""Notation to the numbers of a model's vocabulary and back: one a character (Ham2Pose)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from signcore.errors import InputError
from signcore.types.hamnosys.symbols import SYMBOLS

PAD, BOS, FIRST = 0, 1, 2
VOCABULARY_SIZE = FIRST + len(SYMBOLS)  # 212
Unknown = Literal["error", "skip"]
_IDS = {character: FIRST + i for i, character in enumerate(SYMBOLS)}
_CHARACTERS = list(SYMBOLS)


def encode(text: str, unknown: Unknown = "error") -> list[int]:
    """[bos, one id a symbol]: ids from 2 on in ascending order of the code points, no end mark.

    Raises InputError where `unknown` is "error" and a character is no HamNoSys symbol; "skip" leaves it out.
    """
    if unknown == "error":
        check_symbols(text)
    elif unknown != "skip":
        raise InputError(f"unknown: expected 'error' or 'skip', got {unknown!r}")
    return [BOS, *(_IDS[c] for c in text if c in _IDS)]


def decode(ids: Iterable[int]) -> str:
    """The symbols of `ids`; pad and bos stand for nothing. Raises InputError for a number outside the vocabulary."""
    characters = []
    for i in ids:
        if not 0 <= i < VOCABULARY_SIZE:
            raise InputError(f"ids: {i} is not in the vocabulary of 0 to {VOCABULARY_SIZE - 1}")
        if i >= FIRST:
            characters.append(_CHARACTERS[i - FIRST])
    return "".join(characters)


def check_symbols(text: str) -> None:
    """Raise InputError where a character is no HamNoSys symbol, with its place."""
    for i, character in enumerate(text):
        if character not in SYMBOLS:
            raise InputError(
                f"notation: symbol {i + 1} of {len(text)} is {character!r} (U+{ord(character):04X}), which HamNoSys lacks",
                "signcore notation shows a notation symbol by symbol",
            )
