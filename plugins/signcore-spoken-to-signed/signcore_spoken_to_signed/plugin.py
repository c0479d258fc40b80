from __future__ import annotations

from signcore import Component, hookimpl


@hookimpl
def signcore_components() -> list[Component]:
    return [
        Component(
            kind="generator",
            name="spoken-to-signed",
            summary="Text to glosses to one continuous pose, by a lexicon of poses; fingerspells what it lacks.",
            target="signcore_spoken_to_signed.generator:SpokenToSigned",
            config="signcore_spoken_to_signed.config:SpokenToSignedConfig",
            inputs="signcore_spoken_to_signed.config:SpokenToSignedInputs",
            output="pose",
            needs="signcore-spoken-to-signed",
        )
    ]
