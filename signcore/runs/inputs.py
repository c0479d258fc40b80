"""Inputs by type: which fields a component takes, and reading files into them."""

from __future__ import annotations

import typing
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from signcore.errors import InputError, UsageError
from signcore.runs.request import Chosen

_CLASS_TYPE = {
    "Video": "video",
    "Image": "image",
    "Pose": "pose",
    "Tracks": "tracks",
    "str": "text",
    "int": "number",
}
WORDS = ("text", "number")  # types whose value is no file


@dataclass(frozen=True)
class Slot:
    """One input of a component. type: video, image, pose, tracks, text or number; pose_of: the video or image whose pose this is;
    unless: the input that makes this one needless; without that one it is required.
    when: a property of the component's settings that makes it needed nevertheless."""

    name: str
    type: str
    required: bool
    help: str = ""
    pose_of: str | None = None
    unless: str | None = None
    when: str | None = None


def slots(chosen: Chosen) -> list[Slot]:
    if chosen.kind == "estimator":
        return [Slot("video", "video", True, "video to estimate the pose of")]
    if chosen.kind == "recognizer":
        kinds = ("video", "pose", "tracks")
        return [Slot(k, k, False, f"{k} to recognise") for k in kinds]
    model = chosen.inputs_model()
    return [] if model is None else [_slot(name, field) for name, field in model.model_fields.items()]


def _slot(name: str, field: Any) -> Slot:
    annotations = typing.get_args(field.annotation) or (field.annotation,)
    kinds = [_CLASS_TYPE[a.__name__] for a in annotations if getattr(a, "__name__", "") in _CLASS_TYPE]
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    return Slot(
        name,
        kinds[0] if kinds else "text",
        field.is_required(),
        field.description or "",
        extra.get("pose_of"),
        extra.get("unless"),
        extra.get("when"),
    )


def read(kind: str, value: Any, name: str) -> Any:
    """A path to the value of its type; anything that is no path is passed on."""
    if kind in WORDS or not isinstance(value, (str, Path)):
        return value
    path = Path(value)
    from signcore import types
    from signcore.types.tracks import read_tracks

    readers: dict[str, Callable[[Path], Any]] = {
        "video": types.read_video,
        "image": types.read_image,
        "pose": types.read_pose,
        "tracks": read_tracks,
    }
    try:
        return readers[kind](path)
    except InputError as error:
        raise type(error)(f"{name}: {error}", error.hint) from error
    except PermissionError as error:
        raise InputError(f"{name}: {path}: permission denied") from error


def read_reference(kind: str, value: Any) -> Any:
    if kind == "glosses" and isinstance(value, (str, Path)):
        from signcore.types import read_text

        return read_text(value).split() if Path(value).suffix == ".txt" else str(value).split()
    return read(kind, value, "reference")


def type_of(value: Any) -> str:
    """The type name of a product: video, pose, image, tracks, glosses."""
    name = type(value).__name__
    if name == "list" and all(type(v).__name__ == "Hypothesis" for v in value):
        return "glosses"
    return _CLASS_TYPE.get(name, name)


def check_names(chosen: list[Chosen], inputs: dict[str, Any]) -> None:
    known = {s.name for c in chosen for s in slots(c)} | {"reference"}
    for name in inputs:
        if name not in known:
            raise UsageError(
                f"no component of this run takes an input {name!r}", f"inputs: {', '.join(sorted(known))}"
            )
