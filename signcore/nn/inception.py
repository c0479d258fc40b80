"""Inception v3 as FID compares with it (Szegedy et al. 2016; Heusel et al. 2017), under the public PyTorch names.

Names are those of the conversion of the network of 2015-12-05 (`Conv2d_1a_3x3.conv.weight`, `Mixed_5b.branch1x1.bn.weight`, ...). It
differs from torchvision's: means leave the border out, and the last block takes a maximum where the others take a mean.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SIDE = 299  # pixels
FEATURES = 2048

Step = tuple[str, int, int | tuple[int, int]]  # what its name ends on, features, kernel
Branches = dict[str, list[Step]]  # of a block; steps that end on a and b stand side by side


def _a(pool: int) -> Branches:
    return {
        "branch1x1": [("", 64, 1)],
        "branch5x5": [("_1", 48, 1), ("_2", 64, 5)],
        "branch3x3dbl": [("_1", 64, 1), ("_2", 96, 3), ("_3", 96, 3)],
        "branch_pool": [("", pool, 1)],
    }


def _c(inside: int) -> Branches:
    row, column = (1, 7), (7, 1)
    twice: list[Step] = [("_1", inside, 1), ("_2", inside, column), ("_3", inside, row)]
    return {
        "branch1x1": [("", 192, 1)],
        "branch7x7": [("_1", inside, 1), ("_2", inside, row), ("_3", 192, column)],
        "branch7x7dbl": [*twice, ("_4", inside, column), ("_5", 192, row)],
        "branch_pool": [("", 192, 1)],
    }


_E: Branches = {
    "branch1x1": [("", 320, 1)],
    "branch3x3": [("_1", 384, 1), ("_2a", 384, (1, 3)), ("_2b", 384, (3, 1))],
    "branch3x3dbl": [("_1", 448, 1), ("_2", 384, 3), ("_3a", 384, (1, 3)), ("_3b", 384, (3, 1))],
    "branch_pool": [("", 192, 1)],
}
# name: features before it, its branches, what is pooled beside them, its stride
_BLOCKS: dict[str, tuple[int, Branches, str, int]] = {
    "Mixed_5b": (192, _a(32), "mean", 1),
    "Mixed_5c": (256, _a(64), "mean", 1),
    "Mixed_5d": (288, _a(64), "mean", 1),
    "Mixed_6a": (
        288,
        {"branch3x3": [("", 384, 3)], "branch3x3dbl": [("_1", 64, 1), ("_2", 96, 3), ("_3", 96, 3)]},
        "maximum",
        2,
    ),
    "Mixed_6b": (768, _c(128), "mean", 1),
    "Mixed_6c": (768, _c(160), "mean", 1),
    "Mixed_6d": (768, _c(160), "mean", 1),
    "Mixed_6e": (768, _c(192), "mean", 1),
    "Mixed_7a": (
        768,
        {
            "branch3x3": [("_1", 192, 1), ("_2", 320, 3)],
            "branch7x7x3": [("_1", 192, 1), ("_2", 192, (1, 7)), ("_3", 192, (7, 1)), ("_4", 192, 3)],
        },
        "maximum",
        2,
    ),
    "Mixed_7b": (1280, _E, "mean", 1),
    "Mixed_7c": (2048, _E, "maximum", 1),
}


class Unit(nn.Module):
    """Convolution, batch norm, ReLU; the size stays where the stride is 1 and `border` is not 0."""

    def __init__(
        self,
        features: int,
        width: int,
        kernel: int | tuple[int, int],
        stride: int = 1,
        border: int | None = None,
    ) -> None:
        super().__init__()
        height, across = kernel if isinstance(kernel, tuple) else (kernel, kernel)
        around = (height // 2, across // 2) if border is None else (border, border)
        self.conv = nn.Conv2d(features, width, (height, across), stride, around, bias=False)
        self.bn = nn.BatchNorm2d(width, eps=1e-3)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn(self.conv(x)))


class Block(nn.Module):
    def __init__(self, features: int, branches: Branches, pooled: str, stride: int) -> None:
        super().__init__()
        self.branches, self.pooled, self.stride = branches, pooled, stride
        for name, steps in branches.items():
            inside = features
            for end, width, kernel in steps:
                last = stride == 2 and end == steps[-1][0]
                self.add_module(
                    name + end,
                    Unit(inside, width, kernel, stride, 0) if last else Unit(inside, width, kernel),
                )
                inside = inside if end.endswith("a") else width

    def forward(self, x: Tensor) -> Tensor:
        if self.stride == 2:
            pooled = F.max_pool2d(x, 3, 2)
        elif self.pooled == "maximum":
            pooled = F.max_pool2d(x, 3, 1, 1)
        else:
            pooled = F.avg_pool2d(x, 3, 1, 1, count_include_pad=False)
        out = []
        for name, steps in self.branches.items():
            y = pooled if name == "branch_pool" else x
            side: list[Tensor] = []
            for end, _, _ in steps:
                made = self.get_submodule(name + end)(y)
                if end.endswith(("a", "b")):
                    side.append(made)
                else:
                    y = made
            out += side or [y]
        return torch.cat(out if "branch_pool" in self.branches else [*out, pooled], dim=1)


class Inception(nn.Module):
    """[B, 3, H, W] in [0, 1] to [B, 2048]: the whole picture at 299 px, what the last block says of it on average."""

    def __init__(self) -> None:
        super().__init__()
        self.Conv2d_1a_3x3 = Unit(3, 32, 3, 2, 0)
        self.Conv2d_2a_3x3 = Unit(32, 32, 3, 1, 0)
        self.Conv2d_2b_3x3 = Unit(32, 64, 3)
        self.Conv2d_3b_1x1 = Unit(64, 80, 1)
        self.Conv2d_4a_3x3 = Unit(80, 192, 3, 1, 0)
        for name, described in _BLOCKS.items():
            self.add_module(name, Block(*described))
        self.source = "random"
        self.requires_grad_(False).eval()

    def load(self, path: str | Path) -> Inception:
        """Weights from a .safetensors file with the public names; the classifier is left out. Raises WeightsError where it holds another network."""
        from signcore import weights

        tensors = {n: v for n, v in weights.read(path)[1].items() if not n.startswith("fc.")}
        counts = {n: v for n, v in self.state_dict().items() if n.endswith("num_batches_tracked")}
        weights.load_into(self, {**counts, **tensors}, path)
        self.source = Path(path).name
        return self

    def forward(self, images: Tensor) -> Tensor:
        x = (255 * resized(images, SIDE) - 128) / 128
        x = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x)))
        x = self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(F.max_pool2d(x, 3, 2)))
        x = F.max_pool2d(x, 3, 2)
        for name in _BLOCKS:
            x = self.get_submodule(name)(x)
        return x.mean(dim=(2, 3))


def resized(images: Tensor, side: int) -> Tensor:
    """[B, C, H, W] -> [B, C, side, side], bilinear as TensorFlow 1 did: the first pixels lie on each other, not the corners."""
    for axis in (2, 3):
        count = images.shape[axis]
        places = torch.arange(side, device=images.device, dtype=images.dtype) * (count / side)
        low = places.floor().long()
        high = (low + 1).clamp(max=count - 1)
        share = (places - low).view(-1, *[1] * (3 - axis))
        images = images.index_select(axis, low).lerp(images.index_select(axis, high), share)
    return images
