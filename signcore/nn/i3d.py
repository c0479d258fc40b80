"""Inflated 3-D Inception (Carreira and Zisserman 2017), whose logits FVD compares; weights under the public PyTorch names.

Names are those of the common conversion of the Kinetics-400 weights (`Conv3d_1a_7x7.conv3d.weight`, `Mixed_3b.b1a.bn.weight`,
..., `logits.conv3d.bias`); padding is TensorFlow's "same".
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

CLASSES = 400
SIDE = 224  # pixels
LEAST_FRAMES = 9  # the last maximum must leave two places in time

# Widths of the branches: 1x1; 1x1 then 3x3; 1x1 then 3x3; maximum then 1x1.
_MIXED = {
    "Mixed_3b": (192, (64, 96, 128, 16, 32, 32)),
    "Mixed_3c": (256, (128, 128, 192, 32, 96, 64)),
    "Mixed_4b": (480, (192, 96, 208, 16, 48, 64)),
    "Mixed_4c": (512, (160, 112, 224, 24, 64, 64)),
    "Mixed_4d": (512, (128, 128, 256, 24, 64, 64)),
    "Mixed_4e": (512, (112, 144, 288, 32, 64, 64)),
    "Mixed_4f": (528, (256, 160, 320, 32, 128, 128)),
    "Mixed_5b": (832, (256, 160, 320, 32, 128, 128)),
    "Mixed_5c": (832, (384, 192, 384, 48, 128, 128)),
}


def _same(x: Tensor, kernel: tuple[int, ...], stride: tuple[int, ...]) -> Tensor:
    """Zeros around T, H and W so that a layer leaves ceil(size / stride); an odd one goes behind."""
    borders: list[int] = []
    for size, k, s in zip(reversed(x.shape[2:]), reversed(kernel), reversed(stride), strict=True):
        wanted = max(k - (size % s or s), 0)
        borders += [wanted // 2, wanted - wanted // 2]
    return F.pad(x, borders)


def _maximum(x: Tensor, kernel: tuple[int, ...], stride: tuple[int, ...]) -> Tensor:
    return F.max_pool3d(
        _same(x, kernel, stride), kernel, stride
    )  # never negative, so zeros around do no harm


class Unit3D(nn.Module):
    """Convolution, batch norm, ReLU; or the convolution alone, with a bias."""

    def __init__(
        self, features: int, width: int, kernel: int = 1, stride: int = 1, plain: bool = False
    ) -> None:
        super().__init__()
        self.kernel, self.stride, self.plain = (kernel,) * 3, (stride,) * 3, plain
        self.conv3d = nn.Conv3d(features, width, kernel, stride, bias=plain)
        if not plain:
            self.bn = nn.BatchNorm3d(width, eps=1e-3, momentum=0.01)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv3d(_same(x, self.kernel, self.stride))
        return x if self.plain else F.relu(self.bn(x))


class Mixed(nn.Module):
    def __init__(self, features: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.b0 = Unit3D(features, widths[0])
        self.b1a, self.b1b = Unit3D(features, widths[1]), Unit3D(widths[1], widths[2], 3)
        self.b2a, self.b2b = Unit3D(features, widths[3]), Unit3D(widths[3], widths[4], 3)
        self.b3b = Unit3D(features, widths[5])

    def forward(self, x: Tensor) -> Tensor:
        pooled = _maximum(x, (3, 3, 3), (1, 1, 1))
        return torch.cat([self.b0(x), self.b1b(self.b1a(x)), self.b2b(self.b2a(x)), self.b3b(pooled)], dim=1)


class I3D(nn.Module):
    """[B, 3, T, 224, 224] in [-1, 1], T at least 9, to logits [B, 400], their mean over time."""

    def __init__(self) -> None:
        super().__init__()
        self.Conv3d_1a_7x7 = Unit3D(3, 64, 7, 2)
        self.Conv3d_2b_1x1 = Unit3D(64, 64)
        self.Conv3d_2c_3x3 = Unit3D(64, 192, 3)
        for name, (features, widths) in _MIXED.items():
            self.add_module(name, Mixed(features, widths))
        self.logits = Unit3D(1024, CLASSES, plain=True)
        self.source = "random"
        self.requires_grad_(False).eval()

    def load(self, path: str | Path) -> I3D:
        """Weights from a .safetensors file with the public names. Raises WeightsError where it holds another network."""
        from signcore import weights

        tensors = weights.read(path)[1]
        counts = {n: v for n, v in self.state_dict().items() if n.endswith("num_batches_tracked")}
        weights.load_into(
            self, {**counts, **tensors}, path
        )  # older files lack the counts, which nothing uses
        self.source = Path(path).name
        return self

    def forward(self, video: Tensor) -> Tensor:
        x = _maximum(self.Conv3d_1a_7x7(video), (1, 3, 3), (1, 2, 2))
        x = _maximum(self.Conv3d_2c_3x3(self.Conv3d_2b_1x1(x)), (1, 3, 3), (1, 2, 2))
        for name in _MIXED:
            if name == "Mixed_4b":
                x = _maximum(x, (3, 3, 3), (2, 2, 2))
            elif name == "Mixed_5b":
                x = _maximum(x, (2, 2, 2), (2, 2, 2))
            x = self.get_submodule(name)(x)
        x = F.avg_pool3d(x, (2, 7, 7), stride=1)
        return self.logits(x).mean(dim=(2, 3, 4))
