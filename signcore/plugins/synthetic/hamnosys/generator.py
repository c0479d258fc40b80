from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from signcore.contracts import Context, Sample
from signcore.errors import InputError
from signcore.plugins.synthetic import truth
from signcore.plugins.synthetic.config import HamnosysConfig, HamnosysInputs
from signcore.plugins.synthetic.hamnosys.performance import Performance, frontal, perform
from signcore.plugins.synthetic.render import Renderer, View
from signcore.plugins.synthetic.signer import Signer
from signcore.types import layouts
from signcore.types.hamnosys.reading import split_signs
from signcore.types.video import Video

if TYPE_CHECKING:
    from pose_format import Pose


class Generator:
    """HamNoSys to a pose by rules alone; several signs run into one another without rest in between.

    The pose is in pixels of a picture of `width` x `height`. Missing: legs, and points outside the picture.
    Raises InputError for a notation that is empty or ill-formed; the line names the symbol.
    """

    def __init__(self, config: HamnosysConfig | None = None, context: Context | None = None) -> None:
        self.config, self.context = config or HamnosysConfig(), context or Context()
        c = self.config
        signer = frontal(Signer.sample(c.signer), c.left_handed, float(np.deg2rad(c.turn)))
        self.signer = replace(signer, habits=replace(signer.habits, tempo=signer.habits.tempo * c.speed))
        self._performance: Performance | None = None

    def generate(self, inputs: HamnosysInputs) -> Pose:
        c = self.config
        signs = split_signs(inputs.notation)
        self._performance = perform(signs, self.signer, c.fps, c.rest, self.context.seed)
        view = View(self.signer, c.width, c.height)
        pose = truth.pose(self._performance.joints, self.signer, view, c.fps)
        return pose if c.layout == "openpose_137" else layouts.to_layout(pose, c.layout)

    def inputs_of(self, sample: Sample) -> tuple[HamnosysInputs, Pose]:
        """The inputs that a dataset's sample stands for, and the truth."""
        if sample.notation is None or sample.pose is None:
            raise InputError(f"{sample.id}: has no {'notation' if sample.notation is None else 'pose'}")
        return HamnosysInputs(notation=sample.notation), sample.pose

    def views(self, product: Pose) -> dict[str, Video]:
        """The signer rendered with the pose that was generated last; frames are made when they are read."""
        if self._performance is None:
            return {}
        joints, c = self._performance.joints, self.config
        renderer = Renderer(self.signer, c.width, c.height)
        frames = Video.from_frames(
            lambda i: renderer.render(joints, i).image, len(joints), c.height, c.width, c.fps, pose=product
        )
        return {"video": Video.from_array(frames.numpy(), c.fps, pose=product)}
