"""What LMT is measured against in the same frame: the real clip, and the way over a pose (as Text2Sign goes)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from pose_format import Pose
from pose_format.numpy import NumPyPoseBody

from signcore.animation.frames import fit_frame, to_bytes
from signcore.contracts import Context, Sample
from signcore.errors import InputError
from signcore.plugins.lmt.clips import fitted, label_of, places
from signcore.plugins.lmt.config import (
    GlossInputs,
    LMTConfig,
    PoseRouteConfig,
    RealFramesConfig,
    RealFramesInputs,
)
from signcore.types import Image
from signcore.types.video import Video


def truth_of(sample: Sample, config: LMTConfig, fps: float) -> Video:
    """The clip as LMT sees it, with its gloss. Raises InputError where a sample has no video or not exactly one gloss."""
    if sample.video is None or not sample.glosses or len(sample.glosses) != 1:
        raise InputError(f"{sample.id}: needs a video and exactly one gloss")
    video = Video.from_array(fitted(sample.video, places(len(sample.video), config), config), fps)
    video.glosses = list(sample.glosses)
    return video


class RealFrames:
    """The upper bound: the real clip, at LMT's size and with its frames."""

    def __init__(self, config: RealFramesConfig | None = None, context: Context | None = None) -> None:
        self.config = config or RealFramesConfig()
        self.frame = LMTConfig(size=self.config.size)

    def generate(self, inputs: RealFramesInputs) -> Video:
        video = inputs.video
        return Video.from_array(fitted(video, places(len(video), self.frame), self.frame), self.config.fps)

    def inputs_of(self, sample: Sample) -> tuple[RealFramesInputs, Video]:
        truth = truth_of(sample, self.frame, self.config.fps)
        assert sample.video is not None
        return RealFramesInputs(video=sample.video), truth


class PoseRoute:
    """A gloss to a pose to a video through installed parts: the pose of a training clip of that gloss, drawn from `context.seed`,
    moves the person of the still image.

    Raises InputError for a gloss that the dataset lacks, and names the nearest ones.
    """

    def __init__(self, config: PoseRouteConfig | None = None, context: Context | None = None) -> None:
        from signcore.registry import registry, resolve

        self.config, self.context = config or PoseRouteConfig(), context or Context()
        self.frame = LMTConfig(size=self.config.size)
        plain = replace(self.context, weights=None)
        self.dataset = registry.load("dataset", self.config.dataset, plain, **self.config.dataset_settings)
        record, component = registry.find("generator", self.config.animator)
        self.animator = registry.load(
            "generator", self.config.animator, self.context, **self.config.animator_settings
        )
        self.inputs: Any = resolve(record, component, str(component.inputs))
        self.places: dict[str, list[int]] = {}
        for i in range(len(self.dataset)):
            sample = self.dataset[i]
            if sample.split in (None, "train") and len(sample.glosses or []) == 1:
                self.places.setdefault(sample.glosses[0], []).append(i)

    def generate(self, inputs: GlossInputs) -> Video:
        vocabulary = sorted(self.places)
        label = 0 if inputs.gloss is None else label_of(inputs.gloss, vocabulary)
        found = self.places[vocabulary[label]]
        random = np.random.Generator(np.random.PCG64([self.context.seed, label]))
        sample = self.dataset[found[int(random.integers(len(found)))]]
        if sample.pose is None or sample.video is None:
            raise InputError(f"{sample.id}: has no pose or no video to move a picture with")
        wanted = places(len(sample.pose.body.data), self.frame)
        body = sample.pose.body
        pose = Pose(
            sample.pose.header, NumPyPoseBody(self.config.fps, body.data[wanted], body.confidence[wanted])
        )
        driving = Video.from_array(np.stack([sample.video[int(i)] for i in wanted]), self.config.fps)
        made = self.animator.generate(self.inputs(source=inputs.source, driving=driving, driving_pose=pose))
        frames = [to_bytes(fit_frame(frame, self.config.size)[None])[0] for frame in made]
        return Video.from_array(np.stack(frames), self.config.fps)

    def inputs_of(self, sample: Sample) -> tuple[GlossInputs, Video]:
        truth = truth_of(sample, self.frame, self.config.fps)
        assert sample.video is not None
        assert sample.glosses is not None
        return GlossInputs(
            gloss=sample.glosses[0], source=Image(np.ascontiguousarray(sample.video[0]))
        ), truth
