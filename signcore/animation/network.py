"""What a network that moves a picture is made of: motion from keypoints, and a generator that draws by it."""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from signcore.animation import losses
from signcore.animation.relative_motion import relative_keypoints
from signcore.errors import ConfigError
from signcore.nn.convolution_blocks import DownBlock2d, SameBlock2d
from signcore.nn.dense_motion import Motion
from signcore.nn.thin_plate_spline import ThinPlateSpline

MOTION_SIZE = 128  # the motion branch sees frames at the nearest multiple of it


class Result(NamedTuple):
    """prediction: [B, 3, H, W] in [0, 1]; drawn: the same before the warped source shows through;
    decoded: what each convolution module made, coarse to fine (Y of eq. 10)."""

    prediction: Tensor
    drawn: Tensor
    decoded: list[Tensor]


@dataclass(frozen=True)
class Source:
    """All that depends on the source frame alone: computed once a clip."""

    frame: Tensor  # [B, 3, H, W] in [0, 1]
    motion_frame: Tensor  # [B, 3, h, w] as the motion branch sees it
    keypoints: Any  # the method's own: [B, 5K, 2], or Regions
    features: list[Tensor]  # appearance X_s, deepest first, full size last

    def expand(self, batch: int) -> Source:
        """The same source for `batch` driving frames, without copies."""
        if len(self.frame) == batch:
            return self
        frame, motion_frame = (t.expand(batch, *t.shape[1:]) for t in (self.frame, self.motion_frame))
        features = [f.expand(batch, *f.shape[1:]) for f in self.features]
        return Source(frame, motion_frame, _expanded(self.keypoints, batch), features)


def _expanded(keypoints: Any, batch: int) -> Any:
    if isinstance(keypoints, Tensor):
        return keypoints.expand(batch, *keypoints.shape[1:])
    return type(keypoints)(*(None if t is None else t.expand(batch, *t.shape[1:]) for t in keypoints))


Network = TypeVar("Network", bound=nn.Module)


class MotionNetwork(nn.Module, ABC):
    """A method's network: its keypoints, its motion, and `generate`, which draws by them."""

    keypoint_detector: nn.Module  # [B, 3, h, w] -> the method's keypoints
    background: nn.Module | None  # [B, 3, h, w] x2 -> [B, 3, 3] driving -> source
    motion: nn.Module

    def keypoints(self, frame: Tensor, points: Tensor | None = None) -> Any:
        """Of frames as the motion branch sees them [B, 3, h, w]. points: [B, P, 2] of their pose, none missing: what
        motion by poses looks at instead."""
        return self.keypoint_detector(frame)

    def move(
        self,
        frame: Tensor,  # [B, 3, h, w] the source's
        driving: Any,
        source: Any,
        background: Tensor | None = None,
        keep: Tensor | None = None,  # [B, K+1] transforms that are not dropped
    ) -> Motion:
        """From the source's keypoints to the driving ones."""
        moved: Motion = self.motion(frame, driving, source, background, keep)
        return moved

    def relative(self, source: Any, driving: Any, first: Any, scale: float | None = None) -> Any:
        """The source's keypoints, moved as the driving ones moved since the first driving frame. scale: how much larger the source's
        body is; None tells it by the keypoints."""
        return relative_keypoints(source, driving, first, scale)

    def disentangled(self, source: Any, driving: Any) -> Any:
        """The driving keypoints on the source's shape, of networks that learned it (motion="avd"). Raises ConfigError for the others."""
        raise ConfigError(
            "motion=avd: these weights have no AVD network",
            "train tpsmm with --set generator.avd=true, or choose motion=relative",
        )

    def equivariance(self, driving: Any, deformed: Any, deformation: ThinPlateSpline) -> dict[str, Tensor]:
        """Keypoints move with a deformed frame: by name, terms that are 0 where they do."""
        return {"equivariance": losses.equivariance(driving, deformed, deformation)}

    @abstractmethod
    def appearance(self, frame: Tensor) -> list[Tensor]:
        """[B, 3, H, W] in [0, 1] to features, deepest first."""

    @abstractmethod
    def generate(
        self, frame: Tensor, features: list[Tensor], motion: Motion | None, points: Tensor
    ) -> Result:
        """Appearance, motion and pose to the frame; motion None moves nothing."""

    def source(self, frame: Tensor, points: Tensor | None = None) -> Source:
        """frame: [B, 3, H, W] in [0, 1]; points: as for `keypoints`."""
        small = motion_frame(frame)
        return Source(frame, small, self.keypoints(small, points), self.appearance(frame))

    def forward(
        self,
        source: Source,
        keypoints: Any,  # that the source is to move to
        points: Tensor,  # [B, P, 2] driving pose, x and y in [0, 1]; NaN where missing
        background: Tensor | None = None,  # [B, 3, 3]
        keep: Tensor | None = None,  # [B, K+1] transforms that are not dropped
    ) -> Result:
        motion = self.move(source.motion_frame, keypoints, source.keypoints, background, keep)
        return self.generate(source.frame, source.features, motion, points)


class Encoder(nn.Module):
    """A 7x7 convolution of stride 1 (P1) and three down-sampling blocks (section 3.1)."""

    def __init__(self, widths: list[int]) -> None:
        super().__init__()
        shallow_first = widths[::-1]
        self.first = SameBlock2d(3, shallow_first[0], 7)
        self.down_blocks = nn.ModuleList(DownBlock2d(a, b) for a, b in itertools.pairwise(shallow_first))

    def forward(
        self, frame: Tensor
    ) -> list[Tensor]:  # [B, 3, H, W] -> features deepest first, full size last
        features = [self.first(frame)]
        for block in self.down_blocks:
            features.append(block(features[-1]))
        return features[::-1]


def channels_last(model: Network) -> Network:
    """The same network with its weights laid out as its convolutions are fastest."""
    return model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def motion_frame(frame: Tensor) -> Tensor:  # [B, 3, H, W] -> [B, 3, h, w]
    """The frame as the motion branch sees it: each side at the nearest multiple of 128, at least 128."""
    size = [max(1, int(side / MOTION_SIZE + 0.5)) * MOTION_SIZE for side in frame.shape[-2:]]
    return resized(frame, size)


def resized(image: Tensor, size: list[int] | torch.Size) -> Tensor:
    if list(image.shape[-2:]) == list(size):
        return image
    return F.interpolate(image, tuple(size), mode="bilinear", align_corners=True)
