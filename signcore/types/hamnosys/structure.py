"""What a notation says, as nested records. `str(record)` is the notation that it was read from.

Characters are the symbols themselves; `symbols.SYMBOLS` has their names. "dominant" and "other" are the signer's two hands.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from signcore.types.hamnosys.symbols import BY_NAME

T = TypeVar("T")


def mark(name: str) -> str:
    """The character of the symbol called `ham` + name."""
    return BY_NAME["ham" + name].character


SEQUENCE, PARALLEL, FUSION = ((mark(f"{kind}begin"), mark(f"{kind}end")) for kind in ("seq", "par", "fusion"))
BETWEEN, PLUS, REPLACE = mark("between"), mark("plus"), mark("replace")


@dataclass(frozen=True)
class Blend(Generic[T]):
    """Half-way between two."""

    first: T
    second: T

    def __str__(self) -> str:
        return f"{self.first}{BETWEEN}{self.second}"


@dataclass(frozen=True)
class Pair(Generic[T]):
    """One for the dominant hand, one for the other."""

    dominant: T
    other: T

    def __str__(self) -> str:
        return f"{PARALLEL[0]}{self.dominant}{PLUS}{self.other}{PARALLEL[1]}"


@dataclass(frozen=True)
class Symmetry:
    """Both hands do what is written for the dominant one. symbols: `symmlr` or `symmpar` and its marks."""

    symbols: str

    @property
    def mirrored(self) -> bool:
        """Left and right change places in the other hand."""
        return mark("symmlr") in self.symbols

    @property
    def opposite_heights(self) -> bool:
        return mark("largemod") in self.symbols

    @property
    def opposite_depths(self) -> bool:
        return mark("fingerstraightmod") in self.symbols

    @property
    def alternating(self) -> bool:
        return mark("alternatingmotion") in self.symbols

    def __str__(self) -> str:
        return self.symbols


@dataclass(frozen=True)
class Detail:
    """What some of the fingers do. fingers: their symbols, with `between` where another finger is between two.

    marks: bending, thumb position, the part that touches, or `largemod` for fingers that do not take part in a pinch or C.
    """

    fingers: str
    marks: str

    def __str__(self) -> str:
        return self.fingers + self.marks


@dataclass(frozen=True)
class Handshape:
    """base: its symbol; marks: thumb position and bending of the whole hand; details: of single fingers."""

    base: str
    marks: str = ""
    details: tuple[Detail, ...] = ()

    def __str__(self) -> str:
        return self.base + self.marks + "".join(map(str, self.details))


@dataclass(frozen=True)
class Bearing:
    """Where the fingers or the palm point: one symbol, or two neighbours for the direction between them."""

    symbols: str
    marks: str = ""  # `orirelative`

    def __str__(self) -> str:
        return self.symbols + self.marks


@dataclass(frozen=True)
class Hand:
    """One hand's shape, finger direction and palm; None where it is not said (in a change, or said for both hands).

    still: `nomotion` where a change leaves this hand as it is.
    """

    shape: Handshape | Blend[Handshape] | None = None
    direction: Bearing | Blend[Bearing] | None = None
    palm: Bearing | Blend[Bearing] | None = None
    still: str = ""

    def __str__(self) -> str:
        parts = (self.shape, self.direction, self.palm)
        return "".join(str(part) for part in parts if part is not None) + self.still

    def filled(self, more: Hand) -> Hand | None:
        """Both together; None where they say the same thing twice, or in another order than shape, direction, palm."""
        mine = (self.shape, self.direction, self.palm)
        theirs = (more.shape, more.direction, more.palm)
        last = max((i for i, part in enumerate(mine) if part is not None), default=-1)
        first = min((i for i, part in enumerate(theirs) if part is not None), default=3)
        if first <= last:
            return None
        return Hand(self.shape or more.shape, self.direction or more.direction, self.palm or more.palm)


@dataclass(frozen=True)
class Posture:
    """Shape and orientation of one hand or of both. parts: what is said of both, and pairs; no part repeats another."""

    parts: tuple[Hand | Pair[Hand], ...]

    def __str__(self) -> str:
        return "".join(map(str, self.parts))

    @property
    def paired(self) -> bool:
        return any(isinstance(part, Pair) for part in self.parts)

    def hand(self, dominant: bool = True) -> Hand:
        """All that is said of one of the hands."""
        hand: Hand | None = Hand()
        for part in self.parts:
            mine = part if isinstance(part, Hand) else part.dominant if dominant else part.other
            hand = hand.filled(mine) if hand is not None else None
        if hand is None:
            raise ValueError("the posture says something twice")
        return hand


@dataclass(frozen=True)
class Spot:
    """A place of the body or of a hand: the symbols that name it, and a side mark before or after them.

    after: the side mark, or `etc` for a place thereabouts.
    """

    symbols: str
    before: str = ""
    after: str = ""

    def __str__(self) -> str:
        return self.before + self.symbols + self.after


@dataclass(frozen=True)
class Contact:
    """How near: its symbols, and the part of the own hand that comes there (then in brackets)."""

    symbols: str
    part: Spot | Blend[Spot] | None = None

    def __str__(self) -> str:
        if self.part is None:
            return self.symbols
        return SEQUENCE[0] + self.symbols + str(self.part) + SEQUENCE[1]


@dataclass(frozen=True)
class Location:
    """Where the hand is. spot: of the body or the other hand, None where only the hands' contact is said."""

    spot: Spot | Blend[Spot] | None
    contact: Contact | None = None

    def __str__(self) -> str:
        return "".join(str(part) for part in (self.spot, self.contact) if part is not None)


@dataclass(frozen=True)
class Place:
    """The hands' places: of one, or of each; contact: how the parts of a pair meet."""

    where: Location | Pair[Location]
    contact: Contact | None = None

    def __str__(self) -> str:
        return str(self.where) + ("" if self.contact is None else str(self.contact))


@dataclass(frozen=True)
class Move:
    """A movement of the hand: a direction, a circle, or one within the hand. marks: size, path, clock and manner."""

    symbol: str
    marks: str = ""

    def __str__(self) -> str:
        return self.symbol + self.marks


@dataclass(frozen=True)
class Replace:
    """The hand changes to this posture. before, marks: manner of the change, written before or after it."""

    posture: Posture
    before: str = ""
    marks: str = ""

    def __str__(self) -> str:
        return REPLACE + self.before + str(self.posture) + self.marks


@dataclass(frozen=True)
class Target:
    """The hand goes to this place."""

    place: Place

    def __str__(self) -> str:
        return str(self.place)


@dataclass(frozen=True)
class Repeat:
    """What went before is done again. symbol: how often and from where. At the beginning of a SEQUENCE group: what
    follows in it is the step by which every time moves on from the one before."""

    symbol: str
    marks: str = ""

    def __str__(self) -> str:
        return self.symbol + self.marks


@dataclass(frozen=True)
class Group:
    """Movements in brackets: one after another (SEQUENCE), at the same time (PARALLEL), run into one (FUSION)."""

    brackets: tuple[str, str]
    actions: tuple[Action, ...]
    marks: str = ""

    def __str__(self) -> str:
        return self.brackets[0] + "".join(map(str, self.actions)) + self.brackets[1] + self.marks


@dataclass(frozen=True)
class Both:
    """Movements of the dominant hand, and at the same time those of the other. marks: size and manner of both."""

    dominant: tuple[Action, ...]
    other: tuple[Action, ...]
    marks: str = ""

    def __str__(self) -> str:
        first, second = ("".join(map(str, actions)) for actions in (self.dominant, self.other))
        return PARALLEL[0] + first + PLUS + second + PARALLEL[1] + self.marks


Action = Move | Blend[Move] | Replace | Target | Repeat | Group | Both


@dataclass(frozen=True)
class Sign:
    """One sign. places: at most two, the hands' meeting and where that is. side: `nondominant` where that hand signs alone."""

    side: str
    symmetry: Symmetry | None
    posture: Posture
    places: tuple[Place, ...]
    actions: tuple[Action, ...]

    def __str__(self) -> str:
        head = "" if self.symmetry is None else str(self.symmetry)
        return "".join((self.side, head, str(self.posture), *map(str, self.places), *map(str, self.actions)))

    @property
    def two_handed(self) -> bool:
        return self.symmetry is not None or self.posture.paired


@dataclass(frozen=True)
class Notation:
    """One sign, or several joined by `plus`; after: a space at the end, as some corpora have."""

    signs: tuple[Sign, ...]
    after: str = ""

    def __str__(self) -> str:
        return PLUS.join(map(str, self.signs)) + self.after

    def __iter__(self) -> Iterator[Sign]:
        return iter(self.signs)
