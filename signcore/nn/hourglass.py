"""Hourglass (Newell et al. 2016) as TPSMM builds it: down blocks, up blocks, skips by concatenation."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from signcore.nn.convolution_blocks import DownBlock2d, UpBlock2d


class HourglassEncoder(nn.Module):
    def __init__(
        self, block_expansion: int, in_features: int, blocks: int, max_features: int, norm: str
    ) -> None:
        super().__init__()
        sizes = [in_features] + [min(max_features, block_expansion * 2**i) for i in range(1, blocks + 1)]
        self.down_blocks = nn.ModuleList(DownBlock2d(a, b, norm) for a, b in pairwise(sizes))

    def forward(self, x: Tensor) -> list[Tensor]:  # [B, C, H, W] -> blocks + 1 maps, the input first
        maps = [x]
        for block in self.down_blocks:
            maps.append(block(maps[-1]))
        return maps


class HourglassDecoder(nn.Module):
    def __init__(
        self, block_expansion: int, in_features: int, blocks: int, max_features: int, norm: str
    ) -> None:
        super().__init__()
        sizes = [min(max_features, block_expansion * 2**i) for i in range(blocks + 1)]
        self.up_blocks = nn.ModuleList(
            UpBlock2d(sizes[i + 1] * (1 if i == blocks - 1 else 2), sizes[i], norm)
            for i in reversed(range(blocks))
        )
        skips = [in_features, *sizes[1:blocks]]
        self.out_features = [
            sizes[i] + skips[i] for i in reversed(range(blocks))
        ]  # of each map, coarse to fine

    def forward(self, maps: list[Tensor]) -> list[Tensor]:  # -> one map a block, coarse to fine
        out, outputs = maps[-1], []
        for block, skip in zip(self.up_blocks, reversed(maps[:-1]), strict=True):
            out = torch.cat([block(out), skip], dim=1)
            outputs.append(out)
        return outputs


class Hourglass(nn.Module):
    """`out_features` holds the number of features of each output, coarse to fine. norm: "instance" (TPSMM) or "batch" (FOMM, MRAA)."""

    def __init__(
        self,
        block_expansion: int,
        in_features: int,
        blocks: int = 5,
        max_features: int = 1024,
        norm: str = "instance",
    ) -> None:
        super().__init__()
        self.encoder = HourglassEncoder(block_expansion, in_features, blocks, max_features, norm)
        self.decoder = HourglassDecoder(block_expansion, in_features, blocks, max_features, norm)
        self.out_features = self.decoder.out_features

    def forward(
        self, x: Tensor
    ) -> list[Tensor]:  # [B, C, H, W] -> maps of H/2^(blocks-1) .. H, coarse to fine
        return self.decoder(self.encoder(x))
