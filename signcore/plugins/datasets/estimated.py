"""Poses of a dataset's videos that no file holds."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

from pose_format import Pose

from signcore.contracts import Context
from signcore.types.video import Video


class Estimated:
    """By an estimator, each when it is first asked for, and kept; None without one."""

    def __init__(self, name: str | None, context: Context | None) -> None:
        self.name, self.context = name, context or Context()
        self._kept: dict[str, Pose] = {}

    def of(self, clip: str, video: Callable[[], Video]) -> Pose | None:
        if self.name is None:
            return None
        if clip not in self._kept:
            from signcore.runs.folder import native_output

            # MediaPipe's own libraries print a page of warnings on stderr
            with tempfile.TemporaryDirectory() as folder, native_output(Path(folder) / "log.txt"):
                self._kept[clip] = self._estimator.estimate(video())
        return self._kept[clip]

    @cached_property
    def _estimator(self) -> Any:
        from signcore.registry import registry

        return registry.load("estimator", str(self.name), self.context)
