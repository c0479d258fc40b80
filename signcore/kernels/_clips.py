"""Checks and packing of clips that the DTW family shares."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from signcore.errors import ArgumentError, ArgumentTypeError

ALIGNS = ("keypoint", "pose")


def check_pose(name: str, pose: Tensor, rank: int = 3, like: Tensor | None = None) -> None:
    """A float32 or float64 tensor [T, K, D] (or [T, D] with rank 2) with at least one frame, alike `like` in the rest."""
    form = "[T, K, D]" if rank == 3 else "[T, D]"
    if not isinstance(pose, Tensor):
        raise ArgumentTypeError(f"{name}: expected a Tensor {form}, got {type(pose).__name__}")
    if pose.dtype not in (torch.float32, torch.float64):
        raise ArgumentTypeError(f"{name}: expected float32 or float64, got {pose.dtype}")
    if pose.ndim != rank:
        raise ArgumentError(f"{name}: expected {form}, got {list(pose.shape)}")
    if pose.shape[0] == 0:
        raise ArgumentError(f"{name}: holds no frames")
    if pose.shape[-1] == 0:
        raise ArgumentError(f"{name}: points need at least one coordinate, got {list(pose.shape)}")
    if pose.requires_grad and torch.is_grad_enabled():
        raise ArgumentError(f"{name}: requires grad, but warping has no gradient; detach it")
    if like is not None:
        if pose.shape[1:] != like.shape[1:]:
            raise ArgumentError(
                f"{name}: {list(pose.shape)} differs from {list(like.shape)} beyond the frames"
            )
        if pose.dtype != like.dtype:
            raise ArgumentTypeError(f"{name}: {pose.dtype} differs from {like.dtype}")
        if pose.device != like.device:
            raise ArgumentTypeError(f"{name}: on {pose.device}, the other on {like.device}")


def joined(clips: Sequence[Tensor]) -> tuple[Tensor, Tensor]:  # [T_i, K, D] -> [sum T, K, D], int64 [N + 1]
    """Clips one after another, and where each begins."""
    lengths = torch.tensor([0] + [len(c) for c in clips], device=clips[0].device)
    together = clips[0] if len(clips) == 1 else torch.cat(list(clips))
    return together.contiguous(), lengths.cumsum(0)
