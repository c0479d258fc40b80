"""Features of pictures and of clips from convolutions with fixed random weights: what is compared where no trained network is given.

Numbers made with them rank videos that are far apart, and say nothing about what people see; they compare with their like only.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

WIDTHS = (16, 32, 64)  # features of each level; every level halves the sides (and the time, in clips)


class RandomFeatures(nn.Module):
    """[B, 3, H, W] or, with `dims` 3, [B, 3, T, H, W], in [0, 1], to [B, 112]: the mean of each feature of three levels.

    Every level: convolution of 3, stride 2, zeros around; ReLU. Weights normal, drawn from `seed`. Never trained.
    """

    def __init__(self, dims: int = 2, seed: int = 0) -> None:
        super().__init__()
        self.source, self.width = "random", sum(WIDTHS)
        layer = nn.Conv2d if dims == 2 else nn.Conv3d
        levels, features = [], 3
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            for width in WIDTHS:
                made = layer(features, width, 3, stride=2, padding=1, bias=False)
                nn.init.kaiming_normal_(made.weight)
                levels.append(made)
                features = width
        self.levels = nn.ModuleList(levels)
        self.requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        x, found = 2 * x - 1, []
        for level in self.levels:
            x = F.relu(level(x))
            found.append(x.flatten(2).mean(dim=2))
        return torch.cat(found, dim=1)
