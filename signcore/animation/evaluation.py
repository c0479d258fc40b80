"""Scores of reconstruction, beside two trivial generators: repeat the source, repeat the nearest training frame."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from signcore.animation.clips import Clip
from signcore.animation.heatmaps import hand_boxes
from signcore.animation.losses import hand_weights
from signcore.animation.network import MotionNetwork, motion_frame
from signcore.nn.ssim import ssim_map

BATCH = 8
THUMBNAIL = 32  # pixels a side at which the nearest training frame is looked for


@torch.no_grad()
def evaluate(
    model: MotionNetwork, held_out: list[Clip], trained_on: Iterable[Clip], names: list[str]
) -> dict[str, float]:
    """The first frame of each held-out clip drives through the rest.

    l1 and ssim over whole frames, hand_l1 and hand_ssim inside the hands' boxes (20 % margin; frames without a hand
    in the pose count nothing). `source.*` repeats the source; `nearest.*` repeats, for every frame, the training frame
    that is nearest to the truth (mean absolute difference at 32 px): a bound that no look-up among them can beat.
    """
    totals: dict[str, list[float]] = {}
    seen = thumbnails(trained_on)
    for clip in held_out:
        result = reconstruct(model, clip)
        for start in range(1, len(clip.frames), BATCH):
            part = slice(start, start + BATCH)
            truth = tensor(clip.frames[part])
            boxes = torch.from_numpy(hand_boxes(clip.points[part], names))
            hands = hand_weights(boxes, truth, 1.0) - 1
            rows = {
                "": result[part],
                "source.": tensor(clip.frames[:1]).expand_as(truth),
                "nearest.": nearest(truth, seen),
            }
            for prefix, made in rows.items():
                if made is not None:
                    _add(totals, prefix, made, truth, hands)
    return {name: float(np.mean(values)) for name, values in totals.items() if values}


def _add(totals: dict[str, list[float]], prefix: str, made: Tensor, truth: Tensor, hands: Tensor) -> None:
    maps = {
        "l1": (made - truth).abs().mean(1, keepdim=True),
        "ssim": ssim_map(made, truth).mean(1, keepdim=True),
    }
    for name, values in maps.items():
        totals.setdefault(prefix + name, []).extend(values.mean(dim=(1, 2, 3)).tolist())
        inside, area = (values * hands).sum(dim=(1, 2, 3)), hands.sum(dim=(1, 2, 3))
        totals.setdefault(f"{prefix}hand_{name}", []).extend((inside[area > 0] / area[area > 0]).tolist())


@torch.no_grad()
def reconstruct(model: MotionNetwork, clip: Clip) -> Tensor:  # [T, 3, H, W] in [0, 1]
    """Every frame of a clip from its first frame, the driving frames' keypoints and the pose."""
    training = model.training
    model.eval()
    device = next(model.parameters()).device
    complete = torch.from_numpy(clip.complete).to(device)
    source = model.source(tensor(clip.frames[:1]).to(device), complete[:1])
    made = []
    for start in range(0, len(clip.frames), BATCH):
        driving = tensor(clip.frames[start : start + BATCH]).to(device)
        points = torch.from_numpy(clip.points[start : start + BATCH]).to(device)
        small, here = motion_frame(driving), source.expand(len(driving))
        background = model.background(here.motion_frame, small) if model.background is not None else None
        keypoints = model.keypoints(small, complete[start : start + BATCH])
        made.append(model(here, keypoints, points, background).prediction.cpu())
    model.train(training)
    return torch.cat(made)


def tensor(frames: np.ndarray) -> Tensor:  # uint8 [B, H, W, 3] -> [B, 3, H, W] in [0, 1]
    return (torch.from_numpy(frames).permute(0, 3, 1, 2).float() / 255).contiguous(
        memory_format=torch.channels_last
    )


def thumbnails(clips: Iterable[Clip]) -> tuple[np.ndarray, Tensor] | None:
    """All frames, uint8 [N, H, W, 3], and small copies [N, 3 * 32 * 32]."""
    frames = [clip.frames for clip in clips]
    if not frames:
        return None
    small = [F.interpolate(tensor(f), (THUMBNAIL, THUMBNAIL), mode="area").flatten(1) for f in frames]
    return np.concatenate(frames), torch.cat(small)


def nearest(truth: Tensor, seen: tuple[np.ndarray, Tensor] | None) -> Tensor | None:  # [B, 3, H, W]
    if seen is None:
        return None
    small = F.interpolate(truth, (THUMBNAIL, THUMBNAIL), mode="area").flatten(1)
    return tensor(seen[0][torch.cdist(small, seen[1], p=1).argmin(dim=1).numpy()])


def strips(model: MotionNetwork, clips: list[Clip], columns: int = 4) -> dict[str, np.ndarray]:
    """For each clip a picture: the source, then driving frames above and what was made of them below."""
    pictures = {}
    for i, clip in enumerate(clips):
        made = (
            (reconstruct(model, clip).clamp(0, 1) * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
        )
        chosen = np.linspace(0, len(made) - 1, columns + 1).round().astype(int)[1:]
        source = np.repeat(clip.frames[:1], 1, axis=0)[0]
        above = np.concatenate([source, *clip.frames[chosen]], axis=1)
        below = np.concatenate([np.full_like(source, 255), *made[chosen]], axis=1)
        pictures[f"{i}"] = np.concatenate([above, below])
    return pictures
