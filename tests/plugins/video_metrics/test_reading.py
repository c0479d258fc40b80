"""What a recognizer reads in generated videos."""

from __future__ import annotations

import numpy as np
import pytest

from signcore.contracts import Hypothesis
from signcore.errors import InputError
from signcore.plugins.video_metrics.config import SLRWERConfig
from signcore.plugins.video_metrics.reading import SLRWER
from signcore.registry import Registry
from signcore.types.video import Video

WORDS = {10: "HOUSE", 20: "DRINK", 30: "MOTHER"}


class Reader:
    """Reads a gloss from a frame's brightness; black frames say nothing, and nothing at all is no hypothesis."""

    def recognize(self, video):
        told = [WORDS[int(f.max())] for f in video.numpy() if f.max()]
        return [Hypothesis(told, -1.0), Hypothesis([], -2.0)] if told else []


class Brightened:
    def estimate(self, video):
        return Video.from_array(video.numpy() + 10, video.fps)


@pytest.fixture
def metric(monkeypatch):
    made = {"reader": Reader(), "brightened": Brightened()}
    monkeypatch.setattr(Registry, "load", lambda self, kind, name, *_, **__: made[name])
    return lambda **settings: SLRWER(SLRWERConfig(recognizer="reader", **settings))


def video(*levels: int, glosses: str | None = None) -> Video:
    made = Video.from_array(np.stack([np.full((4, 4, 3), level, np.uint8) for level in levels]), 25)
    made.glosses = None if glosses is None else glosses.split()
    return made


def test_edits_of_the_predicted_and_of_the_real_videos_are_counted_apart(metric):
    judge, other = metric(), metric()
    judge.update(video(10, 30, 30), video(10, 20, 30, glosses="HOUSE DRINK MOTHER"))
    other.update(video(0, 0), video(20, 10, glosses="DRINK"))
    assert judge.compute() == {"slr-wer": pytest.approx(100 / 3), "slr-wer-real": 0.0}
    judge.merge(other)
    assert judge.compute() == {"slr-wer": pytest.approx(50), "slr-wer-real": pytest.approx(25)}
    assert "recognizer:reader" in judge.signature()
    assert "videos:2" in judge.signature()


def test_an_estimator_may_stand_between(metric):
    judge = metric(estimator="brightened")
    judge.update(video(10), video(20, glosses="DRINK"))
    assert judge.compute() == {"slr-wer": 0.0, "slr-wer-real": 100.0}


def test_a_video_that_does_not_say_its_glosses_judges_nothing(metric):
    judge = metric()
    with pytest.raises(InputError, match="which glosses it shows"):
        judge.update(video(10), video(10))
    with pytest.raises(InputError, match="no videos"):
        judge.compute()
