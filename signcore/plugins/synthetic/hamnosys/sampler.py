"""Well-formed notations drawn from a seed: what the dataset signs where no real ones are given."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from signcore.types.hamnosys.parser import parse
from signcore.types.hamnosys.symbols import from_names

_OPEN = ("flathand", "finger2345")
_POINTING = ("finger2", "finger23", "finger23spread", "fist")
_MEETING = ("pinch12", "pinchall", "pinch12open", "cee12", "ceeall", "ceeopen")
_THUMBS = ("thumboutmod", "thumbacrossmod", "thumbopenmod")
_BENDS = ("fingerstraightmod", "fingerbendmod", "fingerhookmod", "doublebent", "doublehooked")
_SINGLE = (
    "middlefinger fingerstraightmod",
    "pinky",
    "indexfinger fingerbendmod",
    "middlefinger fingerhookmod",
)
_FINGERS = {  # a finger direction, and the palms that a right hand can comfortably have there
    "u": ("d", "l", "dl", "u", "ul"), "ul": ("l", "d", "dl", "ul"), "ur": ("d", "l", "r"), "l": ("l", "d", "dl", "u"),
    "ol": ("l", "d", "u", "dl"), "o": ("l", "d", "u", "dl"), "or": ("d", "l", "u"), "uo": ("l", "d", "dl", "u"), "ui": ("u", "l", "ul"),
    "d": ("d", "l"), "do": ("l", "d"), "dl": ("l", "d"), "il": ("r", "d"),
}  # fmt: skip
_DIRECTION_WEIGHTS = (20, 14, 2, 9, 14, 16, 8, 13, 3, 2, 4, 3, 2)
_HEAD = (
    "forehead",
    "eyes",
    "nose",
    "cheek",
    "lips",
    "chin",
    "underchin",
    "neck",
    "ear",
    "headtop",
    "head",
    "nostrils",
)
_TRUNK = ("shoulders", "chest", "stomach", "shouldertop", "belowstomach")
_MOVES = (
    "u",
    "ur",
    "r",
    "dr",
    "d",
    "dl",
    "l",
    "ul",
    "ol",
    "o",
    "or",
    "il",
    "i",
    "ir",
    "ui",
    "di",
    "do",
    "uo",
)
_CIRCLES = ("o", "i", "d", "u", "l", "r", "ol", "ul")
_SIZES = ("smallmod", "smallmod", "largemod", "")
_PATHS = ("arcu", "arcd", "arcl", "arcr", "arcu smallmod", "wavy", "zigzag")
_HANDLINGS = ("fingerplay", "nodding", "swinging", "twisting", "stircw", "stirccw")
_MANNERS = ("fast", "slow", "tense", "halt")
_REPEATS = ("repeatfromstart", "repeatfromstart", "repeatfromstartseveral", "repeatreverse", "repeatcontinue")


def sample(seed: int, index: int) -> str:
    """Notation `index` of the stream `seed`. It parses, and has every part of a notation now and then."""
    return _Draw(np.random.Generator(np.random.PCG64([4409, seed, index]))).notation()


def sample_distinct(seed: int, count: int) -> list[str]:
    """The first `count` distinct notations of the stream."""
    found: dict[str, None] = {}
    index = 0
    while len(found) < count:
        found.setdefault(sample(seed, index))
        index += 1
    return list(found)


class _Draw:
    def __init__(self, generator: np.random.Generator) -> None:
        self._generator = generator

    def _chance(self, share: float) -> bool:
        return bool(self._generator.random() < share)

    def _one(self, options: Sequence[str], weights: Sequence[float] | None = None) -> str:
        p = None if weights is None else np.array(weights) / np.sum(weights)
        return options[int(self._generator.choice(len(options), p=p))]

    def notation(self) -> str:
        kind = self._one(("one", "mirrored", "parallel", "base"), (55, 27, 5, 13))
        words = {"mirrored": ["symmlr"], "parallel": ["symmpar"]}.get(kind, [])
        if kind == "mirrored" and self._chance(0.12):
            words.append("alternatingmotion")
        if kind == "base":
            words += ["parbegin", *self._hand(), "plus", *self._base(), "parend"]
            part = self._one(
                ("palm", "handback", "thumbside", "indexfinger fingertip", "wristback", "pinkyside")
            )
            words += [part, self._one(("touch", "close", "close"))]
        else:
            words += self._hand()
            words += self._location(two=kind != "one")
        words += self._movement(two=kind in ("mirrored", "parallel"))
        text = from_names(" ".join("ham" + w for w in " ".join(words).split()))
        parse(text)
        return text

    def _shape(self) -> list[str]:
        words = [self._one((*_OPEN, *_POINTING, *_MEETING), (20, 16, 17, 5, 6, 12, 3, 6, 4, 3, 3, 1))]
        if self._chance(0.55):
            words.append(self._one(_THUMBS, (5, 4, 1)))
        if self._chance(0.28):
            words.append(self._one(_BENDS, (5, 4, 3, 0.5, 0.5)))
        if self._chance(0.08) and words[0] not in _MEETING:
            words.append(self._one(_SINGLE))
        return words

    def _orientation(self) -> list[str]:
        fingers = self._one(tuple(_FINGERS), _DIRECTION_WEIGHTS)
        words = ["extfinger" + fingers]
        if fingers == "uo" and self._chance(0.4):
            words.append("extfingerol")
        return [*words, "palm" + self._one(_FINGERS[fingers])]

    def _hand(self) -> list[str]:
        shape = self._shape()
        if self._chance(0.06):
            shape += ["between", *self._shape()]
        return [*shape, *self._orientation()]

    def _base(self) -> list[str]:
        shape = self._one(("flathand", "fist", "finger2", "finger2345", "ceeall"), (6, 3, 2, 1, 1))
        return [
            shape,
            self._one(("extfingeror", "extfingerr", "extfingero", "extfingerur")),
            self._one(("palmu", "palmd", "palmr")),
        ]

    def _location(self, two: bool) -> list[str]:
        draw = self._generator.random()
        if draw < 0.25:
            return ["touch"] if two and self._chance(0.6) else ["close"] if two and self._chance(0.4) else []
        place = (
            self._one(_HEAD, (9, 3, 4, 7, 5, 9, 3, 4, 3, 1, 4, 1))
            if draw < 0.58
            else self._one(_TRUNK, (7, 6, 2, 1.5, 0.5))
        )
        side = self._one(("", "lrat", "lrbeside"), (5, 4, 1))
        words = [place, side] if self._chance(0.88) else [side, place]
        if place in _HEAD or self._chance(0.5):
            words.append(self._one(("touch", "close", ""), (5, 4, 1)))
            if words[-1] == "touch" and self._chance(0.3):
                words[-1:] = [
                    "seqbegin",
                    "touch",
                    self._one(
                        ("indexfinger fingertip", "fingertip", "palm", "handback", "thumbside", "fingerpad")
                    ),
                    "seqend",
                ]
        return words

    def _move(self) -> list[str]:
        if self._chance(0.2):
            words = ["circle" + self._one(_CIRCLES, (2, 4, 1, 4, 4, 1, 0.5, 0.5)), self._one(_SIZES)]
            return [*words, "clockfull"] if self._chance(0.1) else words
        words = [
            "move" + self._one(_MOVES, (5, 2, 6, 3, 9, 3, 4, 1, 2, 6, 3, 1, 4, 1, 1, 1, 3, 1)),
            self._one(_SIZES),
        ]
        if self._chance(0.3):
            words.append(self._one(_PATHS, (5, 3, 2, 2, 2, 0.7, 0.7)))
        return words

    def _replaced(self) -> list[str]:
        draw = self._generator.random()
        if draw < 0.4:
            return ["replace", *self._shape()]
        return ["replace", *self._orientation()] if draw < 0.85 else ["replace", *self._hand()]

    def _movement(self, two: bool) -> list[str]:
        draw = self._generator.random()
        if draw < 0.06:
            return []
        if draw < 0.50:
            words = self._move()
        elif draw < 0.68:
            words = ["parbegin", *self._move(), *self._replaced(), "parend"]
        elif draw < 0.80:
            words = self._replaced()
        elif draw < 0.90:
            words = [self._one(_HANDLINGS, (5, 2, 3, 3, 1, 1))]
        elif draw < 0.96 or not two:
            words = [*self._move(), *self._move()]
        else:
            words = ["parbegin", *self._move(), "plus", "nomotion", "parend"]
        if words[-1] != "parend" and words[0] != "replace" and self._chance(0.15):
            words.append(self._one(_MANNERS, (6, 1, 2, 3)))
        if self._chance(0.12):
            words += ["touch"] if self._chance(0.5) else [self._one(_TRUNK), "touch"]
        if self._chance(0.42):
            words.append(self._one(_REPEATS))
        return words
