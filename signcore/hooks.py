from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from signcore.component import Component

GROUP = "signcore"
hookspec = pluggy.HookspecMarker(GROUP)
hookimpl = pluggy.HookimplMarker(GROUP)


class SigncoreSpec:
    @hookspec
    def signcore_components(self) -> list[Component]:  # type: ignore[empty-body]
        """Return the Component records that this plugin provides."""
