"""Ham2Pose as a generator: HamNoSys in, a signing pose out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from pose_format import Pose

from signcore import weights
from signcore.contracts import Context, Sample
from signcore.errors import InputError, WeightsError
from signcore.plugins.ham2pose.config import Ham2PoseConfig, Ham2PoseInputs
from signcore.plugins.ham2pose.model import Ham2PoseModel
from signcore.presets import describe, trained_config
from signcore.types import hamnosys, layouts, preprocess

LAYOUT = "openpose_137"  # where neither settings nor weights name one
ACTIVE = 0.5  # share of the wrists' farthest way from their first place from which on a sign counts as being signed


class Ham2Pose:
    """Ham2Pose (Shalev-Arkushin et al., CVPR 2023).

    `generate` makes a pose in pixels of a square picture (`config.size`), of the predicted length or `inputs.length`,
    starting from `first_pose` or, without one, from the mean first pose of the training signs. Points that the preset
    does not learn (of the small one, the face) are held where the first pose has them; the legs are hidden.
    Raises InputError where the notation is empty, too long, or holds a character that HamNoSys lacks.
    """

    def __init__(self, config: Ham2PoseConfig | None = None, context: Context | None = None) -> None:
        config, self.context = config or Ham2PoseConfig(), context or Context()
        found = weights.find(self.context.weights, "generator", "ham2pose", config.preset)
        model, self.config, self.first = build(config, found)
        self.model = model.eval().requires_grad_(False).to(self.context.device)
        self.layout = self.config.layout or LAYOUT
        self.names = tuple(layouts.layout_names(self.layout))
        self.columns = [self.names.index(n) for n in preprocess.chosen_names(self.layout, self.config.points)]
        self.steps: list[Pose] = []  # of the last generate: the pose before and after every refinement

    @classmethod
    def from_pretrained(
        cls, source: str | Path, config: Ham2PoseConfig | None = None, context: Context | None = None
    ) -> Self:
        """From a folder, a .safetensors file or a hub name."""
        from dataclasses import replace

        return cls(config, replace(context or Context(), weights=str(source)))

    def save_pretrained(self, folder: str | Path, *, half: bool = True) -> Path:
        return weights.save(folder, described(self.config, self.first), self.model.state_dict(), half=half)

    def generate(self, inputs: Ham2PoseInputs) -> Pose:
        tokens = [self._tokens(text) for text in hamnosys.split_signs(inputs.notation)]
        first = self.first_points(inputs.first_pose)
        if inputs.length is not None and len(tokens) > 1:
            raise InputError(f"length: is of one sign, the notation has {len(tokens)}")
        unrolled = [self._unrolled(ids, first, inputs.length) for ids in tokens]
        kept = range(len(unrolled[0])) if self.config.intermediate else [len(unrolled[0]) - 1]
        poses = [self._pose(self._joined([steps[i] for steps in unrolled]), first) for i in kept]
        self.steps = poses if self.config.intermediate else []
        return poses[-1]

    def inputs_of(self, sample: Sample) -> tuple[Ham2PoseInputs, Pose]:
        """The inputs that a dataset's sample stands for, and the truth: the sign starts from the truth's first frame."""
        if sample.notation is None or sample.pose is None:
            raise InputError(f"{sample.id}: has no {'notation' if sample.notation is None else 'pose'}")
        length = len(preprocess.prepared(sample.pose).points) if self.config.true_length else None
        return Ham2PoseInputs(notation=sample.notation, first_pose=sample.pose, length=length), sample.pose

    def views(self, product: Pose) -> dict[str, Any]:
        """With `intermediate`: the pose before and after every refinement, a row each."""
        from signcore.types import Image
        from signcore.types.draw import pose_strip

        return (
            {"refinement": Image(np.concatenate([pose_strip(p) for p in self.steps]))} if self.steps else {}
        )

    def _tokens(self, text: str) -> list[int]:
        ids = hamnosys.encode(text)
        if len(ids) > self.config.max_length:
            raise InputError(
                f"notation: {len(text)} symbols in one sign, Ham2Pose takes {self.config.max_length - 1}",
                "part the signs by spaces or lines",
            )
        return ids

    def first_points(self, pose: Pose | None) -> np.ndarray:
        """[K', 2] of the whole layout, normalised: those of a pose's first frame, the mean ones where it has none."""
        if pose is None:
            return self.first
        found = preprocess.prepared(pose, self.layout, self.config.preprocessing)
        return preprocess.filled(found.points, self.first)[0]

    def length(self, text: str) -> int:
        """Frames that the length predictor gives a sign."""
        with torch.inference_mode():
            ids = torch.tensor([self._tokens(text)], device=self.context.device)
            return int(self.model.lengths(self.model.read(ids)))

    def _unrolled(self, ids: list[int], first: np.ndarray, wanted: int | None) -> list[np.ndarray]:
        """Every refinement's [N, K, 2]; wanted: N, or as predicted."""
        device = self.context.device
        start = torch.from_numpy(first[self.columns]).float()[None].to(device)
        if wanted is not None and wanted > self.config.max_length:
            raise InputError(f"length: {wanted} frames, Ham2Pose makes at most {self.config.max_length}")
        length = None if wanted is None else torch.tensor([wanted], device=device)
        with torch.inference_mode():
            return [
                step[0].float().cpu().numpy()
                for step in self.model.unroll(torch.tensor([ids], device=device), start, length)
            ]

    def _joined(self, signs: list[np.ndarray]) -> np.ndarray:
        """Signs one after another: between two, the way to rest and back is replaced by a smooth passage."""
        if len(signs) == 1:
            return signs[0]
        wrists = [i for i, c in enumerate(self.columns) if self.names[c].endswith("_wrist")]
        parts: list[np.ndarray] = []
        for i, sign in enumerate(signs):
            away = np.linalg.norm(sign[:, wrists] - sign[:1, wrists], axis=-1).max(axis=1)
            active = np.flatnonzero(away >= ACTIVE * away.max())
            begin = 0 if i == 0 else int(active[0])
            end = len(sign) if i == len(signs) - 1 else int(active[-1]) + 1
            part = sign[begin:end]
            if parts:
                count = round(self.config.transition * self.config.fps)
                t = (np.arange(1, count + 1) / (count + 1))[:, None, None]
                eased = t**3 * (10 - 15 * t + 6 * t**2)  # the smoothest way between two rests (minimum jerk)
                parts.append(parts[-1][-1] * (1 - eased) + part[0] * eased)
            parts.append(part)
        return np.concatenate(parts)

    def _pose(self, points: np.ndarray, first: np.ndarray) -> Pose:
        """Learned points [T, K, 2] among the held ones, in pixels."""
        every = np.repeat(first[None], len(points), axis=0).astype(np.float64)
        every[:, self.columns] = points
        return preprocess.in_pixels(every, self.layout, fps=self.config.fps, size=self.config.size)


def wrists(names: Sequence[str]) -> list[int]:
    """For every point the index of the wrist of the hand that it belongs to, or its own."""
    found = []
    for i, name in enumerate(names):
        side, part, _ = name.partition("_hand_")
        wrist = f"{side}_hand_0"
        found.append(names.index(wrist) if part and wrist in names else i)
    return found


def build(
    config: Ham2PoseConfig, source: str | Path | None
) -> tuple[Ham2PoseModel, Ham2PoseConfig, np.ndarray]:
    """(model, its settings, mean first pose [K', 2]) of weights, or, without a source, a new one."""
    trained: dict[str, Any] = {}
    tensors: dict[str, torch.Tensor] = {}
    if source is not None:
        trained, tensors = weights.read(source)
        config = trained_config("ham2pose", config, trained, source)
    layout = config.layout or LAYOUT
    names = preprocess.chosen_names(layout, config.points)
    model = Ham2PoseModel(config, hamnosys.VOCABULARY_SIZE, len(names), wrists(names))
    if tensors:
        weights.load_into(model, tensors, str(source))
    count = len(layouts.layout_names(layout))
    first = np.array(trained.get("first_pose", np.zeros((count, 2))), np.float32)
    if first.shape != (count, 2) or not np.isfinite(first).all():
        raise WeightsError(f"{source}: first_pose is not {count} points of {layout}")
    return model, config, first


def described(config: Ham2PoseConfig, first: np.ndarray) -> dict[str, Any]:
    return describe("ham2pose", config, first_pose=np.asarray(first, np.float64).round(4).tolist())
