from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from pose_format import Pose

    from signcore.types import Tracks, Video

_LAZY = ("video", "pose", "tracks")


class Sample:
    """One clip of a dataset; every field is optional (None where absent).

    video, pose and tracks may be given as functions without arguments: they are called once, at first use.
    The pose keeps the file's frames, rate and pixels: normalising is the method's business.
    """

    video: Video | None
    pose: Pose | None
    tracks: Tracks | None

    def __init__(
        self,
        *,
        id: str = "",
        video: Video | Callable[[], Video] | None = None,
        pose: Pose | Callable[[], Pose] | None = None,
        tracks: Tracks | Callable[[], Tracks] | None = None,
        notation: str | None = None,
        glosses: list[str] | None = None,
        signer: str | None = None,
        language: str | None = None,
        split: str | None = None,
    ) -> None:
        self.id, self.notation, self.glosses = id, notation, glosses
        self.signer, self.language, self.split = signer, language, split
        self._lazy: dict[str, Any] = {"video": video, "pose": pose, "tracks": tracks}

    def __getattr__(self, name: str) -> Any:
        if name not in _LAZY or "_lazy" not in self.__dict__:
            raise AttributeError(f"Sample has no field {name!r}")
        value = self._lazy[name]
        if callable(value):
            value = self._lazy[name] = value()
        return value


@runtime_checkable
class Dataset(Protocol):
    """An indexed set of samples. Built as `Dataset(config, context)`; `dataset[i]` is cheap, its fields load lazily.

    Raises IndexError outside 0 <= i < len. The same index gives the same sample in every process.
    It may have `example() -> dict`: inputs by name that `run` uses wherever one is missing (the synthetic signer has).
    """

    def __len__(self) -> int: ...
    def __getitem__(self, index: int) -> Sample: ...
