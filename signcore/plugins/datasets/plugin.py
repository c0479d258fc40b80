from __future__ import annotations

from signcore.component import Component
from signcore.hooks import hookimpl


@hookimpl
def signcore_components() -> list[Component]:
    return [
        Component(
            kind="dataset",
            name="video-folder",
            summary="Videos in a folder (or one file) with the .pose beside each, or an estimator's.",
            target="signcore.plugins.datasets.video_folder:VideoFolder",
            config="signcore.plugins.datasets.config:VideoFolderConfig",
        )
    ]
