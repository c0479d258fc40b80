"""Where the hands are: stances brought to places of the body, to a part of the other hand, or to each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from signcore.plugins.synthetic import geometry
from signcore.plugins.synthetic.hamnosys import space, spots
from signcore.plugins.synthetic.hamnosys.space import FLESH, FLIP, Point
from signcore.plugins.synthetic.hamnosys.spots import Somewhere, contact_of, part_of
from signcore.plugins.synthetic.hamnosys.stances import Active, resting
from signcore.plugins.synthetic.hamnosys.track import Stance
from signcore.plugins.synthetic.signs import Habits
from signcore.plugins.synthetic.skeleton import Proportions, solve_arm
from signcore.types.hamnosys.structure import Blend, Location, Pair, Place, Sign, Spot, mark

CENTRE = np.array([0.0, -0.17, 0.26])  # where two hands meet, and a base hand is held
OWN_SIDE = 0.105  # metres from the middle to each of two hands that have no other place
_ONE_HAND = np.array([0.085, -0.15, 0.26])
_GAPS = {
    "": 0.08,
    "close": 0.045,
    "armextended": 0.08,
    "behind": 0.045,
    "interlock": -0.02,
    "brushing": 0.006,
}  # metres between two hands
_FIXED = {mark("upperarm"), mark("elbow"), mark("elbowinside")}  # they do not come to the middle
_INWARDS = np.array([-1.0, 0.0, 0.0])


@dataclass(frozen=True)
class Meeting:
    """A part of the dominant hand (None: what faces the other) at a part of the other hand, and how near they come."""

    mine: Somewhere | None
    theirs: Somewhere | None
    contact: str


class Placing:
    """Places of one sign. It remembers the last one: a bare `hamtouch` that comes later means that."""

    def __init__(self, sign: Sign, body: Proportions, habits: Habits, takes_part: bool) -> None:
        self.sign, self.body, self.habits, self.takes_part = sign, body, habits, takes_part
        self._spot: Somewhere | None = None
        self._near_body = False

    def first(self, stances: list[Stance]) -> list[Stance]:
        """The stances where the sign begins: before the chest, and then where it says."""
        shift = np.array(self.habits.place)
        mine = (CENTRE + [OWN_SIDE, 0.0, 0.0] if self.sign.two_handed else _ONE_HAND) + shift
        placed = [self._with_middle_at(stances[0], mine), stances[1]]
        if self.takes_part:
            placed[1] = self._with_middle_at(stances[1], mine if self.sign.two_handed else CENTRE)
        return self._at(self.sign.places, placed, True, (True, True))

    def target(self, place: Place, stances: list[Stance], active: Active) -> list[Stance]:
        """The stances at a place to which a movement goes."""
        return self._at((place,), list(stances), False, active)

    def _at(
        self, places: Sequence[Place], stances: list[Stance], first: bool, active: Active
    ) -> list[Stance]:
        meeting: Meeting | None = None
        support: Meeting | None = None  # of the other hand at a part of the dominant one
        where: Point | None = None  # of the meeting
        for place in places:
            if isinstance(place.where, Pair):
                contact = space.contact_name(place.contact.symbols) if place.contact else ""
                pair = self._pair(place.where, contact, stances)
                meeting, support, where = pair[0] or meeting, pair[1] or support, pair[2] or where
                continue
            location = place.where
            if location.spot is None:
                meeting = self._bare(location) or meeting
                if meeting is None:
                    self._all_at_body(
                        Location(self._spot or Spot(mark("chest")), location.contact), stances, active
                    )
            elif spots.on_body(location.spot):
                self._spot = location.spot
                self._near_body = contact_of(location) != "" or spots.on_head(location.spot)
                if meeting is not None:
                    where = self._point(location.spot)
                self._all_at_body(location, stances, active)
            else:
                self._spot, self._near_body = location.spot, False
                part = part_of(location.contact)
                mutual = self.sign.symmetry is not None and part is None
                meeting = Meeting(location.spot if mutual else part, location.spot, contact_of(location))
        if meeting is not None:
            stances = self._met(meeting, where, stances, first, active)
        if support is not None:
            stances = self._met(support, None, stances, False, (False, True))
        return stances

    def _pair(
        self, pair: Pair[Location], contact: str, stances: list[Stance]
    ) -> tuple[Meeting | None, Meeting | None, Point | None]:
        """A place for each hand: (their meeting, the other hand's support, where they meet); hands at the body are put there."""
        meeting = support = where = None
        both = (pair.dominant, pair.other)
        limbs = [loc.spot is not None and not spots.on_body(loc.spot) for loc in both]
        if all(limbs):
            near = contact or contact_of(pair.dominant) or contact_of(pair.other)
            return Meeting(pair.dominant.spot, pair.other.spot, near), None, None
        for i, loc in enumerate(both):
            near = contact or contact_of(loc)
            if limbs[i] and self.sign.symmetry is not None:
                meeting = Meeting(loc.spot, loc.spot, near)
            elif limbs[i] and i == 0:
                meeting = Meeting(part_of(loc.contact), loc.spot, near)
            elif limbs[i]:
                support = Meeting(loc.spot, part_of(loc.contact), near)
            elif loc.spot is not None and limbs[1 - i] and self.sign.symmetry is not None:
                where = self._point(loc.spot)
            elif loc.spot is not None:
                stances[i] = self._at_body(stances[i], loc, i)
        return meeting, support, where

    def _bare(self, location: Location) -> Meeting | None:
        """A contact without a place: of the hands with each other, or again of what was last met; None: with the body."""
        last = self._spot if self._spot is not None and not spots.on_body(self._spot) else None
        if last is None and (not self.sign.two_handed or self._near_body):
            return None
        mine = part_of(location.contact) or (last if self.sign.symmetry is not None else None)
        return Meeting(mine, last, contact_of(location))

    # at the body

    def _point(self, spot: Somewhere) -> Point:
        if isinstance(spot, Blend):
            return self._point(spot.first).between(self._point(spot.second))
        if space.is_body(spot):
            return space.on_body(spot, self.body)
        return self._limb(spot, resting(self.body, self.habits), 1, -_INWARDS)

    def _with_middle_at(self, stance: Stance, middle: np.ndarray) -> Stance:
        return stance.at(middle - self.body.hand * geometry.apply(stance.frame, np.array([0.0, 0.45, 0.02])))

    def _all_at_body(self, location: Location, stances: list[Stance], active: Active) -> None:
        """In place: every active hand at a place that is said of the dominant one."""
        for i in range(2):
            if (i == 0 or self.sign.two_handed) and active[i]:
                stances[i] = self._at_body(stances[i], location, i, mirror=i == 1)

    def _at_body(self, stance: Stance, location: Location, hand: int, mirror: bool = False) -> Stance:
        """One hand at a place of the body; mirror: the place is said of the dominant hand."""
        assert location.spot is not None
        point = self._point(location.spot)
        flip = FLIP if hand == 1 and not mirror else np.ones(3)
        where, normal = point.where * flip, point.normal * flip
        contact, head, sided = (
            contact_of(location),
            spots.on_head(location.spot),
            spots.has_side(location.spot),
        )
        if not contact:
            forward = normal if spots.is_beside(location.spot) else np.array([0.0, 0.0, 1.0])
            aside = 0.0
            if not sided and not head:
                aside = OWN_SIDE if self.sign.two_handed else 0.06
            elif not sided and self.sign.two_handed:
                aside = 0.075
            where = where + [aside, 0.0, 0.0] + (0.12 if head else 0.16) * forward
            return self._with_middle_at(stance, where + np.array(self.habits.place))
        shared = mirror or (hand == 0 and self.sign.symmetry is not None)
        if self.sign.two_handed and not sided and shared:
            where = where + [0.05 if head else 0.085, 0.0, 0.0]
        if contact == "behind":
            where = where + np.array([0.03, 0.0, -0.10])
        gap = max(space.DISTANCE[contact], 0.0) + FLESH
        part = part_of(location.contact)
        if part is not None and spots.on_hand(part):
            local = self._own_part(part, stance)
        else:
            local = space.facing_part(stance.frame, stance.angles, -normal)[0] * self.body.hand
        return stance.at(where + gap * normal - geometry.apply(stance.frame, local))

    def _own_part(self, part: Somewhere, stance: Stance) -> np.ndarray:
        """A part of the hand in its own axes [3], metres."""
        if isinstance(part, Blend):
            return (self._own_part(part.first, stance) + self._own_part(part.second, stance)) / 2.0
        return space.on_hand(part, np.zeros(3), np.eye(3), stance.angles, self.body).where

    # at each other

    def _limb(self, spot: Somewhere | None, stance: Stance, hand: int, towards: np.ndarray) -> Point:
        """A part of a hand or arm where it stands, in the dominant hand's axes; None: the part that faces `towards`."""
        flip = np.ones(3) if hand == 0 else FLIP
        if isinstance(spot, Blend):
            first, second = (self._limb(s, stance, hand, towards) for s in (spot.first, spot.second))
            return first.between(second)
        if spot is None:
            local, normal = space.facing_part(stance.frame, stance.angles, towards * flip, reach=1.0)
            where = stance.wrist + self.body.hand * geometry.apply(stance.frame, local)
            return Point(where * flip, geometry.apply(stance.frame, normal) * flip)
        if space.is_body(spot):
            return space.on_body(spot, self.body)
        word = space.names(spot.symbols)[0]
        if word in spots.ARM:
            return self._on_arm(word, stance, flip)
        point = space.on_hand(spot, stance.wrist, stance.frame, stance.angles, self.body)
        return Point(point.where * flip, point.normal * flip)

    def _on_arm(self, word: str, stance: Stance, flip: np.ndarray) -> Point:
        """A place of the arm whose hand stands so."""
        shoulder = np.array([[self.body.shoulder, 0.0, 0.0]])
        arm = solve_arm(stance.wrist[None], stance.frame[None], stance.angles[None], shoulder, self.body)
        elbow, wrist = arm.elbow[0], arm.wrist[0]
        if word == "upperarm":
            where, along = (shoulder[0] + elbow) / 2.0, elbow - shoulder[0]
        elif word == "lowerarm":
            where, along = (elbow + wrist) / 2.0, wrist - elbow
        else:
            where, along = elbow, wrist - elbow
        towards = np.array([-0.4, 0.5, 0.8]) if word != "elbow" else np.array([0.2, -0.6, 0.3])
        normal = geometry.perpendicular(towards, geometry.unit(along))
        return Point((where + 0.035 * normal) * flip, normal * flip)

    def _met(
        self, meeting: Meeting, where: Point | None, stances: list[Stance], first: bool, active: Active
    ) -> list[Stance]:
        """The hands so that the dominant one's part meets the other's: both in the middle, or one at the other.

        where: the place of the body before which they meet.
        """
        mine, theirs = meeting.mine, meeting.theirs
        if theirs is None and mine is not None:
            p = self._limb(mine, stances[0], 0, _INWARDS)
            q = self._limb(None, stances[1], 1, -p.normal)
        else:
            q = self._limb(theirs, stances[1], 1, -_INWARDS)
            p = self._limb(mine, stances[0], 0, _INWARDS if theirs is None else -q.normal)
        across = q.normal - p.normal
        line = geometry.unit(across) if float(geometry.norm(across)) > 0.35 else q.normal
        gap = _GAPS.get(meeting.contact, 0.0) + (0.0 if meeting.contact == "interlock" else 2.0 * FLESH)
        parts = set(str(theirs or ""))
        if (first and not parts & _FIXED) or (active == (True, True) and self.sign.symmetry is not None):
            middle = CENTRE + [0.0, *self.habits.place[1:]] if first else (p.where + q.where) / 2.0
            middle = middle * [0.0, 1.0, 1.0]
            if where is not None:
                middle = np.array([where.where[0], where.where[1], max(where.where[2] + 0.11, 0.20)])
            met = [
                stances[0].at(stances[0].wrist + middle + 0.5 * gap * line - p.where),
                stances[1].at(stances[1].wrist + (middle - 0.5 * gap * line - q.where) * FLIP),
            ]
            if mark("lowerarm") not in parts:
                return met
            # the elbow has moved with the hand: once more, to where the forearm is now
            return self._met(meeting, where, met, False, (True, False))
        if active[0]:
            return [stances[0].at(stances[0].wrist + q.where + gap * line - p.where), stances[1]]
        return [stances[0], stances[1].at(stances[1].wrist + (p.where - gap * line - q.where) * FLIP)]
