"""What the motion networks see in a frame: keypoints in groups of five, and the camera's own motion."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from signcore.nn.coordinates import widened
from signcore.nn.resnet import ResNet18

POINTS = 5  # a thin-plate spline's control points


class KeypointDetector(nn.Module):
    """Keypoints that nobody labelled: a ResNet-18 whose outputs are squeezed into [-1, 1] (TPSMM section 3.1)."""

    def __init__(self, transforms: int = 20, width: int = 64) -> None:
        super().__init__()
        self.transforms = transforms
        self.fg_encoder = ResNet18(transforms * POINTS * 2, width=width)

    def forward(self, image: Tensor) -> Tensor:  # [B, 3, H, W] in [0, 1] -> [B, 5K, 2] (x, y) in [-1, 1]
        points = torch.sigmoid(widened(self.fg_encoder(image)))
        return (points * 2 - 1).unflatten(-1, (-1, 2))


class BackgroundMotionPredictor(nn.Module):
    """The affine motion of the background between two frames (TPSMM section 3.2); starts as the identity."""

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.bg_encoder = ResNet18(6, in_channels=6, width=width)
        nn.init.zeros_(self.bg_encoder.fc.weight)
        with torch.no_grad():
            self.bg_encoder.fc.bias.copy_(torch.tensor([1.0, 0, 0, 0, 1, 0]))

    def forward(
        self, source: Tensor, driving: Tensor
    ) -> Tensor:  # [B, 3, H, W] x2 -> [B, 3, 3] driving -> source
        affine = widened(self.bg_encoder(torch.cat([source, driving], dim=1))).unflatten(-1, (2, 3))
        last = affine.new_tensor([0.0, 0, 1]).expand(len(affine), 1, 3)
        return torch.cat([affine, last], dim=1)
