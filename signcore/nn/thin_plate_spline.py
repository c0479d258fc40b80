"""Thin-plate-spline transforms (Bookstein 1989), as TPSMM uses them: solved from keypoints, or drawn at random."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from signcore.nn.coordinates import coordinate_grid

RIDGE = 0.01  # added to the diagonal of the whole system, so that points on one line can be solved too
EPSILON = 1e-9


@dataclass(frozen=True)
class ThinPlateSpline:
    """p -> theta (p, 1) + sum_i U(|p - c_i|) w_i, with U(r) = r^2 log r^2.

    theta: [..., 2, 3] affine part. controls: [..., n, 2] the points c_i. weights: [..., n, 2] the w_i.
    All coordinates are (x, y) in [-1, 1].
    """

    theta: Tensor
    controls: Tensor
    weights: Tensor

    def __call__(self, points: Tensor) -> Tensor:  # [..., M, 2] -> [..., M, 2]
        affine = points @ self.theta[..., :2].transpose(-1, -2) + self.theta[..., 2].unsqueeze(-2)
        return affine + kernel(points, self.controls) @ self.weights

    def jacobian(self, points: Tensor) -> Tensor:  # [..., M, 2] -> [..., M, 2, 2]
        """Derivatives of the transform's coordinates (rows) by the points' (columns)."""
        away = points.unsqueeze(-2) - self.controls.unsqueeze(-3)  # [..., M, n, 2]
        squared = (away**2).sum(-1)
        # d/dp r^2 log(r^2 + e), r^2 = |p - c|^2
        rate = torch.log(squared + EPSILON) + squared / (squared + EPSILON)
        bent = torch.einsum("...mn,...mnd,...nc->...mcd", 2 * rate, away, self.weights)
        return self.theta[..., None, :, :2] + bent

    def grid(self, height: int, width: int) -> Tensor:  # [..., H, W, 2]
        """Where every pixel of the identity grid goes."""
        batch = self.theta.shape[:-2]
        points = coordinate_grid(height, width, self.theta).reshape(-1, 2).expand(*batch, -1, -1)
        return self(points).unflatten(-2, (height, width))

    def image(self, frames: Tensor) -> Tensor:  # [B, C, H, W] -> [B, C, H, W]
        """Frames sampled along `grid`, mirrored at the border."""
        grid = self.grid(*frames.shape[-2:]).to(frames.dtype)
        return F.grid_sample(frames, grid, padding_mode="reflection", align_corners=True)


def kernel(points: Tensor, controls: Tensor) -> Tensor:  # [..., M, 2], [..., n, 2] -> [..., M, n]
    """U(r) = r^2 log(r^2 + 1e-9)."""
    offsets = points.unsqueeze(-2) - controls.unsqueeze(-3)
    squared = (offsets**2).sum(-1)
    return squared * torch.log(squared + EPSILON)


def solve(
    controls: Tensor,  # [..., n, 2] driving keypoints
    targets: Tensor,  # [..., n, 2] source keypoints
) -> ThinPlateSpline:
    """The spline that takes the driving keypoints to the source keypoints (TPSMM eq. 1 and 2), up to the ridge."""
    count = controls.shape[-2]
    ones = torch.ones_like(controls[..., :1])
    affine = torch.cat([controls, ones], dim=-1)  # [..., n, 3]
    corner = affine.new_zeros(*affine.shape[:-2], 3, 3)
    system = torch.cat(
        [
            torch.cat([kernel(controls, controls), affine], dim=-1),
            torch.cat([affine.transpose(-1, -2), corner], dim=-1),
        ],
        dim=-2,
    )
    system = system + RIDGE * torch.eye(count + 3, dtype=system.dtype, device=system.device)
    right = torch.cat([targets, targets.new_zeros(*targets.shape[:-2], 3, 2)], dim=-2)
    solution = torch.linalg.solve(system, right)
    return ThinPlateSpline(solution[..., count:, :].transpose(-1, -2), controls, solution[..., :count, :])


def random(
    batch: int,
    *,
    sigma_affine: float = 0.05,
    sigma_tps: float = 0.005,
    points: int = 5,
    generator: torch.Generator | None = None,
    like: Tensor,
) -> ThinPlateSpline:
    """A small deformation near the identity for the equivariance loss: noise on the affine part and, the same
    on both coordinates, on a points x points grid of controls."""
    theta = torch.eye(2, 3) + sigma_affine * torch.randn(batch, 2, 3, generator=generator)
    weights = sigma_tps * torch.randn(batch, points**2, 1, generator=generator)
    controls = coordinate_grid(points, points).reshape(1, -1, 2).expand(batch, -1, -1)
    return ThinPlateSpline(theta.to(like), controls.to(like), weights.expand(-1, -1, 2).to(like))
