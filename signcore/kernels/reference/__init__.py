"""The definitions: plain torch and NumPy, no tricks. Tests compare the kernels to these."""

from __future__ import annotations

from signcore.kernels.reference.dtw import dtw
from signcore.kernels.reference.fastdtw import fastdtw, fastdtw_path
from signcore.kernels.reference.prototype_attention import orthogonal_rows
from signcore.kernels.reference.tcd import tcd_counts
from signcore.kernels.reference.trajectory_attention import temporal_attention, trajectory_attention
from signcore.kernels.reference.warp import warp

__all__ = [
    "dtw",
    "fastdtw",
    "fastdtw_path",
    "orthogonal_rows",
    "tcd_counts",
    "temporal_attention",
    "trajectory_attention",
    "warp",
]
