"""Orthoformer's attention through a few prototypes (LMT Algorithm 1)."""

from __future__ import annotations

import torch
from torch import Tensor

from signcore.errors import ArgumentError, ArgumentTypeError
from signcore.kernels import reference as plain
from signcore.kernels._traced import pick

_DTYPES = (torch.float32, torch.float64, torch.float16, torch.bfloat16)

torch.library.define("signcore::orthogonal_rows", "(Tensor rows, Tensor first, int count) -> Tensor")


@torch.library.register_fake("signcore::orthogonal_rows")
def _(rows: Tensor, first: Tensor, count: int) -> Tensor:
    return first.new_empty((rows.shape[0], count))


def prototype_attention(
    q: Tensor,  # [B, h, N, d] with N = F * P, points of a frame one after another, if frames are given
    k: Tensor,  # [B, h, N, d]
    v: Tensor,  # [B, h, N, d]
    *,
    prototypes: int,  # R
    frames: int | None = None,  # F
    source: str = "qk",
    first: int | Tensor | str = 0,  # an index, int64 [B, h] of them, or "random"
    seed: int | None = None,
) -> Tensor:  # [B, h, N, d], or each query's token in each frame [B, h, N, F, d]
    """Attention of queries to R prototypes and of these to the keys: O(N R d) instead of O(N^2 d).

    softmax_R(q . L) (softmax_p(L . k) v), q and k scaled by d^-1/4 each; with `frames` the second softmax is over the
    points of each frame. The prototypes L are rows of `source`, "q" or "qk" (the queries, then the keys), chosen
    greedily: each has the least greatest |cos| to those before it, a tie goes to the lower index. They are used
    unnormalised, in index order, and are constants for autograd.
    first: where the selection starts, an index into `source`; "random" draws one a head, from `seed` if given.
    float32 and float64, on CUDA float16 and bfloat16 too.
    Raises ArgumentError (ValueError) for other shapes or settings; ArgumentTypeError (TypeError) for other types.
    """
    _check(q, k, v, frames)
    B, h, N, d = q.shape
    if source not in ("q", "qk"):
        raise ArgumentError(f"source: expected q or qk, got {source!r}")
    candidates = N if source == "q" else 2 * N
    if isinstance(prototypes, bool) or not isinstance(prototypes, int):
        raise ArgumentTypeError(f"prototypes: expected an int, got {type(prototypes).__name__}")
    if not 1 <= prototypes <= candidates and q.numel() > 0:
        raise ArgumentError(f"prototypes: expected 1 .. {candidates}, got {prototypes}")
    start = _start(q, first, seed, candidates)
    if q.numel() == 0:
        return q.new_zeros(q.shape if frames is None else (B, h, N, frames, d))
    q, k = q * d**-0.25, k * d**-0.25
    with torch.no_grad():
        rows = q if source == "q" else torch.cat([q, k], 2)
        rows = rows.detach().reshape(B * h, candidates, d)
        wide = rows if rows.dtype == torch.float64 else rows.float()
        backend = pick("prototype_attention", q.is_cuda)
        choose = plain.orthogonal_rows if backend == "torch" else torch.ops.signcore.orthogonal_rows
        chosen = choose(wide, start, prototypes).sort(1).values
        landmarks = rows.gather(1, chosen[..., None].expand(-1, -1, d)).view(B, h, prototypes, d)
    near = (q @ landmarks.transpose(2, 3)).softmax(-1)  # [B, h, N, R]
    scores = landmarks @ k.transpose(2, 3)  # [B, h, R, N]
    if frames is None:
        return near @ (scores.softmax(-1) @ v)
    within = scores.view(B, h, prototypes, frames, N // frames).softmax(-1).transpose(2, 3)
    tokens = within @ v.reshape(B, h, frames, N // frames, d)  # [B, h, F, R, d]
    return (near @ tokens.transpose(2, 3).reshape(B, h, prototypes, frames * d)).view(B, h, N, frames, d)


def _start(q: Tensor, first: int | Tensor | str, seed: int | None, candidates: int) -> Tensor:
    """int64 [B * h]"""
    shape = q.shape[:2]
    if isinstance(first, str):
        if first != "random":
            raise ArgumentError(f'first: expected an index, a Tensor [B, h] or "random", got {first!r}')
        generator = None if seed is None else torch.Generator().manual_seed(seed)
        drawn = torch.randint(max(1, candidates), tuple(shape), generator=generator)
        return drawn.to(q.device).flatten()
    if isinstance(first, Tensor):
        if first.dtype != torch.int64:
            raise ArgumentTypeError(f"first: expected int64, got {first.dtype}")
        if first.shape != shape:
            raise ArgumentError(f"first: expected {list(shape)}, got {list(first.shape)}")
        if first.device != q.device:
            raise ArgumentTypeError(f"first: on {first.device}, q on {q.device}")
        if q.numel() and not torch.compiler.is_compiling():
            low, high = int(first.min()), int(first.max())
            if low < 0 or high >= candidates:
                raise ArgumentError(f"first: expected 0 .. {candidates - 1}, got {low} .. {high}")
        return first.flatten()
    if isinstance(first, bool) or not isinstance(first, int):
        raise ArgumentTypeError(f"first: expected an int, a Tensor or a str, got {type(first).__name__}")
    if q.numel() and not 0 <= first < candidates:
        raise ArgumentError(f"first: expected 0 .. {candidates - 1}, got {first}")
    return torch.full((shape[0] * shape[1],), first, dtype=torch.int64, device=q.device)


def _check(q: Tensor, k: Tensor, v: Tensor, frames: int | None) -> None:
    for name, value in (("q", q), ("k", k), ("v", v)):
        if not isinstance(value, Tensor):
            raise ArgumentTypeError(f"{name}: expected a Tensor, got {type(value).__name__}")
        if value.dtype not in (_DTYPES if value.is_cuda else _DTYPES[:2]):
            raise ArgumentTypeError(f"{name}: expected float32 or float64, got {value.dtype}")
        if value.ndim != 4 or value.shape[3] == 0:
            raise ArgumentError(f"{name}: expected [B, h, N, d], got {list(value.shape)}")
        if value.dtype != q.dtype:
            raise ArgumentTypeError(f"{name}: {value.dtype} differs from q's {q.dtype}")
        if value.device != q.device:
            raise ArgumentTypeError(f"{name}: on {value.device}, q on {q.device}")
        if value.shape != q.shape:
            raise ArgumentError(f"{name}: {list(value.shape)} differs from q {list(q.shape)}")
    if frames is None:
        return
    if isinstance(frames, bool) or not isinstance(frames, int):
        raise ArgumentTypeError(f"frames: expected an int, got {type(frames).__name__}")
    if frames < 1 or q.shape[2] % frames:
        raise ArgumentError(f"frames: {frames} does not divide the {q.shape[2]} points")
