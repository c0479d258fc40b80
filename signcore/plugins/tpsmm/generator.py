"""TPSMM as a generator: a picture and a driving video in, a video out; the pose plays no part."""

from __future__ import annotations

from signcore.animation.generator import Animator, Method
from signcore.animation.network import MotionNetwork
from signcore.plugins.tpsmm.config import TPSMMConfig
from signcore.plugins.tpsmm.model import ThinPlateSplineMotionModel


class TPSMMMethod(Method):
    component, config_class = "tpsmm", TPSMMConfig

    def network(self, config: TPSMMConfig) -> MotionNetwork:
        return ThinPlateSplineMotionModel(config)


class TPSMM(TPSMMMethod, Animator):
    """Thin-Plate-Spline Motion Model (Zhao and Zhang, CVPR 2022), PGMM's base without its pose."""
