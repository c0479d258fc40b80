from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from signcore.contracts import Context, Hypothesis, Sample
from signcore.errors import InputError
from signcore.plugins.corrnet.config import CorrNetConfig
from signcore.plugins.corrnet.model import CorrNetModel, distilled, padded
from signcore.plugins.corrnet.recognizer import decode, described
from signcore.recognition.frames import frames_of, to_network
from signcore.recognition.training import Clip, GlossTask
from signcore.recognition.vocabulary import SPECIAL, Vocabulary


class Batch(NamedTuple):
    frames: Tensor  # [B, 3, T, H, W]
    counts: Tensor  # int64 [B]
    labels: Tensor  # int64, all sentences one after the other
    lengths: Tensor  # int64 [B]


class CorrNetTask(GlossTask[CorrNetConfig]):
    """CTC of the BiLSTM and of the convolutions, and the first teaching the second."""

    model: CorrNetModel

    def __init__(self, config: CorrNetConfig | None = None, context: Context | None = None) -> None:
        super().__init__(config or CorrNetConfig(), context)

    def read(self, sample: Sample) -> np.ndarray:
        if sample.video is None:
            raise InputError("has no video")
        return frames_of(sample.video, self.config.fps, self.config.size)

    def build(self, clips: Sequence[Clip], vocabulary: Vocabulary) -> nn.Module:
        return CorrNetModel(self.config, len(vocabulary.glosses) + 1)

    def collate(self, clips: Sequence[Clip], position: int) -> Batch:
        random, config = self.random(position), self.config
        rows = []
        for clip in clips:
            frames = clip.value
            count = max(8, round(len(frames) * (1 + config.rescaling * random.uniform(-1, 1))))
            frames = frames[np.linspace(0, len(frames) - 1, count).round().astype(int)]
            most = int(config.shift * config.size)
            down, across = random.integers(-most, most + 1, size=2) if most else (0, 0)
            rows.append(padded(to_network(np.roll(frames, (down, across), axis=(1, 2)))))
        longest = max(map(len, rows))
        rows_padded = [torch.cat([r, r[-1:].expand(longest - len(r), -1, -1, -1)]) for r in rows]
        ids = [[i - len(SPECIAL) + 1 for i in self.vocabulary.encode(c.glosses)] for c in clips]
        return Batch(
            torch.stack(rows_padded).transpose(1, 2),
            torch.tensor([len(r) for r in rows]),
            torch.tensor([i for row in ids for i in row]),
            torch.tensor([len(row) for row in ids]),
        )

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        config = self.config
        read, moved, steps = self.model(batch.frames, batch.counts)

        def ctc(logits: Tensor) -> Tensor:
            return F.ctc_loss(
                logits.log_softmax(dim=-1), batch.labels, steps, batch.lengths, zero_infinity=True
            )

        found = {
            "sequence": config.sequence_weight * ctc(read),
            "convolution": config.convolution_weight * ctc(moved),
        }
        if config.distillation_weight:
            found["distillation"] = config.distillation_weight * distilled(
                moved, read, config.distillation_temperature
            )
        return found

    def decode(self, clip: Clip) -> list[Hypothesis]:
        return decode(self.average, clip.value, self.vocabulary, self.config)  # type: ignore[arg-type]

    def described(self) -> dict[str, Any]:
        return described(self.config, self.vocabulary)
