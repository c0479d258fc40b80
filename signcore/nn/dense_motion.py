"""From keypoints to a dense flow and visibility masks (TPSMM sections 3.2 and 3.3; PGMM's Motion Generation and Conv-Flow)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from signcore.nn.anti_alias import AntiAliasInterpolation2d
from signcore.nn.convolution_blocks import UpBlock2d
from signcore.nn.coordinates import coordinate_grid, gaussians, widened
from signcore.nn.hourglass import Hourglass
from signcore.nn.keypoint_detector import POINTS
from signcore.nn.thin_plate_spline import solve


@dataclass(frozen=True)
class Motion:
    """flows: [B, h, w, 2] where each driving pixel lies in the source, (x, y) in [-1, 1]; one, or one a mask.
    visible: masks [B, 1, h', w'] in [0, 1], coarse to fine, 1 where the source shows what the driving frame needs.
    contributions: [B, K+1, h, w], how much each transform counts in the first flow; they sum to 1."""

    flows: list[Tensor]
    visible: list[Tensor]
    contributions: Tensor

    @property
    def flow(self) -> Tensor:
        return self.flows[0]


class DenseMotion(nn.Module):
    """Mixes K thin-plate splines and the background's motion into one flow, at a quarter of the image's size.

    masks: 2 (at 1/8 and 1/4 of the image), 3 (also 1/2) or 4 (also full size).
    level_flows: a flow of its own for every mask, from a convolution at its size; else one, at 1/4 of the image.
    mask_features: the most features of the blocks that lead to the finer masks; None halves them as TPSMM does.
    """

    def __init__(
        self,
        transforms: int,
        *,
        block_expansion: int = 64,
        max_features: int = 1024,
        blocks: int = 5,
        scale: float = 0.25,
        variance: float = 0.01,
        masks: int = 4,
        mask_kernel: int = 7,
        mask_features: int | None = None,
        level_flows: bool = False,
    ) -> None:
        super().__init__()
        self.transforms, self.variance = transforms, variance
        self.down = AntiAliasInterpolation2d(3, scale)
        in_features = 3 * (transforms + 1) + POINTS * transforms + 1
        self.hourglass = Hourglass(block_expansion, in_features, blocks, max_features)
        coarse, fine = self.hourglass.out_features[-2:]
        self.maps = nn.Conv2d(fine, transforms + 1, 7, padding=3)
        finer = [fine]
        for _ in range(masks - 2):
            finer.append(min(finer[-1] // 2, mask_features or finer[-1]))
        self.up = nn.ModuleList(UpBlock2d(a, b) for a, b in pairwise(finer))
        self.level_maps = nn.ModuleList(
            nn.Conv2d(features, transforms + 1, 7, padding=3) for features in [coarse, *finer] if level_flows
        )
        self.occlusion = nn.ModuleList(
            nn.Conv2d(features, 1, mask_kernel, padding=mask_kernel // 2) for features in [coarse, *finer]
        )

    def forward(
        self,
        source: Tensor,  # [B, 3, H, W] in [0, 1]
        driving_keypoints: Tensor,  # [B, 5K, 2]
        source_keypoints: Tensor,  # [B, 5K, 2]
        background: Tensor | None = None,  # [B, 3, 3] driving -> source; None: the background stands still
        keep: Tensor | None = None,  # [B, K+1] of 0 and 1: transforms dropped in training are 0
    ) -> Motion:
        source = self.down(source)
        batch, _, height, width = source.shape
        with torch.autocast(source.device.type, enabled=False):  # the splines' systems need full precision
            precise = torch.promote_types(source.dtype, torch.float32)
            driving_keypoints, source_keypoints = driving_keypoints.to(precise), source_keypoints.to(precise)
            heat = self.heatmaps(driving_keypoints, source_keypoints, height, width)
            grids = self.grids(
                driving_keypoints, source_keypoints, background, height, width
            )  # [B, K+1, h, w, 2]
            repeated = source.to(precise).repeat_interleave(self.transforms + 1, dim=0)
            deformed = F.grid_sample(repeated, grids.flatten(0, 1), align_corners=True)
            deformed = deformed.reshape(batch, -1, height, width)
        features = self.features(torch.cat([heat, deformed], dim=1))
        contributions = dropout_softmax(self.maps(features[1]).to(precise), keep)
        flows = [torch.einsum("bkhw,bkhwd->bhwd", contributions, grids)]
        visible = [torch.sigmoid(widened(conv(x))) for conv, x in zip(self.occlusion, features, strict=True)]
        if self.level_maps:
            flows = [
                self.level_flow(conv, x, grids, keep)
                for conv, x in zip(self.level_maps, features, strict=True)
            ]
        return Motion(flows, visible, contributions)

    def features(
        self, x: Tensor
    ) -> list[Tensor]:  # one map a mask, coarse to fine; the second at the flow's size
        """X_m: the hourglass's last two outputs, and what the blocks for the finer masks make of the last."""
        features = self.hourglass(x)[-2:]
        for block in self.up:
            features.append(block(features[-1]))
        return features

    def level_flow(
        self, conv: nn.Module, x: Tensor, grids: Tensor, keep: Tensor | None
    ) -> Tensor:  # [B, h', w', 2]
        """A Conv-Flow at a level's own size, over the transforms resized to it (PGMM, F of eq. 3)."""
        contributions = dropout_softmax(conv(x).to(grids.dtype), keep)
        resized = F.interpolate(
            grids.flatten(0, 1).permute(0, 3, 1, 2), x.shape[-2:], mode="bilinear", align_corners=True
        )
        return torch.einsum("bkhw,bkdhw->bhwd", contributions, resized.unflatten(0, grids.shape[:2]))

    def heatmaps(self, driving: Tensor, source: Tensor, height: int, width: int) -> Tensor:  # [B, 5K+1, h, w]
        """Where keypoints are in the driving frame (+) and were in the source (-); the background's is zero."""
        heat = gaussians(driving, height, width, self.variance) - gaussians(
            source, height, width, self.variance
        )
        return F.pad(heat, (0, 0, 0, 0, 1, 0))

    def grids(
        self, driving: Tensor, source: Tensor, background: Tensor | None, height: int, width: int
    ) -> Tensor:  # [B, K+1, h, w, 2]
        """The background's transform, then the K splines of TPSMM eq. 2."""
        groups = (self.transforms, POINTS)
        splines = solve(driving.unflatten(1, groups), source.unflatten(1, groups)).grid(height, width)
        still = coordinate_grid(height, width, driving).expand(len(driving), -1, -1, -1)
        if background is not None:
            moved = F.pad(still, (0, 1), value=1.0).flatten(1, 2) @ background.to(still).transpose(1, 2)
            still = (moved[..., :2] / moved[..., 2:]).unflatten(1, (height, width))
        return torch.cat([still.unsqueeze(1), splines], dim=1)


def dropout_softmax(
    logits: Tensor,  # [B, K+1, h, w]
    keep: Tensor | None = None,  # [B, K+1] of 0 and 1, the background's always 1
) -> Tensor:  # [B, K+1, h, w] sums to 1 over the kept transforms
    """Softmax over the transforms that were not dropped (TPSMM section 3.2, dropout for TPS transformations)."""
    if keep is None:
        return logits.softmax(dim=1)
    exponent = (logits - logits.amax(dim=1, keepdim=True)).exp() * keep[..., None, None]
    return exponent / (exponent.sum(dim=1, keepdim=True) + 1e-6)


def draw_keep(
    batch: int, transforms: int, probability: float, generator: torch.Generator | None = None
) -> Tensor:
    """[B, K+1]: each transform is kept with 1 - probability; the background always."""
    keep = (torch.rand(batch, transforms + 1, generator=generator) >= probability).float()
    keep[:, 0] = 1
    return keep
