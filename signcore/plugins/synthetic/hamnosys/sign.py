"""One parsed sign to the sampled motion of both hands, between the places where it begins and ends.

Hand 0 is the dominant one, hand 1 the other; each moves in its own arm's axes (x outwards).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from signcore.errors import InputError
from signcore.plugins.synthetic import geometry, signs
from signcore.plugins.synthetic.hamnosys import paths, space
from signcore.plugins.synthetic.hamnosys.handshape import hand_angles
from signcore.plugins.synthetic.hamnosys.space import FLESH, FLIP, Point
from signcore.plugins.synthetic.hamnosys.track import (
    Stance,
    Track,
    apart,
    between,
    eased,
    held,
    joined,
    overlaid,
    samples,
    shifted,
)
from signcore.plugins.synthetic.motion import RATE
from signcore.plugins.synthetic.signs import Habits
from signcore.plugins.synthetic.skeleton import Proportions, solve_arm
from signcore.types.hamnosys.structure import (
    FUSION,
    PARALLEL,
    Action,
    Bearing,
    Blend,
    Both,
    Contact,
    Group,
    Hand,
    Handshape,
    Location,
    Move,
    Pair,
    Place,
    Posture,
    Repeat,
    Replace,
    Sign,
    Spot,
    Target,
    mark,
)
from signcore.types.hamnosys.symbols import BY_NAME, SYMBOLS

CENTRE = np.array([0.0, -0.17, 0.26])  # where two hands meet, and a base hand is held
OWN_SIDE = 0.105  # metres from the middle to each of two hands that have no other place
LONGEST = 120.0  # seconds of a clip
HOLD = 0.40  # seconds that a sign without movement is held
_FIXED = {mark("upperarm"), mark("elbow"), mark("elbowinside")}  # they do not come to the middle
_SAME = mark("nondominant") + mark("etc")


@dataclass(frozen=True)
class Form:
    """A sign's motion: the dominant hand's and the other's (None where it does not take part), equally long."""

    dominant: Track
    other: Track | None


def perform_sign(sign: Sign, body: Proportions, habits: Habits) -> Form:
    """The motion of a sign at the signer's own tempo, sizes and places."""
    return _Performer(sign, body, habits).form()


def mirrored(bearing: Bearing | Blend[Bearing]) -> Bearing | Blend[Bearing]:
    """The direction with left and right exchanged."""
    if isinstance(bearing, Blend):
        first, second = mirrored(bearing.first), mirrored(bearing.second)
        assert isinstance(first, Bearing)
        assert isinstance(second, Bearing)
        return Blend(first, second)
    return replace(bearing, symbols="".join(_exchange(c) for c in bearing.symbols))


def _exchange(symbol: str) -> str:
    name = SYMBOLS[symbol].name
    for prefix in ("hamextfinger", "hampalm"):
        if name.startswith(prefix):
            letters = name[len(prefix) :].translate(str.maketrans("lr", "rl"))
            return BY_NAME[prefix + letters].character
    return symbol


class _Performer:
    def __init__(self, sign: Sign, body: Proportions, habits: Habits) -> None:
        self.sign, self.body, self.habits = sign, body, habits
        self.symmetry = sign.symmetry
        self.takes_part = sign.two_handed or any(_on_other(p) for p in _places(sign))
        self.spot: Spot | Blend[Spot] | None = None
        self.near_body = False

    def form(self) -> Form:
        stances = self._posture()
        stances = self._placed(self.sign.places, stances, first=True)
        active = (True, self.symmetry is not None)
        tracks = self._sequence(self.sign.actions, stances, active)
        if self.symmetry is not None and self.symmetry.alternating and not _repeats(self.sign.actions):
            tracks = self._taking_turns(tracks, stances, 1)
        if not len(tracks[0]):
            tracks = [held(s, samples(HOLD)) for s in stances]
        else:
            if (
                self.symmetry is not None and self.symmetry.alternating
            ):  # the other hand begins half a round on
                stances = [t.first(s) for s, t in zip(stances, tracks, strict=True)]
            tracks = [joined([held(s, 1), t]) for s, t in zip(stances, tracks, strict=True)]
        if self.sign.side:  # the non-dominant hand signs alone: as the dominant one would, on its own side
            return Form(held(self._resting(), len(tracks[0])), tracks[0])
        return Form(tracks[0], tracks[1] if self.takes_part else None)

    # how the hands stand

    def _resting(self) -> Stance:
        rest = signs.rest(self.body, self.habits, 0.0)
        bearing = Bearing(mark("palmd"))
        return Stance(
            rest.wrist, rest.frame, rest.angles, Handshape(mark("flathand")), rest.frame[1] * FLIP, bearing
        )

    def _posture(self) -> list[Stance]:
        posture, symmetry = self.sign.posture, self.symmetry
        hands = [posture.hand(True), posture.hand(False)]
        if not self.sign.two_handed and self.takes_part:
            hands[1] = self._base_hand()
        elif not self.sign.two_handed:
            return [self._stance(hands[0], None, True), self._resting()]
        elif symmetry is not None and symmetry.mirrored:
            hands[1] = _mirrored_where_shared(posture)
        elif symmetry is None and not posture.paired:
            hands[1] = Hand()
        dominant = self._stance(hands[0], None, True)
        return [dominant, self._stance(hands[1], dominant, False)]

    def _base_hand(self) -> Hand:
        """The other hand of a sign that names a place on it and says no more: flat, the place turned to the signing hand."""
        words = {w for p in _places(self.sign) for s in _spots(p) for w in space.names(s.symbols)}
        up = "palm" in words or "fingerpad" in words or "wristpulse" in words
        palm = (
            "hampalmu" if up else "hampalmd" if words & {"handback", "wristback", "lowerarm"} else "hampalmr"
        )
        return Hand(
            Handshape(mark("flathand")), Bearing(mark("extfingeror")), Bearing(BY_NAME[palm].character)
        )

    def _stance(self, hand: Hand, like: Stance | None, dominant: bool) -> Stance:
        assert hand.direction is not None or like is not None
        shape = hand.shape
        if shape is None or (isinstance(shape, Handshape) and shape.base == _SAME):
            shape = like.shape if like is not None else Handshape(mark("flathand"))
        fingers = space.finger_direction(hand.direction) if hand.direction is not None else like.fingers  # type: ignore[union-attr]
        palm = hand.palm if hand.palm is not None else like.palm  # type: ignore[union-attr]
        frame = space.axes_of(fingers, palm, dominant)
        return Stance(np.zeros(3), frame, self._angles(shape), shape, fingers, palm)

    def _angles(self, shape: Handshape | Blend[Handshape]) -> np.ndarray:
        angles = hand_angles(shape)
        open_joints = angles[1:, 1:] < 60.0
        angles[1:, 1:] += open_joints * self.habits.looseness * np.array([0.6, 1.0, 0.6])
        angles[1:, 0] *= 1.0 + self.habits.spread / 20.0
        return angles

    def _changed(self, posture: Posture, stances: list[Stance], active: tuple[bool, bool]) -> list[Stance]:
        """The stances after a change of posture of the hands that are active."""
        hands = [posture.hand(True), posture.hand(False)]
        if (
            not posture.paired
            and self.symmetry is not None
            and self.symmetry.mirrored
            and active == (True, True)
        ):
            hands[1] = _mirrored_where_shared(posture)
        changed = []
        for i, (hand, stance) in enumerate(zip(hands, stances, strict=True)):
            moves = (active[i] or posture.paired) and not hand.still
            if not moves or (hand.shape is hand.direction is hand.palm is None):
                changed.append(stance)
                continue
            new = self._stance(hand, stance, dominant=i == 0)
            if hand.shape is None:
                new = replace(new, angles=stance.angles)
            if hand.direction is None and hand.palm is None:
                new = replace(new, frame=stance.frame)
            changed.append(new.at(stance.wrist))
        return changed

    # where the hands are

    def _placed(
        self,
        places: Sequence[Place],
        stances: list[Stance],
        first: bool = False,
        active: tuple[bool, bool] = (True, True),
    ) -> list[Stance]:
        """The stances at these places. first: they are the sign's own; else those of hands that are already somewhere."""
        if first:
            both = self.sign.two_handed
            spot = CENTRE + (np.array([OWN_SIDE, 0.0, 0.0]) if both else np.array([0.085, 0.02, 0.0]))
            spot = spot + np.array(self.habits.place)
            other = CENTRE if self.takes_part and not both else spot
            stances = [self._with_middle_at(stances[0], spot), stances[1]]
            if self.takes_part:
                stances[1] = self._with_middle_at(stances[1], other)
        meeting: tuple[Spot | Blend[Spot] | None, Spot | Blend[Spot] | None, str] | None = None
        support = meeting
        where: Point | None = None
        for place in places:
            dominant, other_ = _sides(place)
            contact = space.contact_name(place.contact.symbols if place.contact else "")
            limbs = [
                loc is not None and loc.spot is not None and not _body(loc.spot) for loc in (dominant, other_)
            ]
            if isinstance(place.where, Pair):
                if limbs[0] and limbs[1]:
                    meeting = (dominant.spot, other_.spot, contact or _contact(dominant) or _contact(other_))
                    continue
                for i, loc in enumerate((dominant, other_)):
                    if limbs[i]:
                        if self.symmetry is not None:
                            meeting = (loc.spot, loc.spot, contact or _contact(loc))
                        elif i == 0:
                            meeting = (_part(loc.contact), loc.spot, contact or _contact(loc))
                        else:
                            support = (loc.spot, _part(loc.contact), contact or _contact(loc))
                    elif loc.spot is not None:
                        if limbs[1 - i] and self.symmetry is not None:
                            where = self._point(loc.spot)
                        else:
                            stances[i] = self._at_body(stances[i], loc, i)
                continue
            location = place.where
            if location.spot is not None and _body(location.spot):
                self.spot, self.near_body = location.spot, _contact(location) != "" or _is_head(location.spot)
                if meeting is not None or (self.sign.two_handed and not self.near_body and not first):
                    where = self._point(location.spot)
                for i in range(2):
                    if (i == 0 or self.sign.two_handed) and active[i]:
                        stances[i] = self._at_body(stances[i], location, i, mirror=i == 1)
            elif location.spot is not None:
                self.spot, self.near_body = location.spot, False
                mutual = self.symmetry is not None and _part(location.contact) is None
                mine = location.spot if mutual else _part(location.contact)
                meeting = (mine, location.spot, _contact(location))
            else:
                meeting_here = self.sign.two_handed and not self.near_body
                if meeting_here or (self.spot is not None and not _body(self.spot)):
                    theirs = self.spot if self.spot is not None and not _body(self.spot) else None
                    meeting = (
                        _part(location.contact) or (theirs if self.symmetry else None),
                        theirs,
                        _contact(location),
                    )
                else:
                    spot_ = self.spot or Spot(mark("chest"))
                    for i in range(2):
                        if (i == 0 or self.sign.two_handed) and active[i]:
                            stances[i] = self._at_body(
                                stances[i], Location(spot_, location.contact), i, mirror=i == 1
                            )
        if meeting is not None:
            stances = self._met(meeting, where, stances, first, active)
        if support is not None:  # the other hand comes to a part of the dominant one
            stances = self._met(support, None, stances, False, (False, True))
        return stances

    def _point(self, spot: Spot | Blend[Spot]) -> Point:
        if isinstance(spot, Blend):
            return self._point(spot.first).between(self._point(spot.second))
        if space.is_body(spot):
            return space.on_body(spot, self.body)
        return self._limb(spot, self._resting(), 1, np.array([1.0, 0.0, 0.0]))

    def _middle(self, stance: Stance) -> np.ndarray:
        """From the wrist to the hand's middle [3]."""
        return self.body.hand * geometry.apply(stance.frame, np.array([0.0, 0.45, 0.02]))

    def _with_middle_at(self, stance: Stance, middle: np.ndarray) -> Stance:
        return stance.at(middle - self._middle(stance))

    def _at_body(self, stance: Stance, location: Location, hand: int, mirror: bool = False) -> Stance:
        """One hand at a place of the body; mirror: the place is said of the dominant hand."""
        assert location.spot is not None
        point = self._point(location.spot)
        flip = FLIP if hand == 1 and not mirror else np.ones(3)
        where, normal = point.where * flip, point.normal * flip
        contact = _contact(location)
        head = _is_head(location.spot)
        if not contact:
            ahead = (0.12 if head else 0.16) * (
                normal if _beside(location.spot) else np.array([0.0, 0.0, 1.0])
            )
            if not _sided(location.spot) and not head:
                where = where + [OWN_SIDE if self.sign.two_handed else 0.06, 0.0, 0.0]
            elif self.sign.two_handed and not _sided(location.spot):
                where = where + [0.075, 0.0, 0.0]
            moved = where + ahead + np.array(self.habits.place)
            return self._with_middle_at(stance, moved)
        if (
            self.sign.two_handed
            and not _sided(location.spot)
            and mirror | (hand == 0 and self.symmetry is not None)
        ):
            where = where + [0.05 if head else 0.085, 0.0, 0.0]
        if contact == "behind":
            where = where + np.array([0.03, 0.0, -0.10])
        gap = max(space.DISTANCE[contact], 0.0) + FLESH
        part = _part(location.contact)
        if part is not None and not _on_body_only(part):
            local = self._own_part(part, stance)
        else:
            local = space.facing_part(stance.frame, stance.angles, -normal)[0] * self.body.hand
        return stance.at(where + gap * normal - geometry.apply(stance.frame, local))

    def _own_part(self, part: Spot | Blend[Spot], stance: Stance) -> np.ndarray:
        """A part of the hand in its own axes [3], metres."""
        if isinstance(part, Blend):
            return (self._own_part(part.first, stance) + self._own_part(part.second, stance)) / 2.0
        return space.on_hand(part, np.zeros(3), np.eye(3), stance.angles, self.body).where

    def _limb(self, spot: Spot | Blend[Spot] | None, stance: Stance, hand: int, towards: np.ndarray) -> Point:
        """A part of a hand or arm where it stands, in the dominant hand's axes; None: the part that faces `towards`."""
        flip = np.ones(3) if hand == 0 else FLIP
        if isinstance(spot, Blend):
            return self._limb(spot.first, stance, hand, towards).between(
                self._limb(spot.second, stance, hand, towards)
            )
        if spot is None:
            local, normal = space.facing_part(stance.frame, stance.angles, towards * flip, reach=1.0)
            where = stance.wrist + self.body.hand * geometry.apply(stance.frame, local)
            return Point(where * flip, geometry.apply(stance.frame, normal) * flip)
        if space.is_body(spot):
            return space.on_body(spot, self.body)
        word = space.names(spot.symbols)[0]
        if word in ("upperarm", "elbow", "elbowinside", "lowerarm"):
            return self._on_arm(word, stance, flip)
        point = space.on_hand(spot, stance.wrist, stance.frame, stance.angles, self.body)
        return Point(point.where * flip, point.normal * flip)

    def _on_arm(self, word: str, stance: Stance, flip: np.ndarray) -> Point:
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
        self,
        meeting: tuple[Spot | Blend[Spot] | None, Spot | Blend[Spot] | None, str],
        where: Point | None,
        stances: list[Stance],
        first: bool,
        active: tuple[bool, bool],
    ) -> list[Stance]:
        """Both hands, so that the dominant one's part meets the other's: in the middle, or at the other hand."""
        mine, theirs, contact = meeting
        inwards = np.array([-1.0, 0.0, 0.0])
        if theirs is None and mine is not None:
            p = self._limb(mine, stances[0], 0, inwards)
            q = self._limb(None, stances[1], 1, -p.normal)
        else:
            q = self._limb(theirs, stances[1], 1, -inwards)
            p = self._limb(mine, stances[0], 0, inwards if theirs is None else -q.normal)
        apart_ = q.normal - p.normal
        line = geometry.unit(apart_) if float(geometry.norm(apart_)) > 0.35 else q.normal
        gap = 2.0 * FLESH * (contact != "interlock") + {"": 0.08, "close": 0.045, "armextended": 0.08, "behind": 0.045, "interlock": -0.02, "cross": 0.0}.get(contact, 0.0)  # fmt: skip
        parts = set() if theirs is None else set(str(theirs))
        if (first and not parts & _FIXED) or (active == (True, True) and self.symmetry is not None):
            middle = (p.where + q.where) / 2.0
            middle = middle if not first else CENTRE + np.array([0.0, *self.habits.place[1:]])
            middle = middle * [0.0, 1.0, 1.0]
            if where is not None:
                middle = np.array([where.where[0], where.where[1], max(where.where[2] + 0.11, 0.20)])
            goals = [middle + 0.5 * gap * line, middle - 0.5 * gap * line]
            met = [
                stances[0].at(stances[0].wrist + goals[0] - p.where),
                stances[1].at(stances[1].wrist + (goals[1] - q.where) * FLIP),
            ]
            if (
                mark("lowerarm") in parts
            ):  # the elbow has moved with the hand: once more, to where the forearm is now
                return self._met(meeting, where, met, False, (True, False))
            return met
        if active[0]:
            return [stances[0].at(stances[0].wrist + q.where + gap * line - p.where), stances[1]]
        return [stances[0], stances[1].at(stances[1].wrist + (p.where - gap * line - q.where) * FLIP)]

    # how the hands move

    def _sequence(
        self,
        actions: Sequence[Action],
        stances: list[Stance],
        active: tuple[bool, bool],
        flowing: bool = False,
    ) -> list[Track]:
        """The actions one after another, from these stances; both hands' tracks are equally long."""
        done = [[], []]  # type: list[list[Track]]
        now = list(stances)
        i = 0
        while i < len(actions):
            action = actions[i]
            following = actions[i + 1] if i + 1 < len(actions) else None
            if isinstance(action, Repeat):
                so_far = [joined([held(s, 0), *d]) for s, d in zip(stances, done, strict=True)]
                if not len(so_far[0]):  # at the beginning of a group: what follows are the steps
                    more = so_far
                elif self._in_turns(action, active):
                    done, more = [[], []], self._taking_turns(so_far, stances, 1 + _times(action))
                else:
                    more = self._repeated(action, actions[:i], so_far, stances, now, active)
            elif isinstance(following, Target) and isinstance(action, Move | Blend) and _goes(action):
                more, now = self._towards(following, now, active, flowing, action)
                i += 1
            elif isinstance(action, Group) and isinstance(action.actions[0], Repeat) and done[0]:
                so_far = [joined(d) for d in done]
                more = self._stepped(action, so_far, stances, now, active)
            else:
                more, now = self._act(action, now, active, flowing)
            for d, track in zip(done, more, strict=True):
                d.append(track)
            check_length(sum(map(len, done[0])))
            now = [track.last(s) for track, s in zip(more, now, strict=True)]
            i += 1
        self._now = now
        return [joined([held(s, 0), *d]) for s, d in zip(stances, done, strict=True)]

    def _act(
        self, action: Action, stances: list[Stance], active: tuple[bool, bool], flowing: bool
    ) -> tuple[list[Track], list[Stance]]:
        """One action's tracks, and the stances with what it changes in the notated posture."""
        if isinstance(action, Both):
            return self._of_both(action, stances, active)
        if isinstance(action, Group):
            if action.brackets == PARALLEL:
                return self._at_once(action.actions, stances, active, flowing)
            tracks = self._sequence(action.actions, stances, active, action.brackets == FUSION)
            return tracks, self._now
        if isinstance(action, Replace):
            return self._replaced(action, stances, active, flowing)
        if isinstance(action, Target):
            return self._towards(action, stances, active, flowing, None)
        assert isinstance(action, Move | Blend)
        return self._moved(action, stances, active, flowing), stances

    def _of_both(
        self, action: Both, stances: list[Stance], active: tuple[bool, bool]
    ) -> tuple[list[Track], list[Stance]]:
        one = self._sequence(action.dominant, stances, (True, False))
        after_one = self._now
        two = self._sequence(action.other, stances, (False, True))
        after_two = self._now
        count = max(len(one[0]), len(two[1]))
        pace = paths.pace(action.marks)
        tracks = [_filled(one[0], count, stances[0]), _filled(two[1], count, stances[1])]
        after = [after_one[0], after_two[1]]
        self.takes_part = True
        if pace != 1.0:
            from signcore.plugins.synthetic.hamnosys.track import resampled

            tracks = [resampled(t, max(1, round(count * pace))) for t in tracks]
        return tracks, after

    def _at_once(
        self, actions: Sequence[Action], stances: list[Stance], active: tuple[bool, bool], flowing: bool
    ) -> tuple[list[Track], list[Stance]]:
        """The actions at the same time. A repetition among them repeats those before it."""
        after = list(stances)
        changed = list(stances)
        for action in actions:
            if isinstance(action, Replace):
                changed = self._changed(action.posture, changed, active)
        layers: list[list[Track]] = []
        i = 0
        while i < len(actions):
            action = actions[i]
            following = actions[i + 1] if i + 1 < len(actions) else None
            if isinstance(action, Repeat):
                so_far = [overlaid(s, [layer[h] for layer in layers]) for h, s in enumerate(stances)]
                if self._in_turns(action, active):
                    layers = [self._taking_turns(so_far, stances, 1 + _times(action))]
                else:
                    before = [Group(PARALLEL, tuple(actions[:i]))]
                    now = [track.last(a) for track, a in zip(so_far, after, strict=True)]
                    again = self._repeated(action, before, so_far, stances, now, active)
                    layers = [[joined([a, b]) for a, b in zip(so_far, again, strict=True)]]
            elif isinstance(action, Target):
                layers.append(self._target_layer(action, stances, changed, active, flowing, None))
            elif isinstance(following, Target) and isinstance(action, Move | Blend) and _goes(action):
                layers.append(self._target_layer(following, stances, changed, active, flowing, action))
                i += 1
            else:
                start = [
                    replace(s, shape=a.shape, fingers=a.fingers, palm=a.palm)
                    for s, a in zip(stances, after, strict=True)
                ]
                made, then = self._act(action, start, active, flowing)
                after = [
                    replace(a, shape=t.shape, fingers=t.fingers, palm=t.palm)
                    for a, t in zip(after, then, strict=True)
                ]
                layers.append(made)
            i += 1
        tracks = [overlaid(s, [layer[h] for layer in layers]) for h, s in enumerate(stances)]
        return tracks, [t.last(a) for t, a in zip(tracks, after, strict=True)]

    def _target_layer(
        self,
        target: Target,
        stances: list[Stance],
        changed: list[Stance],
        active: tuple[bool, bool],
        flowing: bool,
        move: Move | Blend[Move] | None,
    ) -> list[Track]:
        """The way to a place that is reached by hands which change their posture at the same time."""
        goals = self._placed((target.place,), list(changed), active=active)
        goals = [s.at(g.wrist) for s, g in zip(stances, goals, strict=True)]
        return self._approach(goals, stances, flowing, move)

    def _moved(
        self, action: Move | Blend[Move], stances: list[Stance], active: tuple[bool, bool], flowing: bool
    ) -> list[Track]:
        move = action.first if isinstance(action, Blend) else action
        slot = SYMBOLS[move.symbol].slot
        way = self._way(action) if slot == "straight movement" else np.zeros(3)
        length = float(geometry.norm(way))
        time = paths.seconds(move, length) / self.habits.tempo
        rest = samples(0.15 / self.habits.tempo) if "rest" in space.names(_marks(action)) else 0
        count = samples(time)
        size = self.habits.size
        shift: np.ndarray | None = None
        if slot == "circle":
            shift = paths.circle(move, time, size)
            if isinstance(action, Blend):
                shift = (shift + paths.circle(action.second, time, size)[: len(shift)]) / 2.0
        elif space.names(move.symbol)[0] in ("movecross", "moveX"):
            shift = paths.drawn(move, time, size)
        elif slot == "straight movement":
            shift = paths.straight(way, _marks(action), flowing, count=count)
        tracks = []
        for hand, stance in enumerate(stances):
            if not active[hand] or slot == "no motion":
                track = held(stance, count)
            elif shift is not None:
                track = shifted(stance, self._for_hand(shift, hand, active))
            elif space.names(move.symbol)[0] == "fingerplay":
                track = held(stance, count)
                angles = paths.fingers_playing(stance.angles, move.marks, count)
                track = Track(track.wrist, track.frame, angles)
            else:
                track = held(stance, count)
                frame = paths.turned(move, stance.frame, count, 1)
                track = Track(track.wrist, frame, track.angles)
            still = [held(track.last(stance), samples(0.12))] if "halt" in space.names(_marks(action)) else []
            tracks.append(joined([held(stance, rest), track, *still]))
        return tracks

    def _way(self, action: Move | Blend[Move]) -> np.ndarray:
        if isinstance(action, Blend):
            ways = [self._way(action.first), self._way(action.second)]
            length = (float(geometry.norm(ways[0])) + float(geometry.norm(ways[1]))) / 2.0
            return geometry.unit(ways[0] + ways[1]) * length
        name = space.names(action.symbol)[0]
        if name in ("movecross", "moveX") or SYMBOLS[action.symbol].slot != "straight movement":
            return np.zeros(3)
        return (
            space.direction(action.symbol) * paths.STRAIGHT[paths.sizes(action.marks)[0]] * self.habits.size
        )

    def _for_hand(self, shift: np.ndarray, hand: int, active: tuple[bool, bool]) -> np.ndarray:
        """A displacement [N, 3] in the dominant hand's axes as this hand makes it, in its own axes."""
        if hand == 0:
            return shift
        if active != (True, True) or self.symmetry is None:
            return shift * FLIP
        symmetry = self.symmetry
        sign = np.array(
            [1.0, -1.0 if symmetry.opposite_heights else 1.0, -1.0 if symmetry.opposite_depths else 1.0]
        )
        return shift * sign * (1.0 if symmetry.mirrored else FLIP)

    def _replaced(
        self, action: Replace, stances: list[Stance], active: tuple[bool, bool], flowing: bool
    ) -> tuple[list[Track], list[Stance]]:
        new = self._changed(action.posture, stances, active)
        marks = action.before + action.marks
        words = space.names(marks)
        rolling = "increasing" in words or "decreasing" in words
        time = (0.55 if rolling else 0.32) * paths.pace(marks) / self.habits.tempo
        count = samples(time)
        tracks = []
        for stance, goal in zip(stances, new, strict=True):
            track = between(stance, goal, paths.progress(count, "" if rolling else marks, flowing))
            if rolling:  # one finger after another: from the index finger where it grows, from the little one where it shrinks
                angles = track.angles.copy()
                s = np.arange(1, count + 1) / count
                for finger in range(1, 5):
                    turn = finger - 1 if "increasing" in words else 4 - finger
                    part = np.clip(s * 2.0 - turn / 3.0, 0.0, 1.0)[:, None]
                    angles[:, finger] = stance.angles[finger] + part * (
                        goal.angles[finger] - stance.angles[finger]
                    )
                track = Track(track.wrist, track.frame, angles)
            tracks.append(track)
        return tracks, new

    def _towards(
        self,
        target: Target,
        stances: list[Stance],
        active: tuple[bool, bool],
        flowing: bool,
        move: Move | Blend[Move] | None,
    ) -> tuple[list[Track], list[Stance]]:
        goals = self._placed((target.place,), list(stances), active=active)
        return self._approach(goals, stances, flowing, move), goals

    def _approach(
        self,
        goals: list[Stance],
        stances: list[Stance],
        flowing: bool,
        move: Move | Blend[Move] | None,
    ) -> list[Track]:
        """The way to these stances, in the shape of `move` where there is one."""
        ways = [g.wrist - s.wrist for g, s in zip(goals, stances, strict=True)]
        length = max(float(geometry.norm(way)) for way in ways)
        marks = _marks(move) if move is not None else ""
        time = (0.20 + 0.75 * length) * paths.pace(marks) / self.habits.tempo
        count = samples(time)
        tracks = []
        for hand, (way, stance) in enumerate(zip(ways, stances, strict=True)):
            mirror = hand == 1 and not (self.symmetry is not None and self.symmetry.mirrored)
            flip = FLIP if mirror else np.ones(3)
            tracks.append(shifted(stance, paths.straight(way * flip, marks, flowing, count=count) * flip))
        return tracks

    # again

    def _repeated(
        self,
        repeat: Repeat,
        before: Sequence[Action],
        so_far: list[Track],
        start: list[Stance],
        now: list[Stance],
        active: tuple[bool, bool],
    ) -> list[Track]:
        """What a repetition adds after `so_far`."""
        word = SYMBOLS[repeat.symbol].name.removeprefix("ham")
        times = _times(repeat)
        if word == "repeatreverse":
            return [Track(t.wrist[::-1], t.frame[::-1], t.angles[::-1]) for t in so_far]
        if word == "alternatingmotion":
            if len(so_far) < 2:
                return [held(now[0], 0)]
            self.takes_part = True
            count = len(so_far[0])
            theirs = (
                so_far[1]
                if active[1]
                else Track(
                    so_far[0].wrist - start[0].wrist + start[1].wrist, so_far[1].frame, so_far[1].angles
                )
            )
            return [held(now[0], count), theirs]
        if word.startswith("repeatcontinue"):
            tracks: list[list[Track]] = [[], []]
            stances = now
            for _ in range(times):
                more = self._sequence(before, stances, active)
                stances = self._now
                for have, track in zip(tracks, more, strict=True):
                    have.append(track)
            return [joined(have) for have in tracks]
        back = self._return(so_far, start)
        check_length((times + 1) * (len(back[0]) + len(so_far[0])))
        tracks = [[], []]
        for _ in range(times):
            for have, b, s in zip(tracks, back, so_far, strict=True):
                have += [b, s]
        return [joined(have) for have in tracks]

    def _in_turns(self, repeat: Repeat, active: tuple[bool, bool]) -> bool:
        """Whether the hands make the rounds of a repetition half a round apart."""
        turns = self.symmetry is not None and self.symmetry.alternating and active == (True, True)
        return turns and SYMBOLS[repeat.symbol].name.startswith("hamrepeatfromstart")

    def _return(self, so_far: list[Track], start: list[Stance]) -> list[Track]:
        """Back to the start, where a motion does not end there anyway."""
        far = max(apart(joined([held(s, 1), t])) for t, s in zip(so_far, start, strict=True))
        count = 0 if far < 0.012 else samples((0.13 + 0.5 * far) / self.habits.tempo)
        return [between(t.last(s), s, eased(count)) for t, s in zip(so_far, start, strict=True)]

    def _taking_turns(self, tracks: list[Track], start: list[Stance], rounds: int) -> list[Track]:
        """Both hands go round the same loop, half a round apart."""
        back = self._return(tracks, start)
        loops = [joined([t, b]) for t, b in zip(tracks, back, strict=True)]
        check_length(rounds * len(loops[0]))
        half = len(loops[0]) // 2
        turned = []
        for hand, loop in enumerate(loops):
            whole = joined([loop] * rounds)
            if hand == 1 and half:
                whole = Track(*(np.roll(v, -half, axis=0) for v in (whole.wrist, whole.frame, whole.angles)))
            turned.append(whole)
        return turned

    def _stepped(
        self,
        group: Group,
        so_far: list[Track],
        start: list[Stance],
        now: list[Stance],
        active: tuple[bool, bool],
    ) -> list[Track]:
        """Again, every time further on by what the group's moves say."""
        repeat = group.actions[0]
        assert isinstance(repeat, Repeat)
        times = _times(repeat)
        step = self._sequence(group.actions[1:], start, active)
        steps = [t.last(s).wrist - s.wrist for t, s in zip(step, start, strict=True)]
        tracks: list[list[Track]] = [[], []]
        here = list(now)
        for n in range(1, times + 1):
            for hand in range(2):
                moved = Track(so_far[hand].wrist + n * steps[hand], so_far[hand].frame, so_far[hand].angles)
                first = moved.first(here[hand])
                tracks[hand] += [between(here[hand], first, eased(samples(0.2 / self.habits.tempo))), moved]
                here[hand] = moved.last(here[hand])
        return [joined(have) for have in tracks]


def check_length(count: int) -> None:
    """Raise InputError where so many samples are longer than a clip may be: repetitions of repetitions grow fast."""
    if count > LONGEST * RATE:
        raise InputError(
            f"notation: takes more than {LONGEST:g} seconds to sign", "repeat less, or give fewer signs"
        )


def _filled(track: Track, count: int, stance: Stance) -> Track:
    """Held at its end until it has `count` samples."""
    return joined([track, held(track.last(stance), count - len(track))])


def _marks(action: Move | Blend[Move]) -> str:
    return action.first.marks + action.second.marks if isinstance(action, Blend) else action.marks


def _times(repeat: Repeat) -> int:
    """How often more."""
    return 2 if SYMBOLS[repeat.symbol].name.endswith("several") else 1


def _goes(action: Action) -> bool:
    """Whether it is a straight way, which a place that follows ends."""
    if isinstance(action, Blend):
        return _goes(action.first)
    if not isinstance(action, Move):
        return False
    return SYMBOLS[action.symbol].slot == "straight movement" and SYMBOLS[action.symbol].name not in (
        "hammovecross",
        "hammoveX",
    )


def _repeats(actions: Sequence[Action]) -> bool:
    return any(isinstance(a, Repeat) or (isinstance(a, Group) and _repeats(a.actions)) for a in actions)


def _mirrored_where_shared(posture: Posture) -> Hand:
    """The other hand's posture under left-right symmetry: what is said of both is mirrored, what is said of it is not."""
    hand = Hand()
    for part in posture.parts:
        if isinstance(part, Pair):
            more = part.other
        else:
            more = replace(
                part,
                direction=None if part.direction is None else mirrored(part.direction),
                palm=None if part.palm is None else mirrored(part.palm),
            )
        hand = hand.filled(more) or hand
    return hand


def _sides(place: Place) -> tuple[Location, Location]:
    if isinstance(place.where, Pair):
        return place.where.dominant, place.where.other
    return place.where, place.where


def _contact(location: Location) -> str:
    return space.contact_name(location.contact.symbols) if location.contact is not None else ""


def _part(contact: Contact | None) -> Spot | Blend[Spot] | None:
    return contact.part if contact is not None else None


def _body(spot: Spot | Blend[Spot]) -> bool:
    return _body(spot.first) if isinstance(spot, Blend) else space.is_body(spot)


def _is_head(spot: Spot | Blend[Spot]) -> bool:
    return (
        _is_head(spot.first) if isinstance(spot, Blend) else SYMBOLS[spot.symbols[0]].slot == "head location"
    )


def _sided(spot: Spot | Blend[Spot]) -> bool:
    if isinstance(spot, Blend):
        return _sided(spot.first) or _sided(spot.second)
    return bool(spot.before or (spot.after and SYMBOLS[spot.after].slot == "side"))


def _beside(spot: Spot | Blend[Spot]) -> bool:
    if isinstance(spot, Blend):
        return _beside(spot.first) and _beside(spot.second)
    return mark("lrbeside") in (spot.before, spot.after)


def _on_body_only(part: Spot | Blend[Spot]) -> bool:
    first = part.first if isinstance(part, Blend) else part
    return space.is_body(first) or SYMBOLS[first.symbols[0]].name in (
        "hamupperarm",
        "hamelbow",
        "hamelbowinside",
        "hamlowerarm",
    )


def _spots(place: Place) -> list[Spot]:
    found: list[Spot] = []
    for location in _sides(place):
        spot = location.spot
        found += [] if spot is None else [spot.first, spot.second] if isinstance(spot, Blend) else [spot]
    return found


def _places(sign: Sign) -> list[Place]:
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


def _on_other(place: Place) -> bool:
    """Whether it is on the other hand or forearm, which then is held before the body; the upper arm may hang."""
    resting = {mark("upperarm"), mark("elbow")}
    return any(not space.is_body(spot) and not set(spot.symbols) <= resting for spot in _spots(place))
