"""The networks of TPSMM (Zhao and Zhang, CVPR 2022), under the public checkpoint's names."""

from __future__ import annotations

from torch import Tensor

from signcore.animation.inpainting import InpaintingNetwork
from signcore.animation.network import MotionNetwork, Result
from signcore.nn.dense_motion import DenseMotion, Motion
from signcore.nn.keypoint_detector import BackgroundMotionPredictor, KeypointDetector
from signcore.plugins.tpsmm.config import TPSMMConfig


class ThinPlateSplineMotionModel(MotionNetwork):
    def __init__(self, config: TPSMMConfig) -> None:
        super().__init__()
        self.kp_detector = KeypointDetector(config.transforms, config.keypoint_width)
        self.dense_motion_network = DenseMotion(
            config.transforms, block_expansion=config.motion_width, max_features=config.motion_max_width
        )
        self.inpainting_network = InpaintingNetwork(config.width, config.max_width)
        self.bg_predictor = BackgroundMotionPredictor(config.keypoint_width) if config.background else None

    @property
    def keypoint_detector(self) -> KeypointDetector:  # type: ignore[override]
        return self.kp_detector

    @property
    def motion(self) -> DenseMotion:  # type: ignore[override]
        return self.dense_motion_network

    @property
    def background(self) -> BackgroundMotionPredictor | None:  # type: ignore[override]
        return self.bg_predictor

    def appearance(self, frame: Tensor) -> list[Tensor]:
        return self.inpainting_network.encode(frame)

    def generate(
        self, frame: Tensor, features: list[Tensor], motion: Motion | None, points: Tensor
    ) -> Result:
        assert motion is not None
        return self.inpainting_network(frame, features, motion)
