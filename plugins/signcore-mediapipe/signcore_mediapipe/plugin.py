from __future__ import annotations

from signcore import Component, hookimpl


@hookimpl
def signcore_components() -> list[Component]:
    return [
        Component(
            kind="estimator",
            name="mediapipe",
            summary="MediaPipe Holistic: body, face and hands; offline, with the models in its wheel.",
            target="signcore_mediapipe.estimator:MediaPipe",
            config="signcore_mediapipe.config:MediaPipeConfig",
            needs="signcore-mediapipe",
        )
    ]
