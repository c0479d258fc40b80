"""Writing videos through PyAV (H.264 in .mp4 and .mov, VP9 in .webm) and Pillow (.gif); a folder takes PNG images."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from signcore.errors import InputError, WorkError
from signcore.types.files import replacing
from signcore.types.video import Video

_CODECS = {
    ".mp4": ("libx264", {"crf": "18", "preset": "medium"}),
    ".mov": ("libx264", {"crf": "18", "preset": "medium"}),
    ".webm": ("libvpx-vp9", {"crf": "24", "b": "0", "row-mt": "1"}),
}
_MP4 = {"movflags": "+faststart+use_metadata_tags"}
_SMALL = 128  # px; in smaller pictures x264's look-ahead (mbtree) reads past what it was given, and the same frames come out as other bytes
_BT709 = 1  # AVCOL_SPC_BT709, what browsers assume of an untagged file


def write_video(
    path: str | Path,
    video: Video | Iterable[np.ndarray],
    fps: float | None = None,
    metadata: dict[str, str] | None = None,
) -> None:
    """Write frames by the path's suffix: .mp4 .mov .webm .gif, or no suffix for a folder of PNG images.

    video: a Video, or frames uint8 [H, W, 3] with `fps`; frames are taken one at a time, so an hour fits in memory.
    Odd sizes keep their size (4:4:4 chroma). The file appears whole or not at all.
    Raises InputError for no frames or an unknown suffix; WorkError where it cannot be written (disk full, no permission).
    """
    path = Path(path)
    rate = fps or getattr(video, "fps", None)
    if rate is None:
        raise InputError("fps: needed where the frames are not a Video")
    suffix = path.suffix.lower()
    if suffix not in (*_CODECS, ".gif", ""):
        raise InputError(
            f"{path}: cannot write {suffix}", "use .mp4, .mov, .webm, .gif, or no suffix for images"
        )
    frames = iter(video)
    first = next(frames, None)
    if first is None:
        raise InputError(f"{path}: no frames to write")
    frames = chain([first], frames)
    write = _write_folder if suffix == "" else _write_gif if suffix == ".gif" else _write_av
    import av

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            write(temporary, frames, first, rate, metadata or {})
    except (OSError, av.error.FFmpegError) as error:
        raise WorkError(f"{path}: cannot be written ({getattr(error, 'strerror', None) or error})") from error


def _write_av(
    path: Path, frames: Iterator[np.ndarray], first: np.ndarray, fps: float, metadata: dict[str, str]
) -> None:
    import av

    codec, options = _CODECS[path.suffix.lower()]
    height, width = first.shape[:2]
    flags = _MP4 if codec == "libx264" else {}
    if codec == "libx264" and min(height, width) < _SMALL:
        options = {**options, "mbtree": "0"}
    with av.open(str(path), "w", options=flags) as container:
        container.metadata.update(metadata)
        stream: Any = container.add_stream(
            codec, rate=Fraction(fps).limit_denominator(100_000), options=options
        )
        stream.width, stream.height = width, height
        stream.pix_fmt = "yuv420p" if width % 2 == height % 2 == 0 else "yuv444p"
        stream.codec_context.colorspace = _BT709
        stream.codec_context.color_primaries = _BT709
        stream.codec_context.color_trc = _BT709
        for i, pixels in enumerate(frames):
            if pixels.shape != first.shape:
                raise InputError(
                    f"frame {i}: {list(pixels.shape)}, but the first frame is {list(first.shape)}"
                )
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
            frame = frame.reformat(format=stream.pix_fmt, dst_colorspace=_BT709)
            frame.pts = i
            frame.time_base = 1 / stream.codec_context.framerate
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def join_videos(path: Path, parts: Sequence[Path], metadata: dict[str, str] | None = None) -> None:
    """One .mp4 of several that were written alike (same size and rate), without encoding anew. Raises WorkError as `write_video`."""
    import av

    try:
        with replacing(path) as temporary, av.open(str(temporary), "w", options=_MP4) as whole:
            whole.metadata.update(metadata or {})
            stream: Any = None
            shift = 0
            for part in parts:
                with av.open(str(part)) as container:
                    here = container.streams.video[0]
                    if stream is None:
                        stream = whole.add_stream_from_template(here)
                    for packet in container.demux(here):
                        if packet.dts is None or packet.pts is None:  # the mark of the end
                            continue
                        packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                        packet.stream = stream
                        whole.mux(packet)
                    shift += here.duration or 0
    except (OSError, av.error.FFmpegError) as error:
        raise WorkError(f"{path}: cannot be written ({getattr(error, 'strerror', None) or error})") from error


def _write_gif(
    path: Path, frames: Iterator[np.ndarray], first: np.ndarray, fps: float, metadata: dict[str, str]
) -> None:
    import PIL.Image

    pictures = (PIL.Image.fromarray(f).quantize(256, dither=PIL.Image.Dither.FLOYDSTEINBERG) for f in frames)
    milliseconds = max(
        20, round(100 / fps) * 10
    )  # the format counts hundredths of a second; players refuse 1
    next(pictures).save(path, save_all=True, append_images=pictures, duration=milliseconds, loop=0)


def _write_folder(
    path: Path, frames: Iterator[np.ndarray], first: np.ndarray, fps: float, metadata: dict[str, str]
) -> None:
    import PIL.Image

    path.mkdir()
    for i, frame in enumerate(frames):
        PIL.Image.fromarray(frame).save(path / f"{i:06d}.png")
