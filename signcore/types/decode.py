"""Reading videos through PyAV: an index of frame times is made once without decoding, frames are decoded when asked for."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from signcore.errors import InputError
from signcore.types.image import SUFFIXES as IMAGE_SUFFIXES
from signcore.types.image import read_image
from signcore.types.video import Video

SUFFIXES = (".mp4", ".webm", ".gif", ".mov", ".mkv", ".avi", ".m4v")
IRREGULAR = 0.5  # a frame interval that differs from the median by more than this share means a variable rate
_MIN_FPS, _MAX_FPS = 0.01, 1000.0


def read_video(path: str | Path, fps: float | None = None) -> Video:
    """Open a video file (.mp4 .webm .gif .mov .mkv .avi) or a folder of images; frames are decoded when used.

    Rotation metadata is applied, alpha is laid over white, grey and 10-bit become 8-bit RGB. A variable frame rate is
    resampled to its median rate (each output frame shows what was on screen at its time). fps: for a folder of images
    (25 where not given); for a file, None keeps its own.
    Raises InputError: absent, not a video, no frames, truncated.
    """
    path = Path(path)
    if path.is_dir():
        return Video(_Folder(path), fps or 25.0, path=path)
    if not path.exists():
        raise InputError(f"{path}: no such video")
    source = _File(path)
    return Video(source, fps or source.fps, path=path)


class _Folder:
    def __init__(self, path: Path) -> None:
        def number(file: Path) -> list[Any]:
            return [int(t) if t.isdigit() else t for t in re.split(r"(\d+)", file.name)]

        self.files = sorted((f for f in path.iterdir() if f.suffix.lower() in IMAGE_SUFFIXES), key=number)
        if not self.files:
            raise InputError(
                f"{path}: a folder without images", f"expected {', '.join(IMAGE_SUFFIXES)} files"
            )
        self.length = len(self.files)
        self.height, self.width = read_image(self.files[0]).array.shape[:2]

    def read(self, indices: range) -> Iterator[np.ndarray]:
        for i in indices:
            frame = read_image(self.files[i]).array
            if frame.shape[:2] != (self.height, self.width):
                raise InputError(
                    f"{self.files[i]}: {frame.shape[1]}x{frame.shape[0]} px, but the folder's first image is "
                    f"{self.width}x{self.height}"
                )
            yield frame


class _File:
    """Frames of one video stream. The decoder stays open between reads that follow each other."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._decoder: tuple[int, Any, Any] | None = (
            None  # next frame's position, the iterator, the container
        )
        try:
            with av.open(str(path)) as container:
                self._index(container)
        except av.error.FFmpegError as error:
            raise InputError(f"{path}: not a readable video ({_reason(error)})") from error

    def _index(self, container: Any) -> None:
        if not container.streams.video:
            raise InputError(f"{self.path}: holds no video stream")
        stream = container.streams.video[0]
        times = [p.pts if p.pts is not None else p.dts for p in container.demux(stream) if p.size]
        promised = stream.frames
        if not times:
            raise InputError(f"{self.path}: holds no frames")
        if any(t is None for t in times):
            times = list(range(len(times)))
        self.stamps = np.unique(np.array(times, np.int64))
        if promised > len(times):
            raise InputError(
                f"{self.path}: truncated, {len(times)} of {promised} frames are left",
                "copy or record the file again",
            )
        base = float(stream.time_base or Fraction(1, 25))
        seconds = (self.stamps - self.stamps[0]) * base
        self._check_length(container, stream, seconds)
        self.fps, self.shown = _constant_rate(seconds, stream.average_rate or stream.guessed_rate)
        self.length = len(self.shown)
        container.seek(int(self.stamps[0]), stream=stream)
        first = next(container.decode(stream), None)
        if first is None:
            raise InputError(f"{self.path}: no frame can be decoded", "the file may be damaged or truncated")
        self.height, self.width = _rgb(first).shape[:2]

    def _check_length(self, container: Any, stream: Any, seconds: np.ndarray) -> None:
        """Matroska promises a duration, not a number of frames."""
        promised = stream.metadata.get("DURATION")
        if promised is None or len(seconds) < 2:
            return
        hours, minutes, rest = promised.split(":")
        promised = int(hours) * 3600 + int(minutes) * 60 + float(rest)
        held = seconds[-1] + float(np.median(np.diff(seconds)))
        if promised - held > max(0.5, 0.02 * promised):
            raise InputError(
                f"{self.path}: truncated, {held:.1f} of {promised:.1f} seconds are left",
                "copy or record the file again",
            )

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if k not in ("_lock", "_decoder")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _lock=threading.Lock(), _decoder=None)

    def read(self, indices: range) -> Iterator[np.ndarray]:
        """A reader that goes on where the last one stopped shares its decoder; others open their own."""
        with self._lock:
            decoder, self._decoder = self._decoder, None
        try:
            wanted = [int(i) for i in self.shown[indices.start : indices.stop]] if indices.step == 1 else None
            wanted = wanted if wanted is not None else [int(self.shown[i]) for i in indices]
            last: tuple[int, np.ndarray] | None = None
            for position in wanted:
                if last is None or last[0] != position:
                    decoder, frame = self._decode(decoder, position)
                    last = (position, frame)
                yield last[1]
        except av.error.FFmpegError as error:
            _close(decoder)
            decoder = None
            raise InputError(
                f"{self.path}: damaged, frame {position} cannot be decoded ({_reason(error)})"
            ) from error
        finally:
            with self._lock:
                if self._decoder is None:
                    self._decoder, decoder = decoder, None
            _close(decoder)

    def _open(self) -> Any:
        container = av.open(str(self.path))
        container.streams.video[0].thread_type = "AUTO"
        return container

    def _decode(self, decoder: Any, position: int) -> tuple[Any, np.ndarray]:
        """Decode the frame at `position`, seeking to the key frame before it unless it is just ahead."""
        if decoder is None or not 0 <= position - decoder[0] <= 64:
            container = decoder[2] if decoder else self._open()
            stream = container.streams.video[0]
            container.seek(int(self.stamps[position]), stream=stream)
            decoder = (position, container.decode(stream), container)
        target = self.stamps[position]
        for frame in decoder[1]:
            stamp = frame.pts if frame.pts is not None else frame.dts
            if stamp is None or stamp >= target:
                pixels = _rgb(frame)
                if pixels.shape[:2] != (self.height, self.width):
                    raise InputError(
                        f"{self.path}: the picture changes from {self.width}x{self.height} to "
                        f"{pixels.shape[1]}x{pixels.shape[0]} px at frame {position}"
                    )
                return (position + 1, decoder[1], decoder[2]), pixels
        raise InputError(
            f"{self.path}: damaged, frame {position} of {len(self.stamps)} cannot be decoded",
            "copy or record the file again",
        )


def _close(decoder: Any) -> None:
    if decoder is not None:
        decoder[2].close()


def _rgb(frame: Any) -> np.ndarray:
    """uint8 RGB [H, W, 3], upright."""
    if any(c.is_alpha for c in frame.format.components):
        rgba = frame.to_ndarray(format="rgba").astype(np.uint16)
        alpha = rgba[..., 3:]
        pixels = ((rgba[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
    else:
        pixels = frame.to_ndarray(format="rgb24")
    turns = round((frame.rotation or 0) / 90) % 4
    return np.ascontiguousarray(np.rot90(pixels, turns)) if turns else pixels


def _constant_rate(seconds: np.ndarray, nominal: Fraction | None) -> tuple[float, np.ndarray]:
    """The rate and, for each output frame, the index of the decoded frame that is on screen at its time."""
    count = len(seconds)
    if count == 1:
        rate = float(nominal or 25)
        return (rate if _MIN_FPS <= rate <= _MAX_FPS else 25.0), np.zeros(1, np.int64)
    steps = np.diff(seconds)
    median = float(np.median(steps))
    if np.all(np.abs(steps - median) <= IRREGULAR * median):
        measured = (count - 1) / float(seconds[-1])
        rate = float(nominal) if nominal and abs(float(nominal) - measured) < 0.01 * measured else measured
        return rate, np.arange(count)
    times = np.arange(round(seconds[-1] / median) + 1) * median
    return 1.0 / median, np.clip(np.searchsorted(seconds, times + 0.5 * median) - 1, 0, count - 1)


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error)).splitlines()[0]
