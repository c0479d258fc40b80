"""The generators: a picture and a driving video in, a video out."""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor

from signcore import weights
from signcore.animation.clips import told
from signcore.animation.compatibility import troubles
from signcore.animation.config import AnimationConfig, AnimationInputs
from signcore.animation.frames import Square, fit_frame, fit_points, person_square, to_bytes
from signcore.animation.heatmaps import point_names, pose_points
from signcore.animation.network import MotionNetwork, Source, channels_last, motion_frame
from signcore.animation.pose_motion import body_scale, bridged, completed, person_mask, retargeted
from signcore.contracts import Context
from signcore.errors import InputError
from signcore.presets import describe, trained_config
from signcore.types import layouts
from signcore.types.image import Image
from signcore.types.video import Video, pose_frames

if TYPE_CHECKING:
    from pose_format import Pose

MAPS = 24  # float32 maps of `width` features at full size that one frame takes at its peak; 12 to 19 were measured
COMPARED_SIDE, COMPARED_FRAMES = 32, 16  # pixels and frames at which source and driving are compared
SAME_PERSON = 0.07  # mean absolute difference on [0, 1]; other people, or other clothes, are above 0.12


class Method(ABC):
    """What tells a method from its kin: its name, its settings and its network."""

    component: ClassVar[str]  # "pgmm": of the generator
    config_class: ClassVar[type[AnimationConfig]]

    @abstractmethod
    def network(self, config: Any) -> MotionNetwork: ...


@dataclass(frozen=True)
class Drive:
    """What moves the source. fps: frames a second. points: the driving pose, float32 [T, P, 2], x and y in [0, 1] across the
    model's square, in mode cross on the source's body; NaN where missing. Where the source's pose is known too: complete, the same
    without gaps, source [1, P, 2], the source's own, and scale, how much larger the source's body is than the driving one."""

    fps: float
    points: np.ndarray
    video: Video | None
    complete: np.ndarray | None = None
    source: np.ndarray | None = None
    scale: float | None = None


class Animator(Method):
    """`generate` makes as many frames as the driving video has, square, `config.size` pixels a side, at its rate, lazily and
    in batches. Frames of another aspect are cropped or padded (`config.fit`), source and driving alike.
    Missing: a missing point of the driving pose gives an empty heatmap; what it would show is left to the coarse motion.
    Raises InputError where the driving video or its pose is absent, or their frames differ in number.
    """

    def __init__(self, config: Any = None, context: Context | None = None) -> None:
        config, self.context = config or self.config_class(), context or Context()
        found = weights.find(self.context.weights, "generator", self.component, config.preset)
        trained, tensors = weights.read(found)
        self.config = trained_config(self.component, config, trained, found)
        model = self.network(self.config)
        weights.load_into(model, tensors, found)
        self.dtype = getattr(torch, self.context.dtype)
        self.model = channels_last(model.eval().requires_grad_(False).to(self.context.device))
        self._looked: tuple[tuple[Image, Video], str] | None = None  # the last pair, and its mode

    @classmethod
    def from_pretrained(cls, source: str | Path, config: Any = None, context: Context | None = None) -> Self:
        """From a folder, a .safetensors file or a hub name."""
        from dataclasses import replace

        return cls(config, replace(context or Context(), weights=str(source)))

    def save_pretrained(self, folder: str | Path, *, half: bool = True) -> Path:
        return weights.save(folder, describe(self.component, self.config), self.model.state_dict(), half=half)

    def generate(self, inputs: AnimationInputs) -> Video:
        if self.config.mirror_driving:
            inputs = mirrored(inputs)
        drive = self._checked(inputs)
        of_source, of_driving = self._squares(inputs)
        still = self._still(drive) if self.config.still_background and self._mode(inputs) == "cross" else None
        with self._running():
            points = (
                torch.from_numpy(drive.source) if self.config.by_pose and drive.source is not None else None
            )
            source = self.model.source(self._batch([inputs.source.array], of_source), points)
            crossing = self._mode(inputs) == "cross"
            relative = crossing and self.config.motion == "relative"
            first = None
            if relative and drive.video is not None:
                first = self.model.keypoints(motion_frame(self._batch([drive.video[0]], of_driving)))
        size, length = self.config.size, len(drive.points)
        count = self.config.batch_frames or affordable_batch(self.context.device, size, self.config.width)

        def make(start: int) -> Iterator[np.ndarray]:
            frames, position = [], start
            given = itertools.repeat(None, length - start) if drive.video is None else drive.video[start:]
            for frame in self.context.progress(given, length - start, "frames"):
                frames.append(frame)
                if len(frames) == count or position + len(frames) == length:
                    part = slice(position, position + len(frames))
                    driving = None if drive.video is None else self._batch(frames, of_driving)
                    made = self._frames(source, first, driving, drive, part, crossing)
                    yield from to_bytes(made if still is None else still(made, part, source))
                    position += len(frames)
                    frames = []

        return Video.from_stream(make, length, size, size, drive.fps)

    def _checked(self, inputs: AnimationInputs) -> Drive:
        """What moves the source. Raises InputError."""
        video, pose = inputs.driving, inputs.driving_pose
        if video is None and not (self.config.by_pose and pose is not None):
            raise InputError(f"driving: {self.component} needs a driving video")
        if video is not None and len(video) == 0:
            raise InputError(f"driving: {self.component} needs a driving video with at least one frame")
        if pose is None and video is not None:
            pose = video.pose
        crossing, config = self._mode(inputs) == "cross", self.config
        stilled = crossing and config.still_background
        if pose is None and not (config.needs_pose or stilled):
            assert video is not None
            return Drive(video.fps, np.full((len(video), 1, 2), np.nan, np.float32), video)
        if pose is None:
            raise InputError(
                f"driving_pose: {self.component} needs the driving video's pose",
                "give one, or name an estimator that makes it",
            )
        if video is not None and len(pose.body.data) != len(video):
            raise InputError(
                f"driving_pose: has {len(pose.body.data)} frames, the driving video has {len(video)}"
            )
        if len(pose.body.data) == 0:
            raise InputError("driving_pose: has no frames")
        fps = float(pose.body.fps) if video is None else video.fps
        of_source, of_driving = self._squares(inputs)
        points = self._points(pose, video if video is not None else pose.header.dimensions, of_driving)
        points = bridged(points, point_names(config.points), config.bridge)
        asked = config.by_pose or stilled  # else the bodies are a help, not a need
        if not (asked or (crossing and self._known_source_pose(inputs) is not None)):
            return Drive(fps, points, video)
        names = point_names(config.points)
        at_rest = self._source_pose(inputs)
        try:
            source = told(
                "source_pose", lambda: completed(self._points(at_rest, inputs.source, of_source), names)
            )
            complete = told("driving_pose", lambda: completed(points, names))
            scale = None
            if crossing:
                scale = told("driving_pose", lambda: body_scale(complete, source[0], names))
                complete = retargeted(complete, source[0], names)
                points = np.where(np.isfinite(points), complete, np.float32(np.nan))
        except InputError:
            if asked:
                raise
            return Drive(fps, points, video)  # `troubles` has said that nobody is seen
        return Drive(fps, points, video, complete, source, scale)

    def _still(self, drive: Drive) -> Callable[[Tensor, slice, Source], Tensor]:
        """What puts the source's pixels back where neither person is."""
        names, size = point_names(self.config.points), self.config.size
        assert drive.source is not None
        assert drive.complete is not None
        here, moving = drive.source, drive.complete

        def put_back(made: Tensor, part: slice, source: Source) -> Tensor:
            with self._running():
                both = torch.from_numpy(np.concatenate([here, moving[part]])).to(made.device)
                masks = person_mask(both, names, size, size)
                inside = torch.maximum(masks[:1], masks[1:])
                return made.float() * inside + source.frame.float() * (1 - inside)

        return put_back

    def _points(self, pose: Pose, of: Any, fit: str | Square) -> np.ndarray:
        """float32 [T, P, 2], x and y in [0, 1] across the model's square. of: what has the picture's `height` and `width`."""
        if min(of.height, of.width) < 1:
            raise InputError("pose: its header gives the picture no size")
        return fit_points(pose_points(pose, self.config.points), of.height, of.width, fit)

    def _known_source_pose(self, inputs: AnimationInputs) -> Pose | None:
        pose = inputs.source_pose if inputs.source_pose is not None else inputs.source.pose
        return None if pose is None or len(pose.body.data) == 0 else pose

    def _source_pose(self, inputs: AnimationInputs) -> Pose:  # of one frame
        pose = self._known_source_pose(inputs)
        if pose is None:
            raise InputError(
                "source_pose: motion from poses, fit=person and still_background=true need the source's pose too",
                "give one, put a .pose beside the picture, or name an estimator",
            )
        return pose_frames(pose, range(1))

    def troubles(self, inputs: AnimationInputs) -> list[str]:
        """What will go wrong with these inputs, a line each, from the poses that are known (`signcore doctor --source --driving`)."""
        if self.config.mirror_driving:
            inputs = mirrored(inputs)
        video, pose = inputs.driving, inputs.driving_pose
        if pose is None and video is not None:
            pose = video.pose
        if pose is None or len(pose.body.data) == 0:
            return []
        crossing, at_rest, still = self._mode(inputs) == "cross", self._known_source_pose(inputs), None
        of_source, of_driving = self._squares(inputs)
        if crossing and at_rest is not None:
            still = self._points(pose_frames(at_rest, range(1)), inputs.source, of_source)[0]
        moving = self._points(pose, video if video is not None else pose.header.dimensions, of_driving)
        follows = crossing and self.config.motion == "relative" and not self.config.by_pose
        found = troubles(still, moving, point_names(self.config.points), relative=follows)
        if crossing and at_rest is None and self.config.needs_pose:
            found.append(
                "source: its pose is not known, so hands are drawn where the driving person has them; give --source-pose, or put a "
                ".pose beside the picture"
            )
        return found

    def _squares(self, inputs: AnimationInputs) -> tuple[str | Square, str | Square]:
        """What is cut out of the source, and of the driving frames."""
        fit = self.config.fit
        if fit != "person":
            return fit, fit
        video, pose = inputs.driving, inputs.driving_pose
        if pose is None and video is not None:
            pose = video.pose
        if pose is None:
            raise InputError(
                "driving_pose: fit=person needs the driving video's pose",
                "give one, or name an estimator that makes it",
            )
        names = point_names(self.config.points)

        def around(name: str, pose: Pose, of: Any) -> Square:
            points = pose_points(pose, self.config.points)
            return told(name, lambda: person_square(points, names, of.height, of.width))

        size = video if video is not None else pose.header.dimensions
        source = around("source_pose", self._source_pose(inputs), inputs.source)
        return source, around("driving_pose", pose, size)

    def judge(self, inputs: AnimationInputs) -> tuple[list[str], Video | None]:
        """None without a driving video. The driving video at the model's size is the truth where source and driving are one person; else only
        steadiness can be compared. It carries the driving pose, in its own pixels, where there is one."""
        size, driving = self.config.size, inputs.driving
        if driving is None:
            return [], None
        if self.config.mirror_driving:
            inputs = mirrored(inputs)
            driving = inputs.driving
            assert driving is not None
        place = self._squares(inputs)[1]
        names = ["l1", "psnr", "ssim", "tcd"] if self._mode(inputs) == "reconstruction" else ["tcd"]
        pose = inputs.driving_pose if inputs.driving_pose is not None else driving.pose
        if pose is not None:
            pose = fitted(pose, driving, size, place)

        def make(start: int) -> Iterator[np.ndarray]:
            return (to_bytes(fit_frame(f, size, place)[None])[0] for f in driving[start:])

        return names, Video.from_stream(make, len(driving), size, size, driving.fps, pose=pose)

    def _mode(self, inputs: AnimationInputs) -> str:
        """The mode, or, for "auto", reconstruction where some driving frame looks like the source; a pose alone is another's."""
        if self.config.mode != "auto":
            return self.config.mode
        if inputs.driving is None:
            return "cross"
        pair = inputs.source, inputs.driving
        if self._looked is None or any(a is not b for a, b in zip(pair, self._looked[0], strict=True)):
            self._looked = pair, self._look(inputs)
        return self._looked[1]

    def _look(self, inputs: AnimationInputs) -> str:
        assert inputs.driving is not None
        of_source, of_driving = self._squares(inputs)
        source = fit_frame(inputs.source.array, COMPARED_SIDE, of_source)
        every = max(1, len(inputs.driving) // COMPARED_FRAMES)
        frames = (fit_frame(f, COMPARED_SIDE, of_driving) for f in inputs.driving[::every])
        nearest = min(float((frame - source).abs().mean()) for frame in frames)
        return "reconstruction" if nearest < SAME_PERSON else "cross"

    def _running(self) -> torch.autograd.grad_mode.inference_mode:
        return torch.inference_mode()

    def _batch(self, frames: list[np.ndarray], fit: str | Square) -> Tensor:
        """uint8 [H, W, 3] each to [B, 3, size, size] in [0, 1]."""
        batch = torch.stack([fit_frame(frame, self.config.size, fit) for frame in frames])
        return batch.to(self.context.device, memory_format=torch.channels_last)

    def _frames(
        self,
        source: Source,
        first: Any,
        driving: Tensor | None,  # [B, 3, size, size]; None where poses alone make the motion
        drive: Drive,
        part: slice,  # of the drive, that is to be made
        crossing: bool,
    ) -> Tensor:  # [B, 3, size, size] in [0, 1]
        half = self.dtype != torch.float32
        kind = torch.device(self.context.device).type
        with self._running(), torch.autocast(kind, self.dtype if half else None, enabled=half):
            background = None
            if self.config.by_pose:
                assert drive.complete is not None
                complete = torch.from_numpy(drive.complete[part]).to(source.frame)
                keypoints = self.model.keypoints(source.motion_frame, complete)
            else:
                assert driving is not None
                small = motion_frame(driving)
                keypoints = self.model.keypoints(small)
                if first is not None:
                    keypoints = self.model.relative(source.keypoints, keypoints, first, drive.scale)
                elif crossing and self.config.motion == "avd":
                    keypoints = self.model.disentangled(source.expand(len(driving)).keypoints, keypoints)
                if self.model.background is not None and not crossing:
                    background = self.model.background(source.motion_frame.expand_as(small), small)
            where = torch.from_numpy(drive.points[part]).to(source.frame)
            prediction: Tensor = self.model(
                source.expand(len(where)), keypoints, where, background
            ).prediction
            return prediction


def affordable_batch(device: str, size: int, width: int) -> int:
    """Frames at a time: 8, on a GPU 32, or fewer, a power of two, where a quarter of the free memory does not hold them."""
    on_gpu = torch.device(device).type == "cuda"
    free = torch.cuda.mem_get_info(device)[0] if on_gpu else free_memory()
    fit = free // 4 // (MAPS * 4 * width * size * size)
    return min(32 if on_gpu else 8, 1 << max(0, fit.bit_length() - 1))


def free_memory() -> int:
    """Bytes that this machine can give without swapping; much, where it does not say so."""
    try:
        with Path("/proc/meminfo").open(encoding="ascii") as lines:
            told = next(line for line in lines if line.startswith("MemAvailable:"))
        return int(told.split()[1]) << 10
    except (OSError, StopIteration, ValueError):
        return 1 << 40


def mirrored(inputs: AnimationInputs) -> AnimationInputs:
    """The driving video and its pose, left and right exchanged."""
    video, pose = inputs.driving, inputs.driving_pose
    if video is not None:
        pose = pose if pose is not None else video.pose

        def make(start: int) -> Iterator[np.ndarray]:
            return (np.ascontiguousarray(frame[:, ::-1]) for frame in inputs.driving[start:])  # type: ignore[index]

        video = Video.from_stream(make, len(video), video.height, video.width, video.fps)
    return inputs.model_copy(
        update={"driving": video, "driving_pose": None if pose is None else layouts.mirror(pose)}
    )


def fitted(pose: Pose, video: Video, size: int, fit: str | Square) -> Pose | None:
    """A video's pose in the pixels of the squares that `fit_frame` makes of its frames; None where it is not of this video."""
    from pose_format import Pose
    from pose_format.numpy import NumPyPoseBody
    from pose_format.pose_header import PoseHeader, PoseHeaderDimensions

    header, body, of = pose.header, pose.body, pose.header.dimensions
    if len(body.data) != len(video) or min(of.width, of.height) < 1:
        return None
    data, across = body.data.copy(), np.array([of.width, of.height], np.float32)
    data[..., :2] = fit_points((data[..., :2] + 0.5) / across, video.height, video.width, fit) * size - 0.5
    square = PoseHeader(header.version, PoseHeaderDimensions(size, size, of.depth), header.components)
    return Pose(square, NumPyPoseBody(body.fps, data, body.confidence))
