"""Names to components: built-ins first, then third parties; failures and collisions say what to do."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING, Any

from signcore import discovery
from signcore.component import KINDS, Component
from signcore.discovery import PluginRecord
from signcore.errors import (
    AmbiguousComponent,
    PluginFailed,
    SigncoreError,
    UnknownComponent,
    UsageError,
    out_of_memory,
)

if TYPE_CHECKING:
    from signcore.contracts import Context

# Our own packages that provide a component, for the hint where it is not installed.
PUBLISHED = {
    ("estimator", "mediapipe"): "signcore-mediapipe",
    ("estimator", "mediapipe-tasks"): "signcore-mediapipe",
    ("estimator", "rtmw"): "signcore-rtmlib",
    ("estimator", "dwpose"): "signcore-rtmlib",
    ("generator", "spoken-to-signed"): "signcore-spoken-to-signed",
    ("metric", "jerk"): "signcore-jerk",
    ("dataset", "elan"): "signcore-elan",
}


class Registry:
    """All plugins of this process, found once. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._busy = False
        self._manager = discovery.new_manager()
        self._built_in: list[PluginRecord] | None = None
        self._third_party: list[PluginRecord] | None = None

    @property
    def built_in(self) -> list[PluginRecord]:
        with self._lock:
            if self._built_in is None:
                self._built_in = discovery.built_in(self._manager)
            return self._built_in

    @property
    def third_party(self) -> list[PluginRecord]:
        with self._lock:
            if self._third_party is None:
                if self._busy:
                    raise UsageError(
                        "a plugin asked for components while plugins are being loaded", "ask in a function"
                    )
                self._busy = True
                try:
                    self._third_party = discovery.third_party(self._manager)
                finally:
                    self._busy = False
            return self._third_party

    @property
    def plugins(self) -> list[PluginRecord]:
        return [*self.built_in, *self.third_party]

    def names(self, kind: str) -> list[str]:
        """Every name that `find` takes for a kind, built-ins first; qualified where the bare name means another."""
        _check_kind(kind)
        return [name for name, _, _ in self.listing(kind)]

    def listing(self, kind: str | None = None) -> list[tuple[str, PluginRecord, Component]]:
        """(name to write, record, component) of every component, of one kind or of all."""
        if kind is not None:
            _check_kind(kind)
        everything = [(r, c) for r in self.plugins for c in r.components if kind in (None, c.kind)]
        count: dict[tuple[str, str], int] = {}
        for record, c in everything:
            if record.distribution != "signcore":
                count[c.kind, c.name] = count.get((c.kind, c.name), 0) + 1
        ours = {(c.kind, c.name) for r in self.built_in for c in r.components}

        def written(record: PluginRecord, c: Component) -> str:
            key = (c.kind, c.name)
            bare = record.distribution == "signcore" or (key not in ours and count[key] == 1)
            return c.name if bare else f"{record.distribution}/{c.name}"

        order = {k: i for i, k in enumerate(KINDS)}
        rows = [(written(r, c), r, c) for r, c in everything]
        return sorted(rows, key=lambda row: order[row[2].kind])

    def find(self, kind: str, name: str) -> tuple[PluginRecord, Component]:
        """The component that a name means. A built-in's bare name never imports third-party code."""
        _check_kind(kind)
        distribution, _, short = name.rpartition("/")

        def matches(records: list[PluginRecord]) -> list[tuple[PluginRecord, Component]]:
            return [
                (r, c)
                for r in records
                for c in r.components
                if (c.kind, c.name) == (kind, short) and distribution in ("", r.distribution)
            ]

        found = matches(self.built_in) or matches(self.third_party)
        if len(found) == 1:
            return found[0]
        if found:
            raise AmbiguousComponent(
                f"{kind} {name!r} is provided by "
                + " and ".join(f"{r.distribution} {r.version}" for r, _ in found),
                "write " + " or ".join(f"{r.distribution}/{c.name}" for r, c in found),
            )
        self._raise_unknown(kind, name, distribution, short)
        raise AssertionError

    def _raise_unknown(self, kind: str, name: str, distribution: str, short: str) -> None:
        failed = [r for r in self.plugins if r.status == "failed"]
        for record in failed:
            if record.distribution == distribution:
                raise PluginFailed(
                    f"{distribution} {record.version} could not be loaded ({record.trouble()})",
                    "see `signcore plugins`",
                ) from record.error
        off = [r.distribution for r in self.plugins if r.status == "off"]
        known = self.names(kind)
        near = get_close_matches(short, [n.rpartition("/")[2] for n in known], n=1)
        hints = []
        if near:
            hints.append(f"did you mean {near[0]!r}?")
        if (kind, short) in PUBLISHED:
            hints.append(f"pip install {PUBLISHED[kind, short]}")
        if failed:
            are = "plugin has" if len(failed) == 1 else "plugins have"
            hints.append(
                f"{len(failed)} {are} failed to load ({', '.join(r.distribution for r in failed)}), see `signcore plugins`"
            )
        if off:
            hints.append(f"SIGNCORE_PLUGINS leaves out {', '.join(off)}")
        if not near:
            hints.append(f"there are: {', '.join(known) or 'none'}")
        raise UnknownComponent(f"no {kind} is called {name!r}", "; ".join(hints))

    def load(self, kind: str, name: str, context: Context | None = None, **config: Any) -> Any:
        """Find, configure and construct a component."""
        from signcore.contracts import Context

        record, component = self.find(kind, name)
        settings = self.configure(record, component, config)
        target = resolve(record, component, component.target)
        try:
            made = target(settings, context or Context())
        except (SigncoreError, KeyboardInterrupt):
            raise
        except (Exception, SystemExit) as error:
            if out_of_memory(error):  # the machine's fault, not the plugin's
                raise
            raise failed(record, component, error, "could not be constructed") from error
        return made

    def configure(self, record: PluginRecord, component: Component, values: Mapping[str, Any]) -> Any:
        """The component's settings from values by name: an instance of its pydantic model, or None where it has none."""
        from signcore.config import build

        if component.config is None:
            if values:
                from signcore.errors import ConfigError

                raise ConfigError(
                    f"{component.kind} {component.name} has no settings, got {', '.join(values)}"
                )
            return None
        return build(
            resolve(record, component, component.config), values, f"{component.kind} {component.name}"
        )


def resolve(record: PluginRecord, component: Component, target: str) -> Any:
    """Import "package.module:Name"; a failure shows the original last line and what to install."""
    module, _, name = target.partition(":")
    try:
        return getattr(import_module(module), name)
    except KeyboardInterrupt:
        raise
    except (Exception, SystemExit) as error:
        raise failed(record, component, error, "could not be imported") from error


def failed(record: PluginRecord, component: Component, error: BaseException, what: str) -> PluginFailed:
    text = (str(error).splitlines() or [""])[-1]
    needs = f'pip install "{component.needs}"' if component.needs and isinstance(error, ImportError) else ""
    owner = "" if record.distribution == "signcore" else f" of {record.distribution} {record.version}"
    return PluginFailed(
        f"{component.kind} {component.name}{owner} {what} ({type(error).__name__}: {text})", needs
    )


def _check_kind(kind: str) -> None:
    if kind not in KINDS:
        near = get_close_matches(kind, KINDS, n=1)
        raise UnknownComponent(
            f"there is no kind {kind!r}",
            f"did you mean {near[0]!r}?" if near else f"kinds: {', '.join(KINDS)}",
        )


registry = Registry()
