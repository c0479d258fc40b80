"""Dynamic time warping of poses with missing points (Ham2Pose eq. 6)."""

from __future__ import annotations

import torch
from torch import Tensor

from signcore.errors import ArgumentError, ArgumentTypeError
from signcore.kernels import reference as plain
from signcore.kernels.backend import pick


def dtw(
    reference: Tensor,  # [T, K, D] NaN where missing
    other: Tensor,  # [S, K, D] NaN where missing
) -> Tensor:  # [K] float64, accumulated cost along the cheapest path
    """Exact dynamic time warping of every keypoint's trajectory (Ham2Pose eq. 6).

    Missing: a frame pair costs 0 where the reference is missing, ‖reference‖/2 where only the other is.
    Units: those of the coordinates. Raises ArgumentError (ValueError) for other shapes or no frames, ArgumentTypeError
    (TypeError) for other dtypes.
    """
    for name, pose in (("reference", reference), ("other", other)):
        if not isinstance(pose, Tensor) or pose.dtype not in (torch.float32, torch.float64):
            kind = pose.dtype if isinstance(pose, Tensor) else type(pose).__name__
            raise ArgumentTypeError(f"{name}: expected a float32 or float64 Tensor, got {kind}")
        if pose.ndim != 3:
            raise ArgumentError(f"{name}: expected [T, K, D], got {list(pose.shape)}")
        if pose.shape[0] == 0:
            raise ArgumentError(f"{name}: holds no frames")
    if other.shape[1:] != reference.shape[1:]:
        raise ArgumentError(
            f"other: [K, D] {list(other.shape[1:])} differs from reference {list(reference.shape[1:])}"
        )
    pick("dtw")
    return plain.dtw(reference, other)
