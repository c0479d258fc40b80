"""Other signers, cameras, tempos and estimators made out of a clip's tracks."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional as F

from signcore.recognition.skeleton import resampled
from signcore.recognition.tracks import CELLS, mirrored
from signcore.types.tracks import Tracks

TEMPO, WARP = 0.2, 0.05  # of a rate, of a clip
TURN, SCALE, SHIFT, NOISE = 0.05, 0.08, 0.05, 0.01  # radians, shoulder widths; SCALE of a logarithm
TURNS_NOISE = 0.03  # radians, of SMPL-X joints
LIGHT, COLOUR, OFFSET = 0.22, 0.12, 20.0  # of a logarithm, the second a channel; grey levels
ZOOM, AWAY = 0.08, 0.06  # of a logarithm; of the picture's side


def augmented(
    tracks: Tracks, random: np.random.Generator, strength: float, dropout: float, mirroring: float
) -> Tracks:
    """dropout: how often a track becomes absent; one always stays."""
    if random.random() < mirroring:
        tracks = mirrored(tracks)
    if strength:
        tracks = _moved(_timed(tracks, random, strength), random, strength)
    names = list(tracks.features)
    hidden = [n for n in names if random.random() < dropout]
    if len(hidden) == len(names):
        hidden.remove(names[int(random.integers(len(names)))])
    presence = {n: there & (n not in hidden) for n, there in tracks.presence.items()}
    return Tracks(dict(tracks.features), tracks.fps, presence)


def filmed(
    frames: np.ndarray, tracks: Tracks, random: np.random.Generator, strength: float, mirroring: float
) -> tuple[np.ndarray, Tracks]:
    """Another camera's light, colours, zoom and place for frames [N, S, S, 3] (grey levels), and what it changes in their tracks."""
    if random.random() < mirroring:
        frames, tracks = frames[:, :, ::-1], mirrored(tracks)
    if not strength:
        return np.ascontiguousarray(frames, np.float32), tracks
    gain = np.exp(strength * (random.uniform(-LIGHT, LIGHT) + random.normal(0, COLOUR, 3)))
    offset = strength * random.uniform(-OFFSET, OFFSET)
    zoom = float(np.exp(strength * random.uniform(-ZOOM, ZOOM)))
    x, y = strength * random.uniform(-AWAY, AWAY, 2)
    pixels = torch.from_numpy(np.ascontiguousarray(frames, np.float32)).permute(0, 3, 1, 2)
    # out(p) = in(zoom * p + shift), in units of half a side
    theta = torch.tensor([[[zoom, 0, 2 * x], [0, zoom, 2 * y]]], dtype=torch.float32)
    grid = F.affine_grid(theta, [1, 3, *pixels.shape[2:]], align_corners=False)
    grid = grid.expand(len(pixels), -1, -1, -1)
    moved = F.grid_sample(pixels, grid, padding_mode="border", align_corners=False).permute(0, 2, 3, 1)
    lit = np.clip((moved.numpy() - 128) * gain + 128 + offset, 0, 255).astype(np.float32)
    features = dict(tracks.features)
    down, across = round(-y * CELLS), round(-x * CELLS)
    for name in ("depth", "segmentation"):
        if name in features:
            features[name] = _shifted(features[name], down, across)
    return lit, Tracks(features, tracks.fps, tracks.presence)


def _timed(tracks: Tracks, random: np.random.Generator, strength: float) -> Tracks:
    last = len(tracks) - 1
    count = max(4, round(len(tracks) * np.exp(random.uniform(-TEMPO, TEMPO) * strength)))
    t = np.linspace(0, 1, count)
    t = np.clip(t + WARP * strength * random.uniform(-1, 1) * np.sin(2 * np.pi * t), 0, 1) * last
    features = {n: resampled(v, t) for n, v in tracks.features.items()}
    return Tracks(features, tracks.fps, {n: v[t.round().astype(int)] for n, v in tracks.presence.items()})


def _moved(tracks: Tracks, random: np.random.Generator, strength: float) -> Tracks:
    """Points are turned, scaled, shifted and blurred together in both tracks of points; grids are shifted by a cell."""
    angle = random.normal(0, TURN) * strength
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    turn = (turn * np.exp(random.normal(0, SCALE, 2) * strength)).astype(np.float32)
    shift = random.normal(0, SHIFT * strength, 2).astype(np.float32)
    down, across = random.integers(-1, 2, size=2)
    features = dict(tracks.features)

    def placed(points: np.ndarray) -> None:
        noise = random.normal(0, NOISE * strength, (*points.shape[:2], 2)).astype(np.float32)
        points[..., :2] = points[..., :2] @ turn + shift + noise

    if "dwpose" in features:
        values = features["dwpose"].copy()
        placed(values.reshape(len(values), 128, 3))
        features["dwpose"] = values
    if "mediapipe" in features:
        values = features["mediapipe"].copy()
        body, hands = values[:, :132].reshape(-1, 33, 4).copy(), values[:, 132:].reshape(-1, 42, 3).copy()
        placed(body)
        placed(hands)
        features["mediapipe"] = np.concatenate(
            [body.reshape(len(values), -1), hands.reshape(len(values), -1)], 1
        )
    if "smplerx" in features:
        noise = random.normal(0, TURNS_NOISE * strength, features["smplerx"].shape)
        features["smplerx"] = (features["smplerx"] + noise).astype(np.float32)
    for name in ("depth", "segmentation"):
        if name in features:
            features[name] = _shifted(features[name], down, across)
    return Tracks(features, tracks.fps, tracks.presence)


def _shifted(grids: np.ndarray, down: int, across: int) -> np.ndarray:  # [N, CELLS * CELLS]
    """Cells moved; what comes in is what stood at the border."""
    rows, columns = (np.clip(np.arange(CELLS) - n, 0, CELLS - 1) for n in (down, across))
    cells = grids.reshape(-1, CELLS, CELLS)[:, rows[:, None], columns]
    return np.ascontiguousarray(cells.reshape(len(grids), -1))
