"""Motion Representations for Articulated Animation (Siarohin et al., CVPR 2021), with TPSMM's generator."""

from __future__ import annotations

from signcore.animation.affine import AffineMotionModel
from signcore.animation.generator import Animator, Method
from signcore.animation.network import MotionNetwork
from signcore.animation.training import AnimationTask
from signcore.plugins.mraa.config import MRAAConfig


class MRAAMethod(Method):
    component, config_class = "mraa", MRAAConfig

    def network(self, config: MRAAConfig) -> MotionNetwork:
        return AffineMotionModel(config, "pca", revert_axis_swap=True)


class MRAA(MRAAMethod, Animator):
    """Motion Representations for Articulated Animation (Siarohin et al., CVPR 2021)."""


class MRAATask(MRAAMethod, AnimationTask):
    """Reconstruction, and equivariance of places and of affine maps."""
