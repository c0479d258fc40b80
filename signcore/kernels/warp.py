"""Sampling features along a flow, times a mask (the feature warping of PGMM), in one pass over memory."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from signcore.errors import ArgumentError, ArgumentTypeError
from signcore.kernels import reference as plain
from signcore.kernels._traced import pick

PADDINGS = ("zeros", "border", "reflection")
_CPU_DTYPES = (torch.float32, torch.float64)
_CUDA_DTYPES = (torch.float32, torch.float64, torch.float16, torch.bfloat16)

torch.library.define(
    "signcore::warp",
    "(Tensor features, Tensor flow, Tensor? mask, int padding, bool align_corners) -> Tensor",
)
torch.library.define(
    "signcore::warp_backward",
    "(Tensor grad, Tensor features, Tensor flow, Tensor? mask, int padding, bool align_corners,"
    " bool want_features, bool want_flow, bool want_mask) -> (Tensor, Tensor, Tensor)",
)


def _format(features: Tensor) -> torch.memory_format:
    if features.is_contiguous() or not features.is_contiguous(memory_format=torch.channels_last):
        return torch.contiguous_format
    return torch.channels_last


@torch.library.register_fake("signcore::warp")
def _(features: Tensor, flow: Tensor, mask: Tensor | None, padding: int, align_corners: bool) -> Tensor:
    shape = (features.shape[0], features.shape[1], flow.shape[1], flow.shape[2])
    return torch.empty(shape, dtype=features.dtype, device=features.device, memory_format=_format(features))


@torch.library.register_fake("signcore::warp_backward")
def _(
    grad: Tensor,
    features: Tensor,
    flow: Tensor,
    mask: Tensor | None,
    padding: int,
    align_corners: bool,
    want_features: bool,
    want_flow: bool,
    want_mask: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    to_features = flow.new_empty((0,))
    if want_features:
        to_features = torch.empty(
            features.shape, dtype=features.dtype, device=features.device, memory_format=_format(features)
        )
    to_flow = flow.new_empty(flow.shape if want_flow else (0,))
    mask_shape = (flow.shape[0], 1, flow.shape[1], flow.shape[2])
    return to_features, to_flow, flow.new_empty(mask_shape if want_mask else (0,))


def _setup(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    features, flow, mask, ctx.padding, ctx.align_corners = inputs
    ctx.save_for_backward(features, flow, mask)


def _backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
    features, flow, mask = ctx.saved_tensors
    wanted = ctx.needs_input_grad[:3]
    grads = torch.ops.signcore.warp_backward(
        grad, features, flow, mask, ctx.padding, ctx.align_corners, *wanted
    )
    return (*(g if want else None for g, want in zip(grads, wanted, strict=True)), None, None)


torch.library.register_autograd("signcore::warp", _backward, setup_context=_setup)


def warp(
    features: Tensor,  # [B, C, H, W] NCHW or channels-last
    flow: Tensor,  # [B, h, w, 2] where each sample comes from, (x, y), -1..1 across the picture
    *,
    mask: Tensor | None = None,  # [B, 1, h, w] multiplied onto the samples
    padding: str = "zeros",
    align_corners: bool = True,
) -> Tensor:  # [B, C, h, w] in the memory format of features
    """Bilinear samples of `features` along `flow`, times `mask`: `grid_sample(features, flow) * mask` in one pass.

    padding: what lies outside the picture: "zeros", "border" (the nearest pixel) or "reflection".
    align_corners: whether -1 and 1 are the centres of the first and last pixel, or their outer edges.
    float32 and float64, on CUDA float16 and bfloat16 too; autocast computes in float32. Differentiable in features,
    flow and mask, once.
    Missing: a NaN in the flow samples zero, whatever the padding, and gets no gradient; so does an infinite coordinate
    with "reflection". `features` should be finite: a NaN pixel also reaches samples that weigh it with zero.
    Raises ArgumentError (ValueError) for other shapes or settings, a picture without pixels or of 2^31 and more;
    ArgumentTypeError (TypeError) for other dtypes or devices.
    """
    _are_tensors(features, flow, mask)
    if torch.is_autocast_enabled(features.device.type):
        wide = torch.float64 if features.dtype == torch.float64 else torch.float32
        features, flow = features.to(wide), flow.to(wide)
        mask = None if mask is None else mask.to(wide)
    _check(features, flow, mask, padding)
    if pick("warp", features.is_cuda) == "torch":
        return plain.warp(features, flow, mask, padding, align_corners)
    result: Tensor = torch.ops.signcore.warp.default(
        features, flow, mask, PADDINGS.index(padding), bool(align_corners)
    )
    return result


def _are_tensors(features: Tensor, flow: Tensor, mask: Tensor | None) -> None:
    for name, value in (("features", features), ("flow", flow), ("mask", mask)):
        if not isinstance(value, Tensor) and not (name == "mask" and value is None):
            raise ArgumentTypeError(f"{name}: expected a Tensor, got {type(value).__name__}")


def _check(features: Tensor, flow: Tensor, mask: Tensor | None, padding: str) -> None:
    """Refuse with the argument's name. What is right is passed quickly: small pictures are warped in microseconds."""
    dtype, device = features.dtype, features.device
    if dtype not in (_CUDA_DTYPES if features.is_cuda else _CPU_DTYPES):
        known = _CUDA_DTYPES if features.is_cuda else _CPU_DTYPES
        names = ", ".join(str(d).removeprefix("torch.") for d in known)
        raise ArgumentTypeError(f"features: expected {names} on {device.type}, got {dtype}")
    size = features.shape
    if len(size) != 4:
        raise ArgumentError(f"features: expected [B, C, H, W], got {list(size)}")
    B, _, H, W = size
    if H == 0 or W == 0:
        raise ArgumentError(f"features: a picture without pixels cannot be sampled, {list(size)}")
    if H * W >= 2**31:
        raise ArgumentError(f"features: a picture must have fewer than 2^31 pixels, {list(size)}")
    where = flow.shape
    if len(where) != 4 or where[3] != 2 or where[0] != B:
        raise ArgumentError(f"flow: expected [B, h, w, 2] with B = {B}, got {list(where)}")
    for name, value in (("flow", flow), ("mask", mask)):
        if value is None:
            continue
        if name == "mask" and value.shape != (B, 1, where[1], where[2]):
            raise ArgumentError(f"mask: expected {[B, 1, where[1], where[2]]}, got {list(value.shape)}")
        if value.dtype != dtype:
            raise ArgumentTypeError(f"{name}: {value.dtype} differs from features' {dtype}")
        if value.device != device:
            raise ArgumentTypeError(f"{name}: on {value.device}, features on {device}")
    if padding not in PADDINGS:
        raise ArgumentError(f"padding: expected one of {', '.join(PADDINGS)}, got {padding!r}")
