"""The network of PGMM (Fig. 3 and 4): encoder, motion, PoseNet, and sets of coarse motion, pose fusion, convolution, up-sampling."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from signcore.animation.heatmaps import bone_chains, bones, heatmaps, point_names
from signcore.animation.network import Encoder, MotionNetwork, Result, resized
from signcore.animation.pose_motion import PoseKeypoints
from signcore.nn.convolution_blocks import InstanceNorm, ResBlock2d, SameBlock2d, UpBlock2d, to_few
from signcore.nn.coordinates import warp
from signcore.nn.dense_motion import DenseMotion, Motion
from signcore.nn.keypoint_detector import BackgroundMotionPredictor, KeypointDetector
from signcore.nn.thin_plate_spline import ThinPlateSpline
from signcore.plugins.pgmm.config import PGMMConfig

LEVELS = 3  # sets of the generator: at 1/8, 1/4 and 1/2 of the frame (P5)
BONE_SIGMA = 0.01  # spread of a bone, as a part of the frame's side: about a finger's radius


class PoseGuidedMotionModel(MotionNetwork):
    """I_d = G(E_I(I_s), E_M(I_s, I_d), P_d(P_e(I_d))) (PGMM eq. 2)."""

    def __init__(self, config: PGMMConfig) -> None:
        super().__init__()
        self.config = config
        self.keypoint_detector = (
            PoseKeypoints(config.transforms, point_names(config.points))
            if config.by_pose
            else KeypointDetector(config.transforms, config.keypoint_width)
        )
        predicts = config.background and not config.by_pose  # it looks at driving frames
        self.background = BackgroundMotionPredictor(config.keypoint_width) if predicts else None
        self.motion = DenseMotion(
            config.transforms,
            block_expansion=config.motion_width,
            max_features=config.motion_max_width,
            masks=LEVELS + (config.blend != "none"),
            mask_kernel=3,
            mask_features=config.mask_width,
            level_flows=config.per_level_flow,
        )
        widths = [min(config.max_width, config.width * 2**i) for i in range(LEVELS, -1, -1)]  # deepest first
        self.encoder = Encoder(widths)
        self.pose_net = PoseNet(widths, config) if config.pose_fusion != "none" else None
        self.sets = nn.ModuleList(DecoderSet(i, widths, config) for i in range(LEVELS))
        self.chains = bone_chains(point_names(config.points)) if config.draws_bones else []
        drawn_from = widths[-1] + len(self.chains)
        self.detail = ResBlock2d(drawn_from) if self.chains else None
        self.final = nn.Conv2d(drawn_from, 3, 7, padding=3)

    def keypoints(self, frame: Tensor, points: Tensor | None = None) -> Tensor:
        found: Tensor = self.keypoint_detector(points if self.config.by_pose else frame)
        return found

    def equivariance(
        self, driving: Tensor, deformed: Tensor, deformation: ThinPlateSpline
    ) -> dict[str, Tensor]:
        """None where the keypoints are the pose's own."""
        return {} if self.config.by_pose else super().equivariance(driving, deformed, deformation)

    def appearance(self, frame: Tensor) -> list[Tensor]:
        features: list[Tensor] = self.encoder(frame)
        return features

    def generate(
        self, frame: Tensor, features: list[Tensor], motion: Motion | None, points: Tensor
    ) -> Result:
        """Appearance, motion and pose to the frame (eq. 2); motion None moves nothing (the empty set of eq. 11)."""
        height, width = frame.shape[-2:]
        coarse = fine = None
        if self.chains:
            coarse, fine = bones(points, self.chains, height // 2, width // 2, BONE_SIGMA)
        poses = [None] * LEVELS if self.pose_net is None else self.pose_net(points, height, width, coarse)
        decoded, outputs = features[0], []
        for level in range(LEVELS):
            block = cast(DecoderSet, self.sets[level])
            convolved = block.fuse(decoded, features[level], motion, poses[level])
            outputs.append(convolved)
            decoded = block.up(convolved)
        if motion is None or self.config.blend == "none":
            drawn = self.draw(decoded, frame, fine)
            return Result(drawn, drawn, outputs)
        visible, flow = resized(motion.visible[LEVELS], frame.shape[-2:]), motion.flows[-1]
        if self.config.blend == "tpsmm":
            decoded = decoded * (1 - visible) + warp(features[-1], flow, visible)
        drawn = self.draw(decoded, frame, fine)
        return Result(drawn * (1 - visible) + warp(frame, flow, visible), drawn, outputs)

    def draw(
        self, decoded: Tensor, frame: Tensor, fine: Tensor | None
    ) -> Tensor:  # [B, C, H, W], the source [B, 3, H, W], bones [B, C', H, W] -> [B, 3, H, W]
        """The final convolution and the sigmoid (section 3.2)."""
        if self.detail is not None and fine is not None:
            decoded = self.detail(_joined(decoded, fine))
        logits = to_few(self.final, decoded).float()
        if self.config.colours:
            spread, mean = torch.std_mean(torch.logit(frame.float(), eps=0.02), dim=(2, 3), keepdim=True)
            logits = mean + spread * logits
        return torch.sigmoid(logits)


class PoseNet(nn.Module):
    """Heatmaps to pose features X_p at the generator's levels (section 3.1; P6).

    deepest: the heatmaps are resized to the deepest features and grow through 3x3 transposed convolutions of stride 2.
    finest: they are drawn at the size of the finest set, and shrink through strided convolutions.
    """

    def __init__(self, widths: list[int], config: PGMMConfig) -> None:
        super().__init__()
        self.finest, self.sigma = config.posenet == "finest", config.heatmap_sigma
        used = range(LEVELS) if config.pose_fusion in ("add", "both") else config.pfm_levels
        self.last = max(used, default=0)
        count = len(point_names(config.points))
        if self.finest:
            drawn = len(bone_chains(point_names(config.points))) if config.draws_bones else 0
            self.project = SameBlock2d(count + drawn, widths[LEVELS - 1])
            self.blocks = nn.ModuleList(
                StridedBlock2d(widths[i + 1], widths[i])
                for i in reversed(range(min(used, default=0), LEVELS - 1))
            )
        else:
            self.project = SameBlock2d(count, widths[0])
            self.blocks = nn.ModuleList(TransposedBlock2d(widths[i], widths[i + 1]) for i in range(self.last))

    def forward(
        self, points: Tensor, height: int, width: int, bones: Tensor | None = None
    ) -> list[Tensor | None]:  # [B, P, 2], bones [B, C, H / 2, W / 2] -> X_p, deepest first
        if self.finest:
            drawn = heatmaps(points, height // 2, width // 2, self.sigma)
            features: list[Tensor | None] = [self.project(drawn if bones is None else _joined(drawn, bones))]
        else:
            drawn = heatmaps(points, height // 4, width // 4, self.sigma)
            features = [self.project(F.interpolate(drawn, (height // 8, width // 8), mode="bilinear"))]
        for block in self.blocks:
            features.append(block(features[-1]))
        missing: list[Tensor | None] = [None] * (LEVELS - len(features))
        return missing + features[::-1] if self.finest else features + missing


class TransposedBlock2d(nn.Module):
    """3x3 transposed convolution of stride 2, instance normalisation, ReLU (section 3.1, PoseNet)."""

    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__()
        self.conv = nn.ConvTranspose2d(in_features, out_features, 3, stride=2, padding=1, output_padding=1)
        self.norm = InstanceNorm(out_features)

    def forward(self, x: Tensor) -> Tensor:  # [B, C, H, W] -> [B, C', 2H, 2W]
        return F.relu(self.norm(self.conv(x)), inplace=True)


class StridedBlock2d(nn.Module):
    """3x3 convolution of stride 2, instance normalisation, ReLU."""

    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_features, out_features, 3, stride=2, padding=1)
        self.norm = InstanceNorm(out_features)

    def forward(self, x: Tensor) -> Tensor:  # [B, C, H, W] -> [B, C', H/2, W/2]
        return F.relu(self.norm(self.conv(x)), inplace=True)


class DecoderSet(nn.Module):
    """One set of the generator: coarse motion, pose fusion, convolution (two ResBlocks), up-sampling (Fig. 3)."""

    def __init__(self, level: int, widths: list[int], config: PGMMConfig) -> None:
        super().__init__()
        self.level = level
        features = 2 * widths[level]
        attends = config.pose_fusion in ("attention", "both") and level in config.pfm_levels
        adds = config.pose_fusion in ("add", "both")
        self.coarse_motion = CoarseMotionModule(config.warped)
        self.added_pose = nn.Conv2d(widths[level], features, 1) if adds else None
        self.pose_fusion = (
            PoseFusionModule(widths[level], features, config.pfm_width, config.pfm_position)
            if attends
            else None
        )
        self.convolution = nn.Sequential(*(ResBlock2d(features) for _ in range(config.res_blocks)))
        self.up = UpBlock2d(features, widths[level + 1])

    def fuse(self, decoded: Tensor, skip: Tensor, motion: Motion | None, pose: Tensor | None) -> Tensor:
        """D_i [B, C, h, w], E_i [B, C, h, w], X_p [B, C, h, w] -> the convolution module's output [B, 2C, h, w]."""
        x = self.coarse_motion(decoded, skip, motion, self.level)
        if self.added_pose is not None:
            x = x + self.added_pose(pose)
        if self.pose_fusion is not None:
            x = self.pose_fusion(x, pose)
        return self.convolution(x)


class CoarseMotionModule(nn.Module):
    """X_out = [X_in, (1 - O) * T(F(X_m), X_in)] (PGMM eq. 3), with what is warped settled by P4."""

    def __init__(self, warped: str = "skip") -> None:
        super().__init__()
        self.warped = warped

    def forward(
        self, decoded: Tensor, skip: Tensor, motion: Motion | None, level: int
    ) -> Tensor:  # [B, C, h, w] x2 -> [B, 2C, h, w]
        moved = skip if self.warped == "skip" else decoded
        if motion is not None:
            moved = warp(moved, motion.flows[min(level, len(motion.flows) - 1)], motion.visible[level])
        return _joined(decoded, moved)


def _joined(x: Tensor, beside: Tensor) -> Tensor:  # [B, C, H, W], [B, C', H, W] -> [B, C + C', H, W]
    joined = torch.cat([x, beside.to(x.dtype)], dim=1)
    return joined.contiguous(memory_format=torch.channels_last)


class PoseFusionModule(nn.Module):
    """X_out = X_in + softmax(Q(X_p) K(X_in)^T / sqrt(C)) V(X_in) (PGMM eq. 4 to 6), over all pixels of a level."""

    def __init__(
        self, pose_features: int, features: int, width: int | None = None, position: bool = False
    ) -> None:
        super().__init__()
        width = width or features
        self.query = SameBlock2d(pose_features, width)
        self.key = SameBlock2d(features, width)
        self.value = SameBlock2d(features, width)
        self.out = nn.Conv2d(width, features, 1) if width != features else nn.Identity()
        self.position = position

    def forward(self, x: Tensor, pose: Tensor) -> Tensor:  # [B, C, h, w], [B, C', h, w] -> [B, C, h, w]
        query, key, value = self.query(pose), self.key(x), self.value(x)
        if self.position:
            places = sine_positions(query, *x.shape[-2:])
            query, key = query + places, key + places
        tokens = [t.flatten(2).transpose(1, 2).unsqueeze(1) for t in (query, key, value)]  # [B, 1, h*w, C]
        attended = F.scaled_dot_product_attention(*tokens).squeeze(1)
        return x + self.out(attended.transpose(1, 2).unflatten(2, x.shape[-2:]))


def sine_positions(like: Tensor, height: int, width: int) -> Tensor:  # [B, C, h, w] -> [C, H, W]
    """Sines and cosines of the row in the first half of the features and of the column in the second (P9)."""
    features = like.shape[1]
    quarter = features // 4
    rates = 10_000 ** (-torch.arange(quarter, device=like.device) / quarter)
    rows = torch.arange(height, device=like.device)[:, None] * rates  # [H, C/4]
    columns = torch.arange(width, device=like.device)[:, None] * rates
    by_row = torch.cat([rows.sin(), rows.cos()], dim=1).T[:, :, None].expand(-1, -1, width)
    by_column = torch.cat([columns.sin(), columns.cos()], dim=1).T[:, None, :].expand(-1, height, -1)
    places = torch.cat([by_row, by_column])
    return F.pad(places, (0, 0, 0, 0, 0, features - len(places))).to(like.dtype)
