"""VGG-19's features for perceptual losses; weights come from the public state dict, or are fixed random ones, and it says which."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from signcore.errors import WeightsError
from signcore.types.files import sha256

# of torchvision's `features`: the convolutions by place, with their widths as multiples of the first; relu1_1, 2_1, 3_1, 4_1, 5_1 end a slice
_SLICES = (
    ((0, 1),),
    ((2, 1), (5, 2)),
    ((7, 2), (10, 4)),
    ((12, 4), (14, 4), (16, 4), (19, 8)),
    ((21, 8), (23, 8), (25, 8), (28, 8)),
)
_POOLED = (5, 10, 19, 28)  # convolutions with a 2x2 maximum before them
LEAST_SIDE = 16  # four times halved, one pixel is left
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class VGG19(nn.Module):
    """[B, 3, H, W] in [0, 1] to the features after relu1_1, relu2_1, relu3_1, relu4_1 and relu5_1 (TPSMM section 3.5).

    width: features of the first convolution, 64 in the public network. `source` names where the weights are from: random ones
    of the seed until `load` has been called. H and W are LEAST_SIDE at least. Never trained.
    """

    def __init__(self, width: int = 64, seed: int = 0) -> None:
        super().__init__()
        self.source = f"random features, seed {seed}"
        features = 3
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            for k, convolutions in enumerate(_SLICES, 1):
                part = nn.Module()
                for place, times in convolutions:
                    layer = nn.Conv2d(features, width * times, 3, padding=1)
                    nn.init.kaiming_normal_(layer.weight)
                    assert layer.bias is not None
                    nn.init.zeros_(layer.bias)
                    part.add_module(str(place), layer)
                    features = width * times
                self.add_module(f"slice{k}", part)
        self.register_buffer("mean", torch.tensor(_MEAN).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(_STD).view(1, 3, 1, 1))
        self.mean: Tensor
        self.std: Tensor
        self.requires_grad_(False)

    def load(self, path: str | Path) -> VGG19:
        """Weights from a .safetensors file with torchvision's names (features.0.weight, ...) or this module's own."""
        from signcore import weights

        _, tensors = weights.read(path)
        places = {str(place): k for k, convolutions in enumerate(_SLICES, 1) for place, _ in convolutions}
        own = self.state_dict()
        for name in list(tensors):
            if name.startswith("features."):
                place, kind = name.removeprefix("features.").split(".")
                if place in places:
                    own[f"slice{places[place]}.{place}.{kind}"] = tensors[name]
            elif name in own:
                own[name] = tensors[name]
        if not any(n.startswith(("features.", "slice")) for n in tensors):
            raise WeightsError(f"{path}: holds no VGG-19 (features.0.weight, ...)")
        weights.load_into(self, own, path)
        self.source = f"{Path(path).name}, sha256 {sha256(Path(path))}"
        return self

    def forward(self, image: Tensor) -> list[Tensor]:
        x, found = (image - self.mean) / self.std, []
        for k, convolutions in enumerate(_SLICES, 1):
            for place, _ in convolutions:
                if place in _POOLED:
                    x = F.max_pool2d(x, 2)
                x = F.relu(getattr(self, f"slice{k}").get_submodule(str(place))(x))
            found.append(x)
        return found
