"""A network of temporal convolutions for every stream; their answers are averaged."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from signcore.plugins.streams.config import StreamsConfig
from signcore.recognition.skeleton import bones

FAST = 4.0  # a speed is about a quarter of a place


class Block(nn.Module):
    """Two convolutions and a way around them."""

    def __init__(self, width: int, kernel: int, stride: int, dropout: float = 0.1) -> None:
        super().__init__()
        self.first = nn.Conv1d(width, width, kernel, stride, kernel // 2)
        self.first_norm = nn.BatchNorm1d(width)
        self.second = nn.Conv1d(width, width, kernel, 1, kernel // 2)
        self.second_norm = nn.BatchNorm1d(width)
        self.around = nn.AvgPool1d(stride, stride, ceil_mode=True) if stride > 1 else nn.Identity()
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:  # [B, C, T]
        made = self.dropout(F.relu(self.first_norm(self.first(x))))
        around = self.around(x)
        found: Tensor = F.relu(around + self.second_norm(self.second(made))[..., : around.shape[-1]])
        return found


class Stream(nn.Module):
    """[B, channels, T] to logits: [B, classes] of one sign, or [B, T', classes] with `frames`."""

    def __init__(self, config: StreamsConfig, channels: int, classes: int, frames: bool) -> None:
        super().__init__()
        self.frames = frames
        self.norm = nn.BatchNorm1d(channels)
        self.stem = nn.Conv1d(channels, config.width, config.kernel, 1, config.kernel // 2)
        strides = [2 if i < config.halvings else 1 for i in range(config.blocks)]
        self.blocks = nn.Sequential(*(Block(config.width, config.kernel, s) for s in strides))
        self.dropout = nn.Dropout(config.dropout)
        self.answer = nn.Linear(config.width * (1 if frames else 2), classes)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.stem(self.norm(x)))
        x = self.blocks(F.dropout1d(x, 0.1, self.training))
        x = x.transpose(1, 2) if self.frames else torch.cat([x.mean(dim=2), x.amax(dim=2)], dim=1)
        answer: Tensor = self.answer(self.dropout(x))
        return answer


class StreamsModel(nn.Module):
    """names: the points of a frame, in order; dims: their coordinates; classes: glosses, with the blank first for sentences."""

    def __init__(self, config: StreamsConfig, names: Sequence[str], dims: int, classes: int) -> None:
        super().__init__()
        self.config, self.sentence = config, config.reads == "sentence"
        pairs = bones(names) or [(i, 0) for i in range(len(names))]
        self.tails, self.heads = [a for a, _ in pairs], [b for _, b in pairs]
        sizes = {"joint": len(names), "motion": len(names), "bone": len(pairs), "turn": len(pairs)}
        self.streams = nn.ModuleDict(
            {s: Stream(config, sizes[s] * dims, classes, self.sentence) for s in config.streams}
        )

    def features(self, points: Tensor) -> dict[str, Tensor]:
        """points [B, T, K, D] to [B, channels, T] of every stream."""
        limbs = points[:, :, self.tails] - points[:, :, self.heads]
        every = {"joint": points, "bone": limbs, "motion": _speed(points), "turn": _speed(limbs)}
        return {s: every[s].flatten(2).transpose(1, 2) for s in self.streams}

    def forward(self, points: Tensor) -> list[Tensor]:
        """The logits of every stream."""
        found = self.features(points)
        return [stream(found[name]) for name, stream in self.streams.items()]

    def log_probabilities(self, points: Tensor) -> Tensor:
        """Mean over the streams of their log-probabilities, made probabilities again."""
        every = torch.stack([logits.log_softmax(dim=-1) for logits in self(points)])
        return every.mean(dim=0).log_softmax(dim=-1)

    def steps(self, frames: Tensor) -> Tensor:
        """How many answers so many frames give, for sentences."""
        for _ in range(min(self.config.halvings, self.config.blocks)):
            frames = (frames + 1) // 2
        return frames


def _speed(points: Tensor) -> Tensor:
    return (
        FAST * F.pad(points[:, 2:] - points[:, :-2], (0, 0, 0, 0, 1, 1))
        if points.shape[1] > 2
        else points * 0
    )
