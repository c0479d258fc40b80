"""Exact dynamic time warping of poses with missing points (Ham2Pose eq. 6)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from signcore.errors import ArgumentError, ArgumentTypeError
from signcore.kernels import reference as plain
from signcore.kernels._clips import ALIGNS, check_pose, joined
from signcore.kernels._limits import VARIANTS, check_choice, check_whole
from signcore.kernels._traced import pick

torch.library.define(
    "signcore::dtw_pairs",
    "(Tensor references, Tensor from_, Tensor others, Tensor to, bool pose, int band, bool per_keypoint, "
    "int longest) -> Tensor",
)


@torch.library.register_fake("signcore::dtw_pairs")
def _(
    references: Tensor,
    from_: Tensor,
    others: Tensor,
    to: Tensor,
    pose: bool,
    band: int,
    per_keypoint: bool,
    longest: int,
) -> Tensor:
    shape = (from_.numel() - 1, to.numel() - 1)
    return references.new_empty((*shape, references.shape[1]) if per_keypoint and not pose else shape)


def dtw(
    reference: Tensor,  # [T, K, D] NaN where missing
    other: Tensor,  # [S, K, D] NaN where missing
    *,
    align: str = "keypoint",
    window: int | None = None,
) -> Tensor:  # [K], or [] with align="pose": accumulated cost along the cheapest path, in the inputs' dtype
    """Exact dynamic time warping (Ham2Pose eq. 6), in memory for two rows of the table.

    align: "keypoint" gives every keypoint a path of its own (nDTW); "pose" walks one path for the whole pose, whose frame
    cost is the mean of the same pair costs over the keypoints whose reference is present, 0 if none (DTW-MJE).
    window: a Sakoe-Chiba band, |t - s| <= max(window, |T - S|) frames; None for the whole table.
    Missing: a frame pair costs 0 where the reference is missing, ‖reference‖/2 where only the other is.
    Units: those of the coordinates; infinite coordinates give infinite or NaN costs.
    Raises ArgumentError (a ValueError) for shapes and settings, ArgumentTypeError (a TypeError) for dtypes and devices.
    """
    check_pose("reference", reference)
    check_pose("other", other, like=reference)
    check_choice("align", align, ALIGNS)
    band = -1 if window is None else check_whole("window", window)
    name = pick("dtw", reference.is_cuda)
    if name == "torch":
        return plain.dtw(reference, other, align=align, window=window).to(reference.dtype)
    if name == "numba":
        from signcore.kernels import _numba_dtw

        a, b = (x.double().contiguous().numpy() for x in (reference, other))
        found = _numba_dtw.pose_cost(a, b, band) if align == "pose" else _numba_dtw.keypoint_costs(a, b, band)
        return torch.as_tensor(found, dtype=torch.float64).to(reference.dtype)
    x, y = joined([reference]), joined([other])
    return torch.ops.signcore.dtw_pairs(*x, *y, align == "pose", band, align == "keypoint", len(other))[0, 0]


def dtw_matrix(
    references: Sequence[Tensor],  # N of [T_i, K, D] NaN where missing
    others: Sequence[Tensor],  # M of [S_j, K, D] NaN where missing
    *,
    method: str = "dtw",
    align: str = "keypoint",
    radius: int = 1,
    variant: str = "python",
    window: int | None = None,
) -> Tensor:  # [N, M] in the inputs' dtype; the mean over all K of each pair's costs
    """All pairs of two sets of clips at once, threads over pairs.

    method: "dtw" (exact; `align`, `window`) or "fastdtw" (`radius`, `variant`). With align="pose" the one path's cost.
    Missing: as in `dtw`. Raises as `dtw` does; an empty list gives an empty matrix.
    """
    check_choice("method", method, ("dtw", "fastdtw"))
    check_choice("align", align, ALIGNS)
    check_choice("variant", variant, VARIANTS)
    check_whole("radius", radius)
    band = -1 if window is None else check_whole("window", window)
    if method == "fastdtw" and (align != "keypoint" or window is not None):
        raise ArgumentError("method: fastdtw takes neither align nor window")
    first = None
    for name, clips in (("references", references), ("others", others)):
        if isinstance(clips, Tensor) or not isinstance(clips, Sequence):
            raise ArgumentTypeError(
                f"{name}: expected a list of Tensors [T, K, D], got {type(clips).__name__}"
            )
        for i, clip in enumerate(clips):
            check_pose(f"{name}[{i}]", clip, like=first)
            first = clip if first is None else first
    if not references or not others:
        return torch.empty((len(references), len(others)))
    name = pick(method, references[0].is_cuda)
    if name in ("torch", "numba"):
        rows = [[_pair(a, b, method, align, radius, variant, window) for b in others] for a in references]
        return torch.stack([torch.stack(row) for row in rows])
    x, y = joined(references), joined(others)
    if method == "dtw":
        longest = max(len(clip) for clip in others)
        return torch.ops.signcore.dtw_pairs(*x, *y, align == "pose", band, False, longest)
    from signcore.kernels import fastdtw as _  # noqa: F401 (defines the op)

    return torch.ops.signcore.fastdtw_pairs(*x, *y, radius, VARIANTS.index(variant), False)


def _pair(
    a: Tensor, b: Tensor, method: str, align: str, radius: int, variant: str, window: int | None
) -> Tensor:
    from signcore.kernels.fastdtw import fastdtw

    costs = (
        dtw(a, b, align=align, window=window)
        if method == "dtw"
        else fastdtw(a, b, radius=radius, variant=variant)
    )
    return costs.double().mean().to(a.dtype) if costs.numel() else costs.new_zeros(())
