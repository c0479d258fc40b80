"""What reads a clip: a network of temporal convolutions for every stream, and random kernels over limbs and speeds."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from signcore.plugins.streams.config import StreamsConfig
from signcore.plugins.streams.rocket import RandomKernels
from signcore.recognition.skeleton import bones

FAST = 4.0  # a speed is about a quarter of a place
SEEN = ("bone", "motion")  # what the random kernels see: places as such tell signers apart


class Block(nn.Module):
    """Two convolutions and a way around them."""

    def __init__(self, width: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv1d(width, width, kernel, stride, kernel // 2, bias=False)
        self.first_norm = nn.BatchNorm1d(width)
        self.second = nn.Conv1d(width, width, kernel, 1, kernel // 2, bias=False)
        self.second_norm = nn.BatchNorm1d(width)
        self.around = nn.AvgPool1d(stride, stride, ceil_mode=True) if stride > 1 else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:  # [B, C, T]
        made = F.relu(self.first_norm(self.first(x)))
        around = self.around(x)
        found: Tensor = F.relu(around + self.second_norm(self.second(made))[..., : around.shape[-1]])
        return found


class Stream(nn.Module):
    """[B, channels, T] to [B, width, T'], T halved `halvings` times."""

    def __init__(self, config: StreamsConfig, channels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(channels)
        # signs are slow: the first convolution halves too, where a halving is left for it
        strides = [2 if i < config.halvings else 1 for i in range(config.blocks + 1)]
        self.stem = nn.Conv1d(channels, config.width, config.kernel, strides[0], config.kernel // 2)
        self.blocks = nn.Sequential(*(Block(config.width, config.kernel, s) for s in strides[1:]))

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.stem(self.norm(x)))
        found: Tensor = self.blocks(F.dropout1d(x, 0.1, self.training))
        return found


class StreamsModel(nn.Module):
    """names: the points of a frame, in order; dims: their coordinates; classes: glosses, with the blank first for sentences.

    One sign: every stream answers for itself, and so do the random kernels. Sentences: one answer from all streams, since
    CTC networks that learn apart put their glosses at different moments.
    """

    usual: Tensor  # [classes]: sentences: mean probability of each in training

    def __init__(self, config: StreamsConfig, names: Sequence[str], dims: int, classes: int) -> None:
        super().__init__()
        self.config, self.sentence = config, config.reads == "sentence"
        pairs = bones(names) or [(i, 0) for i in range(len(names))]
        self.tails, self.heads = [a for a, _ in pairs], [b for _, b in pairs]
        sizes = {"joint": len(names), "motion": len(names), "bone": len(pairs), "turn": len(pairs)}
        self.streams = nn.ModuleDict({s: Stream(config, sizes[s] * dims) for s in config.streams})
        self.dropout = nn.Dropout(config.dropout)
        if self.sentence:
            self.answer: nn.Module = nn.Linear(config.width * len(self.streams), classes)
            self.register_buffer("usual", torch.full((classes,), 1 / classes))
        else:
            self.answer = nn.ModuleDict({s: nn.Linear(2 * config.width, classes) for s in config.streams})
        self.kernels = (
            RandomKernels(sum(sizes[s] for s in SEEN) * dims, classes, config.frames, config.kernels)
            if config.kernels and not self.sentence
            else None
        )

    def features(self, points: Tensor) -> dict[str, Tensor]:
        """points [B, T, K, D] to [B, channels, T] of every kind of stream."""
        limbs = points[:, :, self.tails] - points[:, :, self.heads]
        every = {"joint": points, "bone": limbs, "motion": _speed(points), "turn": _speed(limbs)}
        return {s: x.flatten(2).transpose(1, 2) for s, x in every.items()}

    def seen(self, points: Tensor) -> Tensor:
        """What the random kernels see of points [B, T, K, D]: [B, channels, T]."""
        found = self.features(points)
        return torch.cat([found[s] for s in SEEN], dim=1)

    def forward(self, points: Tensor) -> dict[str, Tensor]:
        """Logits by name: [B, classes] of every stream, or [B, T', classes] of all together."""
        seen = self.features(points)
        found = {name: stream(seen[name]) for name, stream in self.streams.items()}
        if self.sentence:
            return {"ctc": self.answer(self.dropout(torch.cat([*found.values()], dim=1).transpose(1, 2)))}
        pooled = {s: self.dropout(torch.cat([x.mean(dim=2), x.amax(dim=2)], dim=1)) for s, x in found.items()}
        return {s: self.answer[s](x) for s, x in pooled.items()}  # type: ignore[index]

    def log_probabilities(self, points: Tensor) -> Tensor:
        """[B, classes]: mean of the streams' log-probabilities and those of the random kernels, made probabilities again;
        sentences: [B, T', classes]."""
        every = torch.stack([logits.log_softmax(dim=-1) for logits in self(points).values()])
        found = every.mean(dim=0)
        if self.kernels is not None:
            share = self.config.share
            found = share * found + (1 - share) * self.kernels(self.seen(points)).log_softmax(dim=-1)
        return found.log_softmax(dim=-1)

    def steps(self, frames: Tensor) -> Tensor:
        """How many answers so many frames give, for sentences."""
        for _ in range(min(self.config.halvings, self.config.blocks + 1)):
            frames = (frames + 1) // 2
        return frames


def _speed(points: Tensor) -> Tensor:
    return (
        FAST * F.pad(points[:, 2:] - points[:, :-2], (0, 0, 0, 0, 1, 1))
        if points.shape[1] > 2
        else points * 0
    )
