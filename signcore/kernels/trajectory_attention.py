"""Trajectory attention (LMT section 3): attention within each frame, and the temporal attention along the trajectories."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from signcore.errors import ArgumentError, ArgumentTypeError
from signcore.kernels import reference as plain
from signcore.kernels.backend import chosen, pick

_CPU_DTYPES = (torch.float32, torch.float64)
_CUDA_DTYPES = (torch.float32, torch.float16, torch.bfloat16)
_CHUNK = 256  # queries of the temporal attention at once where torch does it

torch.library.define(
    "signcore::trajectory_attention", "(Tensor q, Tensor k, Tensor v, int frames) -> (Tensor, Tensor)"
)
torch.library.define(
    "signcore::trajectory_attention_backward",
    "(Tensor grad, Tensor q, Tensor k, Tensor v, Tensor lse, int frames) -> (Tensor, Tensor, Tensor)",
)
torch.library.define(
    "signcore::temporal_attention",
    "(Tensor tokens, Tensor q_weight, Tensor kv_weight, Tensor? q_bias, Tensor? kv_bias, int heads)"
    " -> (Tensor, Tensor)",
)
torch.library.define(
    "signcore::temporal_attention_backward",
    "(Tensor grad, Tensor tokens, Tensor queries, Tensor q_weight, Tensor kv_weight, int heads)"
    " -> (Tensor, Tensor, Tensor, Tensor, Tensor)",
)


@torch.library.register_fake("signcore::trajectory_attention")
def _(q: Tensor, k: Tensor, v: Tensor, frames: int) -> tuple[Tensor, Tensor]:
    B, h, N, d = q.shape
    wide = torch.float64 if q.dtype == torch.float64 else torch.float32
    return q.new_empty((B, N, frames, h, d)), q.new_empty((B, h, N, frames), dtype=wide)


@torch.library.register_fake("signcore::trajectory_attention_backward")
def _(
    grad: Tensor, q: Tensor, k: Tensor, v: Tensor, lse: Tensor, frames: int
) -> tuple[Tensor, Tensor, Tensor]:
    return q.new_empty(q.shape), q.new_empty(q.shape), q.new_empty(q.shape)


def _setup(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    q, k, v, ctx.frames = inputs
    lse = output[1]
    ctx.mark_non_differentiable(lse)
    ctx.save_for_backward(q, k, v, lse)


def _backward(ctx: Any, grad: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
    return (
        *torch.ops.signcore.trajectory_attention_backward(grad, *ctx.saved_tensors, ctx.frames),
        None,
    )


torch.library.register_autograd("signcore::trajectory_attention", _backward, setup_context=_setup)


@torch.library.register_fake("signcore::temporal_attention")
def _(
    tokens: Tensor,
    q_weight: Tensor,
    kv_weight: Tensor,
    q_bias: Tensor | None,
    kv_bias: Tensor | None,
    heads: int,
) -> tuple[Tensor, Tensor]:
    shape = (tokens.shape[0], tokens.shape[1], tokens.shape[3])
    return tokens.new_empty(shape), tokens.new_empty(shape)


@torch.library.register_fake("signcore::temporal_attention_backward")
def _(
    grad: Tensor, tokens: Tensor, queries: Tensor, q_weight: Tensor, kv_weight: Tensor, heads: int
) -> tuple[Tensor, ...]:
    D = tokens.shape[3]
    return tuple(tokens.new_empty(shape) for shape in (tokens.shape, (D, D), (2 * D, D), (D,), (2 * D,)))


def _setup_temporal(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    tokens, q_weight, kv_weight, q_bias, kv_bias, ctx.heads = inputs
    ctx.biased = q_bias is not None, kv_bias is not None
    ctx.mark_non_differentiable(output[1])
    ctx.save_for_backward(tokens, output[1], q_weight, kv_weight)


def _backward_temporal(ctx: Any, grad: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
    *grads, q_bias, kv_bias = torch.ops.signcore.temporal_attention_backward(
        grad, *ctx.saved_tensors, ctx.heads
    )
    return (*grads, q_bias if ctx.biased[0] else None, kv_bias if ctx.biased[1] else None, None)


torch.library.register_autograd(
    "signcore::temporal_attention", _backward_temporal, setup_context=_setup_temporal
)


@torch.compiler.assume_constant_result
def _backend(op: str, cuda: bool) -> str:
    """torch.compile cannot look into the choice; it is made once, while tracing."""
    return "sdpa" if cuda and chosen() == "auto" else pick(op, cuda)


def trajectory_attention(
    q: Tensor,  # [B, h, F * P, d] points of a frame one after another, frame after frame
    k: Tensor,  # [B, h, F * P, d]
    v: Tensor,  # [B, h, F * P, d]
    *,
    frames: int,  # F
) -> Tensor:  # [B, h, F * P, F, d] each query's token in each frame
    """Attention of every query to the points of each frame on its own: a softmax over P points, F times, scale d^-1/2.

    The scores of all queries to all points are never held; the backward pass computes them anew from a saved
    log-sum-exp. The result is a view of a dense [B, F * P, F, h, d], which `temporal_attention` reads without a copy.
    float32 and float64; on CUDA, where torch's fused attention does the work frame by frame, float32, float16 and
    bfloat16; autocast computes in float32 on the CPU. Differentiable once.
    Raises ArgumentError (ValueError) for other shapes or a number of frames that does not divide the points;
    ArgumentTypeError (TypeError) for other dtypes or devices.
    """
    _check_tensors({"q": q, "k": k, "v": v})
    if torch.is_autocast_enabled(q.device.type):
        q, k, v = (_cast(x) for x in (q, k, v))
    _check(q, k, v, frames)
    name = _backend("trajectory_attention", q.is_cuda)
    if name == "torch":
        return plain.trajectory_attention(q, k, v, frames)
    if name == "sdpa":
        return _by_frames(q, k, v, frames)
    out, _ = torch.ops.signcore.trajectory_attention(q, k, v, frames)
    result: Tensor = out.permute(0, 3, 1, 2, 4)
    return result


def temporal_attention(
    trajectories: Tensor,  # [B, h, F * P, F, d], of trajectory_attention
    q_weight: Tensor,  # [D, D] with D = h * d
    kv_weight: Tensor,  # [2 D, D] keys, then values
    *,
    q_bias: Tensor | None = None,  # [D]
    kv_bias: Tensor | None = None,  # [2 D]
) -> Tensor:  # [B, F * P, D]
    """Attention of each query's token in its own frame to its tokens in all frames; the output projection is the caller's.

    Keys and values of the F * P * F tokens are never projected: q . (W_k y) = (W_k^T q) . y, and
    sum_f a_f (W_v y_f) = W_v (sum_f a_f y_f). The keys' bias adds the same to all frames and falls out of the softmax.
    float32 and float64; on CUDA, where torch does the work a few queries at a time, float16 and bfloat16 too; autocast
    computes in float32 on the CPU. Differentiable once. Raises ArgumentError or ArgumentTypeError as
    trajectory_attention does.
    """
    given = {"trajectories": trajectories, "q_weight": q_weight, "kv_weight": kv_weight}
    given |= {name: b for name, b in (("q_bias", q_bias), ("kv_bias", kv_bias)) if b is not None}
    _check_tensors(given)
    if torch.is_autocast_enabled(trajectories.device.type):
        given = {name: _cast(value) for name, value in given.items()}
    _check_temporal(given)
    trajectories, weights = given["trajectories"], (given["q_weight"], given["kv_weight"])
    biases = given.get("q_bias"), given.get("kv_bias")
    B, h, N, F, d = trajectories.shape
    name = _backend("temporal_attention", trajectories.is_cuda)
    if name == "torch":
        return plain.temporal_attention(trajectories, *weights, *biases)
    tokens = trajectories.permute(0, 2, 3, 1, 4).reshape(B, N, F, h * d)
    if name == "sdpa":
        return _absorbed(tokens, h, *weights, *biases)
    result: Tensor = torch.ops.signcore.temporal_attention(tokens, *weights, *biases, h)[0]
    return result


def _check_temporal(given: dict[str, Tensor]) -> None:
    trajectories = given["trajectories"]
    _check_dtype("trajectories", trajectories)
    if trajectories.ndim != 5 or trajectories.shape[3] == 0 or trajectories.shape[2] % trajectories.shape[3]:
        raise ArgumentError(f"trajectories: expected [B, h, F * P, F, d], got {list(trajectories.shape)}")
    D = trajectories.shape[1] * trajectories.shape[4]
    if D == 0:
        raise ArgumentError(f"trajectories: no heads or no coordinates, {list(trajectories.shape)}")
    shapes = {"q_weight": (D, D), "kv_weight": (2 * D, D), "q_bias": (D,), "kv_bias": (2 * D,)}
    for name, value in given.items():
        if name != "trajectories" and value.shape != shapes[name]:
            raise ArgumentError(f"{name}: expected {list(shapes[name])}, got {list(value.shape)}")
        if value.dtype != trajectories.dtype:
            raise ArgumentTypeError(f"{name}: {value.dtype} differs from trajectories' {trajectories.dtype}")


def _absorbed(
    tokens: Tensor,  # [B, N, F, D]
    h: int,
    q_weight: Tensor,
    kv_weight: Tensor,
    q_bias: Tensor | None,
    kv_bias: Tensor | None,
) -> Tensor:  # [B, N, D]
    """On CUDA: torch's matrix products, some queries at a time."""
    B, N, F, D = tokens.shape
    d = D // h
    if B * N == 0:
        return tokens.new_zeros((B, N, D))
    own = tokens.reshape(B, F, N // F, F, D).diagonal(dim1=1, dim2=3).permute(0, 3, 1, 2).reshape(B * N, D)
    q = torch.nn.functional.linear(own, q_weight * d**-0.5, None if q_bias is None else q_bias * d**-0.5)
    q, tokens = q.view(B * N, h, d), tokens.reshape(B * N, F, D)
    key, value = kv_weight.view(2, h, d, D).unbind(0)
    both = zip(q.split(_CHUNK), tokens.split(_CHUNK), strict=True)
    result = torch.cat([_attend(some, some_tokens, key, value) for some, some_tokens in both]).view(B, N, D)
    return result if kv_bias is None else result + kv_bias[D:]


def _attend(q: Tensor, tokens: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """q: [n, h, d]; tokens: [n, F, D]; key, value: [h, d, D] -> [n, h * d]."""
    absorbed = torch.bmm(q.transpose(0, 1), key).transpose(0, 1)  # [n, h, D]
    weights = torch.bmm(absorbed, tokens.transpose(1, 2)).softmax(-1)  # [n, h, F]
    mixed = torch.bmm(weights, tokens)  # [n, h, D]
    return torch.bmm(mixed.transpose(0, 1), value.transpose(1, 2)).transpose(0, 1).reshape(len(q), -1)


def _by_frames(q: Tensor, k: Tensor, v: Tensor, frames: int) -> Tensor:
    """On CUDA: torch's own fused attention, once a key frame with the queries shared."""
    attend = torch.nn.functional.scaled_dot_product_attention
    keys, values = k.chunk(frames, 2), v.chunk(frames, 2)
    if q.shape[2] == 0:
        return q.new_zeros((*q.shape[:3], frames, q.shape[3]))
    parts = [attend(q, key, value).transpose(1, 2) for key, value in zip(keys, values, strict=True)]
    return torch.stack(parts, 2).permute(0, 3, 1, 2, 4)


def _cast(x: Tensor) -> Tensor:
    if x.is_cuda:
        return x.to(torch.get_autocast_dtype("cuda"))
    return x if x.dtype == torch.float64 else x.float()


def _check_tensors(given: dict[str, Tensor]) -> None:
    first = next(iter(given))
    for name, value in given.items():
        if not isinstance(value, Tensor):
            raise ArgumentTypeError(f"{name}: expected a Tensor, got {type(value).__name__}")
        if not value.is_floating_point():
            raise ArgumentTypeError(f"{name}: expected floating point, got {value.dtype}")
        if value.device != given[first].device:
            raise ArgumentTypeError(f"{name}: on {value.device}, {first} on {given[first].device}")


def _check_dtype(name: str, value: Tensor) -> None:
    known = _CUDA_DTYPES if value.is_cuda else _CPU_DTYPES
    if value.dtype not in known:
        names = ", ".join(str(d).removeprefix("torch.") for d in known)
        raise ArgumentTypeError(f"{name}: expected {names} on {value.device.type}, got {value.dtype}")


def _check(q: Tensor, k: Tensor, v: Tensor, frames: int) -> None:
    _check_dtype("q", q)
    if q.ndim != 4 or q.shape[3] == 0:
        raise ArgumentError(f"q: expected [B, h, F * P, d], got {list(q.shape)}")
    for name, value in (("k", k), ("v", v)):
        if value.shape != q.shape:
            raise ArgumentError(f"{name}: {list(value.shape)} differs from q {list(q.shape)}")
        if value.dtype != q.dtype:
            raise ArgumentTypeError(f"{name}: {value.dtype} differs from q's {q.dtype}")
    if isinstance(frames, bool) or not isinstance(frames, int | torch.SymInt):
        raise ArgumentTypeError(f"frames: expected an int, got {type(frames).__name__}")
    if frames < 1 or q.shape[2] % frames:
        raise ArgumentError(f"frames: {frames} does not divide the {q.shape[2]} points")
