"""PGMM as a generator: a picture and a driving video with its pose in, a video out."""

from __future__ import annotations

from signcore.animation.generator import Animator, Method
from signcore.animation.network import MotionNetwork
from signcore.plugins.pgmm.config import PGMMConfig
from signcore.plugins.pgmm.model import PoseGuidedMotionModel


class PGMMMethod(Method):
    component, config_class = "pgmm", PGMMConfig

    def network(self, config: PGMMConfig) -> MotionNetwork:
        return PoseGuidedMotionModel(config)


class PGMM(PGMMMethod, Animator):
    """Pose-Guided Motion Model (Shi et al., ECCV 2024)."""
