"""A clip: one signer, one sentence, one picture size; frames and truth are made when asked for."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from signcore.plugins.synthetic import truth
from signcore.plugins.synthetic.performance import Performance, perform
from signcore.plugins.synthetic.render import Renderer, Truth, View
from signcore.plugins.synthetic.signer import TEST_SEEDS, Signer
from signcore.types.image import Image
from signcore.types.video import Video

if TYPE_CHECKING:
    from pose_format import Pose

EXAMPLE_SIGNER = TEST_SEEDS + 3
EXAMPLE_SIZE = 128
EXAMPLE_GLOSSES = ("FIRE", "BOOK")
EXAMPLE_NOTATION = (  # both hands come down from the forehead while the fingers play, twice
    "hamsymmlr hamfinger2345 hamextfingeru hampalmd hamforehead hamlrbeside hamparbegin hammoved hamlargemod "
    "hamfingerplay hamparend hamrepeatfromstart"
)


class Clip:
    """`clip.video()`, `clip.pose()`, `clip.truth(t)`. The same arguments give the same bytes in every process."""

    def __init__(
        self,
        glosses: Sequence[str],
        signer: Signer,
        width: int = 128,
        height: int = 128,
        fps: float = 25.0,
        *,
        rest: bool = True,
        variant: int = 0,
        frames: int | None = None,
    ) -> None:
        """rest: begin and end with the hands before the waist. variant: another take. frames: keep at most so many."""
        self.glosses, self.signer, self.width, self.height, self.fps = (
            tuple(glosses),
            signer,
            width,
            height,
            fps,
        )
        self._rest, self._variant, self._frames = rest, variant, frames

    @cached_property
    def performance(self) -> Performance:
        return perform(self.glosses, self.signer, self.fps, self._rest, self._variant)

    @cached_property
    def renderer(self) -> Renderer:
        return Renderer(self.signer, self.width, self.height)

    @cached_property
    def view(self) -> View:
        return View(self.signer, self.width, self.height)

    def __len__(self) -> int:
        count = len(self.performance.joints)
        return count if self._frames is None else min(count, self._frames)

    def truth(self, frame: int) -> Truth:
        """Frame, depth and parts."""
        return self.renderer.render(self.performance.joints, range(len(self))[frame])

    def keypoints(self) -> tuple[np.ndarray, np.ndarray]:
        """Pixels [T, 137, 2] and camera metres [T, 137, 3]. Missing: NaN, see `truth.keypoints`."""
        pixels, metres = truth.keypoints(self.performance.joints, self.signer, self.view)
        return pixels[: len(self)], metres[: len(self)]

    def pose(self, missing: float = 0.0) -> Pose:
        """The exact pose, or one whose hands are lost in a share `missing` of the frames."""
        from pose_format import Pose
        from pose_format.numpy import NumPyPoseBody

        seed = self.signer.seed * 1000 + self._variant
        whole = truth.pose(self.performance.joints, self.signer, self.view, self.fps, missing, seed)
        n = len(self)
        return Pose(whole.header, NumPyPoseBody(self.fps, whole.body.data[:n], whole.body.confidence[:n]))

    def video(self) -> Video:
        """The frames, rendered when read; the exact pose travels with them as `video.pose`."""
        return Video.from_frames(
            lambda i: self.truth(i).image, len(self), self.height, self.width, self.fps, pose=self.pose()
        )


def embedded_source() -> Image:
    """The embedded example's image: uint8 [128, 128, 3], a held-out signer at rest; `.pose` is exact, of one frame."""
    from pose_format import Pose

    clip = Clip(EXAMPLE_GLOSSES, Signer.sample(EXAMPLE_SIGNER), EXAMPLE_SIZE, EXAMPLE_SIZE, variant=1)
    pose = clip.pose()
    return Image(clip.truth(0).image, pose=Pose(pose.header, pose.body.select_frames([0])))


def embedded_driving() -> Video:
    """The embedded example's driving clip: the same held-out signer signs; `.pose` is exact."""
    return Clip(EXAMPLE_GLOSSES, Signer.sample(EXAMPLE_SIGNER), EXAMPLE_SIZE, EXAMPLE_SIZE).video()


def write_rendering(folder: str | Path, name: str, video: Video) -> Path:
    """Write NAME.mp4, NAME.pose and the mark NAME.pose.json by which the synthetic estimator knows its own; returns the .mp4.

    video: one that carries its pose, as `Clip.video` and `embedded_driving` make them.
    """
    import json

    from signcore.errors import InputError
    from signcore.types import write_pose, write_video
    from signcore.types.files import replacing, sha256

    if video.pose is None:
        raise InputError("video: carries no exact pose, only renderings of the synthetic signer do")
    path = Path(folder) / f"{name}.mp4"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_video(path, video)
    write_pose(path.with_suffix(".pose"), video.pose)
    mark = {
        "maker": "signcore synthetic",
        "video": sha256(path),
        "pose": sha256(path.with_suffix(".pose")),
        "frames": len(video),
    }
    with replacing(path.with_suffix(".pose.json")) as temporary:
        temporary.write_text(json.dumps(mark))
    return path
