"""The op: signature, checks, fake and gradient. Its definition is in `reference`, its C++ and CUDA in csrc/squared_jerk/."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad

from signcore.errors import ArgumentError, ArgumentTypeError
from signcore.kernels.build import Kernels
from signcore_jerk import reference

torch.library.define("signcore_jerk::squared_jerk", "(Tensor points) -> Tensor")
KERNELS = Kernels("signcore_jerk", "signcore_jerk::squared_jerk")


@torch.library.register_fake("signcore_jerk::squared_jerk")
def _(points: Tensor) -> Tensor:
    return points.new_empty((points.shape[1],), dtype=torch.float64)


def _keep(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:
    ctx.save_for_backward(inputs[0])


def _backward(ctx: Any, grad: Tensor) -> Tensor:
    """The mean's derivative by the third differences, brought back to the four frames of each."""
    (points,) = ctx.saved_tensors
    if len(points) < 4:
        return torch.zeros_like(points)
    third = reference.third_differences(points.double())
    there = ~third.isnan().any(-1, keepdim=True)
    scale = 2 * grad[:, None] / there.sum(0).clamp(min=1)  # [K, 1]
    third = torch.where(there, third * scale, 0.0)
    back = sum(w * pad(third, (0, 0, 0, 0, at, 3 - at)) for at, w in enumerate((-1, 3, -3, 1)))
    return back.to(points.dtype)


torch.library.register_autograd("signcore_jerk::squared_jerk", _backward, setup_context=_keep)


def squared_jerk(
    points: Tensor,  # [T, K, D] float32 or float64, NaN where missing
    *,
    fps: float = 1.0,
) -> Tensor:  # float64 [K], the mean of ‖jerk‖²
    """Mean squared jerk, the third derivative of position by time, of every keypoint's trajectory (Flash and Hogan, 1985).

    fps: frames a second; at 1 the jerk is a frame's. Units: those of the coordinates, a second cubed, squared.
    Missing: only runs of four frames in which the point is there count; NaN where there is none. Has a gradient.
    Raises ArgumentError (ValueError) for other shapes or rates, ArgumentTypeError (TypeError) for other dtypes.
    """
    if not isinstance(points, Tensor) or points.dtype not in (torch.float32, torch.float64):
        raise ArgumentTypeError(
            f"points: expected a float32 or float64 Tensor, got {getattr(points, 'dtype', type(points).__name__)}"
        )
    if points.ndim != 3:
        raise ArgumentError(f"points: expected [T, K, D], got {list(points.shape)}")
    if not fps > 0:
        raise ArgumentError(f"fps: expected a positive number of frames a second, got {fps}")
    if KERNELS.pick(points.is_cuda) == "torch":
        found = reference.squared_jerk(points)
    else:
        found = torch.ops.signcore_jerk.squared_jerk(points.contiguous())
    return found * float(fps) ** 6
