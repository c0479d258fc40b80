from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from signcore.contracts import Context, Dataset, Hypothesis, Sample
from signcore.errors import InputError
from signcore.plugins.spoter.config import SpoterConfig
from signcore.plugins.spoter.model import SpoterModel, build
from signcore.plugins.spoter.recognizer import decode, described, frames_of
from signcore.plugins.spoter.skeletons import Points, augmented, points_of
from signcore.recognition.samples import pose_of
from signcore.recognition.training import Clip, GlossTask
from signcore.recognition.vocabulary import SPECIAL, Vocabulary


class Batch(NamedTuple):
    frames: Tensor  # [T, B, hidden]
    labels: Tensor  # int64 [B]


class SpoterTask(GlossTask[SpoterConfig]):
    """Cross entropy over clips of one gloss; the others are left out."""

    model: SpoterModel

    def __init__(self, config: SpoterConfig | None = None, context: Context | None = None) -> None:
        super().__init__(config or SpoterConfig(), context)

    def begin(self, dataset: Dataset) -> None:
        super().begin(dataset)
        if self.config.optimizer == "sgd":
            self.optimizer = torch.optim.SGD(self.model.parameters(), lr=self.config.learning_rate)

    def read(self, sample: Sample) -> tuple[Points, Points, float]:
        if sample.glosses is None or len(sample.glosses) != 1:
            raise InputError("is not one gloss")
        pose = pose_of(sample)
        body, hands = points_of(pose)
        return body, hands, len(body) / float(pose.body.fps)

    def build(self, clips: Sequence[Clip], vocabulary: Vocabulary) -> nn.Module:
        return build(self.config, len(vocabulary.glosses))

    def collate(self, clips: Sequence[Clip], position: int) -> Batch:
        random = self.random(position)
        rows = []
        for clip in clips:
            body, hands, _ = clip.value
            if random.random() < self.config.augmentation:
                body, hands = augmented(body, hands, random)
            frames = frames_of(body, hands, self.config.frames)
            noise = random.normal(0, self.config.noise, frames.shape) if self.config.noise else 0.0
            rows.append((frames + noise).astype(np.float32))
        if len({len(r) for r in rows}) > 1:
            raise InputError(
                "batch: clips of different lengths go one by one", "--set batch=1, or set frames"
            )
        labels = [self.vocabulary.encode(c.glosses)[0] - len(SPECIAL) for c in clips]
        return Batch(torch.from_numpy(np.stack(rows, axis=1)), torch.tensor(labels))

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        return {"cross_entropy": F.cross_entropy(self.model(batch.frames), batch.labels)}

    def decode(self, clip: Clip) -> list[Hypothesis]:
        body, hands, seconds = clip.value
        return decode(self.average, body, hands, self.vocabulary, self.config, seconds)  # type: ignore[arg-type]

    def described(self) -> dict[str, Any]:
        return described(self.config, self.vocabulary)
