"""Anti-aliased down-sampling: a Gaussian blur, then every n-th pixel (FOMM, TPSMM, PGMM)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class AntiAliasInterpolation2d(nn.Module):
    """Scale 1, 1/2, 1/4, ... of an image; the kernel is a buffer, so the state dict holds it as the public weights do."""

    weight: Tensor

    def __init__(self, channels: int, scale: float) -> None:
        super().__init__()
        sigma = (1 / scale - 1) / 2
        kernel_size = 2 * round(sigma * 4) + 1
        self.padding = kernel_size // 2
        self.channels, self.scale, self.stride = channels, scale, round(1 / scale)
        offsets = torch.arange(kernel_size, dtype=torch.float32) - (kernel_size - 1) / 2
        if sigma > 0:
            line = torch.exp(-(offsets**2) / (2 * sigma**2))
            kernel = line[:, None] * line[None, :]
            self.register_buffer("weight", (kernel / kernel.sum()).expand(channels, 1, -1, -1).contiguous())

    def forward(self, image: Tensor) -> Tensor:  # [B, C, H, W] -> [B, C, H * scale, W * scale]
        if self.scale == 1:
            return image
        return F.conv2d(image, self.weight, stride=self.stride, padding=self.padding, groups=self.channels)


class ImagePyramid(nn.Module):
    """The same image at several scales, for losses that look at coarse structure and at detail alike."""

    def __init__(self, scales: tuple[float, ...], channels: int = 3) -> None:
        super().__init__()
        self.downs = nn.ModuleList(AntiAliasInterpolation2d(channels, scale) for scale in scales)

    def forward(self, image: Tensor) -> list[Tensor]:  # [B, C, H, W] -> one image a scale
        return [down(image) for down in self.downs]
