"""Training streams of convolutions: cross entropy for one sign, with random kernels solved for at the start; CTC for sentences."""

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
from signcore.plugins.streams.recognizer import brought, decode, described
from signcore.recognition.augment import mirrored, placed, timed
from signcore.recognition.ngrams import Ngrams
from signcore.recognition.samples import pose_of
from signcore.recognition.skeleton import Skeleton, active, mirror_order, signing, skeleton
from signcore.recognition.training import Clip, GlossTask
from signcore.recognition.vocabulary import SPECIAL, Vocabulary

ROWS = 6000  # clips and copies in the ridge regression: its time grows with their third power
PARTS = 5  # held out in turn where fewer than half as many signers are named
USUAL = 0.02  # a step's part in the running mean of what the network answers


class Batch(NamedTuple):
    points: Tensor  # [B, T, K, D]
    frames: Tensor  # int64 [B]
    labels: Tensor  # int64 [B, L]
    lengths: Tensor  # int64 [B]


class StreamsTask(GlossTask[StreamsConfig]):
    """One optimiser over all streams. One sign: each has a loss of its own, so that each can answer alone."""

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
        self.names = signing([n for n in clips[0].value.names if n in shared])
        self.order = mirror_order(self.names)
        self.dims = min(c.value.points.shape[2] for c in clips)
        self._brought: dict[int, np.ndarray] = {}
        sentence = self.config.reads == "sentence"
        self.follows = Ngrams.of(self._labels(c) for c in clips) if sentence else None
        model = StreamsModel(self.config, self.names, self.dims, len(vocabulary.glosses) + sentence)
        if model.kernels is not None:
            self._solve(model, clips)
        return model

    def _labels(self, clip: Clip) -> list[int]:
        """Numbers of the network's answers: 0 is the first gloss, of sentences the blank."""
        first = int(self.config.reads == "sentence")
        return [i - len(SPECIAL) + first for i in self.vocabulary.encode(clip.glosses)]

    def _points(self, clip: Clip) -> np.ndarray:
        """[T, K, D] without rest (one sign), or at `fps` (sentences); kept, since every epoch asks for them."""
        key = id(clip.value)
        if key not in self._brought:
            found = clip.value.take(self.names)
            sentence = self.config.reads == "sentence"
            points = brought(found, self.config, True) if sentence else active(found).points
            self._brought[key] = np.ascontiguousarray(points[..., : self.dims])
        return self._brought[key]

    def _altered(self, clip: Clip, random: np.random.Generator) -> np.ndarray:
        config = self.config
        # a mirrored sentence doubles what few sentences must teach
        count, mirroring = (None, 0.0) if config.reads == "sentence" else (config.frames, config.mirroring)
        points = timed(self._points(clip), random, config.augmentation, count)
        return placed(points, random, config.augmentation, self.order, mirroring)

    def _solve(self, model: StreamsModel, clips: Sequence[Clip]) -> None:
        """The random kernels see every clip as it is, mirrored, and altered `copies` times."""
        assert model.kernels is not None
        random = np.random.Generator(np.random.PCG64([self.context.seed, 92]))
        if len(clips) > ROWS:
            clips = [clips[i] for i in sorted(random.permutation(len(clips))[:ROWS])]
        rounds = max(1, min(2 + self.config.copies, ROWS // len(clips)))
        plain = [brought(c.value.take(self.names), self.config, False)[..., : self.dims] for c in clips]
        every = [*plain, *(mirrored(p, self.order) for p in plain)][: rounds * len(clips)]
        every += [self._altered(c, random) for _ in range(rounds - 2) for c in clips]
        signers = sorted({c.signer or "" for c in clips})
        told = len(signers) >= PARTS // 2
        groups = [signers.index(c.signer or "") if told else i % PARTS for i, c in enumerate(clips)]
        model.kernels.fit(
            model.seen(torch.from_numpy(np.stack(every).astype(np.float32))),
            torch.tensor([self._labels(c)[0] for c in clips]).repeat(rounds),
            torch.tensor(groups).repeat(rounds),
            self.config.ridge,
            torch.Generator().manual_seed(self.context.seed),
        )

    def collate(self, clips: Sequence[Clip], position: int) -> Batch:
        random = self.random(position)
        made = [self._altered(clip, random) for clip in clips]
        frames = [len(p) for p in made]
        points = np.stack([np.concatenate([p, np.repeat(p[-1:], max(frames) - len(p), 0)]) for p in made])
        ids = [self._labels(c) for c in clips]
        labels = np.zeros((len(ids), max(map(len, ids))), np.int64)
        for row, found_ids in zip(labels, ids, strict=True):
            row[: len(found_ids)] = found_ids
        return Batch(
            torch.from_numpy(points),
            torch.tensor(frames),
            torch.from_numpy(labels),
            torch.tensor([len(i) for i in ids]),
        )

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        found = self.model(batch.points)
        if not self.model.sentence:
            smooth = self.config.label_smoothing
            return {
                s: F.cross_entropy(x, batch.labels[:, 0], label_smoothing=smooth) for s, x in found.items()
            }
        logs = found["ctc"].float().log_softmax(dim=-1)  # CTC knows no half precision
        steps = self.model.steps(batch.frames).clamp(max=logs.shape[1])
        with torch.no_grad():
            there = torch.arange(logs.shape[1], device=steps.device) < steps[:, None]
            self.model.usual.lerp_(logs.detach()[there].exp().mean(dim=0), USUAL)
        return {
            "ctc": F.ctc_loss(logs.transpose(0, 1), batch.labels, steps, batch.lengths, zero_infinity=True)
        }

    def decode(self, clip: Clip) -> list[Hypothesis]:
        found = clip.value.take(self.names)
        return decode(self.average, found, self.vocabulary, self.config, self.follows)  # type: ignore[arg-type]

    def described(self) -> dict[str, Any]:
        return described(self.config, self.names, self.dims, self.vocabulary, self.follows)
