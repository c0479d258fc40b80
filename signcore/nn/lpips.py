"""Learned perceptual image patch similarity (Zhang et al. 2018) on AlexNet or VGG-16, under their public weights' names.

Backbones take torchvision's state dicts (`features.0.weight`, ...), heads those of the authors (`lin0.model.1.weight`, ...).
Without weights a backbone keeps fixed random ones and heads count every feature alike; `source` and `heads` say which.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from signcore.errors import WeightsError


class _Layer(NamedTuple):
    place: int  # in torchvision's `features`
    times: int  # its width as a multiple of the first layer's
    tap: bool = False  # its activations are compared
    pool: int = 0  # side of the maximum, stride 2, that comes before it
    kernel: int = 3
    stride: int = 1
    padding: int = 1


_LAYERS = {
    "alexnet": (
        _Layer(0, 1, True, 0, 11, 4, 2),
        _Layer(3, 3, True, 3, 5, 1, 2),
        _Layer(6, 6, True, 3),
        _Layer(8, 4, True),
        _Layer(10, 4, True),
    ),
    "vgg16": (
        _Layer(0, 1),
        _Layer(2, 1, True),
        _Layer(5, 2, pool=2),
        _Layer(7, 2, True),
        _Layer(10, 4, pool=2),
        _Layer(12, 4),
        _Layer(14, 4, True),
        _Layer(17, 8, pool=2),
        _Layer(19, 8),
        _Layer(21, 8, True),
        _Layer(24, 8, pool=2),
        _Layer(26, 8),
        _Layer(28, 8, True),
    ),
}
LEAST_SIDE = {"alexnet": 31, "vgg16": 16}  # pixels: below, a maximum has nothing to be taken of
_MEAN, _STD = (
    (0.485, 0.456, 0.406),
    (0.229, 0.224, 0.225),
)  # = LPIPS's shift and scale, told for [-1, 1] there
_BACKBONE = re.compile(r"(?:net\.)?(?:features|slice\d)\.(\d+)\.(weight|bias)")
_HEAD = re.compile(r"lin(?:s\.)?(\d)\.model\.1\.weight")


class Backbone(nn.Module):
    """The convolutions of AlexNet or VGG-16: [B, 3, H, W] in [0, 1] to five activations (after ReLU), fine to coarse.

    width: features of the first convolution, 64 in the public networks. `source` names where the weights are from: "random"
    (fixed by `seed`) until `load` or `take` has been called. Never trained.
    """

    def __init__(self, kind: str, width: int = 64, seed: int = 0) -> None:
        super().__init__()
        self.kind, self.source, self.layers = kind, "random", _LAYERS[kind]
        self.features = nn.Module()
        count = 3
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            for layer in self.layers:
                made = nn.Conv2d(count, width * layer.times, layer.kernel, layer.stride, layer.padding)
                nn.init.kaiming_normal_(made.weight)
                assert made.bias is not None
                nn.init.zeros_(made.bias)
                self.features.add_module(str(layer.place), made)
                count = width * layer.times
        self.widths = [width * layer.times for layer in self.layers if layer.tap]
        self.register_buffer("mean", torch.tensor(_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(_STD).view(1, 3, 1, 1), persistent=False)
        self.mean: Tensor
        self.std: Tensor
        self.requires_grad_(False)

    def load(self, path: str | Path) -> Backbone:
        """Weights from a .safetensors file. Raises WeightsError where it holds another network."""
        from signcore import weights

        return self.take(weights.read(path)[1], path)

    def take(self, tensors: Mapping[str, Tensor], path: str | Path) -> Backbone:
        """Weights from tensors by public name (`features.0.weight` or LPIPS's own `net.slice1.0.weight`); others are left."""
        from signcore import weights

        found = {f"features.{m[1]}.{m[2]}": v for n, v in tensors.items() if (m := _BACKBONE.fullmatch(n))}
        if not found:
            raise WeightsError(f"{path}: holds no {self.kind} (features.0.weight, ...)")
        weights.load_into(self, found, path)
        self.source = Path(path).name
        return self

    def forward(self, image: Tensor) -> list[Tensor]:
        x, found = (image - self.mean) / self.std, []
        for layer in self.layers:
            if layer.pool:
                x = F.max_pool2d(x, layer.pool, 2)
            x = F.relu(self.features.get_submodule(str(layer.place))(x))
            if layer.tap:
                found.append(x)
        return found


class _Head(nn.Module):
    """How much each feature counts; the place of its weights is that of the authors', behind a dropout."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.model = nn.Sequential(nn.Dropout(), nn.Conv2d(width, 1, 1, bias=False))
        nn.init.ones_(self.model[1].weight)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x)


class LPIPS(nn.Module):
    """Distance of two images as a network's features see it (Zhang et al. 2018, eq. 1): 0 for a copy, else positive.

    kind: "alexnet" or "vgg16". `net.source` and `heads` name the files of the weights, or say "random" and "uniform".
    """

    def __init__(self, kind: str = "alexnet", width: int = 64, seed: int = 0) -> None:
        super().__init__()
        self.net, self.heads = Backbone(kind, width, seed), "uniform"
        for k, count in enumerate(self.net.widths):
            self.add_module(f"lin{k}", _Head(count))
        self.requires_grad_(False).eval()

    def load(self, backbone: str | Path, heads: str | Path | None = None) -> LPIPS:
        """Weights from .safetensors files; the heads may be in the backbone's file. Raises WeightsError."""
        from signcore import weights

        tensors = weights.read(backbone)[1]
        self.net.take(tensors, backbone)
        given = tensors if heads is None else weights.read(heads)[1]
        own = {f"lin{m[1]}.model.1.weight": v for n, v in given.items() if (m := _HEAD.fullmatch(n))}
        source = backbone if heads is None else heads
        if not own:
            if heads is not None:
                raise WeightsError(f"{heads}: holds no heads of LPIPS (lin0.model.1.weight, ...)")
            return self
        kept = {f"net.{name}": value for name, value in self.net.state_dict().items()}
        weights.load_into(self, {**kept, **own}, source)
        self.heads = Path(source).name
        return self

    def levels(self, a: Tensor, b: Tensor) -> list[Tensor]:
        """[B, 3, H, W] x2 in [0, 1] -> five [B, 1, h, w]: the distance around each place, fine to coarse."""
        found = []
        for k, (x, y) in enumerate(zip(self.net(a), self.net(b), strict=True)):
            found.append(self.get_submodule(f"lin{k}")((_unit(x) - _unit(y)) ** 2))
        return found

    def forward(self, a: Tensor, b: Tensor) -> Tensor:  # [B, 3, H, W] x2 in [0, 1] -> [B]
        return torch.stack([level.mean(dim=(1, 2, 3)) for level in self.levels(a, b)]).sum(dim=0)

    def map(self, a: Tensor, b: Tensor) -> Tensor:  # [B, 3, H, W] x2 in [0, 1] -> [B, 1, H, W]
        """The distance around every pixel: the levels, brought to the image's size bilinearly, and added."""
        size = a.shape[-2:]
        return torch.stack(
            [F.interpolate(level, size, mode="bilinear", align_corners=False) for level in self.levels(a, b)]
        ).sum(dim=0)


def _unit(x: Tensor) -> Tensor:  # [B, C, h, w], every place's features of length 1
    return x / ((x * x).sum(dim=1, keepdim=True).sqrt() + 1e-10)
