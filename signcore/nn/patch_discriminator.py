"""PatchGAN discriminators of images and of videos (LMT section 3.1), under the public state-dict names."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class PatchDiscriminator(nn.Module):
    """How real every patch looks: [B, C, H, W] -> [B, 1, h, w], or with dimensions=3 [B, C, T, H, W] -> [B, 1, t, h, w].

    Convolutions of side 4, padded by 1; the first halves every axis, the next `layers` - 1 only height and width, then two
    of stride 1, each of which shortens every axis by one: with 3 layers a video needs 10 frames. Weights are drawn from N(0, 0.02).
    """

    def __init__(self, channels: int = 3, width: int = 64, layers: int = 3, dimensions: int = 3) -> None:
        super().__init__()
        conv: type[nn.Module] = nn.Conv3d if dimensions == 3 else nn.Conv2d
        norm: type[nn.Module] = nn.BatchNorm3d if dimensions == 3 else nn.BatchNorm2d
        halved = (1, 2, 2) if dimensions == 3 else 2
        parts: list[nn.Module] = [conv(channels, width, 4, 2, 1), nn.LeakyReLU(0.2)]
        here = width
        for layer in range(1, layers + 1):
            wider = width * min(2**layer, 8)
            stride = halved if layer < layers else 1
            # the public 3-D network keeps the bias that the normalisation makes idle, the 2-D one does not
            parts += [conv(here, wider, 4, stride, 1, bias=dimensions == 3), norm(wider), nn.LeakyReLU(0.2)]
            here = wider
        self.main = nn.Sequential(*parts, conv(here, 1, 4, 1, 1))
        for part in self.main:
            if isinstance(part, (nn.Conv2d, nn.Conv3d)):
                nn.init.normal_(part.weight, 0.0, 0.02)
            elif isinstance(part, (nn.BatchNorm2d, nn.BatchNorm3d)):
                nn.init.normal_(part.weight, 1.0, 0.02)

    def forward(self, x: Tensor) -> Tensor:
        said: torch.Tensor = self.main(x)
        return said
