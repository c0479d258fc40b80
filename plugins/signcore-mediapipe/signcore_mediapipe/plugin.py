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
        ),
        Component(
            kind="estimator",
            name="mediapipe-tasks",
            summary="MediaPipe's tasks: holistic, or pose, hands and face; with .task models of yours.",
            target="signcore_mediapipe.tasks:MediaPipeTasks",
            config="signcore_mediapipe.config:MediaPipeTasksConfig",
            needs="signcore-mediapipe",
        ),
    ]
