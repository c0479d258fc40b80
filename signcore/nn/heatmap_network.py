"""A small network from pictures to one heatmap a keypoint: a pose estimator whose result can be differentiated (PGMM section 3.3, P10, P14)."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from signcore import weights
from signcore.errors import ConfigError
from signcore.nn.convolution_blocks import SameBlock2d
from signcore.nn.hourglass import Hourglass

SCALE = 2  # a heatmap has a half of the picture's sides
BLOCKS = 4
WINDOW = 2  # cells around the highest one that tell where a point is


class HeatmapNetwork(nn.Module):
    """Picture to logits of where each point is, and of whether it is there at all. side: of the squares it was trained on, in pixels."""

    def __init__(self, points: int, width: int, max_width: int, side: int = 128) -> None:
        super().__init__()
        self.side = side
        self.first = SameBlock2d(3, width, 7)
        self.hourglass = Hourglass(width, width, BLOCKS, max_width)
        self.places = nn.Conv2d(self.hourglass.out_features[-1], points, 1)
        deepest = min(max_width, width * 2**BLOCKS)
        self.there = nn.Sequential(nn.Linear(2 * deepest, deepest), nn.ReLU(), nn.Linear(deepest, points))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """[B, 3, H, W] in [0, 1] -> logits [B, P, H/2, W/2] over places, [B, P] of being there. H and W are multiples of 32."""
        x = nn.functional.avg_pool2d(self.first(images), SCALE)
        maps = self.hourglass.encoder(x)
        deep = maps[-1].flatten(2)
        there = self.there(torch.cat([deep.mean(dim=2), deep.amax(dim=2)], dim=1))
        return self.places(self.hourglass.decoder(maps)[-1]), there


def soft_argmax(logits: Tensor, temperature: float = 1.0) -> Tensor:
    """Logits [..., h, w] to the mean place [..., 2], x and y in [0, 1] across the picture (P10)."""
    height, width = logits.shape[-2:]
    share = (logits.float().flatten(-2) / temperature).softmax(dim=-1).unflatten(-1, (height, width))
    x = (torch.arange(width, device=logits.device) + 0.5) / width
    y = (torch.arange(height, device=logits.device) + 0.5) / height
    return torch.stack([(share.sum(dim=-2) * x).sum(dim=-1), (share.sum(dim=-1) * y).sum(dim=-1)], dim=-1)


def highest(logits: Tensor) -> Tensor:
    """The same, of the cells around the highest one alone: two places are not averaged."""
    height, width = logits.shape[-2:]
    best = logits.flatten(-2).argmax(dim=-1)
    row, column = best // width, best % width
    rows, columns = torch.arange(height, device=logits.device), torch.arange(width, device=logits.device)
    near = ((rows - row[..., None]).abs() <= WINDOW)[..., :, None] & (
        (columns - column[..., None]).abs() <= WINDOW
    )[..., None, :]
    return soft_argmax(logits.float().masked_fill(~near, -torch.inf))


def read_network(path: str | Path) -> tuple[HeatmapNetwork, list[str]]:
    """A trained network, frozen, and its points' names. Raises WeightsError, ConfigError for weights of something else."""
    about, tensors = weights.read(str(path))
    if about.get("component") != "estimator:heatmaps":
        raise ConfigError(
            f"{path}: weights of {about.get('component', 'something unnamed')}, not of estimator:heatmaps",
            "make some with `signcore train --estimator heatmaps`",
        )
    settings = about["settings"]
    network = HeatmapNetwork(len(about["names"]), settings["width"], settings["max_width"], settings["size"])
    weights.load_into(network, tensors, str(path))
    return network.eval().requires_grad_(False), list(about["names"])
