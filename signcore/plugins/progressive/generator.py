"""Progressive Transformers as a generator of poses from HamNoSys: the baseline of Ham2Pose's Table 2."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from pose_format import Pose

from signcore import weights
from signcore.contracts import Context, Sample
from signcore.errors import InputError, WeightsError
from signcore.plugins.progressive.config import ProgressiveConfig, ProgressiveInputs
from signcore.plugins.progressive.model import ProgressiveModel
from signcore.presets import describe, trained_config
from signcore.types import hamnosys, layouts, preprocess

LAYOUT = "openpose_137"


class Progressive:
    """Progressive Transformers (Saunders et al., ECCV 2020), reading HamNoSys.

    As in its public code, what it is judged by is made with the true counter, so it knows the sign's length and timing;
    `length` gives it here. Raises InputError where the notation is empty, too long, or holds an unknown character.
    """

    def __init__(self, config: ProgressiveConfig | None = None, context: Context | None = None) -> None:
        config, self.context = config or ProgressiveConfig(), context or Context()
        found = weights.find(self.context.weights, "generator", "progressive", config.preset)
        model, self.config, self.first = build(config, found)
        self.model = model.eval().requires_grad_(False).to(self.context.device)
        names = layouts.layout_names(LAYOUT)
        self.columns = [names.index(n) for n in preprocess.chosen_names(LAYOUT, self.config.points)]

    @classmethod
    def from_pretrained(
        cls, source: str | Path, config: ProgressiveConfig | None = None, context: Context | None = None
    ) -> Self:
        """From a folder, a .safetensors file or a hub name."""
        from dataclasses import replace

        return cls(config, replace(context or Context(), weights=str(source)))

    def save_pretrained(self, folder: str | Path, *, half: bool = True) -> Path:
        return weights.save(folder, described(self.config, self.first), self.model.state_dict(), half=half)

    def generate(self, inputs: ProgressiveInputs) -> Pose:
        text = inputs.notation.strip()
        if not text:
            raise InputError("notation: is empty")
        ids = hamnosys.encode(text)
        for name, count in (("notation", len(ids)), ("length", inputs.length or 1)):
            if count > self.config.max_length:
                raise InputError(f"{name}: {count}, Progressive Transformers take {self.config.max_length}")
        first = self.first
        if inputs.first_pose is not None:
            first = preprocess.filled(preprocess.prepared(inputs.first_pose).points, self.first)[0].astype(
                np.float32
            )
        with torch.inference_mode():
            tokens = torch.tensor([ids], device=self.context.device)
            start = torch.from_numpy(first[self.columns]).to(self.context.device)
            points = self.model.unroll(tokens, start, inputs.length).cpu().numpy()
        every = np.repeat(first[None], len(points), axis=0).astype(np.float64)
        every[:, self.columns] = points
        return preprocess.in_pixels(every, LAYOUT, fps=self.config.fps, size=self.config.size)

    def inputs_of(self, sample: Sample) -> tuple[ProgressiveInputs, Pose]:
        if sample.notation is None or sample.pose is None:
            raise InputError(f"{sample.id}: has no {'notation' if sample.notation is None else 'pose'}")
        length = len(preprocess.prepared(sample.pose).points)
        return ProgressiveInputs(notation=sample.notation, first_pose=sample.pose, length=length), sample.pose


def build(
    config: ProgressiveConfig, source: str | Path | None
) -> tuple[ProgressiveModel, ProgressiveConfig, np.ndarray]:
    """(model, its settings, mean first pose [137, 2]) of weights, or a new one where there are none."""
    trained: dict[str, Any] = {}
    tensors: dict[str, torch.Tensor] = {}
    if source is not None:
        trained, tensors = weights.read(source)
        config = trained_config("progressive", config, trained, source)
    model = ProgressiveModel(
        config, hamnosys.VOCABULARY_SIZE, len(preprocess.chosen_names(LAYOUT, config.points))
    )
    if tensors:
        weights.load_into(model, tensors, str(source))
    first = np.array(trained.get("first_pose", np.zeros((137, 2))), np.float32)
    if first.shape != (137, 2) or not np.isfinite(first).all():
        raise WeightsError(f"{source}: first_pose is not 137 points")
    return model, config, first


def described(config: ProgressiveConfig, first: np.ndarray) -> dict[str, Any]:
    return describe("progressive", config, first_pose=np.asarray(first, np.float64).round(4).tolist())
