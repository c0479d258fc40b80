"""What Ham2Pose must beat: a pose that rests (Table 2), a training pose at random, and that of the nearest notation."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from pose_format import Pose

from signcore.contracts import Context, Sample
from signcore.errors import InputError
from signcore.plugins.ham2pose.config import Ham2PoseConfig, Ham2PoseInputs, RecalledConfig, RestingConfig
from signcore.plugins.ham2pose.generator import Ham2Pose
from signcore.types import hamnosys, preprocess


class Resting:
    """The first pose, held as long as Ham2Pose's length predictor says."""

    def __init__(self, config: RestingConfig | None = None, context: Context | None = None) -> None:
        self.config = config or RestingConfig()
        self.ham2pose = Ham2Pose(Ham2PoseConfig(preset=self.config.preset), context)

    def generate(self, inputs: Ham2PoseInputs) -> Pose:
        of = self.ham2pose
        given = inputs.first_pose if self.config.pose == "first" else None
        length = inputs.length or sum(of.length(text) for text in hamnosys.split_signs(inputs.notation))
        frames = np.repeat(of.first_points(given)[None], length, axis=0)
        return preprocess.in_pixels(frames, of.layout, fps=of.config.fps, size=of.config.size)

    def inputs_of(self, sample: Sample) -> tuple[Ham2PoseInputs, Pose]:
        return self.ham2pose.inputs_of(sample)


class _Recalled:
    """A pose of the training set."""

    def __init__(self, config: RecalledConfig | None = None, context: Context | None = None) -> None:
        self.config, self.context = config or RecalledConfig(), context or Context()

    @cached_property
    def training(self) -> list[Sample]:
        from signcore.registry import registry

        dataset = registry.load("dataset", self.config.dataset, self.context, **self.config.dataset_settings)
        found = [
            s for s in (dataset[i] for i in range(len(dataset))) if s.split in (None, "train") and s.notation
        ]
        if not found:
            raise InputError(f"dataset: {self.config.dataset} has no training sample with a notation")
        return found

    def inputs_of(self, sample: Sample) -> tuple[Ham2PoseInputs, Pose]:
        if sample.notation is None or sample.pose is None:
            raise InputError(f"{sample.id}: has no {'notation' if sample.notation is None else 'pose'}")
        return Ham2PoseInputs(notation=sample.notation), sample.pose


class RandomPose(_Recalled):
    """The pose of a training sign drawn from the seed and the notation."""

    def generate(self, inputs: Ham2PoseInputs) -> Pose:
        seed = [self.context.seed, *inputs.notation.encode()]
        random = np.random.Generator(np.random.PCG64(seed))
        return self.training[int(random.integers(len(self.training)))].pose


class NearestNotation(_Recalled):
    """The pose of the training sign whose notation is at the least edit distance; of equals the first."""

    def generate(self, inputs: Ham2PoseInputs) -> Pose:
        distances = edit_distances(inputs.notation, self.notations)
        return self.training[int(distances.argmin())].pose

    @cached_property
    def notations(self) -> np.ndarray:
        return coded([s.notation or "" for s in self.training])


def coded(texts: list[str]) -> np.ndarray:
    """Code points, int32 [N, longest], 0 after the end."""
    out = np.zeros((len(texts), max(map(len, texts))), np.int32)
    for row, text in zip(out, texts, strict=True):
        row[: len(text)] = [ord(c) for c in text]
    return out


def edit_distances(text: str, others: np.ndarray) -> np.ndarray:
    """Levenshtein distance of a text from every row of `coded` texts, int [N]: one symbol after the other, all rows at once."""
    lengths = (others != 0).sum(axis=1)
    row = np.broadcast_to(np.arange(others.shape[1] + 1), (len(others), others.shape[1] + 1)).copy()
    places = np.arange(others.shape[1] + 1)
    for i, character in enumerate(text, 1):
        change = np.minimum(row[:, :-1] + (others != ord(character)), row[:, 1:] + 1)
        best = np.concatenate([np.full((len(others), 1), i), change], axis=1)
        # an insertion may follow any cheaper cell to the left, at one a step
        row = np.minimum.accumulate(best - places, axis=1) + places
    return row[np.arange(len(others)), lengths]
