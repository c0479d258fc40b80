"""A string of HamNoSys to its structure: a recursive descent over the grammar in docs/hamnosys.md.

Every rule either takes symbols and returns a record or leaves the place where it was and returns None; the furthest place at
which a symbol was refused, with what could have stood there, is what an error says.
"""

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
    Bearing,
    Blend,
    Both,
    Contact,
    Detail,
    Group,
    Hand,
    Handshape,
    Location,
    Move,
    Notation,
    Pair,
    Place,
    Posture,
    Repeat,
    Replace,
    Sign,
    Spot,
    Symmetry,
    Target,
    mark,
)
from signcore.types.hamnosys.symbols import SYMBOLS
from signcore.types.hamnosys.tokenizer import check_symbols

LONGEST = 200  # symbols; the longest sign in the published corpora has 104
DEEPEST = 8  # brackets in brackets
T = TypeVar("T")

_SAME_SHAPE = mark("nondominant") + mark("etc")
_TILDE, _ETC = mark("orirelative"), mark("etc")
_WHERE = (mark("behind"), mark("brushing"))
_STOPS = " \u00a0!,.?"
_STILL, _EXEMPT = mark("nomotion"), mark("largemod")
_MOVES = ("straight movement", "circle", "hand movement", "wrist movement", "no motion")
_WAVES = (mark("wavy"), mark("zigzag"))
_LIMB = ("limb location", "finger", "finger part")
_BODY = ("head location", "trunk location", "neutral space")
_WORDS = {  # what an error says could have stood there
    **dict.fromkeys(_MOVES, "a movement"), **dict.fromkeys((*_BODY, *_LIMB, "side"), "a place"),
    **dict.fromkeys(("thumb", "bending"), "a mark of the handshape"),
    **dict.fromkeys(("size", "path", "manner", "clock", "ellipse", "size change"), "a mark of the movement"),
    **{slot: f"a {slot}" for slot in ("handshape", "finger direction", "palm", "contact", "repetition", "symmetry")},
    **dict.fromkeys((SEQUENCE[0], PARALLEL[0], FUSION[0]), "a bracket"),
    **dict.fromkeys((_ETC, _TILDE, _EXEMPT, _SAME_SHAPE[0], "hand", "punctuation", "symmetry mark"), ""),
    REPLACE: "a change of posture",
}  # fmt: skip


def parse(text: str) -> Notation:
    """The structure of a notation; `str(parse(text)) == text`.

    Raises InputError, in one line, where it is empty, too long, holds a character that is no symbol, or is ill-formed: the
    message names the symbol at which reading stopped and what could have stood there.
    """
    if not text.strip():
        raise InputError("notation: empty" if not text else "notation: nothing but spaces")
    check_symbols(text)
    if len(text) > LONGEST:
        raise InputError(
            f"notation: {len(text)} symbols, a sign has at most {LONGEST}", "give several signs one by one"
        )
    _check_brackets(text)
    return _Parser(text).notation()


def _check_brackets(text: str) -> None:
    closing = dict((SEQUENCE, PARALLEL, FUSION))
    opened: list[int] = []
    for i, character in enumerate(text):
        if character in closing:
            opened.append(i)
            if len(opened) > DEEPEST:
                raise _stopped(text, i, f"brackets are nested more than {DEEPEST} deep")
        elif character in closing.values() and (not opened or closing[text[opened.pop()]] != character):
            raise _stopped(text, i, "it closes a bracket that is not open")
    if opened:
        raise _stopped(text, opened[-1], "this bracket is never closed")


def _stopped(text: str, i: int, why: str) -> InputError:
    if i < len(text):
        return InputError(
            f"notation: stopped at symbol {i + 1} of {len(text)}, {SYMBOLS[text[i]].name}: {why}"
        )
    return InputError(f"notation: breaks off after symbol {len(text)}, {SYMBOLS[text[-1]].name}: {why}")


def _are_neighbours(first: str, second: str) -> bool:
    """Whether a finger direction lies between these two: they share an axis' end, and no axis' two ends."""
    if SYMBOLS[second].slot != "finger direction" or first == second:
        return False
    one, two = (set(SYMBOLS[c].name.removeprefix("hamextfinger")) for c in (first, second))
    return bool(one & two) and not any(set(axis) <= one | two for axis in ("ud", "lr", "oi"))


def _on_body(place: Place) -> bool:
    spot = place.where.spot if isinstance(place.where, Location) else None
    spot = spot.first if isinstance(spot, Blend) else spot
    return spot is not None and SYMBOLS[spot.symbols[0]].slot in _BODY


def _missing(hand: Hand) -> str:
    return "handshape" if hand.shape is None else "finger direction" if hand.direction is None else "palm"


class _Parser:
    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.furthest, self.expected = 0, set[str]()

    # what every rule is made of

    def _look(self, fits: Callable[[str], bool], *wanted: str) -> bool:
        """Whether the next symbol fits; where it does not, what was wanted (classes or symbols) is kept for the error."""
        if self.at < len(self.text) and fits(self.text[self.at]):
            return True
        if self.at > self.furthest:
            self.furthest, self.expected = self.at, set()
        if self.at == self.furthest:
            self.expected.update(_WORDS.get(w, SYMBOLS[w].name if w in SYMBOLS else w) for w in wanted)
        return False

    def _take(self, *slots: str) -> str:
        """The next symbol if it is of one of these classes, else ""."""
        if not self._look(lambda c: SYMBOLS[c].slot in slots, *slots):
            return ""
        self.at += 1
        return self.text[self.at - 1]

    def _run(self, *slots: str) -> str:
        start = self.at
        while self._take(*slots):
            pass
        return self.text[start : self.at]

    def _is(self, symbols: str) -> bool:
        """Step over exactly these symbols."""
        fits = self.text.startswith(symbols, self.at)
        if self._look(lambda _: fits, symbols[0]):
            self.at += len(symbols)
        return fits

    def _try(self, rule: Callable[[], T | None]) -> T | None:
        start = self.at
        found = rule()
        if found is None:
            self.at = start
        return found

    def _try_action(self, rule: Callable[[], Action | None]) -> Action | None:
        return self._try(rule)  # type: ignore[return-value]  # mypy joins the kinds of actions to object

    def _blend(self, rule: Callable[[], T | None]) -> T | Blend[T] | None:
        first = self._try(rule)
        if first is None:
            return None

        def second() -> T | None:
            return self._try(rule) if self._is(BETWEEN) else None

        other = self._try(second)
        return first if other is None else Blend(first, other)

    def _pair(self, rule: Callable[[], T | None]) -> Pair[T] | None:
        def pair() -> Pair[T] | None:
            if not self._is(PARALLEL[0]):
                return None
            dominant = self._try(rule)
            if dominant is None or not self._is(PLUS):
                return None
            other = self._try(rule)
            if other is None or not self._is(PARALLEL[1]):
                return None
            return Pair(dominant, other)

        return self._try(pair)

    # a notation is signs

    def notation(self) -> Notation:
        signs = []
        while True:
            sign = self._try(self._sign)
            if sign is None:
                raise self._refusal()
            signs.append(sign)
            if not self._is(PLUS):
                break
        start = self.at
        while self._look(lambda c: c in _STOPS, "punctuation"):
            self.at += 1
        after = self.text[start : self.at]
        if self.at < len(self.text):
            raise self._refusal()
        return Notation(tuple(signs), after)

    def _refusal(self) -> InputError:
        wanted = sorted(w for w in self.expected if w)
        return _stopped(self.text, self.furthest, f"expected {', '.join(wanted)}")

    def _sign(self) -> Sign | None:
        side = self._take("hand") if not self.text.startswith(_SAME_SHAPE, self.at) else ""
        symmetry = None if side else self._symmetry()
        posture = self._try(lambda: self._posture(whole=True))
        if posture is None:
            return None
        places = [place for place in [self._try(self._place)] if place is not None]
        if places and not _on_body(places[0]):
            places += [p for p in [self._try(self._meeting_place)] if p is not None]
        return Sign(side, symmetry, posture, tuple(places), self._actions())

    def _symmetry(self) -> Symmetry | None:
        kind = self._take("symmetry")
        if not kind:
            return None
        start = self.at
        marks = {mark("fingerstraightmod"), mark("largemod"), mark("alternatingmotion")}
        while marks and self._look(lambda c: c in marks, "symmetry mark"):
            marks.discard(self.text[self.at])
            self.at += 1
        return Symmetry(kind + self.text[start : self.at])

    # posture

    def _posture(self, whole: bool = False) -> Posture | None:
        """whole: shape, finger direction and palm must all be said of every hand of which anything is."""
        parts: list[Hand | Pair[Hand]] = []
        while True:
            start = self.at
            part: Hand | Pair[Hand] | None = self._pair(lambda: self._hand(change=not whole))
            part = part or self._try(self._hand)
            if part is None:
                break
            parts.append(part)
            try:
                hands = [Posture(tuple(parts)).hand(True), Posture(tuple(parts)).hand(False)]
            except ValueError:
                why = "a posture says handshape, finger direction and palm once each, in this order"
                raise _stopped(self.text, start, why) from None
            if whole:
                self._check_order(part, start, hands)
        if not parts:
            return None
        if whole and any(hand.palm is None for hand in hands):
            further, missing = self.furthest > self.at, _missing(next(h for h in hands if h.palm is None))
            raise self._refusal() if further else _stopped(self.text, self.at, f"expected a {missing}")
        return Posture(tuple(parts))

    def _check_order(self, part: Hand | Pair[Hand], start: int, hands: list[Hand]) -> None:
        """Raise InputError where a hand has a part after one that is missing: it cannot come any more."""
        for hand in hands:
            if hand.shape is None or (hand.direction is None and hand.palm is not None):
                own = part.shape if isinstance(part, Hand) else None
                at = start + (0 if own is None else len(str(own)))
                raise _stopped(self.text, at, f"expected a {_missing(hand)}")

    def _hand(self, change: bool = False) -> Hand | None:
        if change and self._is(_STILL):
            return Hand(still=_STILL)
        shape = self._blend(self._handshape)
        direction = self._blend(self._direction)
        palm = self._blend(self._palm)
        return None if shape is direction is palm is None else Hand(shape, direction, palm)

    def _handshape(self) -> Handshape | None:
        if self._is(_SAME_SHAPE):
            return Handshape(_SAME_SHAPE)
        base = self._take("handshape")
        if not base:
            return None
        marks = self._shape_marks()
        details = []
        while (detail := self._try(self._detail)) is not None:
            details.append(detail)
        return Handshape(base, marks, tuple(details))

    def _shape_marks(self) -> str:
        """Each of thumb position and bending at most once, in any order."""
        start, slots = self.at, ["thumb", "bending"]
        while slots and (character := self._take(*slots)):
            slots.remove(SYMBOLS[character].slot)
        return self.text[start : self.at]

    def _detail(self) -> Detail | None:
        start = self.at
        if not self._run("finger"):
            return None
        self._try(lambda: (self._is(BETWEEN) and self._run("finger")) or None)
        fingers = self.text[start : self.at]
        if len(set(fingers)) < len(fingers):
            return None
        marks = _EXEMPT if self._is(_EXEMPT) else self._take("bending", "finger part", "thumb")
        return Detail(fingers, marks)

    def _direction(self) -> Bearing | None:
        symbols = self._take("finger direction")
        if not symbols:
            return None
        if self._look(lambda c: _are_neighbours(symbols, c)):
            symbols += self._take("finger direction")
        return Bearing(symbols, _TILDE if self._is(_TILDE) else "")

    def _palm(self) -> Bearing | None:
        symbol = self._take("palm")
        return Bearing(symbol, _TILDE if self._is(_TILDE) else "") if symbol else None

    # places

    def _place(self) -> Place | None:
        where: Location | Pair[Location] | None = self._pair(self._location) or self._try(self._location)
        if where is None:
            return None
        return Place(where, self._try(self._contact) if isinstance(where, Pair) else None)

    def _meeting_place(self) -> Place | None:
        """Where on the body, or at which height, two hands meet."""
        location = self._try(self._location)
        return Place(location) if location is not None and _on_body(Place(location)) else None

    def _location(self) -> Location | None:
        spot = self._blend(self._spot)
        contact = self._try(self._contact)
        return None if spot is contact is None else Location(spot, contact)

    def _spot(self) -> Spot | None:
        before = self._take("side")
        symbols = self._take(*_BODY) or self._limb()
        if not symbols:
            return None
        if before:
            return Spot(symbols, before)
        return Spot(symbols, after=_ETC if self._is(_ETC) else self._take("side"))

    def _limb(self) -> str:
        """A part of a hand or arm: fingers, one part of a finger and at most two regions, none of them twice."""
        start = self.at
        room = {"finger": 5, "finger part": 1, "limb location": 2}
        while slots := [slot for slot, left in room.items() if left]:
            symbol = self._take(*slots)
            if not symbol or symbol in self.text[start : self.at - 1]:
                self.at -= len(symbol)
                break
            room[SYMBOLS[symbol].slot] -= 1
        return self.text[start : self.at]

    def _nearness(self) -> str:
        """A contact symbol, or two of which one says where: behind, or brushing."""
        first = self._take("contact")
        if first and self._look(lambda c: c != first and (c in _WHERE or first in _WHERE)):
            return first + self._take("contact")
        return first

    def _contact(self) -> Contact | None:
        symbols = self._nearness()
        if symbols:
            return Contact(symbols)
        if not self._is(SEQUENCE[0]):
            return None
        symbols = self._nearness()
        part = self._blend(self._spot) if symbols else None
        return Contact(symbols, part) if part is not None and self._is(SEQUENCE[1]) else None

    # movements

    def _actions(self, step: bool = False) -> tuple[Action, ...]:
        """step: they may begin with a repetition, whose steps follow."""
        actions: list[Action] = []
        if step and (symbol := self._take("repetition")):
            actions.append(Repeat(symbol))
        while True:
            action = self._try_action(lambda: self._action(first=not actions))
            if action is None:
                break
            actions.append(action)
        return () if len(actions) == 1 and isinstance(actions[0], Repeat) else tuple(actions)

    def _action(self, first: bool) -> Action | None:
        if not first and (symbol := self._take("repetition")):
            return Repeat(symbol, self._take("size change"))
        move: Action | None = self._blend(self._move)
        if move is not None:
            return move
        rules: tuple[Callable[[], Action | None], ...] = (
            self._replace,
            self._target,
            self._both,
            self._group,
        )
        for rule in rules:
            found = self._try_action(rule)
            if found is not None:
                return found
        return None

    def _move(self) -> Move | None:
        symbol = self._take(*_MOVES)
        return Move(symbol, self._move_marks(SYMBOLS[symbol].slot)) if symbol else None

    def _move_marks(self, slot: str) -> str:
        """Size; path with its own size, or where a circle begins; how it grows; manner; in this order."""
        start = self.at
        if slot != "no motion":
            self._some("size", 2)
            path = self._take("path") if slot == "straight movement" else ""
            if path:
                self._take("size")
            if slot == "circle":
                self._some("clock", 3)
            if slot == "circle" or path in _WAVES:
                self._take("ellipse")
            self._take("size change")
        if self._some("manner", 3) and slot == "straight movement":
            self._take("size")  # of the stop
        return self.text[start : self.at]

    def _some(self, slot: str, most: int) -> str:
        """At most so many symbols of a class."""
        start = self.at
        while self.at - start < most and self._take(slot):
            pass
        return self.text[start : self.at]

    def _replace(self) -> Replace | None:
        if not self._is(REPLACE):
            return None
        before = self._take("manner", "size change")
        posture = self._try(self._posture)
        return None if posture is None else Replace(posture, before, self._some("manner", 2))

    def _target(self) -> Target | None:
        place = self._try(self._place)
        return None if place is None else Target(place)

    def _both(self) -> Both | None:
        if not self._is(PARALLEL[0]):
            return None
        dominant = self._actions()
        if not dominant or not self._is(PLUS):
            return None
        other = self._actions()
        if not other or not self._is(PARALLEL[1]):
            return None
        return Both(dominant, other, self._take("manner"))

    def _group(self) -> Group | None:
        for brackets in (SEQUENCE, PARALLEL, FUSION):
            if self._is(brackets[0]):
                actions = self._actions(step=brackets is SEQUENCE)
                if not actions or not self._is(brackets[1]):
                    return None
                return Group(brackets, actions, self._take("manner"))
        return None
