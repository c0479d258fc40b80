"""PGMM as a generator: a picture and a driving video with its pose in, a video out."""

from __future__ import annotations

from signcore.animation.config import AnimationInputs
from signcore.animation.generator import Animator, Method
from signcore.animation.network import MotionNetwork
from signcore.errors import InputError
from signcore.plugins.pgmm.config import PGMMConfig
from signcore.plugins.pgmm.model import PoseGuidedMotionModel
from signcore.types.video import Video


class PGMMMethod(Method):
    component, config_class = "pgmm", PGMMConfig

    def network(self, config: PGMMConfig) -> MotionNetwork:
        return PoseGuidedMotionModel(config)


class PGMM(PGMMMethod, Animator):
    """Pose-Guided Motion Model (Shi et al., ECCV 2024).

    Without a driving video its preset `pose` makes the motion, from the driving pose and the source's.
    """

    def generate(self, inputs: AnimationInputs) -> Video:
        if inputs.driving is not None or self.config.by_pose:
            return super().generate(inputs)
        if self.context.weights is not None:
            raise InputError(
                "driving: these weights take their motion from a driving video",
                "give one, or weights that were trained with motion=pose",
            )
        kept = {name: getattr(self.config, name) for name in ("fit", "batch_frames", "mode")}
        return PGMM(PGMMConfig(preset="pose", **kept), self.context).generate(inputs)
