"""The networks of TPSMM (Zhao and Zhang, CVPR 2022), under the public checkpoint's names."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn

from signcore.animation.inpainting import InpaintingNetwork
from signcore.animation.network import MotionNetwork, Result
from signcore.nn.dense_motion import DenseMotion, Motion
from signcore.nn.keypoint_detector import BackgroundMotionPredictor, KeypointDetector
from signcore.plugins.tpsmm.config import TPSMMConfig

BOTTLENECK = 64  # numbers that stand for a shape, and as many for a pose


def _perceptron(*widths: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for before, after in itertools.pairwise(widths[:-1]):
        layers += [nn.Linear(before, after), nn.BatchNorm1d(after), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(widths[-2], widths[-1]))


class AVDNetwork(nn.Module):
    """Animation via disentanglement (Siarohin et al., CVPR 2021, section 3.4, as TPSMM takes it over): keypoints of one shape in another's pose."""

    def __init__(self, transforms: int) -> None:
        super().__init__()
        size = transforms * 5 * 2
        self.id_encoder = _perceptron(size, 256, 512, 1024, BOTTLENECK)
        self.pose_encoder = _perceptron(size, 256, 512, 1024, BOTTLENECK)
        self.decoder = _perceptron(2 * BOTTLENECK, 1024, 512, 256, size)

    def forward(self, shape: Tensor, pose: Tensor) -> Tensor:  # [B, 5K, 2] x2 -> [B, 5K, 2] in [-1, 1]
        told = torch.cat([self.pose_encoder(pose.flatten(1)), self.id_encoder(shape.flatten(1))], dim=1)
        moved: Tensor = self.decoder(told)
        return moved.view_as(shape)


class ThinPlateSplineMotionModel(MotionNetwork):
    def __init__(self, config: TPSMMConfig) -> None:
        super().__init__()
        self.kp_detector = KeypointDetector(config.transforms, config.keypoint_width)
        self.dense_motion_network = DenseMotion(
            config.transforms, block_expansion=config.motion_width, max_features=config.motion_max_width
        )
        self.inpainting_network = InpaintingNetwork(config.width, config.max_width)
        self.bg_predictor = BackgroundMotionPredictor(config.keypoint_width) if config.background else None
        self.avd_network = AVDNetwork(config.transforms) if config.avd else None

    @property
    def keypoint_detector(self) -> KeypointDetector:  # type: ignore[override]
        return self.kp_detector

    @property
    def motion(self) -> DenseMotion:  # type: ignore[override]
        return self.dense_motion_network

    @property
    def background(self) -> BackgroundMotionPredictor | None:  # type: ignore[override]
        return self.bg_predictor

    def disentangled(self, source: Tensor, driving: Tensor) -> Tensor:
        if self.avd_network is None:
            return super().disentangled(source, driving)  # which refuses
        moved: Tensor = self.avd_network(source, driving)
        return moved

    def appearance(self, frame: Tensor) -> list[Tensor]:
        return self.inpainting_network.encode(frame)

    def generate(
        self, frame: Tensor, features: list[Tensor], motion: Motion | None, points: Tensor
    ) -> Result:
        assert motion is not None
        return self.inpainting_network(frame, features, motion)
