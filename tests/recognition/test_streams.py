from __future__ import annotations

import logging

import numpy as np

from signcore.contracts import Hypothesis
from signcore.errors import InputError
from signcore.recognition.streams import transcribe, video_chunks
from signcore.types import Video

FPS = 10.0


def reader(seen=None):
    """Reads every bright frame as a sign named after its brightness; what it is shown is noted in `seen`."""

    def recognize(video):
        frames = video.numpy()[:, 0, 0, 0]
        if seen is not None:
            seen.append(len(frames))
        starts = [i for i, v in enumerate(frames) if v and (i == 0 or frames[i - 1] != v)]
        ends = [
            next((j for j in range(i, len(frames)) if frames[j] != frames[i]), len(frames)) for i in starts
        ]
        times = [(i / video.fps, j / video.fps) for i, j in zip(starts, ends, strict=True)]
        return [Hypothesis([f"S{frames[i]}" for i in starts], -1.0, times)]

    return recognize


def stream(signs, size=8):
    """A sign of a second, a pause of a second, and so on."""
    values = [v for s in signs for v in [s] * 10 + [0] * 10]
    frames = np.zeros((len(values), size, size, 3), np.uint8)
    frames[:] = np.array(values, np.uint8)[:, None, None, None]
    return Video.from_array(frames, FPS)


def test_the_transcript_grows_and_holds_every_sign_once():
    signs = list(range(1, 13))
    looks = list(transcribe(reader(), video_chunks(stream(signs)), window=6.0, hop=1.0))
    assert looks[-1].glosses == [f"S{s}" for s in signs]
    starts = [a for a, _ in looks[-1].times]
    np.testing.assert_allclose(starts, np.arange(len(signs)) * 2.0, atol=1e-6)
    lengths = [len(look.glosses) for look in looks]
    assert lengths[0] < 3 < lengths[-1]


def test_a_long_stream_is_held_a_window_at_a_time():
    seen = []
    for _ in transcribe(reader(seen), video_chunks(stream([1, 2] * 60)), window=6.0, hop=2.0):
        pass
    assert max(seen) <= (6.0 + 0.5) * FPS


def test_the_same_sign_twice_is_said_twice():
    *_, last = transcribe(reader(), video_chunks(stream([5, 5, 5])), window=8.0, hop=1.0)
    assert last.glosses == ["S5", "S5", "S5"]


def test_a_stream_that_stops_keeps_what_it_said(caplog):
    def broken():
        yield from list(video_chunks(stream([1, 2])))
        raise InputError("the camera is gone")

    with caplog.at_level(logging.WARNING, "signcore"):
        *_, last = transcribe(reader(), broken(), window=6.0, hop=1.0)
    assert last.glosses == ["S1", "S2"]
    assert "the stream stopped: the camera is gone" in caplog.text


def test_a_stream_that_changes_size_goes_on_in_a_new_window(caplog):
    chunks = [*video_chunks(stream([1, 2])), *video_chunks(stream([3], size=16))]
    with caplog.at_level(logging.WARNING, "signcore"):
        *_, last = transcribe(reader(), chunks, window=6.0, hop=1.0)
    assert last.glosses == ["S1", "S2", "S3"]
    assert "changed from 8x8 at 10 a second to 16x16 at 10 a second after 4.0 s" in caplog.text
    assert last.times[-1][0] == 4.0


def test_a_stream_of_nothing_says_nothing():
    assert list(transcribe(reader(), [], window=6.0, hop=1.0)) == []
