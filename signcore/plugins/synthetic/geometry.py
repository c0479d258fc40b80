"""Vectors and rotations as arrays of any leading shape; written out in sums, so no result depends on a BLAS."""

from __future__ import annotations

import numpy as np


def dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """[..., 3], [..., 3] -> [...]."""
    return a[..., 0] * b[..., 0] + a[..., 1] * b[..., 1] + a[..., 2] * b[..., 2]


def cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """[..., 3], [..., 3] -> [..., 3]."""
    x = a[..., 1] * b[..., 2] - a[..., 2] * b[..., 1]
    y = a[..., 2] * b[..., 0] - a[..., 0] * b[..., 2]
    z = a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
    return np.stack([x, y, z], axis=-1)


def norm(a: np.ndarray) -> np.ndarray:
    """[..., 3] -> [...]."""
    return np.sqrt(dot(a, a))


def unit(a: np.ndarray) -> np.ndarray:
    """[..., 3] -> [..., 3] of length 1; a zero vector stays zero."""
    return a / np.maximum(norm(a), 1e-12)[..., None]


def perpendicular(a: np.ndarray, axis: np.ndarray) -> np.ndarray:
    """The unit part of `a` [..., 3] that is orthogonal to the unit vector `axis` [..., 3]."""
    return unit(a - dot(a, axis)[..., None] * axis)


def rotate(a: np.ndarray, axis: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """Turn vectors [..., 3] about unit axes [..., 3] by angles [...] in radians (Rodrigues)."""
    c, s = np.cos(angle)[..., None], np.sin(angle)[..., None]
    return a * c + cross(axis, a) * s + axis * (dot(axis, a)[..., None] * (1.0 - c))


def apply(frame: np.ndarray, local: np.ndarray) -> np.ndarray:
    """Local coordinates [..., 3] in a frame whose rows are its axes [..., 3, 3] -> [..., 3]."""
    return (
        local[..., 0:1] * frame[..., 0, :]
        + local[..., 1:2] * frame[..., 1, :]
        + local[..., 2:3] * frame[..., 2, :]
    )


def euler(yaw: np.ndarray, pitch: np.ndarray, roll: np.ndarray) -> np.ndarray:
    """Frames [..., 3, 3] with rows right, up, forward; angles in radians: yaw to the image's right, pitch down, roll."""
    cy, sy, cp, sp = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch)
    zero = np.zeros_like(cy * cp)
    forward = np.stack([sy * cp, -sp + zero, cy * cp], axis=-1)
    right = np.stack([cy + zero, zero, -sy + zero], axis=-1)
    right = rotate(right, forward, np.asarray(roll) + zero)
    return np.stack([right, cross(forward, right), forward], axis=-2)


def turn_between(start: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, float]:
    """The unit axis [3] and angle in radians that turn one orthonormal frame [3, 3] (rows) into another, the short way."""
    turn = (start[:, :, None] * end[:, None, :]).sum(axis=0).T  # turn @ start[i] == end[i]
    cosine = min(1.0, max(-1.0, (turn[0, 0] + turn[1, 1] + turn[2, 2] - 1.0) / 2.0))
    angle = float(np.arccos(cosine))
    if angle < 1e-6:
        return np.array([0.0, 1.0, 0.0]), 0.0
    if angle > np.pi - 1e-3:  # the antisymmetric part vanishes: read the axis from the symmetric one
        squares = np.maximum((np.array([turn[0, 0], turn[1, 1], turn[2, 2]]) - cosine) / (1.0 - cosine), 0.0)
        i = int(np.argmax(squares))
        axis = (turn[i] + turn[:, i]) / 2.0
        axis[i] = axis[i] - cosine
        return unit(axis), angle
    axis = np.array([turn[2, 1] - turn[1, 2], turn[0, 2] - turn[2, 0], turn[1, 0] - turn[0, 1]])
    return unit(axis), angle


def smooth(values: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian smoothing along the first axis (samples); the ends are held."""
    radius = int(np.ceil(3.0 * sigma))
    if radius < 1 or len(values) < 2:
        return values
    weights = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    weights = weights / weights.sum()
    padded = np.concatenate([np.repeat(values[:1], radius, 0), values, np.repeat(values[-1:], radius, 0)])
    out = np.zeros_like(values)
    for i, weight in enumerate(weights):
        out += weight * padded[i : i + len(values)]
    return out


def running_max(values: np.ndarray, radius: int) -> np.ndarray:
    """The largest value within `radius` samples along the first axis."""
    padded = np.concatenate([np.repeat(values[:1], radius, 0), values, np.repeat(values[-1:], radius, 0)])
    return np.max([padded[i : i + len(values)] for i in range(2 * radius + 1)], axis=0)
