"""Finding plugins: each is loaded alone, in three phases, and a failure is a record, not an exception.

Not pluggy's `load_setuptools_entrypoints`: it stops at the first plugin that raises and loads one of two equal names.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType
from typing import Any

import pluggy

from signcore._version import __version__
from signcore.component import Component
from signcore.hooks import GROUP, SigncoreSpec

BUILT_IN = tuple(
    f"signcore.plugins.{name}.plugin"
    for name in (
        "synthetic",
        "ham2pose",
        "heatmaps",
        "progressive",
        "lmt",
        "pgmm",
        "tpsmm",
        "mraa",
        "fomm",
        "openpose",
        "baselines",
        "datasets",
        "pose_metrics",
        "video_metrics",
        "text_metrics",
        "neighbours",
        "streams",
        "signx",
        "spoter",
        "corrnet",
    )
)


@dataclass
class PluginRecord:
    """One plugin as it was found. status: "ok", "failed" or "off"; phase: "import", "register" or "declare", where it failed."""

    distribution: str
    entry_point: str
    version: str
    module: str = ""
    components: tuple[Component, ...] = ()
    status: str = "ok"
    phase: str = ""
    error: BaseException | None = field(default=None, repr=False)

    def trouble(self) -> str:
        """One line: what failed, where."""
        if self.error is None:
            return ""
        text = " ".join(str(self.error).split())
        return f"{self.phase}: {type(self.error).__name__}: {text[:300]}"


def strict() -> bool:
    """SIGNCORE_STRICT=1 re-raises what a plugin raises, for plugin authors."""
    return os.environ.get("SIGNCORE_STRICT", "") not in ("", "0")


def new_manager() -> pluggy.PluginManager:
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(SigncoreSpec)
    return manager


def built_in(manager: pluggy.PluginManager) -> list[PluginRecord]:
    def record(module: str) -> PluginRecord:
        return PluginRecord("signcore", module.split(".")[-2], __version__, module)

    return [load(manager, record(module), lambda module=module: import_module(module)) for module in BUILT_IN]  # type: ignore[misc]


def third_party(manager: pluggy.PluginManager) -> list[PluginRecord]:
    """Every entry point of the group, by distribution name; SIGNCORE_PLUGINS filters before anything is imported."""
    setting = os.environ.get("SIGNCORE_PLUGINS")
    wanted = None if setting is None else {_normal(s) for s in setting.split(",") if s.strip()}
    records = []
    for point in sorted(_points(), key=lambda p: (_normal(_distribution(p)[0]), p.name)):
        distribution, version = _distribution(point)
        record = PluginRecord(distribution, point.name, version, point.value)
        if wanted is not None and _normal(distribution) not in wanted:
            record.status = "off"
            records.append(record)
        else:
            records.append(load(manager, record, point.load))
    return records


def _points() -> Iterator[EntryPoint]:
    seen = set()
    for point in entry_points(group=GROUP):
        key = (_distribution(point)[0], point.name, point.value)
        if key not in seen:  # a folder that stands on sys.path twice lists its metadata twice
            seen.add(key)
            yield point


def _distribution(point: EntryPoint) -> tuple[str, str]:
    if point.dist is None:
        return "unknown", "0"
    return point.dist.metadata["Name"] or "unknown", point.dist.version or "0"


def _normal(name: str) -> str:
    return name.strip().lower().replace("_", "-").replace(".", "-")


def load(manager: pluggy.PluginManager, record: PluginRecord, get_plugin: Callable[[], Any]) -> PluginRecord:
    """Import, register and declare one plugin; what it raises (`SystemExit` too) goes into its record."""
    plugin = None
    try:
        record.phase = "import"
        plugin = get_plugin()
        record.phase = "register"
        manager.register(plugin, name=f"{record.distribution}/{record.entry_point}")
        record.phase = "declare"
        record.components = tuple(_declared(manager, plugin))
        record.phase = ""
    except (Exception, SystemExit) as error:
        if plugin is not None and manager.is_registered(plugin):
            manager.unregister(plugin)
        record.status, record.error, record.components = "failed", error, ()
        if strict():
            raise
    return record


def _declared(manager: pluggy.PluginManager, plugin: ModuleType) -> list[Component]:
    for name in dir(plugin):
        if (
            name.startswith("signcore_")
            and callable(getattr(plugin, name))
            and not hasattr(SigncoreSpec, name)
        ):
            raise LookupError(f"unknown hook {name!r}; it may be written for a newer signcore")
    hooks = [h for h in manager.hook.signcore_components.get_hookimpls() if h.plugin is plugin]
    if not hooks:
        raise LookupError("no hook signcore_components; is it marked with @hookimpl?")
    found: list[Component] = []
    for hook in hooks:
        declared = hook.function()
        if not isinstance(declared, (list, tuple)):
            raise TypeError(
                f"signcore_components must return a list of Component, got {type(declared).__name__}"
            )
        for component in declared:
            if not isinstance(component, Component):
                raise TypeError(
                    f"signcore_components must return Component records, got {type(component).__name__}"
                )
            if any((c.kind, c.name) == (component.kind, component.name) for c in found):
                raise ValueError(f"{component.kind} {component.name!r} is declared twice")
            found.append(component)
    return found
