"""Streams of convolutions as a recognizer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from signcore import weights
from signcore.contracts import Context, Hypothesis
from signcore.errors import InputError, WeightsError
from signcore.plugins.streams.config import StreamsConfig
from signcore.plugins.streams.model import StreamsModel
from signcore.presets import describe, trained_config
from signcore.recognition import ctc
from signcore.recognition.augment import mirrored
from signcore.recognition.ngrams import Ngrams
from signcore.recognition.samples import pose_of
from signcore.recognition.skeleton import Skeleton, active, mirror_order, resampled, skeleton
from signcore.recognition.vocabulary import Vocabulary


class PoseStreams:
    """One sign a clip, or a sentence, from a pose of the points that it was trained on.

    Missing: points that the clip's layout lacks are 0. A clip with nobody in it gives one empty hypothesis.
    """

    takes = ("pose", "video")

    def __init__(self, config: StreamsConfig | None = None, context: Context | None = None) -> None:
        config, self.context = config or StreamsConfig(), context or Context()
        source = weights.find(self.context.weights, "recognizer", "pose-streams", config.preset)
        self.model, self.config, self.names, self.dims, self.vocabulary, self.follows = load(config, source)
        self.model.eval().requires_grad_(False).to(self.context.device)

    def recognize(self, sample: Any) -> list[Hypothesis]:
        try:
            found = skeleton(pose_of(sample), self.dims)
        except InputError as error:
            if "no frame shows a person" in str(error):
                return [Hypothesis([], 0.0, [])]
            raise
        return decode(self.model, found.take(self.names), self.vocabulary, self.config, self.follows)


def decode(
    model: StreamsModel,
    found: Skeleton,
    vocabulary: Vocabulary,
    config: StreamsConfig,
    follows: Ngrams | None = None,
) -> list[Hypothesis]:
    """The best hypotheses for a skeleton of the model's points. follows: of sentences, what comes after what."""
    points = brought(found, config, model.sentence)
    both = config.both_sides and not model.sentence
    sides = [points, mirrored(points, mirror_order(found.names))] if both else [points]
    device = next(model.parameters()).device
    with torch.inference_mode():
        logs = model.log_probabilities(torch.from_numpy(np.stack(sides)).to(device))
        table = logs.mean(dim=0).log_softmax(dim=-1).double().cpu().numpy()
    seconds = len(found) / found.fps
    if not model.sentence:
        order = np.argsort(-table, kind="stable")[: config.hypotheses]
        return [Hypothesis([vocabulary.glosses[i]], float(table[i]), [(0.0, seconds)]) for i in order]
    table -= config.levelling * model.usual.double().clamp(min=1e-6).log().cpu().numpy()
    table -= np.logaddexp.reduce(table, axis=1, keepdims=True)
    a_step = seconds / len(table)
    readings = ctc.beam_search(table, config.beam, follows=follows, weight=config.language)
    return [
        Hypothesis(
            [vocabulary.glosses[i - 1] for i in reading.labels],
            min(reading.score, 0.0),
            [(a * a_step, (b + 1) * a_step) for a, b in reading.spans],
        )
        for reading in readings[: config.hypotheses]
    ]


def brought(found: Skeleton, config: StreamsConfig, sentence: bool) -> np.ndarray:
    """The points [T, K, D] at `frames` (one sign, without rest) or at `fps` (sentences)."""
    found = found if sentence else active(found)
    count = max(8, round(len(found) * config.fps / found.fps)) if sentence else config.frames
    return resampled(found.points, np.linspace(0, len(found) - 1, count))


def described(
    config: StreamsConfig,
    names: tuple[str, ...],
    dims: int,
    vocabulary: Vocabulary,
    follows: Ngrams | None = None,
) -> dict[str, Any]:
    return describe(
        "pose-streams",
        config,
        kind="recognizer",
        points=list(names),
        coordinates=dims,
        glosses=vocabulary.glosses,
        **({} if follows is None else {"ngrams": follows.counts}),
    )


def load(
    config: StreamsConfig, source: str | Path
) -> tuple[StreamsModel, StreamsConfig, tuple[str, ...], int, Vocabulary, Ngrams | None]:
    trained, tensors = weights.read(source)
    config = trained_config("pose-streams", config, trained, source, kind="recognizer")
    try:
        names, dims = tuple(trained["points"]), int(trained["coordinates"])
        vocabulary = Vocabulary(trained["glosses"])
        follows = Ngrams(trained["ngrams"]) if config.reads == "sentence" else None
    except (KeyError, TypeError, ValueError) as error:
        raise WeightsError(f"{source}: its config names no points, glosses or n-grams ({error})") from error
    classes = len(vocabulary.glosses) + (config.reads == "sentence")
    model = StreamsModel(config, names, dims, classes)
    weights.load_into(model, tensors, str(source))
    return model, config, names, dims, vocabulary, follows
