"""Scaling curves in T, K, N and threads, drawn as SVG."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import numpy as np
import torch

from signcore.kernels.dtw import dtw, dtw_matrix
from signcore.kernels.fastdtw import fastdtw
from signcore.kernels.measure import seconds, tcd, trajectory_attention, warp
from signcore.kernels.measure.dtw import clips, walks

WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 560, 340, 70, 48, 40, 150
COLOURS = ("#1f5fa8", "#c2571a", "#2f7d4f", "#7a4fa3")


@dataclass(frozen=True)
class Curve:
    op: str
    axis: str  # its letter, as in the file's name
    title: str
    label: str
    values: Sequence[int]
    lines: dict[str, Callable[[int], Callable[[], Any]]]  # name -> value -> what is timed
    wall: bool = False  # time on the wall, for several threads; else processor time


def _pair(
    function: Callable[..., Any], T: int, K: int, dtype: torch.dtype = torch.float32
) -> Callable[[], Any]:
    a, b = (torch.from_numpy(x).to(dtype) for x in walks(0, 2, T, K, 2))
    return lambda: function(a, b)


def _matrix(N: int, threads: int) -> Callable[[], Any]:
    (some,) = clips(N)(0)

    def run() -> Any:
        torch.set_num_threads(threads)
        return dtw_matrix(some, some)

    return run


def _attention(frames: int, threads: int = 1) -> Callable[[], Any]:
    arguments = trajectory_attention.inputs(frames, 49)(0)

    def run() -> Any:
        torch.set_num_threads(threads)
        return trajectory_attention.ours(*arguments)

    return run


def curves(op: str | None) -> list[Curve]:
    cores = list(range(1, (torch.get_num_threads() or 1) + 1))
    double = torch.float64
    found = [
        Curve(
            "dtw", "T", "One pair, K = 137, D = 2", "frames T = S", (25, 50, 100, 200, 400, 800),
            {"exact, float32": lambda T: _pair(dtw, T, 137), "exact, float64": lambda T: _pair(dtw, T, 137, double),
             "FastDTW, radius 1": lambda T: _pair(fastdtw, T, 137, double)},
        ),
        Curve(
            "dtw", "K", "One pair, T = S = 100, D = 2", "keypoints K", (1, 4, 16, 64, 137, 256, 512),
            {"exact, float32": lambda K: _pair(dtw, 100, K), "FastDTW, radius 1": lambda K: _pair(fastdtw, 100, K, double)},
        ),
        Curve(
            "dtw_matrix", "N", "N x N clips of 50 to 150 frames, K = 137", "clips N", (4, 8, 16, 32, 64),
            {f"{n} thread{'s' * (n > 1)}": lambda N, n=n: _matrix(N, n) for n in (cores[0], cores[-1])},  # type: ignore[misc]
            wall=True,
        ),
        Curve("dtw_matrix", "threads", "32 x 32 clips", "threads", cores, {"exact": lambda n: _matrix(32, n)}, wall=True),
        Curve(
            "trajectory_attention", "F", "With temporal, h 8, d 64, 7 x 7 points, one thread", "frames F", (2, 4, 8, 16, 32),
            {"forward": _attention},
        ),
        Curve(
            "trajectory_attention", "threads", "With temporal, F = 16, 7 x 7 points", "threads", cores,
            {"forward": lambda n: _attention(16, n)}, wall=True,
        ),
        Curve(
            "warp", "C", "4 x C x 128 x 128, forward", "channels C", (1, 2, 4, 8, 16, 32, 64, 128, 256),
            {"NCHW": lambda C: warp.forward(warp.ours)(*warp.inputs(4, C, 128, 128, False)(0)),
             "channels-last": lambda C: warp.forward(warp.ours)(*warp.inputs(4, C, 128, 128, True)(0)),
             "grid_sample * mask": lambda C: warp.forward(warp.peer)(*warp.inputs(4, C, 128, 128, False)(0))},
        ),
        Curve(
            "tcd", "T", "256 x 256 x 3 bytes", "frames T", (4, 8, 16, 32, 64, 128),
            {"tcd": lambda T: tcd.ours(*tcd.frames(T)(0)), "torch int16": lambda T: tcd.torch_int16()(*tcd.frames(T)(0))},
        ),
    ]  # fmt: skip
    return [c for c in found if op in (None, c.op)]


def measure(curve: Curve) -> dict[str, list[float]]:
    """Milliseconds of every line at every value: the least of a few runs."""
    before = torch.get_num_threads()
    out: dict[str, list[float]] = {}
    for name, make in curve.lines.items():
        out[name] = []
        for value in curve.values:
            torch.set_num_threads(1)
            call = make(value)
            first = seconds(call, curve.wall)
            out[name].append(
                min(first, *(seconds(call, curve.wall) for _ in range(2 if first > 0.5 else 8))) * 1e3
            )
    torch.set_num_threads(before)
    return out


def draw(curve: Curve, times: dict[str, list[float]], path: Path) -> None:
    """Both axes logarithmic, so that a straight line is a power."""
    x = np.log(np.asarray(curve.values, float))
    every = np.log(np.concatenate([np.asarray(t) for t in times.values()]))
    ticks = [
        10.0**p
        for p in range(int(np.floor(every.min() / np.log(10))), int(np.ceil(every.max() / np.log(10))) + 1)
    ]
    low, high = np.log(ticks[0]), np.log(max(ticks[-1], 10 * ticks[0]))
    span = (x[-1] - x[0]) or 1.0
    across = lambda v: LEFT + (v - x[0]) / span * (WIDTH - LEFT - RIGHT)  # noqa: E731
    up = lambda v: HEIGHT - BOTTOM - (v - low) / (high - low) * (HEIGHT - BOTTOM - TOP)  # noqa: E731
    text = lambda a, b, s, extra="": f'<text x="{a:.1f}" y="{b:.1f}" {extra}>{escape(s)}</text>'  # noqa: E731
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        text(LEFT, 22, f"{curve.op}: {curve.title}", 'font-size="14" font-weight="bold"'),
        text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, curve.label, 'text-anchor="middle"'),
        text(LEFT - 8, TOP - 14, "ms", 'text-anchor="end"'),
    ]
    for tick in ticks:
        y = up(np.log(tick))
        out.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#dddddd"/>')
        out.append(text(LEFT - 8, y + 4, f"{tick:,.10g}", 'text-anchor="end"'))
    for value, at in zip(curve.values, x, strict=True):
        out.append(text(across(at), HEIGHT - BOTTOM + 16, f"{value:,}", 'text-anchor="middle"'))
    ends: list[float] = []
    for (name, line), colour in zip(times.items(), COLOURS, strict=False):
        y = np.log(np.asarray(line))
        points = " ".join(f"{across(a):.1f},{up(b):.1f}" for a, b in zip(x, y, strict=True))
        out.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        out += [
            f'<circle cx="{p.split(",")[0]}" cy="{p.split(",")[1]}" r="3" fill="{colour}"/>'
            for p in points.split()
        ]
        at = up(y[-1]) + 4
        while any(abs(at - other) < 15 for other in ends):
            at += 15
        ends.append(at)
        out.append(text(WIDTH - RIGHT + 8, at, name, f'fill="{colour}"'))
    path.write_text("\n".join([*out, "</svg>"]) + "\n")
