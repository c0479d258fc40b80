"""Timed targets of two hands to a whole body in motion: arms, head, face; nothing passes through anything.

What signs from a lexicon and signs from a notation have in common starts here.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from signcore.plugins.synthetic import geometry
from signcore.plugins.synthetic.motion import RATE, Target, Trajectory, trajectory
from signcore.plugins.synthetic.signer import Signer
from signcore.plugins.synthetic.skeleton import (
    Arm,
    Joints,
    Proportions,
    hand_frame,
    head_middle,
    mirrored,
    solve_arm,
)

FINGER = 0.012  # metres of flesh around a joint of the hand


def embody(
    dominant: list[Target],
    other: list[Target],
    signer: Signer,
    fps: float,
    spans: Sequence[tuple[float, float]] = (),
    variant: int = 0,
) -> Joints:
    """The joints of both hands' timed targets (in the arms' own axes, sorted by time), until the dominant hand's last.

    spans: (start, end) in seconds of each sign, during which the mouth moves. variant: seeds sway, blinks and mouthing.
    """
    duration = dominant[-1].time
    paths = [trajectory(targets, duration) for targets in (dominant, other)]
    return embody_paths(paths, signer, fps, duration, spans, variant)


def embody_paths(
    paths: Sequence[Trajectory],
    signer: Signer,
    fps: float,
    duration: float,
    spans: Sequence[tuple[float, float]] = (),
    variant: int = 0,
) -> Joints:
    """`embody` of both hands' motion (dominant, other), sampled at `RATE` over `duration` seconds and smooth already."""
    draw = np.random.Generator(np.random.PCG64([5113, signer.seed, variant]))
    times = np.arange(len(paths[0].wrist)) / RATE
    neck, head_frame, expression = _carriage(times, spans, draw)
    head = head_middle(signer.body, head_frame, neck)
    arms = _arms(paths, signer.body, neck, head)
    left, right = (arms[0], mirrored(arms[1])) if signer.left_handed else (arms[1], mirrored(arms[0]))
    out = np.array([1.0, 0.0, 0.0])
    shoulders = np.stack([neck + signer.body.shoulder * out, neck - signer.body.shoulder * out], axis=1)
    base = np.array([0.0, -signer.body.trunk, 0.0])
    hips = np.stack([base + signer.body.hip * out, base - signer.body.hip * out])
    pick = np.minimum(np.round(np.arange(int(duration * fps) + 1) * RATE / fps).astype(int), len(times) - 1)
    return Joints(
        left=_at(left, pick),
        right=_at(right, pick),
        shoulders=shoulders[pick],
        hips=np.repeat(hips[None], len(pick), axis=0),
        neck=neck[pick],
        head=head[pick],
        head_frame=head_frame[pick],
        expression=expression[pick],
    )


def _at(arm: Arm, pick: np.ndarray) -> Arm:
    return Arm(arm.elbow[pick], arm.wrist[pick], arm.frame[pick], arm.points[pick], arm.backs[pick])


def _carriage(
    times: np.ndarray, spans: Sequence[tuple[float, float]], draw: np.random.Generator
) -> tuple[np.ndarray, ...]:
    """Sway of the body, turns of the head, blinks, mouthing: neck [N, 3], head frame [N, 3, 3], expression [N, 3]."""

    def drift(size: float) -> np.ndarray:
        rates, phases = draw.uniform(0.15, 0.6, 3), draw.uniform(0.0, 2.0 * np.pi, 3)
        return (
            size * sum(np.sin(2.0 * np.pi * r * times + p) for r, p in zip(rates, phases, strict=True)) / 2.0
        )

    neck = np.stack([drift(0.008), drift(0.003), drift(0.006)], axis=-1)
    yaw, pitch, roll = drift(0.06), drift(0.03), drift(0.04)
    expression = np.zeros((len(times), 3))
    for start, end in spans:
        on = np.clip((times - start) / 0.12, 0.0, 1.0) * np.clip((end + 0.1 - times) / 0.12, 0.0, 1.0)
        beats, opening, brow = draw.uniform(2.0, 4.0), draw.uniform(0.15, 0.8), draw.uniform(-0.3, 0.8)
        tilt = draw.uniform(-0.06, 0.06, 3)
        expression[:, 1] += on * opening * (0.5 - 0.5 * np.cos(2.0 * np.pi * beats * (times - start)))
        expression[:, 2] += on * max(brow, 0.0)
        yaw, pitch, roll = yaw + on * tilt[0], pitch + on * tilt[1], roll + on * tilt[2]
    blink = draw.uniform(0.3, 1.5)
    while blink < times[-1]:
        expression[:, 0] = np.maximum(expression[:, 0], np.clip(1.3 - np.abs(times - blink) / 0.08, 0.0, 1.0))
        blink += draw.uniform(1.5, 4.0)
    smoothed = geometry.smooth(np.stack([yaw, pitch, roll], axis=-1), 6.0)
    return (
        neck,
        geometry.euler(smoothed[:, 0], smoothed[:, 1], smoothed[:, 2]),
        geometry.smooth(np.clip(expression, 0, 1), 2.0),
    )


def _arms(paths: Sequence[Trajectory], body: Proportions, neck: np.ndarray, head: np.ndarray) -> list[Arm]:
    """Both arms in their own axes; wrists give way to the head, the trunk and the other hand."""
    shoulder = neck + np.array([body.shoulder, 0.0, 0.0])
    wrists = [path.wrist.copy() for path in paths]
    flip = np.array([-1.0, 1.0, 1.0])
    for _ in range(2):
        arms = [_solve(path, wrist, shoulder, body) for path, wrist in zip(paths, wrists, strict=True)]
        for wrist, arm in zip(wrists, arms, strict=True):
            push = geometry.running_max(_intrusion(arm.points, head, neck, body), 8)
            wrist[:, 2] += geometry.smooth(push, 5.0)
        # the dominant hand goes round the other one
        mine, theirs = arms[0].points, arms[1].points * flip
        nearest = _gap(mine, theirs)
        push = geometry.running_max(np.maximum(2.0 * FINGER - nearest, 0.0), 8)
        away = geometry.unit((mine - theirs).mean(axis=1))
        wrists[0] += geometry.smooth(push[:, None] * away, 5.0)
    return [_solve(path, wrist, shoulder, body) for path, wrist in zip(paths, wrists, strict=True)]


def _solve(path: Trajectory, wrist: np.ndarray, shoulder: np.ndarray, body: Proportions) -> Arm:
    return solve_arm(
        wrist, hand_frame(path.frame[:, 1], path.frame[:, 2]), path.angles, shoulder, body, smoothing=5.0
    )


def _gap(mine: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """Metres [T] between the nearest two points of two hands [T, 21, 3]; hands a hand's length apart are not looked at."""
    gap = geometry.norm(mine[:, 9] - theirs[:, 9])
    near = np.flatnonzero(gap < 0.5)
    offset = mine[near, :, None] - theirs[near, None]
    gap[near] = np.sqrt(geometry.dot(offset, offset).min(axis=(1, 2)))
    return gap


def _intrusion(points: np.ndarray, head: np.ndarray, neck: np.ndarray, body: Proportions) -> np.ndarray:
    """Metres [T] by which the deepest of a hand's points [T, 21, 3] must come forward to clear head and trunk."""
    local = points - head[:, None]
    inside = (
        1.0
        - (local[..., 0] / (0.70 * body.head + FINGER)) ** 2
        - (local[..., 1] / (1.02 * body.head + FINGER)) ** 2
    )
    front = (0.88 * body.head + FINGER) * np.sqrt(np.maximum(inside, 0.0))
    face = np.where(inside > 0.0, np.maximum(front - local[..., 2], 0.0), 0.0)
    local = points - neck[:, None]
    inside = 1.0 - (local[..., 0] / (body.shoulder + 0.045 + FINGER)) ** 2
    fade = np.clip((0.06 - local[..., 1]) / 0.10, 0.0, 1.0)  # the trunk ends at the shoulders, softly
    front = fade * (0.118 + FINGER) * np.sqrt(np.maximum(inside, 0.0))
    trunk = np.where((inside > 0.0) & (fade > 0.0), np.maximum(front - local[..., 2], 0.0), 0.0)
    return np.minimum(np.maximum(face, trunk).max(axis=1), 0.20)
