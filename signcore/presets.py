"""Settings of learned components: presets name the defaults, and weights say which network they belong to. Imports no torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from signcore.errors import WeightsError


def setting(default: Any, description: str, unit: str | None = None, **bounds: Any) -> Any:
    return Field(
        default, description=description, json_schema_extra={"unit": unit} if unit else None, **bounds
    )


class PresetConfig(BaseModel):
    """A preset names the defaults; every other setting overrides it."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    presets: ClassVar[dict[str, dict[str, Any]]] = {}
    shapes: ClassVar[tuple[str, ...]] = ()  # the settings that the weights' shapes and meaning depend on
    carried: ClassVar[tuple[str, ...]] = ()  # others that the weights bring along

    preset: str = "small"

    @model_validator(mode="before")
    @classmethod
    def _preset_first(cls, values: Any) -> Any:
        if isinstance(values, dict):
            return {**cls.presets.get(str(values.get("preset", "small")), {}), **values}
        return values

    @property
    def architecture(self) -> dict[str, Any]:
        """The settings that the weights' shapes and meaning depend on."""
        return {name: getattr(self, name) for name in self.shapes}

    def with_architecture(self, trained: dict[str, Any]) -> Self:
        """These settings on the network that weights were trained as, `trained` by name.

        A setting that differs from the preset's default was chosen by the user and stays; weights that do not fit it
        are refused when they are loaded. Raises ValidationError where `trained` holds what no network has.
        """
        default = type(self)(preset=self.preset)
        known = {k: v for k, v in trained.items() if k in (*self.shapes, *self.carried)}
        chosen = {k: v for k, v in self.model_dump().items() if v != getattr(default, k) or k not in known}
        return type(self).model_validate({**known, **chosen})


Config = TypeVar("Config", bound=PresetConfig)


def describe(component: str, config: PresetConfig, *, kind: str = "generator", **more: Any) -> dict[str, Any]:
    """What `config.json` says beside the weights of a generator, or of another kind of component."""
    carried = {name: getattr(config, name) for name in config.carried}
    return {
        "component": f"{kind}:{component}",
        "preset": config.preset,
        "version": 1,
        "settings": {**config.architecture, **carried},
        **more,
    }


def trained_config(
    component: str, config: Config, trained: dict[str, Any], source: str | Path, *, kind: str = "generator"
) -> Config:
    """The settings on the network that the weights of `source` belong to. Raises WeightsError where those are another's."""
    wanted = f"{kind}:{component}"
    of = trained.get("component", wanted)
    if of != wanted:
        raise WeightsError(f"{source}: weights of {of}, not of {wanted}")
    try:
        return config.with_architecture(dict(trained.get("settings", {})))
    except (ValidationError, TypeError, ValueError) as error:
        from signcore.config import describe as in_words

        reason = in_words(error) if isinstance(error, ValidationError) else str(error)
        raise WeightsError(f"{source}: its config describes no {component} ({reason})") from error
