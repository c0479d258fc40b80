"""PGMM's losses as functions of tensors (L_r of eq. 7; images in [0, 1], keypoints in [-1, 1])."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from signcore.nn.coordinates import warp, widened
from signcore.nn.heatmap_network import HeatmapNetwork, soft_argmax
from signcore.nn.ssim import ssim_map
from signcore.nn.thin_plate_spline import ThinPlateSpline


def reconstruction(
    predicted: list[Tensor],  # [B, 3, h, w] a scale
    wanted: list[Tensor],  # the same of the driving frame
    weights: Tensor | None = None,  # [B, 1, H, W] >= 0, at the first scale's size
) -> Tensor:
    """Mean absolute difference, summed over the scales of an image pyramid; pixels with a higher weight count more."""
    total = predicted[0].new_zeros(())
    for a, b in zip(predicted, wanted, strict=True):
        difference = (a - b).abs()
        if weights is not None:
            w = F.adaptive_avg_pool2d(weights, (a.shape[-2], a.shape[-1]))
            difference = difference * w / w.mean()
        total = total + difference.mean()
    return total


def perceptual(
    network: Callable[[Tensor], list[Tensor]], predicted: list[Tensor], wanted: list[Tensor]
) -> Tensor:
    """Mean absolute difference of a network's features, summed over its layers and over scales (eq. 7)."""
    total = predicted[0].new_zeros(())
    for a, b in zip(predicted, wanted, strict=True):
        for x, y in zip(network(a), network(b), strict=True):
            total = total + (x - y.detach()).abs().mean()
    return total


def alignment(moved: list[Tensor], drawn: list[Tensor]) -> Tensor:
    """Mean over levels of |Y_s - Y_d| (PGMM eq. 11; P11)."""
    return torch.stack([(a - b).abs().mean() for a, b in zip(moved, drawn, strict=True)]).mean()


def dissimilarity(
    predicted: Tensor,  # [B, 3, H, W]
    wanted: Tensor,  # [B, 3, H, W]
    weights: Tensor | None = None,  # [B, 1, H, W] >= 0
) -> Tensor:
    """1 - SSIM; pixels with a higher weight count more."""
    similarity = ssim_map(predicted, wanted)
    if weights is not None:
        similarity = similarity * weights / weights.mean()
    return 1 - similarity.mean()


def equivariance(
    keypoints: Tensor,  # [B, N, 2] of the frame
    deformed_keypoints: Tensor,  # [B, N, 2] found in `transform.image(frame)`
    transform: ThinPlateSpline,
) -> Tensor:
    """|kp - T(kp of the deformed frame)| (TPSMM section 3.5): T says where the deformed frame's pixels were."""
    return (keypoints - transform(deformed_keypoints)).abs().mean()


def warping(
    source_features: list[Tensor],  # [B, C, h, w] a level
    driving_features: list[Tensor],
    flow: Tensor,  # [B, h, w, 2]
    visible: list[Tensor],  # [B, 1, h, w] a level
) -> Tensor:
    """sum over levels of |visible E(driving) - visible warp(E(source))| (TPSMM section 3.5).

    Only the flow learns from it: features and masks are taken as given.
    """
    total = flow.new_zeros(())
    for source, driving, mask in zip(source_features, driving_features, visible, strict=True):
        mask = _resized(widened(mask.detach()), driving)
        warped = warp(widened(source.detach()), flow, mask)
        total = total + (widened(driving.detach()) * mask - warped).abs().mean()
    return total


def _resized(mask: Tensor, like: Tensor) -> Tensor:
    if mask.shape[-2:] == like.shape[-2:]:
        return mask
    return F.interpolate(mask, like.shape[-2:], mode="bilinear", align_corners=True)


def background(there: Tensor, back: Tensor) -> Tensor:  # [B, 3, 3] source -> driving, driving -> source
    """|I - A B| (TPSMM section 3.5)."""
    return (torch.eye(3, dtype=there.dtype, device=there.device) - there @ back).abs().mean()


def hand_weights(
    boxes: Tensor,  # [B, 2, 4] x0, y0, x1, y1 in [0, 1]; NaN where there is no hand
    images: Tensor,  # [B, 3, H, W] whose size is meant
    weight: float,
) -> Tensor:  # [B, 1, H, W]
    """1 outside the hands' boxes, 1 + weight inside. Missing: a hand without a box counts like the rest."""
    height, width = images.shape[-2:]
    x = (torch.arange(width, device=boxes.device) + 0.5) / width
    y = (torch.arange(height, device=boxes.device) + 0.5) / height
    x0, y0, x1, y1 = boxes[..., None].unbind(-2)  # [B, 2, 1]
    inside = ((y >= y0) & (y <= y1))[..., :, None] & ((x >= x0) & (x <= x1))[..., None, :]
    return 1 + weight * inside.any(dim=1, keepdim=True).to(boxes.dtype)


def moving(
    source: Tensor, driving: Tensor, threshold: float = 0.1
) -> Tensor:  # [B, 3, H, W] x2 -> [B, 1, H, W]
    """1 where two frames differ by more than the threshold in any colour, else 0."""
    return ((source - driving).abs().amax(dim=1, keepdim=True) > threshold).to(source.dtype)


def pose_distance(
    network: HeatmapNetwork,  # frozen
    made: Tensor,  # [B, 3, H, W] in [0, 1]
    wanted: Tensor,  # the driving frame
    temperature: float = 1.0,
) -> Tensor:
    """Mean distance, in parts of the frame, of the points that a pose estimator sees in both (eq. 8; soft-argmax by P10).

    Points that it does not see in the driving frame count nothing.
    """
    size = (network.side, network.side)
    if made.shape[-2:] != size:
        made, wanted = (F.interpolate(x, size, mode="bilinear", antialias=True) for x in (made, wanted))
    with torch.no_grad():
        logits, there = network(wanted)
        truth, seen = soft_argmax(logits, temperature), there > 0
    apart = (soft_argmax(network(made)[0], temperature) - truth).abs().sum(dim=-1)
    return (apart * seen).sum() / seen.sum().clamp_min(1)
