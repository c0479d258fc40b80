from __future__ import annotations

from signcore import Component, hookimpl


@hookimpl
def signcore_components() -> list[Component]:
    return [
        Component(
            kind="dataset",
            name="elan",
            summary="ELAN .eaf files and their videos: an annotation a sample, or sentences, or whole recordings.",
            target="signcore_elan.dataset:Elan",
            config="signcore_elan.config:ElanConfig",
            needs="signcore-elan",
        )
    ]
