"""Signers: everything that differs from one person, room and camera to the next, drawn from one seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from signcore.plugins.synthetic.signs import Habits
from signcore.plugins.synthetic.skeleton import Proportions

Option = TypeVar("Option")
Colour = tuple[float, float, float]  # sRGB 0..255

VARIATION = 0.15  # bones
TEMPO_VARIATION = 0.30
TEST_SEEDS = 1_000_000  # signers of the test split have seeds from here on; train signers stay below
SKINS: tuple[Colour, ...] = (
    (243, 205, 180),
    (232, 188, 158),
    (222, 174, 140),
    (204, 152, 117),
    (178, 124, 90),
    (146, 98, 70),
    (116, 76, 54),
)
HAIRS: tuple[Colour, ...] = (
    (28, 22, 20),
    (52, 36, 27),
    (84, 56, 36),
    (122, 84, 50),
    (176, 136, 84),
    (138, 62, 34),
    (120, 116, 112),
)
CLOTHES: tuple[Colour, ...] = (
    (34, 38, 52), (28, 30, 32), (56, 78, 122), (120, 36, 44), (62, 88, 70), (196, 194, 188), (150, 160, 172),
    (92, 64, 104), (38, 96, 110), (176, 142, 92), (206, 176, 184), (70, 60, 52),
)  # fmt: skip
IRISES: tuple[Colour, ...] = ((70, 46, 30), (50, 34, 26), (84, 110, 130), (90, 104, 66), (104, 74, 44))
STYLES = ("short", "short", "crop", "long", "long", "bob", "bun", "curly", "bald")
SLEEVES = (0.55, 0.75, 1.5, 1.93, 1.93)  # see Look.sleeve
NECKLINES = ("round", "v", "high", "wide")
BACKDROPS = ("plain", "gradient", "wall", "room", "curtain")


@dataclass(frozen=True)
class Look:
    skin: Colour
    hair: Colour
    iris: Colour
    clothes: Colour
    trim: Colour  # stripes
    backdrop: Colour
    style: str  # of the hair
    neckline: str
    sleeve: float  # 0 shoulder .. 1 elbow .. 2 wrist
    striped: bool
    scene: str  # one of BACKDROPS
    brows: float  # thickness, 1 is average
    lips: float  # fullness, 1 is average
    face_width: float  # 1 is average
    build: float  # thickness of trunk and arms, 1 is average


@dataclass(frozen=True)
class Camera:
    """A pinhole before the signer, looking at (x, y) from `distance` metres; `extent` metres of height fill the frame."""

    x: float = 0.0
    y: float = -0.095
    distance: float = 2.2
    extent: float = 0.93
    yaw: float = 0.0  # radians: the signer's turn
    light: tuple[float, float, float] = (-0.45, 0.62, 0.64)  # towards the key light, world axes
    key: float = 0.72
    ambient: float = 0.42
    warmth: float = 0.0  # -1 cold .. 1 warm


@dataclass(frozen=True)
class Signer:
    """One person in one room. `seed` names them: the same seed is the same signer everywhere."""

    seed: int
    body: Proportions
    habits: Habits
    look: Look
    camera: Camera
    left_handed: bool
    missing: float  # the share of frames in which a pose estimator would lose a hand

    @property
    def name(self) -> str:
        return f"signer-{self.seed}"

    @classmethod
    def sample(cls, seed: int) -> Signer:
        """Draw a signer. Seeds from `TEST_SEEDS` on are the test split's."""
        draw = _Draw(seed)
        average = Proportions()
        body = Proportions(
            **{
                name: draw.near(getattr(average, name), VARIATION)
                for name in Proportions.__dataclass_fields__
            }
        )
        habits = Habits(
            tempo=draw.near(1.0, TEMPO_VARIATION),
            place=(draw.between(-0.02, 0.02), draw.between(-0.02, 0.02), draw.between(-0.012, 0.012)),
            size=draw.near(1.0, 0.2),
            looseness=draw.between(0.0, 7.0),
            spread=draw.between(-4.0, 6.0),
        )
        look = _look(draw)
        camera = _camera(draw, body)
        return cls(seed, body, habits, look, camera, draw.chance(0.2), draw.between(0.05, 0.15))


class _Draw:
    """One signer's stream of random choices; their order is part of who the signers are."""

    def __init__(self, seed: int) -> None:
        self._generator = np.random.Generator(np.random.PCG64([7041, seed]))

    def between(self, low: float, high: float) -> float:
        return float(self._generator.uniform(low, high))

    def near(self, value: float, share: float) -> float:
        return value * (1.0 + share * self.between(-1.0, 1.0))

    def chance(self, share: float) -> bool:
        return bool(self._generator.random() < share)

    def one_of(self, options: Sequence[Option]) -> Option:
        return options[int(self._generator.integers(len(options)))]

    def tint(self, colour: Colour, spread: float) -> Colour:
        red, green, blue = (min(245.0, max(8.0, c + self.between(-spread, spread))) for c in colour)
        return red, green, blue

    def shade(self, colour: Colour) -> Colour:
        share = self.between(0.8, 1.3)
        red, green, blue = (min(235.0, c * share) for c in colour)
        return red, green, blue

    def wall(self) -> Colour:
        """Bright or dark, never loud."""
        grey = self.between(55.0, 205.0)
        tints = [self.between(-1.0, 1.0) for _ in range(3)]
        mean = sum(tints) / 3.0
        red, green, blue = (
            min(225.0, max(20.0, grey + 26.0 * (tint - mean) + cool))
            for tint, cool in zip(tints, (0.0, 2.0, 5.0), strict=True)
        )
        return red, green, blue


def _apart(a: Colour, b: Colour) -> float:
    return max(abs(x - y) for x, y in zip(a, b, strict=True))


def _look(draw: _Draw) -> Look:
    skin = draw.tint(draw.one_of(SKINS), 9.0)
    clothes = draw.tint(draw.one_of(CLOTHES), 14.0)
    while _apart(skin, clothes) < 45.0:  # hands must stand out before clothes
        clothes = draw.tint(draw.one_of(CLOTHES), 14.0)
    backdrop = draw.wall()
    while _apart(skin, backdrop) < 40.0:
        backdrop = draw.wall()
    return Look(
        skin=skin,
        hair=draw.shade(draw.one_of(HAIRS)),
        iris=draw.tint(draw.one_of(IRISES), 8.0),
        clothes=clothes,
        trim=draw.tint(draw.one_of(CLOTHES), 14.0),
        backdrop=backdrop,
        style=draw.one_of(STYLES),
        neckline=draw.one_of(NECKLINES),
        sleeve=draw.one_of(SLEEVES),
        striped=draw.chance(0.15),
        scene=draw.one_of(BACKDROPS),
        brows=draw.near(1.0, 0.35),
        lips=draw.near(1.0, 0.3),
        face_width=draw.near(1.0, 0.07),
        build=draw.near(1.0, 0.10),
    )


def _camera(draw: _Draw, body: Proportions) -> Camera:
    """From above the head to the hips, as sign videos are framed."""
    side = -1.0 if draw.chance(0.5) else 1.0
    top = body.neck + 1.96 * body.head + draw.between(0.06, 0.12)
    bottom = -0.67 * body.trunk - 0.42 * body.hand - draw.between(0.13, 0.17)  # below the resting hands
    return Camera(
        x=draw.between(-0.03, 0.03),
        y=(top + bottom) / 2.0,
        distance=draw.between(1.5, 3.0),
        extent=top - bottom,
        yaw=draw.between(-0.14, 0.14),
        light=(side * draw.between(0.2, 0.6), draw.between(0.45, 0.75), draw.between(0.55, 0.9)),
        key=draw.between(0.50, 0.66),
        ambient=draw.between(0.46, 0.58),
        warmth=draw.between(-0.5, 0.8),
    )
