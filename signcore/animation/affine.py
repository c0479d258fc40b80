"""FOMM and MRAA in one frame: keypoints or regions with affine maps, and TPSMM's generator, so that only the motion differs."""

from __future__ import annotations

import torch
from torch import Tensor

from signcore.animation.config import AffineConfig
from signcore.animation.inpainting import InpaintingNetwork
from signcore.animation.network import MotionNetwork, Result
from signcore.animation.relative_motion import relative_keypoints
from signcore.nn.dense_motion import Motion
from signcore.nn.first_order import Affine, FirstOrderMotion, RegionPredictor, Regions
from signcore.nn.keypoint_detector import BackgroundMotionPredictor
from signcore.nn.thin_plate_spline import ThinPlateSpline


class AffineMotionModel(MotionNetwork):
    """affine: how a region's affine map is found. revert_axis_swap: maps whose axes came out turned round are turned back (MRAA)."""

    def __init__(self, config: AffineConfig, affine: Affine, revert_axis_swap: bool) -> None:
        super().__init__()
        self.revert = revert_axis_swap
        self.keypoint_detector = RegionPredictor(
            config.transforms,
            affine=affine,
            block_expansion=config.keypoint_width,
            max_features=config.motion_max_width,
        )
        self.motion = FirstOrderMotion(
            config.transforms,
            block_expansion=config.motion_width,
            max_features=config.motion_max_width,
            revert_axis_swap=revert_axis_swap,
        )
        self.background = BackgroundMotionPredictor(config.keypoint_width) if config.background else None
        self.inpainting = InpaintingNetwork(config.width, config.max_width)

    def appearance(self, frame: Tensor) -> list[Tensor]:
        return self.inpainting.encode(frame)

    def move(
        self,
        frame: Tensor,
        driving: Regions,
        source: Regions,
        background: Tensor | None = None,
        keep: Tensor | None = None,
    ) -> Motion:
        moved: Motion = self.motion(frame, driving, source, background)
        return moved

    def generate(
        self, frame: Tensor, features: list[Tensor], motion: Motion | None, points: Tensor
    ) -> Result:
        assert motion is not None
        drawn: Result = self.inpainting(frame, features, motion)
        return drawn

    def relative(
        self, source: Regions, driving: Regions, first: Regions, scale: float | None = None
    ) -> Regions:
        """Places move as the driving ones did, scaled; maps turn as the driving ones did (FOMM section 3.4)."""
        shift = relative_keypoints(source.shift, driving.shift, first.shift, scale)
        assert driving.affine is not None and first.affine is not None and source.affine is not None  # noqa: PT018
        affine = driving.affine @ first.affine.inverse() @ source.affine
        return Regions(shift, affine, driving.covariance, driving.heatmap)

    def equivariance(
        self, driving: Regions, deformed: Regions, deformation: ThinPlateSpline
    ) -> dict[str, Tensor]:
        """|p - T(p')| and |1 - A^-1 T' A'| (FOMM eq. 11 and 12)."""
        told = {"equivariance": (driving.shift - deformation(deformed.shift)).abs().mean()}
        if driving.affine is not None and deformed.affine is not None:
            turned = driving.affine.inverse() @ deformation.jacobian(deformed.shift) @ deformed.affine
            if self.revert:
                turned = turned * turned[..., :1, :1].sign()
            told["equivariance_affine"] = (torch.eye(2, device=turned.device) - turned).abs().mean()
        return told
