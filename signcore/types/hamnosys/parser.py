"""A string of HamNoSys to its structure: a recursive descent over the grammar in docs/hamnosys.md.

Every rule either takes symbols and returns a record or leaves the place where it was and returns None; the furthest place at
which a symbol was refused, with what could have stood there, is what an error says.
"""

from __future__ import annotations

from collections.abc import Callable

from signcore.errors import InputError
from signcore.types.hamnosys.reader import BODY, MOVES, Reader, stopped
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

_SAME_SHAPE = mark("nondominant") + mark("etc")
_TILDE, _ETC = mark("orirelative"), mark("etc")
_WHERE = (mark("behind"), mark("brushing"))
_STOPS = " \u00a0!,.?"
_STILL, _EXEMPT = mark("nomotion"), mark("largemod")
_WAVES = (mark("wavy"), mark("zigzag"))


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
                raise stopped(text, i, f"brackets are nested more than {DEEPEST} deep")
        elif character in closing.values() and (not opened or closing[text[opened.pop()]] != character):
            raise stopped(text, i, "it closes a bracket that is not open")
    if opened:
        raise stopped(text, opened[-1], "this bracket is never closed")


def _are_neighbours(first: str, second: str) -> bool:
    """Whether a finger direction lies between these two: they share an axis' end, and no axis' two ends."""
    if SYMBOLS[second].slot != "finger direction" or first == second:
        return False
    one, two = (set(SYMBOLS[c].name.removeprefix("hamextfinger")) for c in (first, second))
    return bool(one & two) and not any(set(axis) <= one | two for axis in ("ud", "lr", "oi"))


def _on_body(place: Place) -> bool:
    spot = place.where.spot if isinstance(place.where, Location) else None
    spot = spot.first if isinstance(spot, Blend) else spot
    return spot is not None and SYMBOLS[spot.symbols[0]].slot in BODY


def _missing(hand: Hand) -> str:
    return "handshape" if hand.shape is None else "finger direction" if hand.direction is None else "palm"


class _Parser(Reader):
    # a notation is signs

    def notation(self) -> Notation:
        signs = []
        while True:
            sign = self.attempt(self._sign)
            if sign is None:
                raise self.refusal()
            signs.append(sign)
            if not self.step_over(PLUS):
                break
        start = self.at
        while self.look(lambda c: c in _STOPS, "punctuation"):
            self.at += 1
        after = self.text[start : self.at]
        if self.at < len(self.text):
            raise self.refusal()
        return Notation(tuple(signs), after)

    def _sign(self) -> Sign | None:
        same = self.text.startswith(_SAME_SHAPE, self.at)
        side = _SAME_SHAPE[0] if not same and self.step_over(_SAME_SHAPE[0]) else ""
        symmetry = None if side else self._symmetry()
        posture = self.attempt(lambda: self._posture(whole=True))
        if posture is None:
            return None
        places = [place for place in [self.attempt(self._place)] if place is not None]
        if places and not _on_body(places[0]):
            places += [p for p in [self.attempt(self._meeting_place)] if p is not None]
        return Sign(side, symmetry, posture, tuple(places), self._actions())

    def _symmetry(self) -> Symmetry | None:
        kind = self.take("symmetry")
        if not kind:
            return None
        start = self.at
        marks = {mark("fingerstraightmod"), mark("largemod"), mark("alternatingmotion")}
        while marks and self.look(lambda c: c in marks, "symmetry mark"):
            marks.discard(self.text[self.at])
            self.at += 1
        return Symmetry(kind + self.text[start : self.at])

    # posture

    def _posture(self, whole: bool = False) -> Posture | None:
        """whole: shape, finger direction and palm must all be said of every hand of which anything is."""
        parts: list[Hand | Pair[Hand]] = []
        while True:
            start = self.at
            part: Hand | Pair[Hand] | None = self.pair(lambda: self._hand(change=not whole))
            part = part or self.attempt(self._hand)
            if part is None:
                break
            parts.append(part)
            try:
                hands = [Posture(tuple(parts)).hand(True), Posture(tuple(parts)).hand(False)]
            except ValueError:
                why = "a posture says handshape, finger direction and palm once each, in this order"
                raise stopped(self.text, start, why) from None
            if whole:
                self._check_order(part, start, hands)
        if not parts:
            return None
        if whole and any(hand.palm is None for hand in hands):
            further, missing = self.furthest > self.at, _missing(next(h for h in hands if h.palm is None))
            raise self.refusal() if further else stopped(self.text, self.at, f"expected a {missing}")
        return Posture(tuple(parts))

    def _check_order(self, part: Hand | Pair[Hand], start: int, hands: list[Hand]) -> None:
        """Raise InputError where a hand has a part after one that is missing: it cannot come any more."""
        for hand in hands:
            if hand.shape is None or (hand.direction is None and hand.palm is not None):
                own = part.shape if isinstance(part, Hand) else None
                at = start + (0 if own is None else len(str(own)))
                raise stopped(self.text, at, f"expected a {_missing(hand)}")

    def _hand(self, change: bool = False) -> Hand | None:
        if change and self.step_over(_STILL):
            return Hand(still=_STILL)
        shape = self.blend(self._handshape)
        direction = self.blend(self._direction)
        palm = self.blend(self._palm)
        return None if shape is direction is palm is None else Hand(shape, direction, palm)

    def _handshape(self) -> Handshape | None:
        if self.step_over(_SAME_SHAPE):
            return Handshape(_SAME_SHAPE)
        base = self.take("handshape")
        if not base:
            return None
        marks = self._shape_marks()
        details = []
        while (detail := self.attempt(self._detail)) is not None:
            details.append(detail)
        return Handshape(base, marks, tuple(details))

    def _shape_marks(self) -> str:
        """Each of thumb position and bending at most once, in any order."""
        start, slots = self.at, ["thumb", "bending"]
        while slots and (character := self.take(*slots)):
            slots.remove(SYMBOLS[character].slot)
        return self.text[start : self.at]

    def _detail(self) -> Detail | None:
        start = self.at
        if not self.run("finger"):
            return None
        self.attempt(lambda: (self.step_over(BETWEEN) and self.run("finger")) or None)
        fingers = self.text[start : self.at]
        if len(set(fingers)) < len(fingers):
            return None
        marks = _EXEMPT if self.step_over(_EXEMPT) else self.take("bending", "finger part", "thumb")
        return Detail(fingers, marks)

    def _direction(self) -> Bearing | None:
        symbols = self.take("finger direction")
        if not symbols:
            return None
        if self.look(lambda c: _are_neighbours(symbols, c)):
            symbols += self.take("finger direction")
        return Bearing(symbols, _TILDE if self.step_over(_TILDE) else "")

    def _palm(self) -> Bearing | None:
        symbol = self.take("palm")
        return Bearing(symbol, _TILDE if self.step_over(_TILDE) else "") if symbol else None

    # places

    def _place(self) -> Place | None:
        where: Location | Pair[Location] | None = self.pair(self._location) or self.attempt(self._location)
        if where is None:
            return None
        return Place(where, self.attempt(self._contact) if isinstance(where, Pair) else None)

    def _meeting_place(self) -> Place | None:
        """Where on the body, or at which height, two hands meet."""
        location = self.attempt(self._location)
        return Place(location) if location is not None and _on_body(Place(location)) else None

    def _location(self) -> Location | None:
        spot = self.blend(self._spot)
        contact = self.attempt(self._contact)
        return None if spot is contact is None else Location(spot, contact)

    def _spot(self) -> Spot | None:
        before = self.take("side")
        symbols = self.take(*BODY) or self._limb()
        if not symbols:
            return None
        if before:
            return Spot(symbols, before)
        return Spot(symbols, after=_ETC if self.step_over(_ETC) else self.take("side"))

    def _limb(self) -> str:
        """A part of a hand or arm: fingers, one part of a finger and at most two regions, none of them twice."""
        start = self.at
        room = {"finger": 5, "finger part": 1, "limb location": 2}
        while slots := [slot for slot, left in room.items() if left]:
            symbol = self.take(*slots)
            if not symbol or symbol in self.text[start : self.at - 1]:
                self.at -= len(symbol)
                break
            room[SYMBOLS[symbol].slot] -= 1
        return self.text[start : self.at]

    def _nearness(self) -> str:
        """A contact symbol, or two of which one says where: behind, or brushing."""
        first = self.take("contact")
        if first and self.look(lambda c: c != first and (c in _WHERE or first in _WHERE)):
            return first + self.take("contact")
        return first

    def _contact(self) -> Contact | None:
        symbols = self._nearness()
        if symbols:
            return Contact(symbols)
        if not self.step_over(SEQUENCE[0]):
            return None
        symbols = self._nearness()
        part = self.blend(self._spot) if symbols else None
        return Contact(symbols, part) if part is not None and self.step_over(SEQUENCE[1]) else None

    # movements

    def _actions(self, step: bool = False) -> tuple[Action, ...]:
        """step: they may begin with a repetition, whose steps follow."""
        actions: list[Action] = []
        if step and (symbol := self.take("repetition")):
            actions.append(Repeat(symbol))
        while True:
            action = self.attempt_action(lambda: self._action(first=not actions))
            if action is None:
                break
            actions.append(action)
        return () if len(actions) == 1 and isinstance(actions[0], Repeat) else tuple(actions)

    def _action(self, first: bool) -> Action | None:
        if not first and (symbol := self.take("repetition")):
            return Repeat(symbol, self.take("size change"))
        move: Action | None = self.blend(self._move)
        if move is not None:
            return move
        rules: tuple[Callable[[], Action | None], ...] = (self._replace, self._target, self._group)
        for rule in rules:
            found = self.attempt_action(rule)
            if found is not None:
                return found
        return None

    def _move(self) -> Move | None:
        symbol = self.take(*MOVES)
        return Move(symbol, self._move_marks(SYMBOLS[symbol].slot)) if symbol else None

    def _move_marks(self, slot: str) -> str:
        """Size; path with its own size, or where a circle begins; how it grows; manner; in this order."""
        start = self.at
        if slot != "no motion":
            self._some("size", 2)
            path = self.take("path") if slot == "straight movement" else ""
            if path:
                self.take("size")
            if slot == "circle":
                self._some("clock", 3)
            if slot == "circle" or path in _WAVES:
                self.take("ellipse")
            self.take("size change")
        if self._some("manner", 3) and slot == "straight movement":
            self.take("size")  # of the stop
        return self.text[start : self.at]

    def _some(self, slot: str, most: int) -> str:
        """At most so many symbols of a class."""
        start = self.at
        while self.at - start < most and self.take(slot):
            pass
        return self.text[start : self.at]

    def _replace(self) -> Replace | None:
        if not self.step_over(REPLACE):
            return None
        before = self.take("manner", "size change")
        posture = self.attempt(self._posture)
        return None if posture is None else Replace(posture, before, self._some("manner", 2))

    def _target(self) -> Target | None:
        place = self.attempt(self._place)
        return None if place is None else Target(place)

    def _group(self) -> Group | Both | None:
        brackets = next((b for b in (SEQUENCE, PARALLEL, FUSION) if self.step_over(b[0])), None)
        if brackets is None:
            return None
        actions = self._actions(step=brackets is SEQUENCE)
        if not actions:
            return None
        if brackets is PARALLEL and self.step_over(PLUS):
            other = self._actions()
            return (
                Both(actions, other, self.take("manner")) if other and self.step_over(PARALLEL[1]) else None
            )
        return Group(brackets, actions, self.take("manner")) if self.step_over(brackets[1]) else None
