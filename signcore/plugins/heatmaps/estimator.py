"""Poses from frames by a trained heatmap network."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
import torch

from signcore import weights
from signcore.animation.frames import fit_frame, placement
from signcore.animation.heatmaps import LAYOUT
from signcore.contracts import Context
from signcore.nn.heatmap_network import highest, read_network
from signcore.plugins.heatmaps.config import HeatmapsConfig
from signcore.presets import trained_config
from signcore.types.poses import pose_from_keypoints
from signcore.types.video import Video

if TYPE_CHECKING:
    from pose_format import Pose

FLAT = 2 / 255  # a frame whose pixels differ by less shows nobody


class HeatmapEstimator:
    """`estimate(video)` gives a pose of layout `pgmm_36`, frame by frame, in pixels of the video.

    Missing: a point whose chance to be there is below `config.threshold`. Confidence: that chance.
    """

    def __init__(self, config: HeatmapsConfig | None = None, context: Context | None = None) -> None:
        config, self.context = config or HeatmapsConfig(), context or Context()
        found = weights.find(self.context.weights, "estimator", "heatmaps", config.preset)
        self.config = trained_config("heatmaps", config, weights.read(found)[0], found, kind="estimator")
        network, self.names = read_network(found)
        self.network = network.to(self.context.device)

    @torch.inference_mode()
    def estimate(self, video: Video) -> Pose:
        points, chances = [], []
        frames = iter(self.context.progress(video, len(video), "frames"))
        while batch := list(itertools.islice(frames, self.config.batch_frames)):
            images = torch.stack([fit_frame(f, self.config.size, self.config.fit) for f in batch])
            places, there = self.network(images.to(self.context.device))
            differs = images.amax(dim=(2, 3)) - images.amin(dim=(2, 3))
            nobody = (differs.amax(dim=1) < FLAT)[:, None]  # whatever the network makes of a colour alone
            points.append(highest(places).cpu().numpy())
            chances.append(there.float().sigmoid().cpu().masked_fill(nobody, 0).numpy())
        square = placement(video.height, video.width, self.config.fit)
        where = np.concatenate([np.zeros((0, len(self.names), 2), np.float32), *points])
        chance = np.concatenate([np.zeros((0, len(self.names)), np.float32), *chances])
        pixels = where * square.side + (square.x0, square.y0) - 0.5
        outside = ((pixels < -0.5) | (pixels > (video.width - 0.5, video.height - 0.5))).any(axis=-1)
        gone = (chance < self.config.threshold) | outside
        pixels[gone], chance[gone] = np.nan, 0
        return pose_from_keypoints(
            pixels.astype(np.float32),
            LAYOUT,
            fps=video.fps,
            width=video.width,
            height=video.height,
            confidence=chance,
        )
