"""The step sizes of the refinement (section 5.3, eq. 1, 2): t runs from T-1 down to 0; index i = T-1-t counts up."""

from __future__ import annotations

import math
from typing import Literal

FIRST = 0.1  # for t = T-1, where ln 1 would make a step of nothing (footnote 2)


def schedule(steps: int, kind: Literal["paper", "upstream"] = "paper") -> tuple[list[float], list[float]]:
    """(delta, alpha) of the steps i = 0 .. steps-1; the last delta is 1.

    delta_i = ln(i+1) / ln T: the share of the truth in the target (eq. 2). alpha_i = delta_i - delta_{i-1}: the share of
    the prediction in the blend (eq. 1). The first of both is 0.1. "paper" takes the second alpha from delta = ln 1 / ln T = 0,
    "upstream" from 0.1, so that its alphas add up to 1.
    """
    if steps == 1:
        return [1.0], [1.0]
    delta = [FIRST, *(math.log(i + 1) / math.log(steps) for i in range(1, steps))]
    before = [0.0 if kind == "paper" else FIRST, *delta[1:-1]]
    return delta, [FIRST, *(now - last for now, last in zip(delta[1:], before, strict=True))]


def loss_scale(steps: int) -> float:
    """ln(T)^2 (eq. 4): the loss does not shrink where steps are many and small."""
    return math.log(steps) ** 2 if steps > 1 else 1.0
