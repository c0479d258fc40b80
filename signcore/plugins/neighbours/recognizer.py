"""Nearest neighbours on the DTW kernels: the baseline that needs no training."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from signcore.contracts import Context, Hypothesis, Sample
from signcore.errors import InputError, SigncoreError
from signcore.plugins.neighbours.config import NeighboursConfig
from signcore.recognition.samples import pose_of
from signcore.recognition.skeleton import (
    SIDES,
    Skeleton,
    active,
    hands_of,
    mirror_order,
    resampled,
    skeleton,
    smoothed,
)

SMOOTHED = 2.0  # frames of the Gaussian before speeds are taken
SHORTEST = 0.2  # seconds of a segment
TIPS = (4, 8, 12, 16, 20)


@dataclass
class _Example:
    gloss: str
    features: np.ndarray  # float32 [frames, K, D]
    seconds: float


class Neighbours:
    """What the hands do is compared with every example: wrists, elbows, finger tips, their speeds, along one joint path.

    The score of a gloss is the mean distance of its nearest examples, made a log-probability over all glosses.
    With `segments` a clip is cut into the signs whose distances, weighted by their durations, are least in sum.
    A clip with nobody in it gives one empty hypothesis.
    """

    def __init__(self, config: NeighboursConfig | None = None, context: Context | None = None) -> None:
        self.config, self.context = config or NeighboursConfig(), context or Context()
        self._examples: list[_Example] | None = None
        self._names: tuple[str, ...] = ()
        self._dims = 2

    def fit(self, samples: Iterable[Sample]) -> Neighbours:
        """Take the samples of one gloss and a pose as examples. Raises InputError where there is none."""
        kept: list[tuple[str, Skeleton]] = []
        skipped: list[str] = []
        for sample in samples:
            try:
                if sample.glosses is None or len(sample.glosses) != 1:
                    raise InputError("is not one gloss")
                kept.append((sample.glosses[0], skeleton(pose_of(sample))))
            except SigncoreError as error:
                skipped.append(f"{sample.id}: {error}")
        if not kept:
            raise InputError(
                f"gallery: no sample has one gloss and a pose ({skipped[0] if skipped else 'it is empty'})"
            )
        if skipped:
            logging.getLogger("signcore").warning(
                "gallery: %d samples left out; the first: %s", len(skipped), skipped[0]
            )
        self._dims = min(s.points.shape[2] for _, s in kept)
        shared = set.intersection(*(set(s.names) for _, s in kept))
        self._names = tuple(n for n in kept[0][1].names if n in shared)
        self._examples = []
        for gloss, found in kept:
            part = active(found.take(self._names))
            self._examples.append(_Example(gloss, self._features(part), len(part) / part.fps))
        self._glosses = sorted({e.gloss for e in self._examples})
        of = np.array([self._glosses.index(e.gloss) for e in self._examples])
        self._members = [np.flatnonzero(of == g) for g in range(len(self._glosses))]
        return self

    def examples(self) -> list[_Example]:
        if self._examples is None:
            from signcore.registry import registry

            samples = registry.load(
                "dataset", self.config.gallery, self.context, **self.config.gallery_settings
            )
            self.fit(
                self.context.progress((samples[i] for i in range(len(samples))), len(samples), "examples")
            )
        return self._examples or []

    def recognize(self, sample: Any) -> list[Hypothesis]:
        self.examples()
        try:
            found = skeleton(pose_of(sample)).take(self._names)
        except InputError as error:
            if "no frame shows a person" in str(error):
                return [Hypothesis([], 0.0, [])]
            raise
        if self.config.segments:
            return [self._sentence(found)]
        distances = self._distances([self._features(active(found))])[0]
        scores = _log_probabilities(distances)
        order = np.argsort(distances, kind="stable")[: self.config.hypotheses]
        whole = [(0.0, len(found) / found.fps)]
        return [Hypothesis([self._glosses[g]], float(scores[g]), whole) for g in order]

    def _distances(self, clips: Sequence[np.ndarray]) -> np.ndarray:
        """float64 [N, glosses]: mean distance of the nearest examples of every gloss, each [frames, K, D]."""
        import torch

        from signcore.kernels import dtw_matrix

        examples = [torch.from_numpy(e.features) for e in self.examples()]
        costs = dtw_matrix([torch.from_numpy(c) for c in clips], examples, align="pose").double().numpy()
        if self.config.mirror:
            # the clip's mirror image, feature by feature
            mirrored = [torch.from_numpy(_mirrored(c, self._mirror)) for c in clips]
            costs = np.minimum(costs, dtw_matrix(mirrored, examples, align="pose").double().numpy())
        near = self.config.neighbours
        return np.stack([np.sort(costs[:, m], axis=1)[:, :near].mean(axis=1) for m in self._members], axis=1)

    def _features(self, found: Skeleton) -> np.ndarray:
        """float32 [frames, K, D]: places and, weighted, speeds of what the hands do."""
        names, points = found.names, found.points[..., : self._dims].astype(np.float64)
        points = resampled(smoothed(points, SMOOTHED), np.linspace(0, len(points) - 1, self.config.frames))
        points[..., 2:] *= self.config.depth
        at = {n: points[:, i] for i, n in enumerate(names)}
        hands = [
            next((n for n in (f"{s}_wrist", f"{s}_hand", f"{s}_hand_0") if n in at), None) for s in SIDES
        ]
        parts: dict[str, np.ndarray] = {}
        for side, hand in zip(SIDES, hands, strict=True):
            if hand is None:
                continue
            parts[f"{side}_wrist"] = at[hand]
            if f"{side}_elbow" in at:
                parts[f"{side}_elbow"] = at[f"{side}_elbow"]
            root = at.get(f"{side}_hand_0", at[hand])
            tips = [f"{side}_hand_{i}" for i in TIPS] + [f"{side}_hand", f"{side}_index"]
            for tip in tips:
                if tip in at and tip != hand:
                    parts[tip] = self.config.fingers * (at[tip] - root)
        if all(hands):
            between = at[str(hands[0])] - at[str(hands[1])]
            parts["left_apart"], parts["right_apart"] = between / 2, -between / 2
        if not parts:
            parts = at  # points without names that are known: all of them
        self._mirror = mirror_order(list(parts))
        places = np.stack(list(parts.values()), axis=1)
        speeds = self.config.speed * np.gradient(places, axis=0)
        return np.ascontiguousarray(np.concatenate([places, speeds], axis=1), np.float32)

    def _sentence(self, found: Skeleton) -> Hypothesis:
        """The cheapest cut into signs and rests between them, over all cuts at the slowest moments."""
        lengths = np.array([e.seconds for e in self.examples()])
        least, most = max(SHORTEST, 0.6 * np.quantile(lengths, 0.02)), 1.5 * np.quantile(lengths, 0.98)
        cuts = _slowest(found)
        pairs = [
            (a, b) for i, a in enumerate(cuts) for b in cuts[i + 1 :] if least <= (b - a) / found.fps <= most
        ]
        if not pairs:
            return Hypothesis([], 0.0, [])
        parts = [self._features(found.part(a, b)) for a, b in pairs]
        distances = self._distances(parts)
        best, gloss = distances.min(axis=1), distances.argmin(axis=1)
        rest = float(np.median(best))  # what a second without a sign costs: as much as a middling match
        cost = {cuts[0]: (0.0, [])}  # type: dict[int, tuple[float, list[int]]]
        for i, b in enumerate(cuts[1:], 1):
            before = cuts[i - 1]
            ways = [(cost[before][0] + rest * (b - before) / found.fps, cost[before][1])]
            for n, (a, end) in enumerate(pairs):
                if end == b:
                    ways.append((cost[a][0] + float(best[n]) * (b - a) / found.fps, [*cost[a][1], n]))
            cost[b] = min(ways, key=lambda way: way[0])
        _, chosen = cost[cuts[-1]]
        scores = [float(_log_probabilities(distances[n]).max()) for n in chosen]
        return Hypothesis(
            [self._glosses[gloss[n]] for n in chosen],
            float(np.sum(scores)),
            [(pairs[n][0] / found.fps, pairs[n][1] / found.fps) for n in chosen],
        )


def _log_probabilities(distances: np.ndarray) -> np.ndarray:
    """Of glosses, from their distances: a softmax whose unit is the distances' spread."""
    scaled = -(distances - distances.min()) / max(float(distances.std()), 1e-9)
    return scaled - np.log(np.exp(scaled).sum())


def _mirrored(features: np.ndarray, order: list[int]) -> np.ndarray:
    """order: of the places; the speeds that follow them have the same."""
    count = len(order)
    out = np.concatenate([features[:, :count][:, order], features[:, count:][:, order]], axis=1)
    out[..., 0] *= -1
    return np.ascontiguousarray(out)


def _slowest(found: Skeleton) -> list[int]:
    """The first frame, the frames where both hands together are slower than just before and after, and the end."""
    speed = np.linalg.norm(
        np.gradient(smoothed(hands_of(found).astype(np.float64), SMOOTHED), axis=0), axis=-1
    ).sum(axis=1)
    inner = [t for t in range(1, len(speed) - 1) if speed[t - 1] > speed[t] <= speed[t + 1]]
    return [0, *inner, len(speed)]
