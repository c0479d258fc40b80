"""The choice of a backend, for wrappers that torch.compile traces."""

from __future__ import annotations

import torch

from signcore.kernels.backend import pick as pick_now


@torch.compiler.assume_constant_result
def pick(op: str, cuda: bool) -> str:
    """`backend.pick`. torch.compile cannot look into the choice; it is made once, while tracing."""
    return pick_now(op, cuda)
