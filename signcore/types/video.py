"""Video: uint8 RGB frames [T, H, W, 3] at a constant rate, made or read lazily."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, overload

import numpy as np

from signcore.errors import InputError

if TYPE_CHECKING:
    from pose_format import Pose


class FrameSource(Protocol):
    """Where frames come from: `read(indices)` yields uint8 [H, W, 3] in the order asked for."""

    length: int
    height: int
    width: int

    def read(self, indices: range) -> Iterator[np.ndarray]: ...


class _Array:
    def __init__(self, frames: np.ndarray) -> None:
        self.frames = frames
        self.length, self.height, self.width = frames.shape[:3]

    def read(self, indices: range) -> Iterator[np.ndarray]:
        return (self.frames[i] for i in indices)


class _Function:
    def __init__(self, function: Callable[[int], np.ndarray], length: int, height: int, width: int) -> None:
        self.function, self.length, self.height, self.width = function, length, height, width

    def read(self, indices: range) -> Iterator[np.ndarray]:
        return (self.function(i) for i in indices)


class _Stream:
    """Frames that are best made in order: `make(start)` yields the frames from `start` on."""

    def __init__(
        self, make: Callable[[int], Iterator[np.ndarray]], length: int, height: int, width: int
    ) -> None:
        self.make, self.length, self.height, self.width = make, length, height, width

    def read(self, indices: range) -> Iterator[np.ndarray]:
        if len(indices) == 0:
            return
        if indices.step < 1:
            for i in indices:
                yield next(iter(self.make(i)))
            return
        for i, frame in enumerate(self.make(indices.start), indices.start):
            if i in indices:
                yield frame
            if i >= indices[-1]:
                return


class Video:
    """uint8 RGB frames [T, H, W, 3] and `fps`; `video[i]` is a frame, `video[a:b]` a Video, both without reading the rest.

    fps: frames a second, finite and positive. path: the file it was read from, or None.
    pose: the exact pose of every frame where the maker of the video knows it (the synthetic signer), else None.
    glosses: what is signed, where a metric has to know it and the maker says so, else None.
    """

    glosses: list[str] | None = None

    def __init__(
        self,
        source: FrameSource,
        fps: float,
        *,
        path: Path | None = None,
        indices: range | None = None,
        pose: Pose | None = None,
    ) -> None:
        if not (np.isfinite(fps) and fps > 0):
            raise InputError(f"fps: expected a positive number of frames a second, got {fps}")
        self._source, self.fps, self.path, self.pose = source, float(fps), path, pose
        self._indices = range(source.length) if indices is None else indices

    @classmethod
    def from_array(cls, frames: np.ndarray, fps: float = 25.0, *, pose: Pose | None = None) -> Video:
        """frames: uint8 [T, H, W, 3]."""
        frames = np.asarray(frames)
        if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[3] != 3:
            raise InputError(f"frames: expected uint8 [T, H, W, 3], got {frames.dtype} {list(frames.shape)}")
        return cls(_Array(frames), fps, pose=pose)

    @classmethod
    def from_frames(
        cls,
        function: Callable[[int], np.ndarray],
        length: int,
        height: int,
        width: int,
        fps: float = 25.0,
        *,
        pose: Pose | None = None,
    ) -> Video:
        """function(i) makes frame i, uint8 [H, W, 3], whenever it is asked for."""
        return cls(_Function(function, length, height, width), fps, pose=pose)

    @classmethod
    def from_stream(
        cls,
        make: Callable[[int], Iterator[np.ndarray]],
        length: int,
        height: int,
        width: int,
        fps: float = 25.0,
        *,
        pose: Pose | None = None,
    ) -> Video:
        """make(start) yields frames `start`, `start + 1`, ...: for makers that work in batches."""
        return cls(_Stream(make, length, height, width), fps, pose=pose)

    def __len__(self) -> int:
        return len(self._indices)

    @property
    def height(self) -> int:
        return self._source.height

    @property
    def width(self) -> int:
        return self._source.width

    @property
    def shape(self) -> tuple[int, int, int, int]:
        return len(self), self.height, self.width, 3

    @property
    def seconds(self) -> float:
        return len(self) / self.fps

    @overload
    def __getitem__(self, index: int) -> np.ndarray: ...
    @overload
    def __getitem__(self, index: slice) -> Video: ...
    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            pose = None if self.pose is None else pose_frames(self.pose, range(len(self))[index])
            fps = self.fps / abs(index.step or 1)
            return Video(self._source, fps, path=self.path, indices=self._indices[index], pose=pose)
        i = self._indices[index]
        return next(iter(self._source.read(range(i, i + 1))))

    def __iter__(self) -> Iterator[np.ndarray]:
        return iter(self._source.read(self._indices))

    def numpy(self) -> np.ndarray:
        """All frames in memory, uint8 [T, H, W, 3]."""
        if isinstance(self._source, _Array) and self._indices == range(self._source.length):
            return self._source.frames
        out = np.empty(self.shape, np.uint8)
        for i, frame in enumerate(self):
            out[i] = frame
        return out

    def __repr__(self) -> str:
        name = f" {self.path.name}" if self.path else ""
        return f"<Video{name} {len(self)} frames {self.width}x{self.height} at {self.fps:g} fps>"


def pose_frames(pose: Pose, frames: range) -> Pose:
    """The pose of chosen frames; every n-th one has an n-th of the rate."""
    from pose_format import Pose
    from pose_format.numpy import NumPyPoseBody

    index = np.arange(frames.start, frames.stop, frames.step)
    body = NumPyPoseBody(pose.body.fps / abs(frames.step), pose.body.data[index], pose.body.confidence[index])
    return Pose(pose.header, body)


KEPT_BYTES = 2 << 30


def kept(video: Video) -> Video:
    """The same frames, made once and held in memory; the video itself where they would take more than 2 GiB."""
    if np.prod(video.shape, dtype=np.int64) > KEPT_BYTES:
        return video
    held = Video.from_array(video.numpy(), video.fps, pose=video.pose)
    held.glosses = video.glosses
    return held
