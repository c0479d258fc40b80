from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from signcore.contracts import Context, Sample
from signcore.plugins.synthetic.clip import (
    EXAMPLE_GLOSSES,
    EXAMPLE_NOTATION,
    Clip,
    embedded_driving,
    embedded_source,
)
from signcore.plugins.synthetic.config import DatasetConfig
from signcore.plugins.synthetic.lexicon import GLOSSES
from signcore.plugins.synthetic.performance import frame_count
from signcore.plugins.synthetic.signer import TEST_SEEDS, Signer
from signcore.types.hamnosys.symbols import from_names
from signcore.types.video import Video


class Dataset:
    """Rendered clips of random sentences. `dataset[i]` follows from the index, the split and `context.seed` alone.

    `sample.video.pose` is exact; `sample.pose` lacks hands now and then, as a pose estimator's would.
    """

    def __init__(self, config: DatasetConfig | None = None, context: Context | None = None) -> None:
        self.config, self.context = config or DatasetConfig(), context or Context()
        self._kept: dict[int, Video] = {}

    def __len__(self) -> int:
        return self.config.clips

    def signer(self, index: int) -> Signer:
        """The signer of clip `index`: they take turns."""
        first = TEST_SEEDS if self.config.split == "test" else 0
        return Signer.sample(first + index % self.config.signers)

    def glosses(self, index: int) -> list[str]:
        config = self.config
        draw = np.random.Generator(np.random.PCG64([6007, self.context.seed, config.split == "test", index]))
        count = int(draw.integers(config.min_glosses, config.max_glosses + 1))
        return [GLOSSES[int(i)] for i in draw.integers(config.skip, config.vocabulary, size=count)]

    def frames(self, index: int) -> int:
        """The clip's number of frames, without making any."""
        config = self.config
        count = frame_count(self.glosses(index), self.signer(index), config.fps, config.rest)
        return count if config.frames is None else min(count, config.frames)

    def clip(self, index: int) -> Clip:
        """The clip behind `dataset[index]`, with depth, parts and 3-D keypoints."""
        c = self.config
        return Clip(
            self.glosses(index),
            self.signer(index),
            c.width,
            c.height,
            c.fps,
            rest=c.rest,
            variant=index,
            frames=c.frames,
        )

    def __getitem__(self, index: int) -> Sample:
        if not 0 <= index < len(self):
            raise IndexError(f"clip {index} of {len(self)}")
        signer, clip = self.signer(index), self.clip(index)
        missing = signer.missing if self.config.missing is None else self.config.missing
        return Sample(
            id=f"{self.config.split}-{index:05d}",
            video=partial(self._video, index, clip),
            pose=partial(clip.pose, missing),
            glosses=list(clip.glosses),
            signer=signer.name,
            language="synthetic",
            split=self.config.split,
        )

    def _video(self, index: int, clip: Clip) -> Video:
        if not self.config.cache:
            return clip.video()
        if index not in self._kept:
            video = clip.video()
            self._kept[index] = Video.from_array(video.numpy(), video.fps, pose=video.pose)
        return self._kept[index]

    def example(self) -> dict[str, Any]:
        """Inputs that `run` uses where one is missing: a held-out signer's picture and driving clip, glosses, and a notation."""
        lazy = embedded_driving()
        driving = Video.from_array(
            lazy.numpy(), lazy.fps, pose=lazy.pose
        )  # it is read several times in a run
        return {
            "source": embedded_source(),
            "driving": driving,
            "video": driving,
            "gloss": " ".join(EXAMPLE_GLOSSES),
            "notation": from_names(EXAMPLE_NOTATION),
        }
