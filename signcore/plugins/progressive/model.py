"""Progressive Transformers (Saunders et al., ECCV 2020): an encoder of symbols, and a decoder that makes frame after frame,
each with a counter that runs from 0 to 1 over the sign."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from signcore.plugins.progressive.config import ProgressiveConfig


class ProgressiveModel(nn.Module):
    """A frame is K x 2 coordinates and the counter: size K * 2 + 1."""

    def __init__(self, config: ProgressiveConfig, vocabulary: int, points: int) -> None:
        super().__init__()
        self.config, self.size = config, points * 2 + 1
        width = config.hidden
        self.source_embedding = nn.Embedding(vocabulary, width, padding_idx=0)
        self.target_embedding = nn.Linear(1 if config.just_counter else self.size, width)
        layer = nn.TransformerEncoderLayer(
            width, config.heads, config.feedforward, config.dropout, batch_first=True, norm_first=True
        )
        self.encoder = nn.TransformerEncoder(
            layer, config.layers, nn.LayerNorm(width), enable_nested_tensor=False
        )
        back = nn.TransformerDecoderLayer(
            width, config.heads, config.feedforward, config.dropout, batch_first=True, norm_first=True
        )
        self.decoder = nn.TransformerDecoder(back, config.layers, nn.LayerNorm(width))
        # every frame ahead is coordinates alone: the counter is known
        self.output = nn.Linear(width, self.size + config.future * (self.size - 1))
        positions = _sines(config.max_length + 1, width)
        self.register_buffer("positions", positions, persistent=False)
        self.register_buffer("spread", torch.zeros(self.size - 1))  # of the error, a coordinate each
        self.positions: Tensor
        self.spread: Tensor
        for parameter in self.parameters():
            if parameter.ndim > 1:
                nn.init.xavier_uniform_(parameter)

    def encode(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """tokens: int64 [B, L], 0 where padded, to ([B, L, D], bool [B, L] True where padded)."""
        padding = tokens == 0
        embedded = self.source_embedding(tokens) * math.sqrt(self.config.hidden)
        embedded = embedded + self.positions[: tokens.shape[1]]
        return self.encoder(embedded, src_key_padding_mask=padding), padding

    def decode(self, frames: Tensor, memory: Tensor, padding: Tensor) -> Tensor:
        """frames: [B, N, size] so far, to the next of each [B, N, size + future * (size - 1)]."""
        count = frames.shape[1]
        read = frames[..., -1:] if self.config.just_counter else frames
        embedded = self.target_embedding(read) + self.positions[:count]
        later = torch.ones(count, count, dtype=torch.bool, device=frames.device).triu(1)
        found: Tensor = self.output(
            self.decoder(embedded, memory, tgt_mask=later, memory_key_padding_mask=padding)
        )
        return found

    def unroll(self, tokens: Tensor, first: Tensor, length: int | None) -> Tensor:
        """One sign: tokens [1, L], first [K, 2] to [N, K, 2]. length: frames, their counters are the true ones; or None, and the
        model's own counter ends the sign where it reaches 1."""
        memory, padding = self.encode(tokens)
        count = length or self.config.max_length
        start = torch.cat([first.flatten(), first.new_zeros(1)])
        frames = start[None, None]
        for i in range(1, count):
            found = self.decode(frames, memory, padding)[:, -1:, : self.size]
            if length is not None:
                found = torch.cat([found[..., :-1], found.new_full((1, 1, 1), counter(i, count))], dim=-1)
            frames = torch.cat([frames, found], dim=1)
            if length is None and float(found[..., -1]) >= 1:
                break
        return frames[0, :, :-1].unflatten(-1, (-1, 2))


def counter(index: int, count: int) -> float:
    return index / max(1, count - 1)


def _sines(count: int, width: int) -> Tensor:
    at = torch.arange(count)[:, None]
    rates = torch.exp(torch.arange(0, width, 2) * -(math.log(10000.0) / width))
    out = torch.zeros(count, width)
    out[:, 0::2], out[:, 1::2] = torch.sin(at * rates), torch.cos(at * rates)
    return out
