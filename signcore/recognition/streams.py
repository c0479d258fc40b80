"""Live use: windows over a stream of frames, joined to a growing transcript, in the memory of one window."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from pose_format import Pose
from pose_format.numpy import NumPyPoseBody

from signcore.contracts import Hypothesis
from signcore.errors import InputError, SigncoreError
from signcore.types import Video
from signcore.types.tracks import Tracks

CHUNK = 0.5  # seconds of frames that `video_chunks` hands on together
SETTLED = 0.75  # part of a window before whose end a gloss counts as said: what follows it was seen
SAME = 0.3  # seconds within which the same gloss of two windows is one


def transcribe(
    recognize: Callable[[Any], list[Hypothesis]], chunks: Iterable[Any], window: float, hop: float
) -> Iterator[Hypothesis]:
    """The sentence so far whenever a new look was taken; its times count from the stream's start.

    chunks: Video, Pose or Tracks, all of one kind, as they come. window: seconds that are looked at together; hop: seconds
    between two looks. A gloss becomes final when it lies in the first part of a window. What a stream that stops or changes
    its size midway has given so far is kept: the change is said in one line, and a new window begins.
    Each look yields the whole transcript; only that and one window of frames are held.
    """
    held: deque[Any] = deque()
    begin = length = fresh = (
        0.0  # seconds: of the window's start in the stream, its length, since the last look
    )
    said: list[tuple[str, tuple[float, float]]] = []
    score = 0.0
    shape: Any = None

    def look(last: bool) -> Hypothesis:
        nonlocal score
        best = recognize(_joined(list(held)))[0]
        limit = begin + (length if last else SETTLED * length)
        spans = best.times if best.times is not None else [(0.0, length)] * len(best.glosses)
        for gloss, (start, end) in zip(best.glosses, spans, strict=True):
            middle = begin + (start + end) / 2
            after = said[-1][1][1] if said else -1.0
            again = bool(said) and said[-1][0] == gloss and begin + start < after + SAME
            if middle > after and middle <= limit and not again:
                said.append((gloss, (begin + start, begin + end)))
                score += best.score / max(1, len(best.glosses))
        pending = [
            (g, (begin + a, begin + b))
            for g, (a, b) in zip(best.glosses, spans, strict=True)
            if begin + (a + b) / 2 > limit
        ]
        whole = said + pending
        return Hypothesis([g for g, _ in whole], min(score, 0.0), [t for _, t in whole])

    source = iter(chunks)
    while True:
        try:
            chunk = next(source)
        except StopIteration:
            break
        except (SigncoreError, OSError) as error:
            logging.getLogger("signcore").warning(
                "the stream stopped: %s; what was recognised is kept", error
            )
            break
        if not len(_frames(chunk)):
            continue
        seconds = len(_frames(chunk)) / _rate(chunk)
        if shape is not None and _shape(chunk) != shape and held:
            logging.getLogger("signcore").warning(
                "the stream changed from %s to %s after %.1f s: a new window begins there",
                shape,
                _shape(chunk),
                begin + length,
            )
            yield look(last=True)
            held.clear()
            begin, length = begin + length, 0.0
        shape = _shape(chunk)
        held.append((chunk, seconds))
        length, fresh = length + seconds, fresh + seconds
        while length - held[0][1] >= window:
            _, gone = held.popleft()
            begin, length = begin + gone, length - gone
        if fresh >= hop:
            fresh = 0.0
            yield look(last=False)
    if held:
        yield look(last=True)


def video_chunks(video: Video) -> Iterator[Video]:
    """A video half a second at a time, in order; frames are read when they are needed."""
    step = max(1, round(CHUNK * video.fps))
    for start in range(0, len(video), step):
        yield Video.from_array(video[start : start + step].numpy(), video.fps)


def camera_chunks(source: str | int) -> Iterator[Video]:
    """A webcam (its number) or a stream's address, half a second at a time, until it ends.

    Frames that come faster than they are recognised wait in the camera's own buffer. Raises InputError where it cannot be opened.
    """
    import av

    address, form = str(source), None
    if address.isdigit():
        address, form = f"/dev/video{address}", "v4l2"
    try:
        container = av.open(address, format=form, timeout=10.0)
        stream = container.streams.video[0]
    except (av.FFmpegError, IndexError, OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"video: {source}: cannot be opened as a stream ({reason})") from error
    fps = float(stream.average_rate or stream.guessed_rate or 25)
    step = max(1, round(CHUNK * fps))
    frames: list[np.ndarray] = []
    try:
        for frame in container.decode(stream):
            image = frame.to_ndarray(format="rgb24")
            if frames and frames[0].shape != image.shape:
                yield Video.from_array(np.stack(frames), fps)
                frames = []
            frames.append(image)
            if len(frames) == step:
                yield Video.from_array(np.stack(frames), fps)
                frames = []
    except av.FFmpegError as error:
        raise InputError(f"video: {source}: broke off ({error})") from error
    finally:
        container.close()
        # what was read before a stream broke off is still worth a look
    if frames:
        yield Video.from_array(np.stack(frames), fps)


def _frames(chunk: Any) -> Any:
    return chunk.body.data if isinstance(chunk, Pose) else chunk


def _rate(chunk: Any) -> float:
    return float(chunk.body.fps) if isinstance(chunk, Pose) else float(chunk.fps)


def _shape(chunk: Any) -> str:
    """What must not change within a window, in words."""
    if isinstance(chunk, Pose):
        return f"{chunk.body.data.shape[2]} points at {_rate(chunk):g} a second"
    if isinstance(chunk, Tracks):
        return f"tracks {'+'.join(sorted(chunk.features))} at {chunk.fps:g} a second"
    return f"{chunk.width}x{chunk.height} at {chunk.fps:g} a second"


def _joined(held: list[tuple[Any, float]]) -> Any:
    chunks = [c for c, _ in held]
    first = chunks[0]
    if len(chunks) == 1:
        return first
    if isinstance(first, Pose):
        data = np.ma.concatenate([c.body.data for c in chunks])
        confidence = np.concatenate([c.body.confidence for c in chunks])
        return Pose(first.header, NumPyPoseBody(first.body.fps, data, confidence))
    if isinstance(first, Tracks):
        return Tracks(
            {n: np.concatenate([c.features[n] for c in chunks]) for n in first.features},
            first.fps,
            {n: np.concatenate([c.presence[n] for c in chunks]) for n in first.presence},
        )
    return Video.from_array(np.concatenate([c.numpy() for c in chunks]), first.fps)
