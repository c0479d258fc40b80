"""SPOTER's network under the names of its public weights."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class DecoderLayer(nn.Module):
    """A decoder layer without attention to itself: the query is added to its own dropped-out copy instead, as in the public code."""

    def __init__(self, width: int, heads: int, feedforward: int, dropout: float = 0.1) -> None:
        super().__init__()
        self.multihead_attn = nn.MultiheadAttention(width, heads, dropout)
        self.linear1 = nn.Linear(width, feedforward)
        self.linear2 = nn.Linear(feedforward, width)
        self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(width) for _ in range(3))
        self.dropout = nn.Dropout(dropout)

    def forward(self, query: Tensor, memory: Tensor) -> Tensor:
        query = self.norm1(query + self.dropout(query))
        query = self.norm2(
            query + self.dropout(self.multihead_attn(query, memory, memory, need_weights=False)[0])
        )
        made = self.linear2(self.dropout(F.relu(self.linear1(query))))
        found: Tensor = self.norm3(query + self.dropout(made))
        return found


class Decoder(nn.Module):
    def __init__(self, width: int, heads: int, layers: int, feedforward: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(DecoderLayer(width, heads, feedforward) for _ in range(layers))
        self.norm = nn.LayerNorm(width)

    def forward(self, query: Tensor, memory: Tensor) -> Tensor:
        for layer in self.layers:
            query = layer(query, memory)
        found: Tensor = self.norm(query)
        return found


class Transformer(nn.Module):
    def __init__(self, width: int, heads: int, layers: int, feedforward: int) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(width, heads, feedforward, 0.1)
        self.encoder = nn.TransformerEncoder(layer, layers, nn.LayerNorm(width), enable_nested_tensor=False)
        self.decoder = Decoder(width, heads, layers, feedforward)

    def forward(self, frames: Tensor, query: Tensor) -> Tensor:
        found: Tensor = self.decoder(query, self.encoder(frames))
        return found


class SpoterModel(nn.Module):
    """Frames [T, B, hidden], of T frames each, to logits [B, classes]. The position is one row for all frames, as published."""

    def __init__(self, classes: int, hidden: int, heads: int, layers: int, feedforward: int) -> None:
        super().__init__()
        self.row_embed = nn.Parameter(torch.rand(50, hidden))
        self.pos = nn.Parameter(self.row_embed[:1].detach().clone()[None])
        self.class_query = nn.Parameter(torch.rand(1, hidden))
        self.transformer = Transformer(hidden, heads, layers, feedforward)
        self.linear_class = nn.Linear(hidden, classes)

    def forward(self, frames: Tensor) -> Tensor:
        query = self.class_query[None].expand(-1, frames.shape[1], -1)
        found: Tensor = self.linear_class(self.transformer(self.pos + frames, query))[0]
        return found


def build(config: Any, classes: int) -> SpoterModel:
    return SpoterModel(classes, config.hidden, config.heads, config.layers, config.feedforward)
