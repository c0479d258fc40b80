"""A video as a grid of codes and back: 3-D convolutions, attention, a codebook (LMT section 3.1), under VideoGPT's state-dict names."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from signcore.nn.codebook import Codebook, Quantized, processes
from signcore.nn.video_attention import make_attention

KERNEL = 4  # of the convolutions that change the size


class Conv(nn.Module):
    """A 3-D convolution that pads with zeros to the input's size divided by the stride, the larger part first."""

    def __init__(
        self, count: int, made: int, kernel: int, stride: tuple[int, int, int] = (1, 1, 1), bias: bool = True
    ) -> None:
        super().__init__()
        self.borders, padding = _borders(kernel, stride)
        self.conv = nn.Conv3d(count, made, kernel, stride, padding, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self.conv(F.pad(x, self.borders) if any(self.borders) else x)
        return made


class ConvTransposed(nn.Module):
    """Its mirror: the input's size times the stride."""

    def __init__(self, count: int, made: int, kernel: int, stride: tuple[int, int, int]) -> None:
        super().__init__()
        self.borders, padding = _borders(kernel, stride)
        same = tuple(kernel - 1 if s == 1 else p for s, p in zip(stride, padding, strict=True))
        self.convt = nn.ConvTranspose3d(count, made, kernel, stride, (same[0], same[1], same[2]))

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self.convt(F.pad(x, self.borders) if any(self.borders) else x)
        return made


def _borders(kernel: int, stride: Sequence[int]) -> tuple[list[int], tuple[int, int, int]]:
    """(padding that is not the same on both sides, as F.pad takes it; the symmetric rest, an axis each)."""
    uneven, even = [], []
    for s in stride:
        total = kernel - s
        first = (total + 1) // 2
        symmetric = first * 2 == total
        even.append(first if symmetric else 0)
        uneven.append((0, 0) if symmetric else (first, total - first))
    t, h, w = even
    return [n for pair in reversed(uneven) for n in pair], (t, h, w)


class ResidualBlock(nn.Module):
    """Convolutions, then attention, beside the identity (LMT Figure 2; VideoGPT's block with its attention exchanged, L10)."""

    def __init__(self, dim: int, attention: str, heads: int, prototypes: int) -> None:
        super().__init__()
        parts: list[nn.Module] = [
            nn.BatchNorm3d(dim), nn.ReLU(), Conv(dim, dim // 2, 3, bias=False),
            nn.BatchNorm3d(dim // 2), nn.ReLU(), Conv(dim // 2, dim, 1, bias=False),
        ]  # fmt: skip
        made = make_attention(attention, dim, heads, prototypes)
        if made is not None:
            parts += [nn.BatchNorm3d(dim), nn.ReLU(), made]
        self.block = nn.Sequential(*parts)

    def forward(self, x: Tensor) -> Tensor:
        added: Tensor = x + self.block(x)
        return added


def _stack(dim: int, blocks: int, attention: str, heads: int, prototypes: int) -> nn.Sequential:
    made = [ResidualBlock(dim, attention, heads, prototypes) for _ in range(blocks)]
    return nn.Sequential(*made, nn.BatchNorm3d(dim), nn.ReLU())


def strides(downsample: Sequence[int]) -> list[tuple[int, int, int]]:
    """Per level, what each axis is halved by until its factor is used up: (2, 4, 4) gives (2, 2, 2), (1, 2, 2)."""
    left = [int(factor).bit_length() - 1 for factor in downsample]
    found: list[tuple[int, int, int]] = []
    while any(n > 0 for n in left):
        t, h, w = (2 if n > 0 else 1 for n in left)
        found.append((t, h, w))
        left = [n - 1 for n in left]
    return found


class Encoder(nn.Module):
    """[B, 3, T, H, W] -> [B, C, T / a, H / b, W / c] for down-sampling (a, b, c)."""

    def __init__(
        self, dim: int, fine: int, downsample: Sequence[int], blocks: int, attention: str, heads: int, prototypes: int
    ) -> None:  # fmt: skip
        super().__init__()
        levels, count = strides(downsample), 3
        self.convs = nn.ModuleList()
        for i, stride in enumerate(levels):
            made = dim if i == len(levels) - 1 else fine
            self.convs.append(Conv(count, made, KERNEL, stride))
            count = made
        self.conv_last = Conv(count, dim, 3)
        self.res_stack = _stack(dim, blocks, attention, heads, prototypes)

    def forward(self, x: Tensor) -> Tensor:
        for conv in self.convs:
            x = F.relu(conv(x))
        made: Tensor = self.res_stack(self.conv_last(x))
        return made


class Decoder(nn.Module):
    """[B, C, t, h, w] -> [B, 3, T, H, W]; its last layer is not bounded."""

    def __init__(
        self, dim: int, fine: int, upsample: Sequence[int], blocks: int, attention: str, heads: int, prototypes: int
    ) -> None:  # fmt: skip
        super().__init__()
        self.res_stack = _stack(dim, blocks, attention, heads, prototypes)
        levels, count = strides(upsample), dim
        self.convts = nn.ModuleList()
        for i, stride in enumerate(levels):
            made = 3 if i == len(levels) - 1 else fine
            self.convts.append(ConvTransposed(count, made, KERNEL, stride))
            count = made
        if not levels:  # a grid as fine as the video
            self.convts.append(Conv(dim, 3, 3))

    def forward(self, x: Tensor) -> Tensor:
        x = self.res_stack(x)
        for i, convt in enumerate(self.convts):
            x = convt(F.relu(x) if i else x)
        return x

    @property
    def last(self) -> Tensor:
        """The weight at which the adaptive weight is measured."""
        layer = self.convts[-1]
        assert isinstance(layer, (Conv, ConvTransposed))
        return layer.convt.weight if isinstance(layer, ConvTransposed) else layer.conv.weight


class LinearPath(nn.Module):
    """Blocks of pixels to code vectors and back by two linear maps, beside the convolutions.

    The first batch of training sets them to its principal components, so that training starts from a picture and the
    convolutions learn what the linear maps cannot: it saves the first thousands of steps. Of several processes the first one's batch counts.
    """

    def __init__(self, downsample: Sequence[int], dim: int) -> None:
        super().__init__()
        t, h, w = downsample
        self.down = nn.Conv3d(3, dim, (t, h, w), (t, h, w))
        self.up = nn.ConvTranspose3d(dim, 3, (t, h, w), (t, h, w))

    @torch.no_grad()
    def fit(self, video: Tensor) -> None:  # [B, 3, T, H, W]
        dim, _, t, h, w = self.down.weight.shape
        blocks = video.float().unfold(2, t, t).unfold(3, h, h).unfold(4, w, w)
        blocks = blocks.permute(0, 2, 3, 4, 1, 5, 6, 7).flatten(4).flatten(0, 3)  # [M, 3 t h w]
        mean = blocks.mean(0)
        values = torch.linalg.eigh((blocks - mean).t() @ (blocks - mean)).eigenvectors
        axes = values.flip(1)[:, :dim].t()  # [<= dim, 3 t h w]
        self.down.weight.zero_()
        self.up.weight.zero_()
        self.down.weight[: len(axes)] = axes.view(-1, 3, t, h, w)
        self.up.weight[: len(axes)] = axes.view(-1, 3, t, h, w)
        assert self.down.bias is not None
        assert self.up.bias is not None
        self.down.bias.zero_()
        self.down.bias[: len(axes)] = -axes @ mean
        self.up.bias.copy_(mean.view(3, -1).mean(1))
        if processes() > 1:
            for parameter in self.parameters():
                torch.distributed.broadcast(parameter.data, 0)


def _without_normalisation(module: nn.Module) -> None:
    """Batch normalisation sees few clips at once, whose backdrops make its statistics differ from step to step."""
    for name, child in module.named_children():
        if isinstance(child, nn.BatchNorm3d):
            setattr(module, name, nn.Identity())
        else:
            _without_normalisation(child)


class VideoAutoencoder(nn.Module):
    """Videos [B, 3, T, H, W] in [-0.5, 0.5] to codes int64 [B, t, h, w] and back.

    hidden: width at the codes' grid. fine: width at the finer levels. dim: of the codes. heads, blocks: of the attention
    blocks in encoder and decoder each. attention: trajectory, orthoformer (with `prototypes`), axial or none.
    """

    def __init__(
        self,
        *,
        hidden: int = 240,
        fine: int | None = None,
        downsample: Sequence[int] = (4, 4, 4),
        blocks: int = 4,
        attention: str = "trajectory",
        heads: int = 2,
        prototypes: int = 128,
        codes: int = 1024,
        dim: int = 256,
        normalised: bool = True,
        linear_path: bool = False,
    ) -> None:
        super().__init__()
        fine = hidden if fine is None else fine
        self.downsample = tuple(downsample)
        self.encoder = Encoder(hidden, fine, downsample, blocks, attention, heads, prototypes)
        self.pre_vq_conv = Conv(hidden, dim, 1)
        self.codebook = Codebook(codes, dim)
        self.post_vq_conv = Conv(dim, hidden, 1)
        self.decoder = Decoder(hidden, fine, downsample, blocks, attention, heads, prototypes)
        self.linear = LinearPath(self.downsample, dim) if linear_path else None
        if not normalised:
            _without_normalisation(self)
        if linear_path:  # at first it does all the work
            for weight in (self.pre_vq_conv.conv.weight, self.decoder.last):
                nn.init.zeros_(weight)

    def quantize(self, video: Tensor) -> Quantized:
        z = self.pre_vq_conv(self.encoder(video))
        if self.linear is not None:
            if self.training and not bool(self.codebook.N.any()):
                self.linear.fit(video)
            z = z + self.linear.down(video)
        found: Quantized = self.codebook(z)
        return found

    def encode(self, video: Tensor) -> Tensor:  # [B, 3, T, H, W] -> int64 [B, t, h, w]
        return self.quantize(video).codes

    def decode_embeddings(self, embeddings: Tensor) -> Tensor:  # [B, d, t, h, w] -> [B, 3, T, H, W]
        made: Tensor = self.decoder(self.post_vq_conv(embeddings))
        return made if self.linear is None else made + self.linear.up(embeddings)

    def decode(self, codes: Tensor) -> Tensor:  # int64 [B, t, h, w] -> [B, 3, T, H, W]
        return self.decode_embeddings(self.codebook.lookup(codes).movedim(-1, 1))

    def forward(self, video: Tensor) -> tuple[Tensor, Quantized]:
        found = self.quantize(video)
        return self.decode_embeddings(found.embeddings), found
