from __future__ import annotations

from signcore import Component, hookimpl


@hookimpl
def signcore_components() -> list[Component]:
    return [
        Component(
            kind="metric",
            name="jerk",
            summary="Does it move as smoothly as the reference: ratio of root mean square jerks, as |ln|; 0 is best.",
            target="signcore_jerk.metric:Jerk",
            config="signcore_jerk.config:JerkConfig",
            output="pose",
            needs="signcore-jerk",
        )
    ]
