"""TPSMM's generator (section 3.4), under its state-dict names."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from signcore.animation.network import Result, resized
from signcore.nn.convolution_blocks import DownBlock2d, ResBlock2d, SameBlock2d, UpBlock2d, to_few
from signcore.nn.coordinates import warp, widened
from signcore.nn.dense_motion import Motion

LEVELS = 3


class InpaintingNetwork(nn.Module):
    """Draws the driving frame from the source's warped features, and fills in what the masks say is hidden: a mask a level,
    coarse to fine, or one for all."""

    def __init__(self, width: int = 64, max_width: int = 512) -> None:
        super().__init__()
        widths = [min(max_width, width * 2**i) for i in range(LEVELS + 1)]  # shallow first
        self.first = SameBlock2d(3, widths[0], 7)
        self.down_blocks = nn.ModuleList(DownBlock2d(a, b) for a, b in pairwise(widths))
        ups, residuals = [], []
        for i in reversed(range(LEVELS)):
            joined = widths[i + 1] * (
                1 if i == LEVELS - 1 else 2
            )  # but for the deepest, with the skip beside
            residuals += [ResBlock2d(joined), ResBlock2d(joined)]
            ups.append(UpBlock2d(joined, widths[i]))
        self.up_blocks, self.resblock = nn.ModuleList(ups), nn.ModuleList(residuals)
        self.final = nn.Conv2d(widths[0], 3, 7, padding=3)

    def encode(self, frame: Tensor) -> list[Tensor]:  # [B, 3, H, W] -> features, deepest first
        features = [self.first(frame)]
        for block in self.down_blocks:
            features.append(block(features[-1]))
        return features[::-1]

    def forward(self, frame: Tensor, features: list[Tensor], motion: Motion) -> Result:
        masks = motion.visible if len(motion.visible) > 1 else motion.visible * len(features)
        warped = [
            warp(feature, motion.flow, resized(visible, feature.shape[-2:]))
            for feature, visible in zip(features, masks, strict=True)
        ]
        out, decoded = warped[0].to(features[0].dtype), []
        for level in range(LEVELS):
            out = self.resblock[2 * level + 1](self.resblock[2 * level](out))
            decoded.append(out)
            out = self.up_blocks[level](out)
            if level < LEVELS - 1:
                out = torch.cat([out, warped[level + 1].to(out.dtype)], dim=1)
        visible = resized(motion.visible[-1], frame.shape[-2:])
        out = out * (1 - visible) + warped[-1]
        drawn = torch.sigmoid(widened(to_few(self.final, out)))
        return Result(drawn * (1 - visible) + warp(frame, motion.flow, visible), drawn, decoded)
