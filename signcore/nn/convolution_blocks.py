"""The convolution blocks of the motion-transfer family (TPSMM, PGMM, FOMM, MRAA), under TPSMM's state-dict names."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class InstanceNorm(nn.InstanceNorm2d):
    """Affine instance normalisation.

    Without gradients it runs as group normalisation with one channel a group: the same numbers, and several
    times faster on channels-last tensors, whose layout `F.instance_norm` would give up.
    """

    def __init__(self, features: int) -> None:
        super().__init__(features, affine=True)

    def forward(self, x: Tensor) -> Tensor:  # [B, C, H, W]
        if torch.is_grad_enabled():
            return F.instance_norm(x, weight=self.weight, bias=self.bias, eps=self.eps)
        return F.group_norm(x, self.num_features, self.weight, self.bias, self.eps)


NORMS: dict[str, Callable[[int], nn.Module]] = {"instance": InstanceNorm, "batch": nn.BatchNorm2d}


class SameBlock2d(nn.Module):
    """Convolution, instance normalisation, ReLU: the size stays (PGMM: the encoder's first layer; Q, K and V)."""

    def __init__(self, in_features: int, out_features: int, kernel_size: int = 3) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_features, out_features, kernel_size, padding=kernel_size // 2)
        self.norm = InstanceNorm(out_features)

    def forward(self, x: Tensor) -> Tensor:  # [B, C, H, W] -> [B, C', H, W]
        return F.relu(self.norm(self.conv(x)), inplace=True)


class DownBlock2d(nn.Module):
    """3x3 convolution, normalisation, ReLU, 2x2 average pooling (PGMM section 3.1, the down-sampling block)."""

    def __init__(self, in_features: int, out_features: int, norm: str = "instance") -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_features, out_features, 3, padding=1)
        self.norm = NORMS[norm](out_features)

    def forward(self, x: Tensor) -> Tensor:  # [B, C, H, W] -> [B, C', H/2, W/2]
        return F.avg_pool2d(F.relu(self.norm(self.conv(x)), inplace=True), 2)


class UpBlock2d(nn.Module):
    """Nearest x2, 3x3 convolution, normalisation, ReLU (PGMM section 3.2, the up-sampling module).

    Without gradients the first two run as one (`upsampled_convolution`), on weights that are folded once.
    """

    _kept: tuple[object, list[Tensor]] | None = None

    def __init__(self, in_features: int, out_features: int, norm: str = "instance") -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_features, out_features, 3, padding=1)
        self.norm = NORMS[norm](out_features)

    def forward(self, x: Tensor) -> Tensor:  # [B, C, H, W] -> [B, C', 2H, 2W]
        if torch.is_grad_enabled():
            x = self.conv(F.interpolate(x, scale_factor=2))
        else:
            x = upsampled_convolution(x, self.folded(x), self.conv.bias)
        return F.relu(self.norm(x), inplace=True)

    def folded(self, x: Tensor) -> list[Tensor]:
        """`folded_weights`, made anew only where the weights or the arithmetic have changed."""
        weight, kind = self.conv.weight, x.device.type
        dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else weight.dtype
        state = None if weight.is_inference() else (weight.data_ptr(), weight._version, weight.device, dtype)
        if self._kept is None or state is None or self._kept[0] != state:
            self._kept = (state, folded_weights(weight.to(dtype)))
        return self._kept[1]

    def __getstate__(self) -> dict[str, object]:
        return {k: v for k, v in super().__getstate__().items() if k != "_kept"}


def upsampled_convolution(
    x: Tensor,  # [B, C, H, W]
    folded: list[Tensor],  # four of [C', C, 2, 2], by `folded_weights`
    bias: Tensor | None,  # [C']
) -> Tensor:  # [B, C', 2H, 2W]
    """3x3 convolution of the nearest x2 of `x`, as four 2x2 convolutions of `x` itself: 16 products instead of 36.

    Of three neighbouring rows of the enlarged image two are the same row of `x`: an even output row sees the row above
    it once and its own twice, an odd one its own twice and the row below once. Columns alike.
    """
    height, width = x.shape[-2:]
    padded = F.pad(x, (1, 1, 1, 1)).contiguous(memory_format=torch.channels_last)
    parts = [
        F.conv2d(padded[:, :, i : i + height + 1, j : j + width + 1], folded[2 * i + j], bias)
        for i in (0, 1)
        for j in (0, 1)
    ]
    size = (len(x), len(folded[0]), 2 * height, 2 * width)
    out = torch.empty(size, dtype=parts[0].dtype, device=x.device, memory_format=torch.channels_last)
    for place, part in enumerate(parts):
        out[:, :, place // 2 :: 2, place % 2 :: 2] = part
    return out


def folded_weights(weight: Tensor) -> list[Tensor]:  # [C', C, 3, 3] -> four of [C', C, 2, 2]
    """Of even rows and columns, even rows and odd columns, odd and even, odd and odd."""
    return [
        part.contiguous(memory_format=torch.channels_last)
        for rows in _folded(weight, dim=2)
        for part in _folded(rows, dim=3)
    ]


def _folded(weight: Tensor, dim: int) -> tuple[Tensor, Tensor]:
    """The two taps that an even and an odd row (or column) of the enlarged image have in the small one."""
    first, middle, last = weight.unbind(dim)
    return torch.stack([first, middle + last], dim), torch.stack([first + middle, last], dim)


def to_few(conv: nn.Conv2d, x: Tensor) -> Tensor:  # [B, C, H, W] -> [B, C', H, W]
    """A padded convolution of odd side and stride 1 to few features, such as the three of a picture.

    Without gradients, and where height and width are even, four neighbouring pixels are made at once, by a kernel larger by one and of
    stride 2: processors compute features by the sixteen, and would throw most of them away.
    """
    side = conv.kernel_size[0]
    if torch.is_grad_enabled() or x.shape[-1] % 2 or x.shape[-2] % 2:
        made: Tensor = conv(x)
        return made
    weight = conv.weight
    four = weight.new_zeros(len(weight), 4, weight.shape[1], side + 1, side + 1)
    for place in range(4):
        i, j = divmod(place, 2)
        four[:, place, :, i : i + side, j : j + side] = weight
    bias = None if conv.bias is None else conv.bias.repeat_interleave(4)
    return F.pixel_shuffle(F.conv2d(x, four.flatten(0, 1), bias, stride=2, padding=side // 2), 2)


class ResBlock2d(nn.Module):
    """Normalise, ReLU, convolve, twice, and add: the size and the features stay (PGMM section 3.2, for inpainting)."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.norm1 = InstanceNorm(features)
        self.conv1 = nn.Conv2d(features, features, 3, padding=1)
        self.norm2 = InstanceNorm(features)
        self.conv2 = nn.Conv2d(features, features, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:  # [B, C, H, W]
        out = self.conv1(F.relu(self.norm1(x), inplace=True))
        return x + self.conv2(F.relu(self.norm2(out), inplace=True))
