"""What a sign's records say about places: of the body or of a hand, which side, how near, with which part."""

from __future__ import annotations

from collections.abc import Sequence

from signcore.plugins.synthetic.hamnosys import space
from signcore.types.hamnosys.structure import (
    Action,
    Blend,
    Both,
    Contact,
    Group,
    Location,
    Pair,
    Place,
    Sign,
    Spot,
    Target,
    mark,
)
from signcore.types.hamnosys.symbols import SYMBOLS

Somewhere = Spot | Blend[Spot]
ARM = ("upperarm", "elbow", "elbowinside", "lowerarm")
_ARM_SYMBOLS = {mark(name) for name in ARM}


def sides(place: Place) -> tuple[Location, Location]:
    """The dominant hand's location and the other's: the same one where only one is said."""
    if isinstance(place.where, Pair):
        return place.where.dominant, place.where.other
    return place.where, place.where


def contact_of(location: Location) -> str:
    """The contact's name, "" where none is said."""
    return space.contact_name(location.contact.symbols) if location.contact is not None else ""


def part_of(contact: Contact | None) -> Somewhere | None:
    """The part of the own hand that touches."""
    return contact.part if contact is not None else None


def on_body(spot: Somewhere) -> bool:
    return on_body(spot.first) if isinstance(spot, Blend) else space.is_body(spot)


def on_head(spot: Somewhere) -> bool:
    if isinstance(spot, Blend):
        return on_head(spot.first)
    return SYMBOLS[spot.symbols[0]].slot == "head location"


def on_hand(spot: Somewhere) -> bool:
    first = spot.first if isinstance(spot, Blend) else spot
    return not space.is_body(first) and first.symbols[0] not in _ARM_SYMBOLS


def has_side(spot: Somewhere) -> bool:
    if isinstance(spot, Blend):
        return has_side(spot.first) or has_side(spot.second)
    return bool(spot.before or (spot.after and SYMBOLS[spot.after].slot == "side"))


def is_beside(spot: Somewhere) -> bool:
    if isinstance(spot, Blend):
        return is_beside(spot.first) and is_beside(spot.second)
    return mark("lrbeside") in (spot.before, spot.after)


def spots_of(place: Place) -> list[Spot]:
    found: list[Spot] = []
    for location in sides(place):
        spot = location.spot
        found += [] if spot is None else [spot.first, spot.second] if isinstance(spot, Blend) else [spot]
    return found


def places_of(sign: Sign) -> list[Place]:
    """All places of a sign, those that its movements go to as well."""
    found = list(sign.places)

    def visit(actions: Sequence[Action]) -> None:
        for action in actions:
            if isinstance(action, Target):
                found.append(action.place)
            elif isinstance(action, Group):
                visit(action.actions)
            elif isinstance(action, Both):
                visit(action.dominant)
                visit(action.other)

    visit(sign.actions)
    return found


def needs_other_hand(place: Place) -> bool:
    """Whether it is on the other hand or forearm, which then is held before the body; the upper arm may hang."""
    resting = {mark("upperarm"), mark("elbow")}
    return any(not space.is_body(spot) and not set(spot.symbols) <= resting for spot in spots_of(place))
