"""Fréchet distances of Gaussians fitted to embeddings: FID of frames, FVD of clips; one pass, bounded memory."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, Self

import numpy as np

from signcore.contracts import Context
from signcore.errors import InputError
from signcore.plugins.video_metrics.config import FIDConfig, FVDConfig
from signcore.plugins.video_metrics.embeddings import ClipEmbedding, FrameEmbedding, clips, squares
from signcore.types.video import Video


class Moments:
    """Mean and covariance of vectors that come in parts (Chan et al. 1983), in float64: any split gives the same up to rounding."""

    def __init__(self) -> None:
        self.count = 0
        self.mean: np.ndarray = np.zeros(0)  # [d]
        self.scatter: np.ndarray = np.zeros((0, 0))  # [d, d], about the mean

    def add(self, vectors: np.ndarray) -> None:  # [n, d]
        part = Moments()
        part.count, part.mean = len(vectors), vectors.mean(axis=0)
        part.scatter = (vectors - part.mean).T @ (vectors - part.mean)
        self.merge(part)

    def merge(self, other: Moments) -> None:
        if other.count == 0:
            return
        if self.count == 0:
            self.count, self.mean, self.scatter = other.count, other.mean, other.scatter
            return
        count, apart = self.count + other.count, other.mean - self.mean
        self.scatter = (
            self.scatter + other.scatter + np.outer(apart, apart) * (self.count * other.count / count)
        )
        self.mean = self.mean + apart * (other.count / count)
        self.count = count

    @property
    def covariance(self) -> np.ndarray:
        """Unbiased: divided by the count less one."""
        return self.scatter / (self.count - 1)


def frechet_distance(
    mean_a: np.ndarray,  # [d]
    covariance_a: np.ndarray,  # [d, d]
    mean_b: np.ndarray,
    covariance_b: np.ndarray,
) -> float:
    """Squared 2-Wasserstein distance of two Gaussians (Dowson and Landau 1982); also where covariances are singular.

    tr (A B)^(1/2) is the sum of the singular values of A^(1/2) B^(1/2), whose roots are taken of symmetric matrices only; in
    the bases of their own directions, of which there are fewer than d where samples are few.
    """
    crossed = np.linalg.svd(_root(covariance_a).T @ _root(covariance_b), compute_uv=False).sum()
    apart = mean_a - mean_b
    return max(0.0, float(apart @ apart + np.trace(covariance_a) + np.trace(covariance_b) - 2 * crossed))


def _root(matrix: np.ndarray) -> np.ndarray:  # [d, d] -> [d, rank]
    """R with R R^T the symmetric matrix; directions that only rounding has made count as 0."""
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    kept = values > len(values) * np.finfo(np.float64).eps * values.max(initial=0)
    return vectors[:, kept] * np.sqrt(values[kept])


class _Frechet(ABC):
    """Distance of all predictions' embeddings to all references'; the two need not be of one length or size.

    Biased upwards where samples are few beside the embedding's width (112 random, 256 AlexNet, 512 VGG-16, 400 I3D):
    compare equal counts only, which the signature tells.
    """

    name, unit = "", ""

    def __init__(self, config: Any = None, context: Context | None = None) -> None:
        self.config, self.context = config, context or Context()
        self.reset()

    label: str
    about: str

    def reset(self) -> None:
        self.prediction, self.reference = Moments(), Moments()

    @abstractmethod
    def embedded(self, video: Video) -> Iterator[np.ndarray]:
        """Batches of embeddings [n, d]."""

    def check(self, name: str, video: Video) -> None:
        if len(video) == 0:
            raise InputError(f"{name}: 0 frames")

    def update(self, prediction: Video, reference: Video) -> None:
        self.check("prediction", prediction)
        self.check("reference", reference)
        found = Moments(), Moments()
        for moments, video in zip(found, (prediction, reference), strict=True):
            for vectors in self.embedded(video):
                moments.add(vectors)
        self.prediction.merge(found[0])
        self.reference.merge(found[1])

    def compute(self) -> dict[str, float]:
        """Raises InputError where there are too few samples for a covariance (setting `least`)."""
        a, b = self.prediction, self.reference
        if a.count == b.count == 0:
            return {self.label: math.nan}
        for name, moments in (("prediction", a), ("reference", b)):
            if moments.count < self.config.least:
                raise InputError(
                    f"{name}: {moments.count} {self.unit}, {self.name} needs at least {self.config.least}",
                    "give more or longer videos, or lower the setting `least`",
                )
        return {self.label: frechet_distance(a.mean, a.covariance, b.mean, b.covariance)}

    def merge(self, other: Self) -> None:
        self.prediction.merge(other.prediction)
        self.reference.merge(other.reference)

    def signature(self) -> str:
        """With the samples so far, of predictions and of references; without, before the first."""
        a, b = self.prediction.count, self.reference.count
        counts = f"|{self.unit}:{a}/{b}" if a or b else ""
        return f"{self.name}|{self.about}|covariance:unbiased{counts}|version:1"


class FID(_Frechet):
    """Fréchet distance of frames (Heusel et al. 2017): `fid` on Inception, else the score's name says on what (`fid-random`, ...)."""

    name, unit = "fid", "frames"

    def __init__(self, config: FIDConfig | None = None, context: Context | None = None) -> None:
        super().__init__(config or FIDConfig(), context)
        self.embedding = FrameEmbedding(self.config, self.context)
        self.standard = self.config.network == "inception"
        self.label = "fid" if self.standard else f"fid-{self.embedding.label}"
        self.about = self.embedding.about

    def embedded(self, video: Video) -> Iterator[np.ndarray]:
        return (
            self.embedding(images) for images in squares(video, None if self.standard else self.config.size)
        )


class FVD(_Frechet):
    """Fréchet video distance (Unterthiner et al. 2018): `fvd` on I3D's logits, `fvd-random` on fixed random features."""

    name, unit = "fvd", "clips"

    def __init__(self, config: FVDConfig | None = None, context: Context | None = None) -> None:
        super().__init__(config or FVDConfig(), context)
        c = self.config
        self.embedding = ClipEmbedding(c, self.context)
        self.label = "fvd" if c.network == "i3d" else f"fvd-{c.network}"
        self.about = f"{self.embedding.about}|length:{c.length}|stride:{c.stride}"

    def check(self, name: str, video: Video) -> None:
        if len(video) < self.config.length:
            raise InputError(
                f"{name}: {len(video)} frames, a clip of fvd has {self.config.length}",
                "give longer videos, or lower the setting `length`",
            )

    def embedded(self, video: Video) -> Iterator[np.ndarray]:
        c = self.config
        return (self.embedding(batch) for batch in clips(video, c.side, c.length, c.stride))
