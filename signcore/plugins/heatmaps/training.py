"""Training the heatmap estimator: frames with their pose, and frames that show nobody."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from signcore import weights
from signcore.animation.clips import Clip, Clips, colours, recoloured
from signcore.animation.evaluation import tensor
from signcore.animation.heatmaps import heatmaps, mirrored_order, point_names
from signcore.contracts import Context, Dataset
from signcore.errors import InputError
from signcore.nn.heatmap_network import HeatmapNetwork, highest
from signcore.plugins.heatmaps.config import HeatmapsConfig
from signcore.presets import describe, trained_config

WARM_UP, LEAST = 0.02, 0.01  # of the steps, of the learning rate


class Batch(NamedTuple):
    images: Tensor  # [B, 3, H, W] in [0, 1]
    points: Tensor  # [B, P, 2] in [0, 1]; NaN where missing


class HeatmapsTask:
    """Cross entropy of each point's place with a bump around the truth, and of whether the point is there."""

    def __init__(self, config: HeatmapsConfig | None = None, context: Context | None = None) -> None:
        self.config, self.context = config or HeatmapsConfig(), context or Context()
        self.names = point_names()
        tensors: dict[str, Tensor] = {}
        if self.context.weights is not None:
            about, tensors = weights.read(self.context.weights)
            self.config = trained_config(
                "heatmaps", self.config, about, self.context.weights, kind="estimator"
            )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.context.seed)
            self.network = HeatmapNetwork(
                len(self.names), self.config.width, self.config.max_width, self.config.size
            )
        if tensors:
            weights.load_into(self.network, tensors, str(self.context.weights))
        self.network = self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = copy.deepcopy(self.network).requires_grad_(False)
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=self.config.learning_rate)
        self._clips: Clips | None = None

    def stages(self) -> list[HeatmapsTask]:
        return [self]

    def modules(self) -> dict[str, nn.Module]:
        return {"network": self.network, "average": self.average}

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        return {"adam": self.optimizer}

    def schedule(self, step: int, steps: int) -> None:
        done = step / steps
        falling = LEAST + (1 - LEAST) * (1 + math.cos(math.pi * max((done - WARM_UP) / (1 - WARM_UP), 0))) / 2
        for group in self.optimizer.param_groups:
            group["lr"] = self.config.learning_rate * min((step + 1) / max(1, WARM_UP * steps), 1) * falling

    def clips(self, dataset: Dataset) -> Clips:
        if self._clips is None or self._clips.dataset is not dataset:
            self._clips = Clips(dataset, self.config)
        return self._clips

    def batches(self, dataset: Dataset, split: str, start: int = 0) -> Iterator[Batch]:
        clips = self.clips(dataset)
        indices = clips.indices["train" if split == "train" else "held-out"]
        position = start
        while set(indices) - set(clips.skipped):
            random = np.random.Generator(np.random.PCG64([self.context.seed, position]))
            drawn = [self.frame(clips, indices, random) for _ in range(self.config.batch)]
            readable = [d for d in drawn if d is not None]
            if readable:
                yield self.batch(readable, random)
            position += 1
        first = f"; the first: {next(iter(clips.skipped.values()))}" if clips.skipped else ""
        raise InputError(f"dataset: has no clip to learn from in its split {split!r}{first}")

    def frame(
        self, clips: Clips, indices: list[int], random: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray] | None:
        """A random frame and its points; None where the clip that was drawn cannot be read."""
        clip = clips.readable(indices[int(random.integers(len(indices)))])
        if clip is None:
            return None
        i = int(random.integers(len(clip.frames)))
        if random.random() >= self.config.empty:
            return clip.frames[i], clip.points[i]
        nobody = np.full_like(clip.points[i], np.nan)
        colour = random.integers(0, 256, (1, 1, 3)) * (random.random() < 0.7)
        noise = random.normal(0, random.choice([0, 10, 60]), clip.frames[i].shape)
        return (colour + noise).clip(0, 255).astype(np.uint8), nobody

    def batch(self, drawn: list[tuple[np.ndarray, np.ndarray]], random: np.random.Generator) -> Batch:
        frames, points = (np.stack(column) for column in zip(*drawn, strict=True))
        if self.config.mirror:
            chosen = random.random(len(frames)) < 0.5
            frames[chosen] = frames[chosen, :, ::-1]
            edge, flip = np.array([1, 0], np.float32), np.array([-1, 1], np.float32)
            points[chosen] = edge + flip * points[chosen][:, mirrored_order(self.names)]
        images = tensor(frames)
        if self.config.colour_jitter:
            maps = np.stack([colours(self.config.colour_jitter, random) for _ in frames])
            images = recoloured(images, torch.from_numpy(maps))
        return Batch(images.contiguous(memory_format=torch.channels_last), torch.from_numpy(points))

    def step(self, batch: Batch, optimizer: str) -> dict[str, Tensor]:
        self.network.train()
        places, there = self.network(batch.images)
        points = batch.points
        seen = torch.isfinite(points).all(dim=-1) & (points >= 0).all(dim=-1) & (points <= 1).all(dim=-1)
        bumps = heatmaps(points, places.shape[-2], places.shape[-1], self.config.sigma)[seen].flatten(1)
        bumps = bumps / bumps.sum(dim=1, keepdim=True).clamp_min(1e-6)
        told = -(bumps * places[seen].float().flatten(1).log_softmax(dim=1)).sum(dim=1)
        return {
            "places": told.sum() / max(1, len(told)),
            "there": F.binary_cross_entropy_with_logits(there.float(), seen.float()),
        }

    @torch.no_grad()
    def updated(self, step: int) -> None:
        decay = min(self.config.averaging, (1 + step) / (10 + step))
        here = self.network.state_dict()
        for name, value in self.average.state_dict().items():
            value.lerp_(here[name], 1 - decay)

    def held_out(self, dataset: Dataset) -> list[Clip]:
        clips = self.clips(dataset)
        indices = clips.indices["held-out"] or clips.indices["train"]
        found = [clips.readable(i) for i in indices[: self.config.evaluate_clips]]
        return [clip for clip in found if clip is not None]

    @torch.no_grad()
    def found(self, clip: Clip) -> tuple[np.ndarray, np.ndarray]:  # [T, P, 2] in [0, 1], [T, P] in 0..1
        self.average.eval()
        device = next(self.average.parameters()).device
        parts = [
            self.average(tensor(clip.frames[i : i + 16]).to(device)) for i in range(0, len(clip.frames), 16)
        ]
        places = torch.cat([highest(p).cpu() for p, _ in parts]).numpy()
        return places, torch.cat([t.float().sigmoid().cpu() for _, t in parts]).numpy()

    def evaluate(self, dataset: Dataset) -> dict[str, float]:
        """error, hand_error: mean distance to the truth in pixels of the square; pck: the share within 5 % of the square;
        missed, invented: the share of points that are there and not found, and the other way around."""
        off, hands, missed, invented = [], [], [], []
        is_hand = np.array(["_hand_" in name for name in self.names])
        for clip in self.held_out(dataset):
            places, chance = self.found(clip)
            seen, said = np.isfinite(clip.points).all(axis=-1), chance >= self.config.threshold
            distance = np.linalg.norm(places - np.nan_to_num(clip.points), axis=-1)
            off.append(distance[seen])
            hands.append(distance[seen & is_hand])
            missed.append(~said[seen])
            invented.append(said[~seen])
        every = {k: np.concatenate(v) if v else np.zeros(0) for k, v in
                 {"error": off, "hand_error": hands, "missed": missed, "invented": invented}.items()}  # fmt: skip
        scores = {k: float(v.mean()) for k, v in every.items() if len(v)}
        if len(every["error"]):
            scores["pck"] = float((every["error"] < 0.05).mean())
        return {k: v * (self.config.size if k.endswith("error") else 1) for k, v in scores.items()}

    def samples(self, dataset: Dataset) -> dict[str, np.ndarray]:
        """Held-out frames, and below what was found in them."""
        from signcore.types.draw import draw_pose
        from signcore.types.poses import pose_from_keypoints

        pictures = {}
        for i, clip in enumerate(self.held_out(dataset)[:4]):
            places, chance = self.found(clip)
            pixels = np.where(
                chance[..., None] >= self.config.threshold, places * self.config.size - 0.5, np.nan
            )
            size = self.config.size
            pose = pose_from_keypoints(pixels, "pgmm_36", fps=25, width=size, height=size)
            drawn = draw_pose(pose, size).numpy()
            chosen = np.linspace(0, len(drawn) - 1, 5).round().astype(int)
            rows = [np.concatenate(list(frames[chosen]), axis=1) for frames in (clip.frames, drawn)]
            pictures[f"{i}"] = np.concatenate(rows)
        return pictures

    def about(self) -> dict[str, list[str]]:
        return {"left_out": [] if self._clips is None else self._clips.left_out()}

    def export(self, folder: Path) -> None:
        about = describe("heatmaps", self.config, kind="estimator", names=self.names)
        weights.save(folder, about, self.average.state_dict(), half=True)
