"""Training TPSMM (section 3.5), and, in a second stage, its AVD network."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from signcore.animation.network import motion_frame
from signcore.animation.training import AnimationTask, Batch
from signcore.plugins.tpsmm.config import TPSMMConfig
from signcore.plugins.tpsmm.generator import TPSMMMethod
from signcore.plugins.tpsmm.model import ThinPlateSplineMotionModel


class TPSMMTask(TPSMMMethod, AnimationTask):
    """Reconstruction, equivariance, warp and background losses; then, where `avd` is on, the AVD network."""

    config: TPSMMConfig

    def stages(self) -> list[AnimationTask]:
        return [self, AVDStage(self)] if self.config.avd else [self]


class AVDStage(TPSMMMethod, AnimationTask):
    """L1 between the driving keypoints and what the network makes of them stretched, and of the source's (MRAA, section 3.4)."""

    config: TPSMMConfig

    def __init__(self, first: TPSMMTask) -> None:
        self.config, self.context = first.config, first.context
        self.model = self.average = (
            first.average
        )  # the weights that are exported; this stage moves the AVD network's alone
        self.names, self._clips = first.names, first._clips
        model = first.average
        assert isinstance(model, ThinPlateSplineMotionModel)
        assert model.avd_network is not None
        self.learned = model.avd_network.requires_grad_(True)
        self.optimizer = torch.optim.Adam(
            self.learned.parameters(), lr=self.config.avd_learning_rate, betas=(0.5, 0.999)
        )

    def modules(self) -> dict[str, nn.Module]:
        return {"average": self.average}

    def schedule(self, step: int, steps: int) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = self.config.avd_learning_rate * (1.0 if step < 0.6 * steps else 0.1)

    def step(self, batch: Batch, optimizer: str) -> dict[str, Tensor]:
        self.average.eval()
        self.learned.train()
        generator = torch.Generator().manual_seed(self.context.seed * 1_000_003 + batch["position"])
        with torch.no_grad():
            source, driving = (
                self.average.keypoints(motion_frame(batch[k])).float() for k in ("source", "driving")
            )  # type: ignore[literal-required]
            stretch = 1 + self.config.avd_scale * (2 * torch.rand(len(source), 1, 2, generator=generator) - 1)
        found = self.learned(source, driving * stretch.to(driving))
        return {"keypoints": (found - driving).abs().mean()}

    def clip(self, optimizer: str) -> None:
        pass

    def updated(self, step: int) -> None:
        pass
