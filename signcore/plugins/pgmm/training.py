"""Training PGMM (section 3.3)."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from signcore.animation import losses
from signcore.animation.network import Result
from signcore.animation.training import AnimationTask, Batch
from signcore.contracts import Context
from signcore.nn.heatmap_network import HeatmapNetwork, read_network
from signcore.plugins.pgmm.config import PGMMConfig
from signcore.plugins.pgmm.generator import PGMMMethod
from signcore.types.files import sha256


class PGMMTask(PGMMMethod, AnimationTask):
    """The losses of TPSMM, the pose distance loss (eq. 8) where a network for it is given, and the feature alignment loss (eq. 11)."""

    def __init__(self, config: PGMMConfig | None = None, context: Context | None = None) -> None:
        super().__init__(config, context)
        wanted = config or PGMMConfig()
        self.looks: HeatmapNetwork | None = None
        if wanted.pose_network is not None and wanted.pose_weight:
            self.looks = read_network(wanted.pose_network)[0]

    def modules(self) -> dict[str, nn.Module]:
        return super().modules() if self.looks is None else {**super().modules(), "looks": self.looks}

    def about(self) -> dict[str, Any]:
        network = None if self.looks is None else Path(str(cast(PGMMConfig, self.config).pose_network))
        looked = network and f"{network.name}, sha256 {sha256(network) if network.exists() else 'unknown'}"
        return {**super().about(), "pose_network": looked}

    def more_losses(self, batch: Batch, result: Result) -> dict[str, Tensor]:
        config, model = cast(PGMMConfig, self.config), cast(Any, self.model)
        told: dict[str, Tensor] = {}
        driving = batch["driving"]
        if self.looks is not None:
            with torch.autocast(driving.device.type, enabled=False):
                found = losses.pose_distance(
                    self.looks, result.prediction.float(), driving, config.pose_temperature
                )
            told["pose"] = config.pose_weight * found
        if config.align_weight:
            # P11: the driving frame draws itself, nothing moves; what the decoder makes on the way is what it should make of the source
            wanted = model.generate(driving, model.appearance(driving), None, batch["points"]).decoded
            if config.align_detach:
                wanted = [feature.detach() for feature in wanted]
            told["align"] = config.align_weight * losses.alignment(result.decoded, wanted)
        return told
