"""Distance ranks (Ham2Pose section 7.3): is the right one among the k nearest of a gallery?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from signcore.errors import InputError

GALLERY = 20  # predictions, and as many truths, of other samples
KS = (1, 5, 10)


def ranks(
    metric: Any, pairs: Sequence[tuple[Any, Any]], *, gallery: int = GALLERY, seed: int = 0
) -> dict[str, dict[int, float]]:
    """Of (prediction, truth) pairs as `metric.prepare` made them: {"prediction": {k: share}, "truth": {k: share}}.

    "prediction": the query is the prediction, and its truth is looked for among `gallery` predictions and `gallery` truths
    of other samples; "truth": the query is the truth, and its prediction is looked for. Equal distances count against it.
    Raises InputError where there are too few pairs for a gallery.
    """
    if len(pairs) < 2:
        raise InputError(f"ranks: {len(pairs)} samples, a gallery needs at least 2")
    count = min(gallery, len(pairs) - 1)
    random = np.random.Generator(np.random.PCG64(seed))
    found: dict[str, list[int]] = {"prediction": [], "truth": []}
    for i, (prediction, truth) in enumerate(pairs):
        drawn = [random.choice(len(pairs) - 1, count, replace=False) for _ in range(2)]
        others, truths = ([int(j) + (int(j) >= i) for j in part] for part in drawn)
        rest = [pairs[j][0] for j in others] + [pairs[j][1] for j in truths]
        for name, query, wanted in (("prediction", prediction, truth), ("truth", truth, prediction)):
            distances = metric.matrix([query], [wanted, *rest])[0]
            found[name].append(int((distances[1:] <= distances[0]).sum()))
    return {name: {k: float(np.mean(np.array(places) < k)) for k in KS} for name, places in found.items()}
