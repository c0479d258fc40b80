"""A notation in words: symbol by symbol, and as the outline of its structure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches

from signcore.errors import InputError
from signcore.types.hamnosys.parser import parse
from signcore.types.hamnosys.structure import (
    FUSION,
    SEQUENCE,
    Action,
    Blend,
    Both,
    Contact,
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
    Target,
)
from signcore.types.hamnosys.symbols import BY_NAME, SYMBOLS, Symbol, from_names

Line = tuple[int, str]  # depth of indentation, words


def split_signs(text: str) -> list[str]:
    """The notations of a text: one a line, or parted by spaces; a line may spell the symbols' names, `hamfist hamextfingeru ...`.

    Raises InputError where there is none, or where a name is no symbol's.
    """
    signs: list[str] = []
    for line in map(str.strip, text.splitlines()):
        if line.startswith("ham"):
            try:
                signs.append(from_names(line))
            except KeyError as error:
                name = error.args[0]
                near = get_close_matches(name, BY_NAME, n=1)
                raise InputError(
                    f"notation: no symbol is called {name!r}", f"did you mean {near[0]}?" if near else ""
                ) from error
        else:
            signs += line.split()
    if not signs:
        raise InputError("notation: nothing but spaces" if text else "notation: empty")
    return signs


def read_symbols(text: str) -> list[Symbol]:
    """Every character as a symbol; one that HamNoSys lacks has the class "unknown"."""
    return [
        SYMBOLS.get(c) or Symbol(ord(c), f"U+{ord(c):04X}", "unknown", "no symbol of HamNoSys") for c in text
    ]


def outline(notation: Notation) -> list[Line]:
    """What a notation says, part by part."""
    lines: list[Line] = []
    for number, sign in enumerate(notation, 1):
        if len(notation.signs) > 1:
            lines.append((0, f"sign {number}"))
        lines += [(depth + (len(notation.signs) > 1), words) for depth, words in _sign(sign)]
    return lines


def reading_rows(text: str) -> list[tuple[str, str]]:
    """(what, words) of every sign of a text, for a report's table: symbols, and the outline or why there is none."""
    rows: list[tuple[str, str]] = []
    signs = split_signs(text)
    for number, notation in enumerate(signs, 1):
        if len(signs) > 1:
            rows.append((f"sign {number}", ""))
        rows += [(s.name, f"{s.slot}: {s.meaning}") for s in read_symbols(notation)]
        try:
            said = outline(parse(notation))
        except InputError as error:
            said = [(0, str(error))]
        rows.append(("in all", "; ".join(words for _, words in said)))
    return rows


def _sign(sign: Sign) -> Iterator[Line]:
    if sign.side:
        yield 0, f"hand: {_meanings(sign.side)}"
    if sign.symmetry is not None:
        more = []
        if sign.symmetry.opposite_heights:
            more.append("one up while the other goes down")
        if sign.symmetry.opposite_depths:
            more.append("one out while the other comes in")
        if sign.symmetry.alternating:
            more.append("taking turns")
        yield 0, "; ".join([_meanings(sign.symmetry.symbols[0]), *more])
    yield from _posture(sign.posture, 0)
    for place in sign.places:
        yield 0, f"place: {_place(place)}"
    if sign.actions:
        yield 0, "movement"
        yield from _actions(sign.actions, 1)


def _posture(posture: Posture, depth: int) -> Iterator[Line]:
    for part in posture.parts:
        if isinstance(part, Pair):
            yield depth, "dominant hand"
            yield from _hand(part.dominant, depth + 1)
            yield depth, "other hand"
            yield from _hand(part.other, depth + 1)
        else:
            yield from _hand(part, depth)


def _hand(hand: Hand, depth: int) -> Iterator[Line]:
    if hand.still:
        yield depth, "stays as it is"
    if hand.shape is not None:
        yield depth, f"handshape: {_shape(hand.shape)}"
    for bearing in (hand.direction, hand.palm):
        if isinstance(bearing, Blend):
            yield depth, f"between {_meanings(str(bearing.first))} and {_meanings(str(bearing.second))}"
        elif bearing is not None:
            yield depth, _meanings(str(bearing))


def _shape(shape: Handshape | Blend[Handshape]) -> str:
    if isinstance(shape, Blend):
        return f"between {_shape(shape.first)} and {_shape(shape.second)}"
    words = [_meanings(shape.base + shape.marks)]
    words += [_meanings(str(detail)).replace(", ", " ") for detail in shape.details]
    return ", ".join(words)


def _place(place: Place) -> str:
    if isinstance(place.where, Pair):
        words = f"dominant {_location(place.where.dominant)}; other {_location(place.where.other)}"
    else:
        words = _location(place.where)
    return words if place.contact is None else f"{words}; {_contact(place.contact)}"


def _location(location: Location) -> str:
    words = [] if location.spot is None else [_spot(location.spot)]
    return ", ".join(words + ([] if location.contact is None else [_contact(location.contact)]))


def _contact(contact: Contact) -> str:
    words = _meanings(contact.symbols)
    return words if contact.part is None else f"{words} with {_spot(contact.part)}"


def _spot(spot: Spot | Blend[Spot]) -> str:
    if isinstance(spot, Blend):
        return f"between {_spot(spot.first)} and {_spot(spot.second)}"
    words = _meanings(spot.symbols)
    for marks, side in ((spot.before, "left"), (spot.after, "right")):
        for name in (SYMBOLS[c].name for c in marks):
            near = {"hamlrat": f"{side} side of", "hamlrbeside": f"{side} beside"}.get(name, "about")
            words = f"{near} {words}"
    return words


def _actions(actions: Sequence[Action], depth: int) -> Iterator[Line]:
    for action in actions:
        yield from _action(action, depth)


def _action(action: Action, depth: int) -> Iterator[Line]:
    if isinstance(action, Blend):
        yield depth, f"between {_meanings(str(action.first))} and {_meanings(str(action.second))}"
    elif isinstance(action, Move | Repeat):
        yield depth, _meanings(str(action))
    elif isinstance(action, Replace):
        manner = _meanings(action.before + action.marks)
        yield depth, f"changes ({manner}) to" if manner else "changes to"
        yield from _posture(action.posture, depth + 1)
    elif isinstance(action, Target):
        yield depth, f"goes to {_place(action.place)}"
    elif isinstance(action, Both):
        for hand, actions in (("dominant hand", action.dominant), ("other hand", action.other)):
            yield depth, f"{hand}, at the same time"
            yield from _actions(actions, depth + 1)
    elif isinstance(action, Group):
        how = {SEQUENCE: "one after another", FUSION: "run into one"}.get(action.brackets, "at the same time")
        manner = _meanings(action.marks)
        yield depth, how + (f" ({manner})" if manner else "")
        yield from _actions(action.actions, depth + 1)


def _meanings(symbols: str) -> str:
    return ", ".join(SYMBOLS[c].meaning for c in symbols)
