"""Training PGMM (section 3.3)."""

from __future__ import annotations

from typing import Any, cast

from torch import Tensor

from signcore.animation import losses
from signcore.animation.network import Result
from signcore.animation.training import AnimationTask, Batch
from signcore.plugins.pgmm.config import PGMMConfig
from signcore.plugins.pgmm.generator import PGMMMethod


class PGMMTask(PGMMMethod, AnimationTask):
    """The losses of TPSMM, and the feature alignment loss (eq. 11)."""

    def more_losses(self, batch: Batch, result: Result) -> dict[str, Tensor]:
        config, model = cast(PGMMConfig, self.config), cast(Any, self.model)
        if not config.align_weight:
            return {}
        # P11: the driving frame draws itself, nothing moves; what the decoder makes on the way is what it should make of the source
        driving = batch["driving"]
        wanted = model.generate(driving, model.appearance(driving), None, batch["points"]).decoded
        if config.align_detach:
            wanted = [feature.detach() for feature in wanted]
        return {"align": config.align_weight * losses.alignment(result.decoded, wanted)}
