from __future__ import annotations

from signcore import Component, hookimpl


@hookimpl
def signcore_components() -> list[Component]:
    return [
        Component(
            kind="estimator",
            name=name,
            summary=summary,
            target=f"signcore_rtmlib.estimator:{target}",
            config=f"signcore_rtmlib.config:{target}Config",
            needs="signcore-rtmlib",
        )
        for name, target, summary in (
            ("rtmw", "RTMW", "RTMW by ONNX: COCO-WholeBody's 133 points; with models of yours."),
            ("dwpose", "DWPose", "DWPose by ONNX: COCO-WholeBody's 133 points; with models of yours."),
        )
    ]
