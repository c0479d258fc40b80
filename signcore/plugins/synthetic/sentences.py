"""Continuous signing with its tracks: sentences of the lexicon's glosses, one sign running into the next, by signers who vary."""

from __future__ import annotations

from functools import partial

import numpy as np

from signcore.contracts import Context, Sample
from signcore.errors import InputError
from signcore.plugins.synthetic.clip import Clip
from signcore.plugins.synthetic.config import SentencesConfig
from signcore.plugins.synthetic.lexicon import GLOSSES
from signcore.plugins.synthetic.signer import TEST_SEEDS, Signer
from signcore.plugins.synthetic.solids import PARTS
from signcore.plugins.synthetic.truth import world_points
from signcore.recognition import tracks as layout
from signcore.recognition.skeleton import resampled
from signcore.types.tables import read_table
from signcore.types.tracks import Tracks

_PARENTS = {  # SMPL-X joint -> where its bone ends, by our points' names; the others do not turn
    12: ("neck", "head"),
    16: ("left_shoulder", "left_elbow"), 17: ("right_shoulder", "right_elbow"),
    18: ("left_elbow", "left_wrist"), 19: ("right_elbow", "right_wrist"),
    20: ("left_wrist", "left_hand_9"), 21: ("right_wrist", "right_hand_9"),
    **{
        first + 3 * finger + bone: (f"{side}_hand_{root + bone}", f"{side}_hand_{root + bone + 1}")
        for side, first in (("left", 25), ("right", 40))
        for finger, root in enumerate((5, 9, 17, 13, 1))  # index, middle, little, ring, thumb
        for bone in range(3)
    },
}  # fmt: skip


class Sentences:
    """Sentences by signers who take turns; train and test have no signer in common. `dataset[i]` follows from the index, the
    split and `context.seed` alone.

    With a `path` the sentences have the lengths of real ones, and the lexicon's glosses take the places of their most
    frequent glosses, in their order; without, glosses are drawn evenly. Of a sample, the pose lacks hands now and then, and
    the tracks `dwpose` and `mediapipe` are those of that pose; `smplerx`, `depth` and `segmentation` are exact.
    """

    def __init__(self, config: SentencesConfig | None = None, context: Context | None = None) -> None:
        self.config, self.context = config or SentencesConfig(), context or Context()
        self.real = self._real() if self.config.path is not None else []

    def __len__(self) -> int:
        return self.config.clips + self.config.test_clips

    def _real(self) -> list[list[int]]:
        """Real sentences as numbers of the lexicon, cut into runs of wanted length of the most frequent glosses."""
        config = self.config
        rows = [r.values["glosses"].split() for r in read_table(str(config.path), ["glosses"])]
        count: dict[str, int] = {}
        for gloss in (g for row in rows for g in row):
            count[gloss] = count.get(gloss, 0) + 1
        ranked = sorted(count, key=lambda g: (-count[g], g))[: config.vocabulary]
        number = {g: i for i, g in enumerate(ranked)}
        kept = [[number[g] for g in row if g in number][: config.max_glosses] for row in rows]
        found = [row for row in kept if len(row) >= config.min_glosses]
        if not found:
            raise InputError(
                f"{config.path}: no sentence has {config.min_glosses} of its most frequent glosses"
            )
        return found

    def _of(self, index: int) -> tuple[bool, int]:
        """Whether it is a test clip, and its number among those."""
        return (False, index) if index < self.config.clips else (True, index - self.config.clips)

    def signer(self, index: int) -> Signer:
        test, number = self._of(index)
        config = self.config
        return Signer.sample(TEST_SEEDS + number % config.test_signers if test else number % config.signers)

    def glosses(self, index: int) -> list[str]:
        test, number = self._of(index)
        config = self.config
        draw = np.random.Generator(np.random.PCG64([6011, self.context.seed, test, number]))
        if self.real:
            return [GLOSSES[i] for i in self.real[int(draw.integers(len(self.real)))]]
        count = int(draw.integers(config.min_glosses, config.max_glosses + 1))
        return [GLOSSES[int(i)] for i in draw.integers(config.vocabulary, size=count)]

    def clip(self, index: int) -> Clip:
        """The clip behind `dataset[index]`; its performance knows when each gloss is on."""
        c = self.config
        return Clip(
            self.glosses(index), self.signer(index), c.width, c.height, c.fps, rest=c.rest, variant=index
        )

    def __getitem__(self, index: int) -> Sample:
        if not 0 <= index < len(self):
            raise IndexError(f"clip {index} of {len(self)}")
        test, number = self._of(index)
        clip = self.clip(index)
        return Sample(
            id=f"{'test' if test else 'train'}-{number:05d}",
            video=clip.video,
            pose=partial(clip.pose, self.config.missing),
            tracks=partial(tracks_of, clip, self.config.missing, self.config.grids),
            glosses=list(clip.glosses),
            signer=clip.signer.name,
            language="synthetic",
            split="test" if test else "train",
        )


def tracks_of(clip: Clip, missing: float = 0.0, grids: int = 1) -> Tracks:
    """The five tracks of a clip. missing: share of frames in which `dwpose` and `mediapipe` lose a hand. grids: depth and
    segmentation are drawn at every so many frames, and put between those; 0: they are absent."""
    found = layout.from_pose(clip.pose(missing))
    features, presence = dict(found.features), dict(found.presence)
    features["smplerx"] = swings(world_points(clip.performance.joints, clip.signer)[: len(clip)])
    if grids:
        drawn = [clip.truth(t) for t in range(0, len(clip), grids)]
        places = np.arange(len(clip)) / grids
        parts = [_value(name) for name in PARTS]
        made = {
            "depth": layout.from_depth(np.stack([t.depth for t in drawn])),
            "segmentation": layout.from_parts(np.stack([t.parts for t in drawn]), parts),
        }
        features |= {name: resampled(values, places) for name, values in made.items()}
    for name in set(features) - set(presence):
        presence[name] = np.ones(len(clip), bool)
    return Tracks(features, clip.fps, presence)


def swings(points: np.ndarray) -> np.ndarray:  # world metres [T, 137, 3] -> [T, 165]
    """Of every bone the least rotation, axis-angle in radians, from its direction in a T-pose; 0 for joints without a bone."""
    from signcore.types.layouts import layout_names

    names = layout_names("openpose_137")
    out = np.zeros((len(points), 55, 3), np.float32)
    for joint, (start, end) in _PARENTS.items():
        start, end = ("neck", "nose") if joint == 12 else (start, end)
        there = points[:, names.index(end)] - points[:, names.index(start)]
        there /= np.maximum(np.linalg.norm(there, axis=-1, keepdims=True), 1e-9)
        side = 1.0 if start.startswith("left") else -1.0
        rest = np.array([0.0, 1.0, 0.0]) if joint == 12 else np.array([side, 0.0, 0.0])
        axis = np.cross(rest, there)
        sine, cosine = np.linalg.norm(axis, axis=-1), there @ rest
        out[:, joint] = axis / np.maximum(sine, 1e-9)[:, None] * np.arctan2(sine, cosine)[:, None]
    return out.reshape(len(points), -1)


def _value(part: str) -> str:
    """A part of the synthetic signer as `PART_VALUES` names it."""
    if part in layout.PART_VALUES:
        return part
    if part.endswith("arm"):
        return "arm"
    return f"{part.split('_')[0]}_hand" if part.startswith(("left_", "right_")) else "torso"
