"""Training streams of convolutions: cross entropy for one sign, CTC for sentences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from signcore.contracts import Context, Hypothesis, Sample
from signcore.plugins.streams.config import StreamsConfig
from signcore.plugins.streams.model import StreamsModel
from signcore.plugins.streams.recognizer import decode, described
from signcore.recognition.augment import placed, timed
from signcore.recognition.samples import pose_of
from signcore.recognition.skeleton import Skeleton, active, mirror_order, resampled, skeleton
from signcore.recognition.training import Clip, GlossTask
from signcore.recognition.vocabulary import SPECIAL, Vocabulary


class Batch(NamedTuple):
    points: Tensor  # [B, T, K, D]
    frames: Tensor  # int64 [B]
    labels: Tensor  # int64 [B, L]
    lengths: Tensor  # int64 [B]
    share: Tensor  # []: of the clip itself where it is mixed with the next one of the batch
    other: Tensor  # int64 [B]: which one that is


class StreamsTask(GlossTask[StreamsConfig]):
    """One optimiser over all streams; each has a loss of its own, so that each can answer alone."""

    model: StreamsModel

    def __init__(self, config: StreamsConfig | None = None, context: Context | None = None) -> None:
        super().__init__(config or StreamsConfig(), context)

    def read(self, sample: Sample) -> Skeleton:
        return skeleton(pose_of(sample), None if self.config.dims == "auto" else self.config.dims)

    def build(self, clips: Sequence[Clip], vocabulary: Vocabulary) -> nn.Module:
        if self.config.reads == "auto":
            several = any(len(c.glosses) > 1 for c in clips)
            self.config = self.config.model_copy(update={"reads": "sentence" if several else "sign"})
        shared = set.intersection(*(set(c.value.names) for c in clips))
        self.names = tuple(n for n in clips[0].value.names if n in shared)
        self.order = mirror_order(self.names)
        self.dims = min(c.value.points.shape[2] for c in clips)
        sentence = self.config.reads == "sentence"
        return StreamsModel(self.config, self.names, self.dims, len(vocabulary.glosses) + sentence)

    def collate(self, clips: Sequence[Clip], position: int) -> Batch:
        random, config = self.random(position), self.config
        sentence = config.reads == "sentence"
        made = []
        for clip in clips:
            found = clip.value.take(self.names)
            found = found if sentence else active(found)
            points = found.points[..., : self.dims]
            if sentence:
                even = np.linspace(0, len(points) - 1, max(8, round(len(points) * config.fps / found.fps)))
                points = timed(resampled(points, even), random, config.augmentation)
            else:
                points = timed(points, random, config.augmentation, config.frames)
            made.append(placed(points, random, config.augmentation, self.order, config.mirroring))
        frames = [len(p) for p in made]
        points = np.stack([np.concatenate([p, np.repeat(p[-1:], max(frames) - len(p), 0)]) for p in made])
        ids = [[i - len(SPECIAL) + sentence for i in self.vocabulary.encode(c.glosses)] for c in clips]
        labels = np.zeros((len(ids), max(map(len, ids))), np.int64)
        for row, found_ids in zip(labels, ids, strict=True):
            row[: len(found_ids)] = found_ids
        mixed = config.mixup > 0 and not sentence
        return Batch(
            torch.from_numpy(points),
            torch.tensor(frames),
            torch.from_numpy(labels),
            torch.tensor([len(i) for i in ids]),
            torch.tensor(float(random.beta(config.mixup, config.mixup)) if mixed else 1.0),
            torch.from_numpy(random.permutation(len(clips))),
        )

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        if self.model.sentence:
            steps = self.model.steps(batch.frames)
            return {
                name: F.ctc_loss(
                    logits.log_softmax(dim=-1).transpose(0, 1),
                    batch.labels,
                    steps.clamp(max=logits.shape[1]),
                    batch.lengths,
                    zero_infinity=True,
                )
                for name, logits in zip(self.model.streams, self.model(batch.points), strict=True)
            }
        points = batch.share * batch.points + (1 - batch.share) * batch.points[batch.other]
        smooth = self.config.label_smoothing
        truth, other = batch.labels[:, 0], batch.labels[batch.other, 0]
        return {
            name: batch.share * F.cross_entropy(logits, truth, label_smoothing=smooth)
            + (1 - batch.share) * F.cross_entropy(logits, other, label_smoothing=smooth)
            for name, logits in zip(self.model.streams, self.model(points), strict=True)
        }

    def decode(self, clip: Clip) -> list[Hypothesis]:
        found = clip.value.take(self.names)
        return decode(self.average, found, self.vocabulary, self.config)  # type: ignore[arg-type]

    def described(self) -> dict[str, Any]:
        return described(self.config, self.names, self.dims, self.vocabulary)
