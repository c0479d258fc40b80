"""Clips of a dataset as they are trained on: frames at the model's size with their pose points, kept in memory."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
import torch

from signcore.animation.frames import Square, fit_frame, fit_points, person_square, to_bytes
from signcore.animation.heatmaps import point_names, pose_points
from signcore.animation.pose_motion import completed
from signcore.contracts import Dataset, Sample
from signcore.errors import InputError

T = TypeVar("T")


class ClipSettings(Protocol):
    """What of a component's settings says how clips are read; see `AnimationConfig`."""

    @property
    def size(self) -> int: ...
    @property
    def fit(self) -> str: ...
    @property
    def points(self) -> str | tuple[str, ...]: ...
    @property
    def clip_frames(self) -> int | None: ...
    @property
    def held_out(self) -> float: ...
    @property
    def cache(self) -> int: ...
    @property
    def needs_pose(self) -> bool: ...
    @property
    def by_pose(self) -> bool: ...


@dataclass(frozen=True)
class Clip:
    """frames: uint8 [T, size, size, 3]. points: float32 [T, P, 2], x and y in [0, 1] across the frame; NaN where missing.
    complete: the same without gaps, where the motion is made from poses; else zeros."""

    id: str
    frames: np.ndarray
    points: np.ndarray
    complete: np.ndarray


class Clips:
    """The training and the held-out clips of a dataset, each read once while they fit into `config.cache`.

    Held out are the clips of split "test" or "validation"; where the dataset names none, the clips of the last signers,
    or the last clips where signers are not named (`config.held_out` of them).
    """

    def __init__(self, dataset: Dataset, config: ClipSettings) -> None:
        if len(dataset) == 0:
            raise InputError("dataset: holds no clips")
        self.dataset, self.config = dataset, config
        self.indices = split(dataset, config.held_out)
        self.skipped: dict[int, Exception] = {}  # clips that could not be used, and why
        self._untold: list[str] | None = []  # until a clip can be used: where none can, one error says so
        self._kept: dict[int, Clip] = {}
        self._free = config.cache << 20

    def __getitem__(self, index: int) -> Clip:
        if index in self._kept:
            return self._kept[index]
        clip = read(self.dataset[index], self.config)
        if clip.frames.nbytes <= self._free:
            self._kept[index] = clip
            self._free -= clip.frames.nbytes
        return clip

    def readable(self, index: int) -> Clip | None:
        """A clip, or None where it cannot be read: it is told once and left out from then on."""
        if index in self.skipped:
            return None
        try:
            clip = self[index]
        except (InputError, OSError) as error:
            self._leave_out(index, error)
            return None
        for line in self._untold or ():
            logging.getLogger("signcore").warning(line)
        self._untold = None
        return clip

    def moving(self, index: int) -> Clip | None:
        """A readable clip of two frames or more."""
        clip = self.readable(index)
        if clip is None or len(clip.frames) > 1:
            return clip
        self._leave_out(index, InputError(f"{clip.id}: has a single frame, motion needs two"))
        return None

    def left_out(self) -> list[str]:
        """Why of each, in the dataset's order."""
        return [str(reason) for _, reason in sorted(self.skipped.items())]

    def _leave_out(self, index: int, error: Exception) -> None:
        self.skipped[index] = error
        line = f"clip {index} of {len(self.dataset)} left out: {error}"
        if self._untold is None:
            logging.getLogger("signcore").warning(line)
        else:
            self._untold.append(line)


def split(dataset: Dataset, held_out: float) -> dict[str, list[int]]:
    """Indices by "train" and "held-out"."""
    samples = [dataset[i] for i in range(len(dataset))]
    held = [i for i, s in enumerate(samples) if s.split in ("test", "validation", "val", "dev")]
    if not held and len(samples) > 1 and held_out > 0:
        groups = list(dict.fromkeys(s.signer for s in samples))
        if len(groups) > 1:
            last = set(groups[-max(1, round(held_out * len(groups))) :])
            held = [i for i, s in enumerate(samples) if s.signer in last]
        else:
            held = list(range(len(samples) - max(1, round(held_out * len(samples))), len(samples)))
    kept_away = set(held)
    train = [i for i in range(len(samples)) if i not in kept_away]
    return {"train": train, "held-out": held}


def read(sample: Sample, config: ClipSettings) -> Clip:
    """A sample's frames (evenly spread where there are more than `config.clip_frames`) and points. Raises InputError."""
    video, pose = sample.video, sample.pose
    if video is None or len(video) == 0:
        raise InputError(f"{sample.id}: has no video frames")
    if pose is None:
        pose = video.pose
    if pose is None and config.needs_pose:
        raise InputError(
            f"{sample.id}: has no pose",
            "dataset.estimator=mediapipe makes them, or write a .pose beside each video",
        )
    count = len(video)
    wanted = np.linspace(0, count - 1, min(count, config.clip_frames or count)).round().astype(int)
    names, found = point_names(config.points), np.zeros((0, 0, 2), np.float32)
    if pose is not None:
        if len(pose.body.data) != count:
            raise InputError(f"{sample.id}: the pose has {len(pose.body.data)} frames, the video has {count}")
        found = pose_points(pose, config.points)
    elif config.fit == "person":
        raise InputError(f"{sample.id}: has no pose to find the person by")
    place: str | Square = config.fit
    if place == "person":
        place = told(sample.id, lambda: person_square(found, names, video.height, video.width))
    frames = np.concatenate(
        [to_bytes(fit_frame(video[int(i)], config.size, place)[None]) for i in wanted]
        if len(wanted) < count
        else [to_bytes(fit_frame(frame, config.size, place)[None]) for frame in video]
    )
    if pose is None:
        none = np.full((len(frames), len(names), 2), np.nan, np.float32)
        return Clip(sample.id, frames, none, np.zeros_like(none))
    points = fit_points(found, video.height, video.width, place)
    complete = told(sample.id, lambda: completed(points, names)) if config.by_pose else np.zeros_like(points)
    return Clip(sample.id, frames, points[wanted], complete[wanted])


def told(name: str, work: Callable[[], T]) -> T:
    """work(), whose errors then say of what they are."""
    try:
        return work()
    except InputError as error:
        raise InputError(f"{name}: {str(error).removeprefix('pose: ')}", error.hint) from error


def colours(spread: float, random: np.random.Generator) -> np.ndarray:  # [3, 4] affine map of RGB
    """Random brightness, contrast and mixing of the colour channels."""
    mixing = np.eye(3) + random.normal(0, spread / 3, (3, 3))
    mixing *= 1 + random.uniform(-spread, spread)
    shift = 0.5 - mixing @ np.full(3, 0.5) + random.uniform(-spread / 2, spread / 2)
    return np.concatenate([mixing, shift[:, None]], axis=1).astype(np.float32)


def recoloured(images: torch.Tensor, maps: torch.Tensor) -> torch.Tensor:  # [B, 3, H, W], [B, 3, 4]
    moved = torch.einsum("bij,bjhw->bihw", maps[..., :3], images) + maps[..., 3, None, None]
    return moved.clamp(0, 1)
