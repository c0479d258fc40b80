"""Motion of first order: places and affine maps of keypoints (FOMM) or regions (MRAA), and the flow that they give.

Grids run from -1 to 1 between the outer pixels' centres, but frames are sampled as if those were their edges
(align_corners false): so both papers' public code has it, and its weights expect it.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from signcore.nn.anti_alias import AntiAliasInterpolation2d
from signcore.nn.coordinates import coordinate_grid, gaussians, widened
from signcore.nn.dense_motion import Motion
from signcore.nn.hourglass import Hourglass

Affine = Literal["none", "jacobian", "shared", "pca"]


class Regions(NamedTuple):
    """shift: [B, K, 2] places. affine: [B, K, 2, 2], or None. covariance: [B, K, 2, 2]. heatmap: [B, K, h, w], sums to 1."""

    shift: Tensor
    affine: Tensor | None
    covariance: Tensor
    heatmap: Tensor


class RegionPredictor(nn.Module):
    """An hourglass whose heatmaps say where each region is, and how it lies.

    affine: "jacobian" regresses a map for every keypoint (FOMM section 3.1), "shared" one map for all regions, "pca" takes
    the heatmap's principal axes (MRAA section 3.2). name: of the heatmaps' convolution, "kp" or "regions".
    """

    def __init__(
        self,
        regions: int,
        *,
        affine: Affine,
        name: str = "regions",
        block_expansion: int = 32,
        max_features: int = 1024,
        blocks: int = 5,
        scale: float = 0.25,
        temperature: float = 0.1,
        padding: int = 3,
    ) -> None:
        super().__init__()
        self.regions_count, self.kind, self.temperature, self.name = regions, affine, temperature, name
        self.down = AntiAliasInterpolation2d(3, scale)
        self.predictor = Hourglass(block_expansion, 3, blocks, max_features, norm="batch")
        features = self.predictor.out_features[-1]
        self.add_module(name, nn.Conv2d(features, regions, 7, padding=padding))
        self.jacobian: nn.Conv2d | None = None
        if affine in ("jacobian", "shared"):
            count = regions if affine == "jacobian" else 1
            self.jacobian = nn.Conv2d(features, 4 * count, 7, padding=padding)
            nn.init.zeros_(self.jacobian.weight)
            with torch.no_grad():  # begins as the identity
                self.jacobian.bias.copy_(torch.tensor([1.0, 0, 0, 1] * count))  # type: ignore[union-attr]

    def forward(self, image: Tensor) -> Regions:  # [B, 3, H, W] in [0, 1]
        features = self.predictor(self.down(image))[-1]
        logits = widened(self.get_submodule(self.name)(features))
        heatmap = (logits.flatten(2) / self.temperature).softmax(dim=2).view_as(logits)
        shift, covariance = moments(heatmap)
        affine = None
        if self.jacobian is not None:
            maps = widened(self.jacobian(features)).unflatten(1, (-1, 4))  # [B, K or 1, 4, h, w]
            affine = (maps * heatmap[:, :, None]).sum(dim=(3, 4)).unflatten(2, (2, 2))
        elif self.kind == "pca":
            affine = square_root(covariance)
        return Regions(shift, affine, covariance, heatmap)


def moments(heatmap: Tensor) -> tuple[Tensor, Tensor]:  # [B, K, h, w] -> [B, K, 2], [B, K, 2, 2]
    """Mean and covariance of places under a heatmap that sums to 1 (MRAA eq. 2 and 3)."""
    height, width = heatmap.shape[-2:]
    grid = coordinate_grid(height, width, heatmap)
    shift = torch.einsum("bkhw,hwd->bkd", heatmap, grid)
    away = grid[None, None] - shift[:, :, None, None]
    return shift, torch.einsum("bkhw,bkhwd,bkhwe->bkde", heatmap, away, away)


def square_root(covariance: Tensor) -> Tensor:  # [B, K, 2, 2]
    """U sqrt(S) of the singular values: the axes of a region, as long as its spread (MRAA eq. 4)."""
    axes, spread, _ = torch.linalg.svd(covariance)
    return axes * spread.sqrt().unsqueeze(-2)


class FirstOrderMotion(nn.Module):
    """Mixes K affine motions and the background's into one flow, at a quarter of the image's size.

    covariance: heatmaps shaped by the regions' covariance, else round ones. revert_axis_swap: axes found with the other sign are
    turned back (MRAA section 3.2). occlusion: predict a mask, else everything is visible.
    """

    def __init__(
        self,
        regions: int,
        *,
        block_expansion: int = 64,
        max_features: int = 1024,
        blocks: int = 5,
        scale: float = 0.25,
        variance: float = 0.01,
        covariance: bool = False,
        revert_axis_swap: bool = False,
        occlusion: bool = True,
    ) -> None:
        super().__init__()
        self.variance, self.by_covariance, self.revert = variance, covariance, revert_axis_swap
        self.down = AntiAliasInterpolation2d(3, scale)
        self.hourglass = Hourglass(block_expansion, (regions + 1) * 4, blocks, max_features, norm="batch")
        features = self.hourglass.out_features[-1]
        self.mask = nn.Conv2d(features, regions + 1, 7, padding=3)
        self.occlusion = nn.Conv2d(features, 1, 7, padding=3) if occlusion else None

    def forward(
        self, source: Tensor, driving: Regions, regions: Regions, background: Tensor | None = None
    ) -> Motion:
        """source: [B, 3, H, W] in [0, 1]; background: [B, 3, 3] driving -> source, or it stands still."""
        small = self.down(source)
        height, width = small.shape[-2:]
        grids = self.grids(driving, regions, height, width, background)  # [B, K+1, h, w, 2]
        heat = self.heatmaps(driving, regions, height, width)[:, :, None]
        repeated = widened(small).repeat_interleave(grids.shape[1], dim=0)
        moved = F.grid_sample(repeated, grids.flatten(0, 1), align_corners=False)
        joined = torch.cat([heat, moved.unflatten(0, grids.shape[:2])], dim=2).flatten(1, 2)
        features = self.hourglass(joined)[-1]
        contributions = widened(self.mask(features)).softmax(dim=1)
        flow = torch.einsum("bkhw,bkhwd->bhwd", contributions, grids)
        visible = flow.new_ones(len(flow), 1, height, width)
        if self.occlusion is not None:
            visible = torch.sigmoid(widened(self.occlusion(features)))
        return Motion([flow], [visible], contributions)

    def heatmaps(
        self, driving: Regions, source: Regions, height: int, width: int
    ) -> Tensor:  # [B, K+1, h, w]
        """Where regions are in the driving frame (+) and were in the source (-); the background's is zero."""
        drawn = [self._bumps(r, height, width) for r in (driving, source)]
        return F.pad(drawn[0] - drawn[1], (0, 0, 0, 0, 1, 0))

    def _bumps(self, of: Regions, height: int, width: int) -> Tensor:
        if not self.by_covariance:
            return gaussians(of.shift, height, width, self.variance)
        away = coordinate_grid(height, width, of.shift)[None, None] - of.shift[:, :, None, None]
        return torch.exp(-0.5 * torch.einsum("bkhwd,bkde,bkhwe->bkhw", away, of.covariance.inverse(), away))

    def grids(
        self, driving: Regions, source: Regions, height: int, width: int, background: Tensor | None
    ) -> Tensor:
        """T(z) = p_s + J_s J_d^-1 (z - p_d) for every region (FOMM eq. 4), the background's first."""
        still = coordinate_grid(height, width, driving.shift).expand(len(driving.shift), -1, -1, -1)
        away = still[:, None] - driving.shift[:, :, None, None]
        if driving.affine is not None and source.affine is not None:
            turn = source.affine @ driving.affine.inverse()
            if self.revert:
                turn = turn * turn[..., :1, :1].sign()
            away = torch.einsum("bkde,bkhwe->bkhwd", turn, away)
        if background is not None:
            moved = F.pad(still, (0, 1), value=1.0).flatten(1, 2) @ background.to(still).transpose(1, 2)
            still = (moved[..., :2] / moved[..., 2:]).unflatten(1, (height, width))
        return torch.cat([still[:, None], away + source.shift[:, :, None, None]], dim=1)
