"""The room behind the signer, once a clip: plain, graded, a textured wall, furniture, a curtain."""

from __future__ import annotations

import numpy as np

from signcore.plugins.synthetic.signer import Signer


def _noise(x: np.ndarray, y: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    """Smooth noise in -1..1 with one lump a unit."""
    lattice = draw.uniform(-1.0, 1.0, (67, 67))
    i, j = np.floor(x).astype(int), np.floor(y).astype(int)
    fx, fy = x - i, y - j
    fx, fy = fx * fx * (3 - 2 * fx), fy * fy * (3 - 2 * fy)
    a, b = lattice[j % 67, i % 67], lattice[j % 67, (i + 1) % 67]
    c, d = lattice[(j + 1) % 67, i % 67], lattice[(j + 1) % 67, (i + 1) % 67]
    return (a * (1 - fx) + b * fx) * (1 - fy) + (c * (1 - fx) + d * fx) * fy


def paint(signer: Signer, width: int, height: int) -> np.ndarray:
    """The backdrop [H, W, 3] float32, 0..255; the same picture at every size."""
    draw = np.random.Generator(np.random.PCG64([9203, signer.seed]))
    short = min(width, height)
    u = ((np.arange(width) + 0.5 - width / 2) / short)[None, :]  # -0.5..0.5 over the shorter side
    v = ((np.arange(height) + 0.5 - height / 2) / short)[:, None]
    image = np.ones((height, width, 3)) * np.array(signer.look.backdrop)
    scene, soft = signer.look.scene, 0.6 / short + 0.004

    def box(x0: float, y0: float, x1: float, y1: float, colour: np.ndarray, blur: float = 1.0) -> None:
        edge = soft * blur
        cover = np.clip((u - x0) / edge + 0.5, 0, 1) * np.clip((x1 - u) / edge + 0.5, 0, 1)
        cover = cover * np.clip((v - y0) / edge + 0.5, 0, 1) * np.clip((y1 - v) / edge + 0.5, 0, 1)
        image[:] += (colour - image) * cover[..., None]

    if scene == "gradient":
        turn = draw.uniform(-1.0, 1.0, 2)
        image *= (1.0 + 0.28 * (turn[0] * u + turn[1] * v))[..., None]
    elif scene == "wall":
        rough = 0.045 * _noise(9 * u + 30 + 0 * v, 9 * v + 30 + 0 * u, draw) + 0.03 * _noise(
            31 * u + 30 + 0 * v, 31 * v + 30 + 0 * u, draw
        )
        image *= (1.0 + rough)[..., None]
    elif scene == "curtain":
        phase = u * draw.uniform(14, 26) + 0.5 * _noise(3 * u + 9 + 0 * v, 2 * v + 9 + 0 * u, draw)
        wave = np.abs(phase - np.floor(phase) - 0.5) * 2.0
        image *= (0.86 + 0.2 * wave * wave * (3 - 2 * wave))[..., None]
    elif scene == "room":
        base = np.array(signer.look.backdrop)
        image *= (1.0 + 0.12 * (v - 0.2) + 0 * u)[..., None]
        for side in (-1.0, 1.0):
            kind, edge, colour = (
                int(draw.integers(3)),
                float(draw.uniform(0.27, 0.36)),
                draw.uniform(40, 190, 3),
            )
            near, far = (edge, 0.9) if side > 0 else (-0.9, -edge)
            if kind == 0:  # a framed picture
                x0, x1 = (edge, edge + 0.2) if side > 0 else (-edge - 0.2, -edge)
                top = float(draw.uniform(-0.44, -0.3))
                box(x0, top, x1, top + 0.26, base * 0.45)
                box(x0 + 0.015, top + 0.015, x1 - 0.015, top + 0.245, 0.6 * colour + 70, 6.0)
            elif kind == 1:  # a shelf with books
                box(near, -0.42, far, 0.42, base * 0.55, 2.0)
                for row in range(4):
                    x = near
                    while x < far - 0.02:
                        thick, tall = draw.uniform(0.018, 0.04), draw.uniform(0.10, 0.17)
                        floor = -0.24 + 0.20 * row
                        box(
                            x,
                            floor - tall,
                            min(x + thick, far),
                            floor,
                            draw.uniform(45, 170) + draw.uniform(-38, 38, 3),
                            1.5,
                        )
                        x += thick + 0.004
            else:  # a door
                box(near, -0.40, far, 0.9, 0.5 * base + 0.4 * colour, 2.0)
                box(near + 0.03, -0.34, far - 0.03, 0.06, 0.45 * base + 0.36 * colour, 4.0)
        box(-2.0, 0.40, 2.0, 2.0, base * 0.72, 3.0)
    image *= (1.06 - 0.35 * (u * u + v * v))[..., None]
    # colours on a coarse grid: a last-bit difference of a library's sine cannot reach the bytes
    return (np.round(np.clip(image, 0, 255) * 64.0) / 64.0).astype(np.float32)
