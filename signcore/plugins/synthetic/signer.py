"""Signers: everything that differs from one person, room and camera to the next, drawn from one seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from signcore.plugins.synthetic.signs import Habits
from signcore.plugins.synthetic.skeleton import Proportions

VARIATION = 0.15  # bones
TEMPO_VARIATION = 0.30
TEST_SEEDS = 1_000_000  # signers of the test split have seeds from here on; train signers stay below
SKINS = (
    (243, 205, 180),
    (232, 188, 158),
    (222, 174, 140),
    (204, 152, 117),
    (178, 124, 90),
    (146, 98, 70),
    (116, 76, 54),
)
HAIRS = (
    (28, 22, 20),
    (52, 36, 27),
    (84, 56, 36),
    (122, 84, 50),
    (176, 136, 84),
    (138, 62, 34),
    (120, 116, 112),
)
CLOTHES = (
    (34, 38, 52), (28, 30, 32), (56, 78, 122), (120, 36, 44), (62, 88, 70), (196, 194, 188), (150, 160, 172),
    (92, 64, 104), (38, 96, 110), (176, 142, 92), (206, 176, 184), (70, 60, 52),
)  # fmt: skip
IRISES = ((70, 46, 30), (50, 34, 26), (84, 110, 130), (90, 104, 66), (104, 74, 44))
STYLES = ("short", "short", "crop", "long", "long", "bob", "bun", "curly", "bald")
NECKLINES = ("round", "v", "high", "wide")
BACKDROPS = ("plain", "gradient", "wall", "room", "curtain")


@dataclass(frozen=True)
class Look:
    """Colours are sRGB 0..255."""

    skin: tuple[float, float, float]
    hair: tuple[float, float, float]
    iris: tuple[float, float, float]
    clothes: tuple[float, float, float]
    trim: tuple[float, float, float]  # stripes
    backdrop: tuple[float, float, float]
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
        draw = np.random.Generator(np.random.PCG64([7041, seed]))

        def near(value: float, share: float = VARIATION) -> float:
            return float(value * (1.0 + share * draw.uniform(-1.0, 1.0)))

        def one_of(options: tuple) -> tuple:
            return options[int(draw.integers(len(options)))]

        def tint(colour: tuple, spread: float) -> tuple[float, float, float]:
            moved = np.asarray(colour, dtype=np.float64) + draw.uniform(-spread, spread, 3)
            return tuple(float(c) for c in np.clip(moved, 8, 245))

        average = Proportions()
        body = Proportions(
            **{name: near(getattr(average, name)) for name in Proportions.__dataclass_fields__}
        )
        habits = Habits(
            tempo=near(1.0, TEMPO_VARIATION),
            place=tuple(float(v) for v in draw.uniform(-1.0, 1.0, 3) * (0.02, 0.02, 0.012)),
            size=near(1.0, 0.2),
            looseness=float(draw.uniform(0.0, 7.0)),
            spread=float(draw.uniform(-4.0, 6.0)),
        )
        skin = tint(one_of(SKINS), 9.0)
        clothes = tint(one_of(CLOTHES), 14.0)
        while (
            max(abs(a - b) for a, b in zip(skin, clothes, strict=True)) < 45.0
        ):  # hands must stand out before clothes
            clothes = tint(one_of(CLOTHES), 14.0)
        backdrop = _backdrop(draw)
        while max(abs(a - b) for a, b in zip(skin, backdrop, strict=True)) < 40.0:
            backdrop = _backdrop(draw)
        look = Look(
            skin=skin,
            hair=_shade(one_of(HAIRS), draw),
            iris=tint(one_of(IRISES), 8.0),
            clothes=clothes,
            trim=tint(one_of(CLOTHES), 14.0),
            backdrop=backdrop,
            style=one_of(STYLES),
            neckline=one_of(NECKLINES),
            sleeve=float((0.55, 0.75, 1.5, 1.93, 1.93)[int(draw.integers(5))]),
            striped=bool(draw.random() < 0.15),
            scene=one_of(BACKDROPS),
            brows=near(1.0, 0.35),
            lips=near(1.0, 0.3),
            face_width=near(1.0, 0.07),
            build=near(1.0, 0.10),
        )
        side = -1.0 if draw.random() < 0.5 else 1.0
        # from above the head to the hips, as sign videos are framed
        top = body.neck + 1.96 * body.head + float(draw.uniform(0.07, 0.14))
        bottom = -body.trunk * float(draw.uniform(0.98, 1.10))
        camera = Camera(
            x=float(draw.uniform(-0.03, 0.03)),
            y=(top + bottom) / 2.0,
            distance=float(draw.uniform(1.5, 3.0)),
            extent=top - bottom,
            yaw=float(draw.uniform(-0.14, 0.14)),
            light=(
                side * float(draw.uniform(0.2, 0.6)),
                float(draw.uniform(0.45, 0.75)),
                float(draw.uniform(0.55, 0.9)),
            ),
            key=float(draw.uniform(0.50, 0.66)),
            ambient=float(draw.uniform(0.46, 0.58)),
            warmth=float(draw.uniform(-0.5, 0.8)),
        )
        return cls(
            seed, body, habits, look, camera, bool(draw.random() < 0.2), float(draw.uniform(0.05, 0.15))
        )


def _shade(colour: tuple, draw: np.random.Generator) -> tuple[float, float, float]:
    """The colour, somewhat lighter or darker."""
    share = draw.uniform(0.8, 1.3)
    return tuple(float(min(235.0, c * share)) for c in colour)


def _backdrop(draw: np.random.Generator) -> tuple[float, float, float]:
    """A wall's colour: bright or dark, never loud."""
    grey, tint = draw.uniform(55.0, 205.0), draw.uniform(-1.0, 1.0, 3)
    return tuple(float(c) for c in np.clip(grey + 26.0 * (tint - tint.mean()) + (0.0, 2.0, 5.0), 20, 225))
