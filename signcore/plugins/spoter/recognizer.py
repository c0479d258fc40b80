from __future__ import annotations

from typing import Any

import numpy as np
import torch

from signcore import weights
from signcore.contracts import Context, Hypothesis
from signcore.errors import InputError, WeightsError
from signcore.plugins.spoter.config import SpoterConfig
from signcore.plugins.spoter.model import SpoterModel, build
from signcore.plugins.spoter.skeletons import Points, normalised_body, normalised_hands, points_of
from signcore.presets import describe, trained_config
from signcore.recognition.samples import pose_of
from signcore.recognition.skeleton import resampled
from signcore.recognition.vocabulary import Vocabulary


class Spoter:
    """SPOTER (Boháček and Hrúz 2022): one sign a clip, best first. A clip with nobody in it gives one empty hypothesis."""

    takes = ("pose", "video")

    def __init__(self, config: SpoterConfig | None = None, context: Context | None = None) -> None:
        config, self.context = config or SpoterConfig(), context or Context()
        source = weights.find(self.context.weights, "recognizer", "spoter", config.preset)
        trained, tensors = weights.read(source)
        self.config = trained_config("spoter", config, trained, source, kind="recognizer")
        if not isinstance(trained.get("glosses"), list):
            raise WeightsError(f"{source}: its config names no glosses")
        self.vocabulary = Vocabulary(trained["glosses"])
        self.model = build(self.config, len(self.vocabulary.glosses))
        weights.load_into(self.model, tensors, str(source))
        self.model.eval().requires_grad_(False).to(self.context.device)

    def recognize(self, sample: Any) -> list[Hypothesis]:
        pose = pose_of(sample)
        body, hands = points_of(pose)
        if not body.any() and not hands.any():
            return [Hypothesis([], 0.0, [])]
        seconds = len(body) / float(pose.body.fps)
        return decode(self.model, body, hands, self.vocabulary, self.config, seconds)


def decode(
    model: SpoterModel,
    body: Points,
    hands: Points,
    vocabulary: Vocabulary,
    config: SpoterConfig,
    seconds: float,
) -> list[Hypothesis]:
    frames = torch.from_numpy(frames_of(body, hands, config.frames)).to(next(model.parameters()).device)
    with torch.inference_mode():
        logs = model(frames[:, None])[0].log_softmax(dim=-1).double().cpu().numpy()
    order = np.argsort(-logs, kind="stable")[: config.hypotheses]
    return [Hypothesis([vocabulary.glosses[i]], float(logs[i]), [(0.0, seconds)]) for i in order]


def frames_of(body: Points, hands: Points, count: int | None) -> np.ndarray:
    """float32 [T, 108] as the network reads them: normalised, 0 where missing, half a box to the left and down."""
    if not body.size:
        raise InputError("pose: holds no frames")
    points = np.concatenate([normalised_body(body), normalised_hands(hands)], axis=1)
    missing = np.concatenate([body, hands], axis=1)[..., :1] == 0
    points = np.where(missing, 0.0, points - 0.5).astype(np.float32)
    points = np.nan_to_num(points, posinf=0, neginf=0)
    if count is not None:
        points = resampled(points, np.linspace(0, len(points) - 1, count))
    return points.reshape(len(points), -1)


def described(config: SpoterConfig, vocabulary: Vocabulary) -> dict[str, Any]:
    return describe("spoter", config, kind="recognizer", glosses=vocabulary.glosses)
