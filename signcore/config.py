"""Settings from text or values to pydantic models, with errors in the words that the user wrote."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from signcore.errors import ConfigError, InputError


def build(model: type[BaseModel], values: Mapping[str, Any], owner: str) -> Any:
    """Make `model` from values by name; unknown names suggest the nearest, wrong values name the setting.

    Text is read as the field's type asks ("none" as None, JSON for lists and tables).
    """
    for name in values:
        if name not in model.model_fields:
            near = get_close_matches(name, model.model_fields, n=1)
            hint = (
                f"did you mean {near[0]!r}?"
                if near
                else f"settings: {', '.join(model.model_fields) or 'none'}"
            )
            raise ConfigError(f"{owner} has no setting {name!r}", hint)
    try:
        return model.model_validate({k: _parsed(model.model_fields[k], v) for k, v in values.items()})
    except ValidationError as error:
        raise ConfigError(f"{owner}: {describe(error)}") from None


def describe(error: ValidationError) -> str:
    """A pydantic error as one line: `steps=0: Input should be greater than 0`."""
    parts = []
    for e in error.errors(include_url=False):
        name = ".".join(str(p) for p in e["loc"])
        text = e["msg"].removeprefix("Value error, ")
        if e["type"] == "missing":
            parts.append(f"{name}: is needed")
        elif not name:
            parts.append(text)
        else:
            given = (
                repr(e["input"])
                if isinstance(e["input"], (str, int, float, bool, type(None)))
                else type(e["input"]).__name__
            )
            parts.append(f"{name}={given}: {text}")
    return "; ".join(parts)


def _parsed(field: FieldInfo, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    kinds = _alternatives(field.annotation)
    if type(None) in kinds and value.lower() in ("none", "null", ""):
        return None
    if any(typing.get_origin(k) in (list, tuple, dict, set) or k in (list, tuple, dict) for k in kinds):
        import json

        try:
            return json.loads(value)
        except ValueError:
            return [v.strip() for v in value.split(",")]
    return value


def _alternatives(annotation: Any) -> tuple[Any, ...]:
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return typing.get_args(annotation)
    return (annotation,)


@dataclass(frozen=True)
class Setting:
    """One field of a model, for `show`, `--help` and the JSON schema."""

    name: str
    type: str
    default: Any
    required: bool
    bounds: str
    unit: str
    help: str


def settings(model: type[BaseModel]) -> list[Setting]:
    rows = []
    for name, field in model.model_fields.items():
        extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
        default = None if field.is_required() else field.get_default(call_default_factory=True)
        rows.append(
            Setting(
                name,
                type_name(field.annotation),
                default,
                field.is_required(),
                _bounds(field),
                str(extra.get("unit", "")),
                field.description or "",
            )
        )
    return rows


def type_name(annotation: Any) -> str:
    """A type as a user reads it: `int`, `small | paper`, `path of a video`."""
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Literal:
        return " | ".join(str(a) for a in args)
    if origin in (typing.Union, types.UnionType):
        return " | ".join(type_name(a) for a in args if a is not type(None))
    if origin is typing.Annotated:
        return type_name(args[0])
    if origin in (list, tuple, set):
        inner = ", ".join(type_name(a) for a in args if a is not Ellipsis)
        return f"list of {inner}" if inner else "list"
    return {"str": "text", "float": "number"}.get(
        getattr(annotation, "__name__", ""), getattr(annotation, "__name__", str(annotation))
    )


def _bounds(field: FieldInfo) -> str:
    signs = {
        "ge": ">=",
        "gt": ">",
        "le": "<=",
        "lt": "<",
        "multiple_of": "multiple of",
        "min_length": "length >=",
        "max_length": "length <=",
    }
    found = [
        f"{sign} {value:g}"
        for m in field.metadata
        for key, sign in signs.items()
        if (value := getattr(m, key, None)) is not None
    ]
    return ", ".join(found)


def read_config(path: Path) -> dict[str, Any]:
    """A settings file as a tree: .toml, .yaml, .yml or .json."""
    if not path.is_file():
        raise InputError(f"{path}: no such config file")
    suffix = path.suffix.lower()
    try:
        text = path.read_text(encoding="utf-8")
        if suffix == ".toml":
            import tomllib

            tree = tomllib.loads(text)
        elif suffix in (".yaml", ".yml"):
            import yaml

            tree = yaml.safe_load(text)
        elif suffix == ".json":
            import json

            tree = json.loads(text)
        else:
            raise InputError(f"{path}: not a config file", "use .toml, .yaml or .json")
    except InputError:
        raise
    except Exception as error:  # each reader has an error class of its own
        raise InputError(f"{path}: {' '.join(str(error).split())}") from error
    if tree is None:
        return {}
    if not isinstance(tree, dict):
        raise InputError(f"{path}: expected a table of settings, got {type(tree).__name__}")
    return tree
