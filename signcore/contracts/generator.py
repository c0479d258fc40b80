from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from pose_format import Pose

    from signcore.types import Video


@runtime_checkable
class Generator(Protocol):
    """Notation, gloss, image, video or pose to pose or video. Built as `Generator(config, context)`.

    `generate(inputs)` takes an instance of the pydantic model that the Component names in `inputs`
    (fields of type `Video`, `Image`, `Pose`, or text) and returns what the Component names in `output`:
    a `Video` (uint8 RGB, lazily made frames are welcome) or a `pose_format.Pose` in pixels.
    Missing: masked points of an input pose are unknown, never zero.
    """

    def generate(self, inputs: Any) -> Pose | Video: ...
