"""First-Order Motion Model (Siarohin et al., NeurIPS 2019), with TPSMM's generator."""

from __future__ import annotations

from signcore.animation.affine import AffineMotionModel
from signcore.animation.generator import Animator, Method
from signcore.animation.network import MotionNetwork
from signcore.animation.training import AnimationTask
from signcore.plugins.fomm.config import FOMMConfig


class FOMMMethod(Method):
    component, config_class = "fomm", FOMMConfig

    def network(self, config: FOMMConfig) -> MotionNetwork:
        return AffineMotionModel(config, "jacobian", revert_axis_swap=False)


class FOMM(FOMMMethod, Animator):
    """First-Order Motion Model (Siarohin et al., NeurIPS 2019)."""


class FOMMTask(FOMMMethod, AnimationTask):
    """Reconstruction, and equivariance of places and of affine maps."""
