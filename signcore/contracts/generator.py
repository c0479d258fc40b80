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
    It may have `judge(inputs) -> (metrics, reference)`: the names of the metrics that say something about this output, and
    the truth to compare it with in the output's own size and rate (None where there is none); `run` uses them where
    no `--metric` or no `--reference` is given.
    It may have `troubles(inputs) -> lines`: what will go wrong with these inputs; `run` says it and keeps it in its manifest.
    It may have `inputs_of(sample) -> (inputs, truth)`, a dataset's sample as `signcore evaluate` gives it, and
    `views(product) -> {title: Video or Image}`, shown in the report beside the product; a pose's "video" is written too.
    A field of the inputs model with `json_schema_extra={"pose_of": "driving"}` is filled with the pose of that video or image.
    `{"unless": NAME}` makes an input needless where NAME is given, and required where it is not; `{"when": PROPERTY}` needs it
    nevertheless where that property of the settings is true.
    Missing: masked points of an input pose are unknown, never zero.
    """

    def generate(self, inputs: Any) -> Pose | Video: ...
