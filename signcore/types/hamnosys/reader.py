"""Stepping through a notation: what every rule of the grammar is made of, and where reading stopped."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from signcore.errors import InputError
from signcore.types.hamnosys.structure import (
    BETWEEN,
    FUSION,
    PARALLEL,
    PLUS,
    REPLACE,
    SEQUENCE,
    Action,
    Blend,
    Pair,
    mark,
)
from signcore.types.hamnosys.symbols import SYMBOLS

T = TypeVar("T")
MOVES = ("straight movement", "circle", "hand movement", "wrist movement", "no motion")
LIMB = ("limb location", "finger", "finger part")
BODY = ("head location", "trunk location", "neutral space")
_WORDS = {  # what an error says could have stood there, by class or symbol; other symbols by their names
    **dict.fromkeys(MOVES, "a movement"), **dict.fromkeys((*BODY, *LIMB, "side"), "a place"),
    **dict.fromkeys(("thumb", "bending"), "a mark of the handshape"),
    **dict.fromkeys(("size", "path", "manner", "clock", "ellipse", "size change"), "a mark of the movement"),
    **{slot: f"a {slot}" for slot in ("handshape", "finger direction", "palm", "contact", "repetition", "symmetry")},
    **dict.fromkeys((SEQUENCE[0], PARALLEL[0], FUSION[0]), "a bracket"),
    REPLACE: "a change of posture",
    **dict.fromkeys((*map(mark, ("etc", "orirelative", "largemod", "nondominant")), "punctuation", "symmetry mark"), ""),
}  # fmt: skip


def stopped(text: str, i: int, why: str) -> InputError:
    """Reading stopped at symbol `i`, counted from 0; at the length of the text: it breaks off."""
    if i < len(text):
        return InputError(
            f"notation: stopped at symbol {i + 1} of {len(text)}, {SYMBOLS[text[i]].name}: {why}"
        )
    return InputError(f"notation: breaks off after symbol {len(text)}, {SYMBOLS[text[-1]].name}: {why}")


class Reader:
    """A place in a text; `furthest` is the last place where a symbol was refused, `expected` what was wanted there."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.furthest, self.expected = 0, set[str]()

    def look(self, fits: Callable[[str], bool], *wanted: str) -> bool:
        """Whether the next symbol fits; where it does not, what was wanted (classes or symbols) is kept for the error."""
        if self.at < len(self.text) and fits(self.text[self.at]):
            return True
        if self.at > self.furthest:
            self.furthest, self.expected = self.at, set()
        if self.at == self.furthest:
            self.expected.update(_WORDS.get(w, SYMBOLS[w].name if w in SYMBOLS else w) for w in wanted)
        return False

    def take(self, *slots: str) -> str:
        """The next symbol if it is of one of these classes, else ""."""
        if not self.look(lambda c: SYMBOLS[c].slot in slots, *slots):
            return ""
        self.at += 1
        return self.text[self.at - 1]

    def run(self, *slots: str) -> str:
        """All symbols of these classes that follow."""
        start = self.at
        while self.take(*slots):
            pass
        return self.text[start : self.at]

    def step_over(self, symbols: str) -> bool:
        """Whether exactly these symbols come, which are then behind."""
        fits = self.text.startswith(symbols, self.at)
        if self.look(lambda _: fits, symbols[0]):
            self.at += len(symbols)
        return fits

    def attempt(self, rule: Callable[[], T | None]) -> T | None:
        """What the rule finds; where it finds nothing, the place is what it was."""
        start = self.at
        found = rule()
        if found is None:
            self.at = start
        return found

    def attempt_action(self, rule: Callable[[], Action | None]) -> Action | None:
        return self.attempt(rule)  # type: ignore[return-value]  # mypy joins the kinds of actions to object

    def blend(self, rule: Callable[[], T | None]) -> T | Blend[T] | None:
        """One, or one `between` another."""
        first = self.attempt(rule)
        if first is None:
            return None

        def second() -> T | None:
            return self.attempt(rule) if self.step_over(BETWEEN) else None

        other = self.attempt(second)
        return first if other is None else Blend(first, other)

    def pair(self, rule: Callable[[], T | None]) -> Pair[T] | None:
        """In brackets one for each hand."""

        def pair() -> Pair[T] | None:
            if not self.step_over(PARALLEL[0]):
                return None
            dominant = self.attempt(rule)
            if dominant is None or not self.step_over(PLUS):
                return None
            other = self.attempt(rule)
            if other is None or not self.step_over(PARALLEL[1]):
                return None
            return Pair(dominant, other)

        return self.attempt(pair)

    def refusal(self) -> InputError:
        """The error at the furthest place, with what could have stood there."""
        wanted = sorted(w for w in self.expected if w)
        return stopped(self.text, self.furthest, f"expected {', '.join(wanted)}")
