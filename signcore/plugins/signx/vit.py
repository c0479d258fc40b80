"""The vision transformer (Dosovitskiy et al. 2021) under the names of its public weights."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from signcore.errors import WeightsError


class Patches(nn.Module):
    def __init__(self, patch: int, width: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, width, patch, patch)

    def forward(self, x: Tensor) -> Tensor:  # [B, 3, H, W] -> [B, P, width]
        found: Tensor = self.proj(x).flatten(2).transpose(1, 2)
        return found


class Stem(nn.Module):
    """Convolutions of stride 2 down to a row a patch (Xiao et al. 2021, "Early Convolutions Help Transformers See Better")."""

    def __init__(self, patch: int, width: int) -> None:
        super().__init__()
        steps = patch.bit_length() - 1
        widths = [3, *(max(8, width >> (steps - 1 - i)) for i in range(steps))]
        layers: list[nn.Module] = []
        for inside, outside in pairwise(widths):
            layers += [nn.Conv2d(inside, outside, 3, 2, 1), nn.GroupNorm(1, outside), nn.ReLU()]
        self.layers = nn.Sequential(*layers, nn.Conv2d(widths[-1], width, 1))

    def forward(self, x: Tensor) -> Tensor:  # [B, 3, H, W] -> [B, P, width]
        found: Tensor = self.layers(x).flatten(2).transpose(1, 2)
        return found


class Attention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        count, length, width = x.shape
        q, k, v = self.qkv(x).view(count, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        if (
            x.is_cpu and torch.is_grad_enabled()
        ):  # the fused form's backward is up to 7 times slower there in bfloat16
            found = (q * q.shape[-1] ** -0.5 @ k.transpose(-1, -2)).softmax(dim=-1).to(v) @ v
        else:
            found = F.scaled_dot_product_attention(q, k, v)
        out: Tensor = self.proj(found.transpose(1, 2).reshape(count, length, width))
        return out


class MLP(nn.Module):
    def __init__(self, width: int, inside: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, inside)
        self.fc2 = nn.Linear(inside, width)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.fc2(F.gelu(self.fc1(x)))
        return out


class Block(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.attn = Attention(width, heads)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = MLP(width, 4 * width)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.norm1(x))
        out: Tensor = x + self.mlp(self.norm2(x))
        return out


class VisionTransformer(nn.Module):
    """[B, 3, H, W], values about -1 to 1, to [B, 1 + P, width]: the class token and the places, normalised. ViT-B/16: 224, 16, 768, 12, 12."""

    def __init__(
        self, size: int, patch: int, width: int, layers: int, heads: int, convolutions: bool = False
    ) -> None:
        super().__init__()
        self.patch_embed = Stem(patch, width) if convolutions else Patches(patch, width)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Parameter(torch.randn(1, 1 + (size // patch) ** 2, width) * 0.02)
        self.blocks = nn.Sequential(*(Block(width, heads) for _ in range(layers)))
        self.norm = nn.LayerNorm(width, eps=1e-6)

    def forward(self, x: Tensor) -> Tensor:
        rows = self.patch_embed(x)
        rows = torch.cat([self.cls_token.expand(len(rows), -1, -1), rows], dim=1) + self.pos_embed
        found: Tensor = self.norm(self.blocks(rows))
        return found

    def load_public(self, tensors: Mapping[str, Tensor], source: str) -> None:
        """Public weights (timm's names; the head is left out); positions of another picture size are interpolated.

        Raises WeightsError where they are of another architecture.
        """
        from signcore.weights import load_into

        kept = {n: v for n, v in tensors.items() if not n.startswith(("head.", "fc_norm.", "pre_logits."))}
        if "pos_embed" not in kept:
            raise WeightsError(f"{source}: holds no pos_embed, so it is no vision transformer")
        kept["pos_embed"] = _fitted(kept["pos_embed"], self.pos_embed.shape[1])
        load_into(self, kept, source)


def _fitted(positions: Tensor, count: int) -> Tensor:
    if positions.shape[1] == count:
        return positions
    old, new = round((positions.shape[1] - 1) ** 0.5), round((count - 1) ** 0.5)
    grid = positions[:, 1:].view(1, old, old, -1).permute(0, 3, 1, 2).float()
    grid = F.interpolate(grid, (new, new), mode="bicubic", antialias=True)
    return torch.cat([positions[:, :1], grid.flatten(2).transpose(1, 2).to(positions)], dim=1)
