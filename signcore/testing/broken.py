"""One component broken on purpose for each check of the kit: what the kit must catch, and nothing else of it.

`GOOD` holds a small sound component of every kind; `BROKEN` maps (kind, check) to one that differs from it in that alone.
"""

from __future__ import annotations

import itertools
import socket
from abc import ABC, abstractmethod
from dataclasses import replace
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from signcore.component import Component
from signcore.contracts import Hypothesis, Sample
from signcore.errors import InputError
from signcore.types import Pose, Video
from signcore.types.poses import pose_from_keypoints
from signcore.types.video import pose_frames

HERE = "signcore.testing.broken"


class Config(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    size: int = Field(3, ge=1, le=9, description="how large", json_schema_extra={"unit": "frames"})


class NoBounds(Config):
    size: int = Field(3, description="how large")


class TakesAnything(BaseModel):
    size: int = Field(3, ge=1, description="how large")


class NoPickle(Config):
    def __reduce__(self) -> Any:
        return Config, ()

    size: int = Field(4, ge=1, description="how large")


class VideoInputs(BaseModel):
    model_config = ConfigDict(arbitrary_types_allowed=True)

    driving: Video = Field(description="what is followed")
    driving_pose: Pose | None = Field(None, description="its pose", json_schema_extra={"pose_of": "driving"})


class Built:
    def __init__(self, config: Any = None, context: Any = None) -> None:
        self.config, self.context = config, context


_COUNT = itertools.count(1)  # what changes from one call to the next


# --- estimators


class Estimator(Built):
    """Finds the brightest place of every frame."""

    def estimate(self, video: Video) -> Pose:
        points = np.full((len(video), 137, 2), np.nan, np.float32)
        for t, frame in enumerate(video):
            grey = frame.sum(axis=2)
            if grey.max() > 0:
                y, x = divmod(int(grey.argmax()), video.width)
                points[t, :] = (x, y)
                points[t, ::2] += 5
        return pose_from_keypoints(
            points, "openpose_137", fps=video.fps, width=video.width, height=video.height
        )


class OtherRate(Estimator):
    def estimate(self, video: Video) -> Pose:
        pose = super().estimate(video)
        pose.body.fps = 7.5
        return pose


class OtherSize(Estimator):
    def estimate(self, video: Video) -> Pose:
        pose = super().estimate(video)
        pose.header.dimensions.width += 1
        return pose


class Normalised(Estimator):
    def estimate(self, video: Video) -> Pose:
        pose = super().estimate(video)
        pose.body.data = pose.body.data / 1000
        return pose


class Inventive(Estimator):
    def estimate(self, video: Video) -> Pose:
        points = np.full((len(video), 137, 2), 20.0)
        points[:, ::2] = 40
        return pose_from_keypoints(
            points, "openpose_137", fps=video.fps, width=video.width, height=video.height
        )


class NeedsTwoFrames(Estimator):
    def estimate(self, video: Video) -> Pose:
        _ = video[1]
        return super().estimate(video)


class Moody(Estimator):
    def estimate(self, video: Video) -> Pose:
        pose = super().estimate(video)
        pose.body.data = pose.body.data + next(_COUNT) * 0.001
        return pose


class Scribbles(Estimator):
    def estimate(self, video: Video) -> Pose:
        made = super().estimate(video)
        video._source.frames[:, 0, 0] = next(_COUNT) % 200  # type: ignore[attr-defined]
        return made


# --- generators


class Generator(Built):
    """Mirrors the driving video."""

    def generate(self, inputs: VideoInputs) -> Any:
        pose = inputs.driving_pose
        if pose is not None and len(pose.body.data) != len(inputs.driving):
            raise InputError("driving_pose: has another number of frames than the driving video")
        return Video.from_array(np.ascontiguousarray(inputs.driving.numpy()[:, :, ::-1]), inputs.driving.fps)


class OwnVideo(Video):
    pass


class MakesItsOwn(Generator):
    """A video of a class that nobody else knows."""

    def generate(self, inputs: VideoInputs) -> Any:
        return OwnVideo(super().generate(inputs)._source, inputs.driving.fps)


class Fickle(Generator):
    """Its frames differ when asked for alone."""

    def generate(self, inputs: VideoInputs) -> Any:
        driving, whole = inputs.driving, [True]

        def make(start: int) -> Any:
            part, whole[0] = start > 0, False
            return (frame // 2 if part else frame for frame in driving[start:])

        return Video.from_stream(make, len(driving), driving.height, driving.width, driving.fps)


class Dice(Generator):
    def generate(self, inputs: VideoInputs) -> Any:
        frames = inputs.driving.numpy().copy()
        frames[:, 0, 0] = next(_COUNT) % 251
        return Video.from_array(frames, inputs.driving.fps)


class ChangesInputs(Generator):
    def generate(self, inputs: VideoInputs) -> Any:
        made = super().generate(inputs)
        body = inputs.driving.pose.body  # type: ignore[union-attr]
        body.data = body.data + 1
        return made


class NeedsTwo(Generator):
    def generate(self, inputs: VideoInputs) -> Any:
        _ = inputs.driving[1]
        return super().generate(inputs)


class NeedsSomebody(Generator):
    def generate(self, inputs: VideoInputs) -> Any:
        if inputs.driving_pose is not None and not (inputs.driving_pose.body.confidence > 0).any():
            raise ZeroDivisionError("mean of nothing")
        return super().generate(inputs)


class HalfBlindToDoubles(Generator):
    def generate(self, inputs: VideoInputs) -> Any:
        made = super().generate(inputs)
        double = inputs.driving_pose is not None and inputs.driving_pose.body.data.dtype == np.float64
        return Video.from_array(255 - made.numpy(), made.fps) if double else made


# --- recognizers


class Recognizer(Built):
    """Reads how bright a clip is."""

    vocabulary = ("BRIGHT", "DARK")

    def recognize(self, sample: Any) -> list[Hypothesis]:
        if not isinstance(sample, Video):
            raise InputError("sample: expected a video")
        if sample.numpy().max() == 0:
            return [Hypothesis([], 0.0)]
        return [
            Hypothesis(["BRIGHT"], -0.1, [(0.0, len(sample) / sample.fps)]),
            Hypothesis(["DARK"], -2.0, [(0.0, len(sample) / sample.fps)]),
        ]


class _Changed(Recognizer, ABC):
    @abstractmethod
    def change(self, found: list[Hypothesis]) -> list[Hypothesis]: ...

    def recognize(self, sample: Any) -> list[Hypothesis]:
        found = super().recognize(sample)
        return self.change(found) if found[0].glosses else found


class WorstFirst(_Changed):
    def change(self, found: list[Hypothesis]) -> list[Hypothesis]:
        return found[::-1]


class Percentages(_Changed):
    def change(self, found: list[Hypothesis]) -> list[Hypothesis]:
        return [replace(h, score=h.score + 90) for h in found]


class Sentences(_Changed):
    def change(self, found: list[Hypothesis]) -> list[Hypothesis]:
        return [replace(h, glosses=["IT IS", *h.glosses[1:]]) for h in found]


class Backwards(_Changed):
    def change(self, found: list[Hypothesis]) -> list[Hypothesis]:
        return [replace(h, times=[(0.4, 0.1)]) for h in found]


class SeesGhosts(Recognizer):
    def recognize(self, sample: Any) -> list[Hypothesis]:
        found = super().recognize(sample)
        return found if found[0].glosses else [Hypothesis(["DARK"], -1.0)]


class NeedsMotion(Recognizer):
    def recognize(self, sample: Any) -> list[Hypothesis]:
        found = super().recognize(sample)
        _ = sample[1]
        return found


class Undecided(_Changed):
    def change(self, found: list[Hypothesis]) -> list[Hypothesis]:
        return [replace(h, score=h.score - next(_COUNT) * 0.001) for h in found]


class Eats(Recognizer):
    def recognize(self, sample: Any) -> list[Hypothesis]:
        found = super().recognize(sample)
        if sample.pose is not None:
            sample.pose.body.data = sample.pose.body.data + 1
        return found


# --- metrics


class Metric(Built):
    """Mean distance of points."""

    name = "sound"
    symmetric = True

    def __init__(self, config: Any = None, context: Any = None) -> None:
        super().__init__(config, None)
        self.reset()

    def reset(self) -> None:
        self.values: list[float] = []

    def update(self, prediction: Pose, reference: Pose) -> None:
        away = np.ma.filled(np.ma.masked_invalid(prediction.body.data - reference.body.data), 0)
        self.values.append(float(np.sqrt((np.asarray(away) ** 2).sum(-1)).mean()))

    def compute(self) -> dict[str, float]:
        return {self.name: float(np.mean(self.values)) if self.values else float("nan")}

    def merge(self, other: Metric) -> None:
        self.values += other.values

    def signature(self) -> str:
        return f"{self.name}|version:1"


class LikesNoise(Metric):
    def compute(self) -> dict[str, float]:
        return {k: abs(v - 1.5) for k, v in super().compute().items()}


class NaNs(Metric):
    def compute(self) -> dict[str, float]:
        return {**super().compute(), "hands": float("nan")}


class Lopsided(Metric):
    def update(self, prediction: Pose, reference: Pose) -> None:
        super().update(prediction, reference)
        spread = (float(np.ma.filled(p.body.data, 0).std()) for p in (prediction, reference))
        self.values[-1] *= 1 + max(0.0, next(spread) - next(spread))


class MeanOfMeans(Metric):
    def merge(self, other: Metric) -> None:
        self.values = [(float(np.mean(self.values)) + float(np.mean(other.values))) / 3]


class Remembers(Metric):
    def reset(self) -> None:
        self.values = getattr(self, "values", [])[:1]


class Drifts(Metric):
    def compute(self) -> dict[str, float]:
        found = super().compute()
        if self.values:
            self.values[0] += 0.1
        return found


class ZeroOfNothing(Metric):
    def compute(self) -> dict[str, float]:
        return super().compute() if self.values else {self.name: 0.0}


class Anonymous(Metric):
    def signature(self) -> str:
        return "version:1"


class Unpicklable(Metric):
    def __getstate__(self) -> Any:
        return {"config": self.config, "context": None, "values": [v / 2 for v in self.values]}


class Rounds(Metric):
    def update(self, prediction: Pose, reference: Pose) -> None:
        super().update(prediction, reference)
        prediction.body.data = prediction.body.data.round() + next(_COUNT)


# --- datasets


class Dataset(Built):
    """Three empty recordings."""

    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int) -> Sample:
        if not 0 <= index < len(self):
            raise IndexError(f"sample {index} of {len(self)}")
        return Sample(id=f"s{index}", glosses=["A"], split="train", video=self.video, pose=self.pose)

    def video(self) -> Video:
        return Video.from_array(np.zeros((4, 8, 8, 3), np.uint8), 10)

    def pose(self) -> Pose:
        return pose_from_keypoints(np.zeros((4, 137, 2)), "openpose_137", fps=10, width=8, height=8)


class Empty(Dataset):
    """Says that it holds one sample, and gives something else."""

    def __getitem__(self, index: int) -> Any:
        found = super().__getitem__(index)
        return _NotASample(found)


class _NotASample:
    def __init__(self, sample: Sample) -> None:
        self.sample = sample

    def __getattr__(self, name: str) -> Any:
        return getattr(self.sample, name)


class Wraps(Dataset):
    def __getitem__(self, index: int) -> Sample:
        return super().__getitem__(index % len(self))


class Eager(Dataset):
    def __getitem__(self, index: int) -> Sample:
        import contextlib

        import av

        with contextlib.suppress(Exception):
            av.open("/nowhere/at-all.mp4")
        return super().__getitem__(index)


class Shuffled(Dataset):
    def __getitem__(self, index: int) -> Sample:
        sample = super().__getitem__(index)
        sample.signer = str(next(_COUNT))
        return sample


class OddSplit(Dataset):
    def __getitem__(self, index: int) -> Sample:
        sample = super().__getitem__(index)
        sample.split = "holdout"
        return sample


class OneId(Dataset):
    def __getitem__(self, index: int) -> Sample:
        sample = super().__getitem__(index)
        sample.id = "same"
        return sample


class ShortPose(Dataset):
    def pose(self) -> Pose:
        return pose_frames(super().pose(), range(3))


class CallsHome(Dataset):
    def __getitem__(self, index: int) -> Sample:
        import contextlib

        with contextlib.suppress(OSError):
            socket.getaddrinfo("example.invalid", 80)
        return super().__getitem__(index)


def _component(kind: str, target: str, **more: Any) -> Component:
    given = {
        "config": f"{HERE}:Config",
        **({"inputs": f"{HERE}:VideoInputs"} if kind == "generator" else {}),
        **more,
    }
    if kind == "metric":
        given.setdefault("output", "pose")
    return Component(
        kind=kind, name="sound", summary="For the kit itself.", target=f"{HERE}:{target}", **given
    )


GOOD = {
    kind: _component(kind, kind.capitalize())
    for kind in ("estimator", "generator", "recognizer", "metric", "dataset")
}
BROKEN = {
    ("dataset", "imports-light"): _component("dataset", "Dataset", config="signcore.testing.heavy:Config"),
    ("dataset", "targets-resolve"): _component("dataset", "Dataset", task=f"{HERE}:NoSuchTask"),
    ("dataset", "settings-documented"): _component("dataset", "Dataset", config=f"{HERE}:NoBounds"),
    ("dataset", "config-pickles"): _component("dataset", "Dataset", config=f"{HERE}:NoPickle"),
    ("dataset", "unknown-settings-refused"): _component("dataset", "Dataset", config=f"{HERE}:TakesAnything"),
    **{
        (kind, check): _component(kind, target)
        for kind, check, target in (
            ("estimator", "frames-and-rate-match", "OtherRate"),
            ("estimator", "size-matches", "OtherSize"),
            ("estimator", "points-in-pixels", "Normalised"),
            ("estimator", "nobody-is-missing", "Inventive"),
            ("estimator", "one-frame-works", "NeedsTwoFrames"),
            ("estimator", "same-twice", "Moody"),
            ("estimator", "input-unchanged", "Scribbles"),
            ("generator", "makes-what-it-declares", "MakesItsOwn"),
            ("generator", "frames-are-pictures", "Fickle"),
            ("generator", "same-seed-same-bytes", "Dice"),
            ("generator", "inputs-unchanged", "ChangesInputs"),
            ("generator", "one-frame-is-enough", "NeedsTwo"),
            ("generator", "nobody-is-told", "NeedsSomebody"),
            ("generator", "precision-does-not-count", "HalfBlindToDoubles"),
            ("recognizer", "hypotheses-best-first", "WorstFirst"),
            ("recognizer", "scores-are-log-probabilities", "Percentages"),
            ("recognizer", "labels-are-glosses", "Sentences"),
            ("recognizer", "times-are-in-the-clip", "Backwards"),
            ("recognizer", "nobody-gives-nothing", "SeesGhosts"),
            ("recognizer", "one-frame-is-read-or-told", "NeedsMotion"),
            ("recognizer", "same-sample-same-glosses", "Undecided"),
            ("recognizer", "sample-unchanged", "Eats"),
            ("metric", "best-at-identity", "LikesNoise"),
            ("metric", "scores-are-numbers", "NaNs"),
            ("metric", "declared-symmetry", "Lopsided"),
            ("metric", "merge-equals-whole", "MeanOfMeans"),
            ("metric", "reset-forgets", "Remembers"),
            ("metric", "compute-repeats", "Drifts"),
            ("metric", "nothing-is-no-score", "ZeroOfNothing"),
            ("metric", "signature-names-it", "Anonymous"),
            ("metric", "metric-pickles", "Unpicklable"),
            ("metric", "pair-unchanged", "Rounds"),
            ("dataset", "holds-samples", "Empty"),
            ("dataset", "index-errors", "Wraps"),
            ("dataset", "fields-load-lazily", "Eager"),
            ("dataset", "same-every-time", "Shuffled"),
            ("dataset", "splits-are-known", "OddSplit"),
            ("dataset", "ids-tell-samples-apart", "OneId"),
            ("dataset", "pose-fits-its-video", "ShortPose"),
            ("dataset", "no-network", "CallsHome"),
        )
    },
}
