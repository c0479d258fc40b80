from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from signcore import weights
from signcore.contracts import Context, Hypothesis
from signcore.errors import InputError, WeightsError
from signcore.plugins.corrnet.config import CorrNetConfig
from signcore.plugins.corrnet.model import CorrNetModel, padded
from signcore.presets import describe, trained_config
from signcore.recognition import ctc
from signcore.recognition.frames import frames_of, to_network
from signcore.recognition.vocabulary import Vocabulary
from signcore.types import Video


class CorrNet:
    """Glosses of a video, with their times, best first. Public weights (their names; no vocabulary within) need `glosses`."""

    takes = ("video",)

    def __init__(self, config: CorrNetConfig | None = None, context: Context | None = None) -> None:
        config, self.context = config or CorrNetConfig(), context or Context()
        source = weights.find(self.context.weights, "recognizer", "corrnet", config.preset)
        model, self.config, self.vocabulary = load(config, source)
        self.model = model.eval().requires_grad_(False).to(self.context.device)

    def recognize(self, sample: Any) -> list[Hypothesis]:
        if not isinstance(sample, Video):
            raise InputError("corrnet: reads videos only", "give --video")
        if not len(sample):
            raise InputError("video: holds no frames")
        frames = frames_of(sample, self.config.fps, self.config.size)
        return decode(self.model, frames, self.vocabulary, self.config)


def decode(
    model: CorrNetModel, frames: np.ndarray, vocabulary: Vocabulary, config: CorrNetConfig
) -> list[Hypothesis]:
    """frames: uint8 [T, H, W, 3] at `config.fps`."""
    device = next(model.parameters()).device
    shown = padded(to_network(frames)).transpose(0, 1)[None].to(device)
    with torch.inference_mode():
        logits, _, _ = model(shown, torch.tensor([shown.shape[2]]))
        logs = logits[:, 0].log_softmax(dim=-1).double().cpu().numpy()
    a_step = len(frames) / config.fps / len(logs)
    return [
        Hypothesis(
            [vocabulary.glosses[i - 1] for i in r.labels],
            min(r.score, 0.0),
            [(a * a_step, (b + 1) * a_step) for a, b in r.spans],
        )
        for r in ctc.beam_search(logs, config.beam)[: config.hypotheses]
    ]


def load(config: CorrNetConfig, source: str | Path) -> tuple[CorrNetModel, CorrNetConfig, Vocabulary]:
    trained, tensors = weights.read(source)
    config = trained_config("corrnet", config, trained, source, kind="recognizer")
    glosses = config.glosses or trained.get("glosses")
    if not glosses:
        raise WeightsError(
            f"{source}: names no glosses", '--set glosses=\'["A", "B"]\' in the order of its classes'
        )
    model = CorrNetModel(config, len(glosses) + 1)
    own = model.state_dict()
    kept = {n.removeprefix("module."): v for n, v in tensors.items()}
    kept = {n: v for n, v in kept.items() if n in own or not n.startswith(("conv2d.fc.", "conv2d.alpha_"))}
    if config.shared_classifier and "conv1d.fc.weight" not in kept and "classifier.weight" in kept:
        kept["conv1d.fc.weight"] = kept["classifier.weight"]
    weights.load_into(model, kept, str(source))
    return model, config, Vocabulary(glosses)


def described(config: CorrNetConfig, vocabulary: Vocabulary) -> dict[str, Any]:
    return describe("corrnet", config, kind="recognizer", glosses=vocabulary.glosses)
