"""Tracks: named features of every frame, aligned in time, with presence."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from signcore.errors import InputError, WorkError
from signcore.types.files import replacing


@dataclass(frozen=True, eq=False)
class Tracks:
    """features: name -> float32 [T, d]; presence: name -> bool [T] (all present where not given); fps: frames a second.

    Missing: a frame whose presence is False has no features; its row is zeros.
    """

    features: dict[str, np.ndarray]
    fps: float
    presence: dict[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not (np.isfinite(self.fps) and self.fps > 0):
            raise InputError(f"fps: expected a positive number, got {self.fps}")
        lengths = {name: len(values) for name, values in self.features.items()}
        if len(set(lengths.values())) > 1:
            raise InputError(
                f"tracks: of different lengths ({', '.join(f'{k} {v}' for k, v in lengths.items())})"
            )
        for name, values in self.features.items():
            if values.ndim != 2:
                raise InputError(f"tracks: {name} must be [T, d], got {list(values.shape)}")
            there = self.presence.setdefault(name, np.ones(len(values), bool))
            if there.shape != (len(values),):
                raise InputError(
                    f"tracks: presence of {name} must be [{len(values)}], got {list(there.shape)}"
                )
            if not np.isfinite(values[there]).all():
                raise InputError(
                    f"tracks: {name} holds values that are no numbers", "mark those frames absent"
                )

    def __len__(self) -> int:
        return len(next(iter(self.features.values()), ()))

    @property
    def widths(self) -> dict[str, int]:
        return {name: values.shape[1] for name, values in self.features.items()}


def write_tracks(path: str | Path, tracks: Tracks) -> None:
    """Write .safetensors: `NAME` float32 [T, d] and `NAME.presence` [T], the rate in the metadata."""
    from safetensors.numpy import save_file

    tensors = {name: np.ascontiguousarray(v, np.float32) for name, v in tracks.features.items()}
    tensors |= {f"{name}.presence": there.astype(np.uint8) for name, there in tracks.presence.items()}
    header = {"signcore": json.dumps({"type": "tracks", "fps": tracks.fps})}
    try:
        with replacing(Path(path)) as temporary:
            save_file(tensors, temporary, metadata=header)
    except OSError as error:
        raise WorkError(f"{path}: cannot be written ({error.strerror or error})") from error


def read_tracks(path: str | Path) -> Tracks:
    """Read what `write_tracks` wrote. Raises InputError where it is absent, damaged or something else."""
    from safetensors import SafetensorError, safe_open

    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such tracks file")
    try:
        with safe_open(path, "numpy") as file:
            about = json.loads((file.metadata() or {}).get("signcore", "{}"))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    except (SafetensorError, ValueError, OSError) as error:
        raise InputError(f"{path}: not a readable tracks file ({error})") from error
    if about.get("type") != "tracks":
        raise InputError(f"{path}: a safetensors file, but not one of tracks")
    features = {name: v for name, v in tensors.items() if not name.endswith(".presence")}
    presence = {name: tensors[f"{name}.presence"].astype(bool) for name in features}
    return Tracks(features, float(about["fps"]), presence)
