"""FastDTW (Salvador and Chan 2007) with missing points, as both builds of the PyPI package `fastdtw` do it."""

from __future__ import annotations

import torch
from torch import Tensor

from signcore.kernels import reference as plain
from signcore.kernels._clips import check_pose, joined
from signcore.kernels._limits import VARIANTS, check_choice, check_whole
from signcore.kernels._traced import pick

torch.library.define(
    "signcore::fastdtw_pairs",
    "(Tensor references, Tensor from_, Tensor others, Tensor to, int radius, int variant, bool per_keypoint) -> Tensor",
)
torch.library.define(
    "signcore::fastdtw_path", "(Tensor reference, Tensor other, int radius, int variant) -> (Tensor, Tensor)"
)


@torch.library.register_fake("signcore::fastdtw_pairs")
def _(
    references: Tensor,
    from_: Tensor,
    others: Tensor,
    to: Tensor,
    radius: int,
    variant: int,
    per_keypoint: bool,
) -> Tensor:
    shape = (from_.numel() - 1, to.numel() - 1)
    return references.new_empty((*shape, references.shape[1]) if per_keypoint else shape)


@torch.library.register_fake("signcore::fastdtw_path")
def _(reference: Tensor, other: Tensor, radius: int, variant: int) -> tuple[Tensor, Tensor]:
    length = torch.library.get_ctx().new_dynamic_size()
    return reference.new_empty(()), reference.new_empty((length, 2), dtype=torch.int64)


def fastdtw(
    reference: Tensor,  # [T, K, D] NaN where missing
    other: Tensor,  # [S, K, D] NaN where missing
    *,
    radius: int = 1,
    variant: str = "python",
) -> Tensor:  # [K] accumulated cost along the path that FastDTW finds, in the inputs' dtype
    """FastDTW of every keypoint's trajectory; equals PyPI's `fastdtw.fastdtw(other, reference, radius, dist)`.

    radius: cells searched around the coarser path. variant: which build of the package is meant, "python" or "compiled":
    they break ties and bound their windows differently (docs/kernels/dtw.md). Costs are summed in float64. Tensors on
    CUDA are walked on the processor.
    Missing: as in `dtw`; the mean of two frames is missing where either is, at every level.
    Raises ArgumentError (a ValueError) for shapes and settings, ArgumentTypeError (a TypeError) for dtypes and devices.
    """
    check_pose("reference", reference)
    check_pose("other", other, like=reference)
    check_whole("radius", radius)
    check_choice("variant", variant, VARIANTS)
    name = pick("fastdtw", False)
    if reference.is_cuda and name != "torch":  # a walk from cell to cell: a processor's work
        result = fastdtw(reference.cpu(), other.cpu(), radius=radius, variant=variant)
        return result.to(reference.device)
    if name == "torch":
        return plain.fastdtw(reference, other, radius=radius, variant=variant).to(reference.dtype)
    if name == "numba":
        from signcore.kernels import _numba_dtw

        a, b = (x.double().contiguous().numpy() for x in (reference, other))
        return torch.from_numpy(_numba_dtw.fast_costs(a, b, radius, VARIANTS.index(variant))).to(
            reference.dtype
        )
    x, y = joined([reference]), joined([other])
    return torch.ops.signcore.fastdtw_pairs(*x, *y, radius, VARIANTS.index(variant), True)[0, 0]


def fastdtw_path(
    reference: Tensor,  # [T, D] NaN where missing
    other: Tensor,  # [S, D] NaN where missing
    *,
    radius: int = 1,
    variant: str = "python",
) -> tuple[Tensor, Tensor]:  # [] float64, int64 [L, 2] of (reference index, other index)
    """FastDTW of one trajectory: the cost and the path, from (0, 0) to (T - 1, S - 1). Settings and errors: `fastdtw`."""
    check_pose("reference", reference, rank=2)
    check_pose("other", other, rank=2, like=reference)
    check_whole("radius", radius)
    check_choice("variant", variant, VARIANTS)
    name = pick("fastdtw", False)
    if reference.is_cuda and name != "torch":
        found = fastdtw_path(reference.cpu(), other.cpu(), radius=radius, variant=variant)
        return found[0].to(reference.device), found[1].to(reference.device)
    x, y = reference.double().contiguous(), other.double().contiguous()
    if name == "torch":
        return plain.fastdtw_path(x, y, radius=radius, variant=variant)
    if name == "numba":
        from signcore.kernels import _numba_dtw

        cost, path = _numba_dtw.fast_path(x.numpy(), y.numpy(), radius, VARIANTS.index(variant))
        return torch.tensor(cost, dtype=torch.float64), torch.from_numpy(path)
    return torch.ops.signcore.fastdtw_path(x, y, radius, VARIANTS.index(variant))
