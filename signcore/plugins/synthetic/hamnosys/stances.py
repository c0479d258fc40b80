"""Notated postures to stances: how both hands of a sign stand, and how they change."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from signcore.plugins.synthetic import signs
from signcore.plugins.synthetic.hamnosys import space
from signcore.plugins.synthetic.hamnosys.handshape import hand_angles
from signcore.plugins.synthetic.hamnosys.space import FLIP
from signcore.plugins.synthetic.hamnosys.spots import places_of, spots_of
from signcore.plugins.synthetic.hamnosys.track import Stance
from signcore.plugins.synthetic.signs import Habits
from signcore.plugins.synthetic.skeleton import Proportions
from signcore.types.hamnosys.structure import Bearing, Blend, Hand, Handshape, Pair, Posture, Sign, mark
from signcore.types.hamnosys.symbols import BY_NAME, SYMBOLS

Active = tuple[bool, bool]  # which hands an action is for: the dominant one, the other one
_SAME_SHAPE = mark("nondominant") + mark("etc")
_FLAT = Handshape(mark("flathand"))


def resting(body: Proportions, habits: Habits) -> Stance:
    """A hand at ease before the waist."""
    rest = signs.rest(body, habits, 0.0)
    return Stance(rest.wrist, rest.frame, rest.angles, _FLAT, rest.frame[1] * FLIP, Bearing(mark("palmd")))


class Stances:
    """The stances of one sign's hands; where they are is `Placing`'s business: a new stance's wrist is at the origin."""

    def __init__(self, sign: Sign, body: Proportions, habits: Habits, takes_part: bool) -> None:
        self.sign, self.body, self.habits, self.takes_part = sign, body, habits, takes_part

    def first(self) -> list[Stance]:
        """Dominant and other hand as the sign begins; the other at rest where it does not take part."""
        posture, symmetry = self.sign.posture, self.sign.symmetry
        dominant = self._stance(posture.hand(True), None, True)
        if not self.takes_part:
            return [dominant, resting(self.body, self.habits)]
        if not self.sign.two_handed:
            other = self._base_hand()
        elif symmetry is not None and symmetry.mirrored:
            other = mirrored_where_shared(posture)
        else:
            other = posture.hand(False)
        return [dominant, self._stance(other, dominant, False)]

    def changed(self, posture: Posture, stances: list[Stance], active: Active) -> list[Stance]:
        """The stances after a change of posture of the hands that are active; the wrists stay where they are."""
        symmetry = self.sign.symmetry
        hands = [posture.hand(True), posture.hand(False)]
        if symmetry is not None and symmetry.mirrored and active == (True, True) and not posture.paired:
            hands[1] = mirrored_where_shared(posture)
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

    def _base_hand(self) -> Hand:
        """The other hand of a sign that names a place on it and says no more: flat, the place turned to the signing hand."""
        words = {w for p in places_of(self.sign) for s in spots_of(p) for w in space.names(s.symbols)}
        palm = "hampalmr"
        if words & {"palm", "fingerpad", "wristpulse"}:
            palm = "hampalmu"
        elif words & {"handback", "wristback", "lowerarm"}:
            palm = "hampalmd"
        return Hand(_FLAT, Bearing(mark("extfingeror")), Bearing(BY_NAME[palm].character))

    def _stance(self, hand: Hand, like: Stance | None, dominant: bool) -> Stance:
        """A hand as notated; `like` fills in what is not said."""
        shape = hand.shape
        if shape is None or (isinstance(shape, Handshape) and shape.base == _SAME_SHAPE):
            shape = like.shape if like is not None else _FLAT
        assert like is not None or (hand.direction is not None and hand.palm is not None)
        fingers = space.finger_direction(hand.direction) if hand.direction is not None else like.fingers  # type: ignore[union-attr]
        palm = hand.palm if hand.palm is not None else like.palm  # type: ignore[union-attr]
        frame = space.axes_of(fingers, palm, dominant)
        return Stance(np.zeros(3), frame, self._angles(shape), shape, fingers, palm)

    def _angles(self, shape: Handshape | Blend[Handshape]) -> np.ndarray:
        """The handshape [5, 4] in degrees as this signer makes it."""
        angles = hand_angles(shape)
        open_joints = angles[1:, 1:] < 60.0
        angles[1:, 1:] += open_joints * self.habits.looseness * np.array([0.6, 1.0, 0.6])
        angles[1:, 0] *= 1.0 + self.habits.spread / 20.0
        return angles


def mirrored_where_shared(posture: Posture) -> Hand:
    """The other hand's posture under left-right symmetry: what is said of both is mirrored, what is said of it is not."""
    hand = Hand()
    for part in posture.parts:
        if isinstance(part, Pair):
            more = part.other
        else:
            direction = None if part.direction is None else mirrored(part.direction)
            palm = None if part.palm is None else mirrored(part.palm)
            more = replace(part, direction=direction, palm=palm)
        hand = hand.filled(more) or hand
    return hand


def mirrored(bearing: Bearing | Blend[Bearing]) -> Bearing | Blend[Bearing]:
    """The direction with left and right exchanged."""
    if isinstance(bearing, Blend):
        return Blend(_mirrored(bearing.first), _mirrored(bearing.second))
    return _mirrored(bearing)


def _mirrored(bearing: Bearing) -> Bearing:
    return replace(bearing, symbols="".join(_exchanged(c) for c in bearing.symbols))


def _exchanged(symbol: str) -> str:
    name = SYMBOLS[symbol].name
    prefix = next(p for p in ("hamextfinger", "hampalm") if name.startswith(p))
    letters = name[len(prefix) :].translate(str.maketrans("lr", "rl"))
    return BY_NAME[prefix + letters].character
