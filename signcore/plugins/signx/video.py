"""Video2Pose (section 3.3, eq. 5 to 7; S12): a video to the five tracks."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from signcore.plugins.signx.config import SignXConfig
from signcore.plugins.signx.model import positions
from signcore.plugins.signx.vit import VisionTransformer
from signcore.recognition.tracks import WIDTHS

A_PLACE = 8  # numbers that `readout=places` takes of every place


class Video2Pose(nn.Module):
    def __init__(self, config: SignXConfig) -> None:
        super().__init__()
        self.tracks = config.tracks
        self.frozen = config.frozen_vit
        self.vit = VisionTransformer(
            config.image_size,
            config.patch,
            config.vit_width,
            config.vit_layers,
            config.vit_heads,
            config.stem == "convolutions",
        )
        self.clip = config.video_clip
        if config.readout == "places":
            self.place = nn.Linear(config.vit_width, A_PLACE)
            self.gather = nn.Linear((config.image_size // config.patch) ** 2 * A_PLACE, config.vit_width)
        self.places = config.readout == "places"
        layer = nn.TransformerEncoderLayer(
            config.vit_width,
            config.temporal_heads,
            4 * config.vit_width,
            0.0,
            activation="gelu",
            batch_first=True,
            norm_first=True,
        )
        self.temporal = nn.TransformerEncoder(
            layer, config.temporal_layers, nn.LayerNorm(config.vit_width), enable_nested_tensor=False
        )
        self.heads = nn.ModuleDict({t: nn.Linear(config.vit_width, WIDTHS[t]) for t in config.tracks})

    def seen(self, frames: Tensor) -> Tensor:
        """Eq. 5: frames [N, 3, H, W] to [N, width]."""
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.frozen):
            rows: Tensor = self.vit(frames)
        found = rows[:, 0]
        return found + self.gather(self.place(rows[:, 1:]).flatten(1)) if self.places else found

    def told(self, seen: Tensor) -> dict[str, Tensor]:
        """Eq. 6 and 7: [B, N, width] to the tracks by name [B, N, d].

        More frames than a clip of the training are told in windows of as many, half over each other: a frame by the window
        in whose middle it lies, since attention was never asked to look farther.
        """
        count, length = seen.shape[:2]
        if length <= self.clip:
            return self._told(seen)
        starts = torch.arange(0, length - self.clip + self.clip // 2, self.clip // 2).clamp(
            max=length - self.clip
        )
        starts = starts.unique()
        inside = starts[:, None] + torch.arange(self.clip)
        said = self._told(seen[:, inside].flatten(0, 1))
        frames = torch.arange(length)
        edge = torch.minimum(frames - starts[:, None], starts[:, None] + self.clip - 1 - frames)
        window = edge.argmax(dim=0)
        return {
            n: v.view(count, len(starts), self.clip, -1)[:, window, frames - starts[window]]
            for n, v in said.items()
        }

    def _told(self, seen: Tensor) -> dict[str, Tensor]:
        placed = seen + 0.1 * positions(seen.shape[1], seen.shape[2], seen)
        moved = self.temporal(placed)
        return {name: head(moved) for name, head in self.heads.items()}

    def forward(self, frames: Tensor) -> dict[str, Tensor]:  # [B, N, 3, H, W]
        count, length = frames.shape[:2]
        return self.told(self.seen(frames.flatten(0, 1)).view(count, length, -1))


def pose_losses(
    said: dict[str, Tensor], truth: dict[str, Tensor], present: dict[str, Tensor], summed: bool
) -> dict[str, Tensor]:
    """Eq. 13 for every track, over the frames where it is present (S12)."""
    out = {}
    for name, values in said.items():
        squared = (values - truth[name]) ** 2
        each = squared.sum(dim=-1) if summed else squared.mean(dim=-1)
        there = present[name].to(each)
        out[name] = (each * there).sum() / there.sum().clamp(min=1)
    return out
