"""Trivial generators: what a method must beat before its numbers mean anything."""

from __future__ import annotations

import numpy as np

from signcore.contracts import Context
from signcore.errors import InputError
from signcore.plugins.baselines.config import NearestConfig, NearestInputs, StillConfig, StillInputs
from signcore.types.resize import fit_image, fit_video
from signcore.types.video import Video

THUMBNAIL = 32  # pixels a side at which frames are compared


class RepeatSource:
    """The source picture in every frame."""

    def __init__(self, config: StillConfig | None = None, context: Context | None = None) -> None:
        self.config = config or StillConfig()

    def generate(self, inputs: StillInputs) -> Video:
        if len(inputs.driving) == 0:
            raise InputError("driving: holds no frames")
        size = self.config.size
        still = fit_image(inputs.source.array, size, size, self.config.fit)
        return Video.from_frames(lambda _: still, len(inputs.driving), size, size, inputs.driving.fps)

    def judge(self, inputs: StillInputs) -> tuple[list[str], Video]:
        return ["l1", "psnr", "ssim", "tcd"], fit_video(
            inputs.driving, self.config.size, self.config.size, self.config.fit
        )


class NearestFrame:
    """For every driving frame the nearest frame of a dataset (mean absolute difference at 32 px)."""

    def __init__(self, config: NearestConfig | None = None, context: Context | None = None) -> None:
        self.config, self.context = config or NearestConfig(), context or Context()

    def generate(self, inputs: NearestInputs) -> Video:
        from signcore.registry import registry

        c = self.config
        dataset = registry.load("dataset", c.dataset, self.context, **c.dataset_settings)
        frames = [
            fit_image(frame, c.size, c.size, c.fit)
            for i in self.context.progress(
                range(min(c.clips, len(dataset))), min(c.clips, len(dataset)), "clips"
            )
            if dataset[i].video is not None
            for frame in dataset[i].video
        ]
        if not frames:
            raise InputError(f"dataset: {c.dataset} has no video frames")
        small = np.stack([_thumbnail(f) for f in frames])
        nearest = [
            int(np.abs(small - _thumbnail(f)).mean(axis=1).argmin())
            for f in fit_video(inputs.driving, c.size, c.size, c.fit)
        ]
        return Video.from_frames(
            lambda i: frames[nearest[i]], len(nearest), c.size, c.size, inputs.driving.fps
        )

    def judge(self, inputs: NearestInputs) -> tuple[list[str], Video]:
        return ["l1", "psnr", "ssim", "tcd"], fit_video(
            inputs.driving, self.config.size, self.config.size, self.config.fit
        )


def _thumbnail(frame: np.ndarray) -> np.ndarray:
    return fit_image(frame, THUMBNAIL, THUMBNAIL).astype(np.float32).ravel()
