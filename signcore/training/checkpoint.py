"""Checkpoints that carry everything: weights, optimisers, random states and the position in the run."""

from __future__ import annotations

import os
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from signcore.contracts import Task
from signcore.errors import WeightsError, WorkError
from signcore.types.files import replacing

FORMAT = 1


def save(path: Path, task: Task, optimizers: Mapping[str, Any], position: dict[str, Any]) -> None:
    """Write a checkpoint, whole or not at all: the one that was there stays until the new one is complete on disk.

    Raises WorkError where it cannot be written.
    """
    state = {
        "format": FORMAT,
        **position,
        "modules": {name: module.state_dict() for name, module in task.modules().items()},
        "optimizers": {name: optimizer.state_dict() for name, optimizer in optimizers.items()},
        "random": random_states(),
    }
    try:
        with replacing(path) as temporary, temporary.open("wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
    except (OSError, RuntimeError) as error:  # torch's zip writer turns a full disk into a RuntimeError
        cause = error.__context__ if isinstance(error.__context__, OSError) else error
        if isinstance(cause, RuntimeError) and "inline_container" not in str(cause):
            raise
        reason = getattr(cause, "strerror", None) or str(cause).splitlines()[0]
        kept = f"; {path.name} of before is still good" if path.is_file() else ""
        raise WorkError(
            f"{path}: the checkpoint cannot be written ({reason}){kept}",
            "make room, then start again to resume",
        ) from error


def load(path: Path) -> dict[str, Any]:
    """Raises WeightsError where the file is damaged or was not made by `save`."""
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises anything from EOFError to UnpicklingError on a damaged file
        raise WeightsError(f"{path}: not a readable checkpoint", "delete it to start afresh") from error
    if not isinstance(state, dict) or state.get("format") != FORMAT:
        raise WeightsError(
            f"{path}: a checkpoint of another version of signcore", "delete it to start afresh"
        )
    return state


def restore(state: dict[str, Any], path: Path, task: Task, optimizers: Mapping[str, Any]) -> None:
    """Put a loaded checkpoint into the task and its optimisers, and the random states in place."""
    try:
        restore_modules(state["modules"], task)
        for name, optimizer in optimizers.items():
            optimizer.load_state_dict(state["optimizers"][name])
    except (KeyError, RuntimeError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise WeightsError(
            f"{path}: made with other settings ({reason})", "use the same settings, or another output folder"
        ) from error
    restore_random_states(state["random"])


def restore_modules(kept: Mapping[str, Mapping[str, torch.Tensor]], task: Task) -> None:
    """Raises ValueError that names the first tensor that is not there, not here, or of another shape."""
    for name, module in task.modules().items():
        there, here = kept.get(name, {}), module.state_dict()
        for key in {**here, **there}:
            shapes = [str(list(side[key].shape)) if key in side else "absent" for side in (there, here)]
            if shapes[0] != shapes[1]:
                raise ValueError(f"{name}.{key} is {shapes[0]} there and {shapes[1]} here")
        module.load_state_dict(there)


def random_states() -> dict[str, Any]:
    """Of torch (each device), numpy and python, as tensors and numbers."""
    kind, keys, at, has_gauss, gauss = np.random.get_state()
    version, integers, last = random.getstate()
    return {
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        "numpy": [
            str(kind),
            torch.from_numpy(np.asarray(keys).astype(np.int64)),
            int(at),
            int(has_gauss),
            float(gauss),
        ],
        "python": [version, torch.tensor(integers, dtype=torch.int64), last],
    }


def restore_random_states(states: dict[str, Any]) -> None:
    torch.set_rng_state(states["torch"])
    if torch.cuda.is_available() and len(states["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(states["cuda"])
    kind, keys, at, has_gauss, gauss = states["numpy"]
    np.random.set_state((kind, keys.numpy().astype(np.uint32), at, has_gauss, gauss))
    version, integers, last = states["python"]
    random.setstate((version, tuple(integers.tolist()), last))
