from __future__ import annotations

import logging
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from signcore.contracts import Context, Sample
from signcore.errors import InputError
from signcore.plugins.synthetic import truth
from signcore.plugins.synthetic.config import RenderedConfig
from signcore.plugins.synthetic.hamnosys.performance import frontal, perform
from signcore.plugins.synthetic.hamnosys.sampler import sample_distinct
from signcore.plugins.synthetic.render import View
from signcore.plugins.synthetic.signer import TEST_SEEDS, Signer
from signcore.types import layouts, read_table
from signcore.types.hamnosys.parser import parse
from signcore.types.poses import pose_from_keypoints
from signcore.types.tables import Row

if TYPE_CHECKING:
    from pose_format import Pose

_LOG = logging.getLogger(__name__)
_COLUMNS = ("notation", "hamnosys", "text")
_BODY, _FACE, _HANDS = slice(0, 25), slice(25, 95), (truth.LEFT_HAND, truth.RIGHT_HAND)


class Dataset:
    """Notations signed by synthetic signers, poses only. Train and test have no notation and no signer in common.

    `dataset[i]` follows from the settings and the index alone. `skipped` says of every row of the path that is no usable
    notation where it is and why; the others make up the dataset.
    """

    def __init__(self, config: RenderedConfig | None = None, context: Context | None = None) -> None:
        self.config, self.context = config or RenderedConfig(), context or Context()
        c = self.config
        self.skipped: list[str] = []
        rows = self._drawn() if c.path is None else self._read(Path(c.path))
        order = np.random.Generator(np.random.PCG64([8093, c.seed])).permutation(len(rows))
        held = {int(i) for i in order[: round(c.test_share * len(rows))]}
        self._rows = rows
        splits = [(i, "test" if i in held else "train") for i in range(len(rows))]
        wanted = ("train", "test") if c.split == "all" else (c.split,)
        self._items = [(i, split, k) for i, split in splits if split in wanted for k in range(c.per_string)]
        if not self._items:
            raise InputError(
                f"dataset hamnosys-rendered: its split {c.split!r} is empty", "set test_share or split"
            )
        self._kept: dict[int, Pose] = {}

    def _drawn(self) -> list[Row]:
        return [
            Row({"notation": n}, i)
            for i, n in enumerate(sample_distinct(self.config.seed, self.config.count), 1)
        ]

    def _read(self, path: Path) -> list[Row]:
        """Rows with distinct notations that parse, in the order of the file."""
        found: dict[str, Row] = {}
        table = read_table(path)
        column = next((c for c in _COLUMNS if any(c in row.values for row in table)), None)
        if column is None:
            raise InputError(f"{path}: has no column notation or hamnosys")
        for row in table:
            text = row.values.get(column, "").strip()
            try:
                parse(text)
            except InputError as error:
                self.skipped.append(f"{path}:{row.line}: {error}")
                continue
            found.setdefault(text, Row({**row.values, "notation": text}, row.line))
        if not found:
            raise InputError(self.skipped[0])
        if self.skipped:
            _LOG.warning(
                "%d of %d notations left out; the first: %s", len(self.skipped), len(table), self.skipped[0]
            )
        return (
            list(found.values())[: self.config.count]
            if "count" in self.config.model_fields_set
            else list(found.values())
        )

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, index: int) -> Sample:
        if not 0 <= index < len(self):
            raise IndexError(f"sample {index} of {len(self)}")
        number, split, take = self._items[index]
        row, signer = self._rows[number], self.signer(index)
        gloss = row.values.get("glosses") or row.values.get("type_name") or ""
        return Sample(
            id=f"{row.values.get('id') or f'{number:05d}'}-{take}",
            pose=partial(self._pose, index),
            notation=row.values["notation"],
            glosses=[gloss] if gloss else None,
            signer=signer.name,
            language=row.values.get("language") or "synthetic",
            split=split,
        )

    def signer(self, index: int) -> Signer:
        """Who signs sample `index`; the samples of a notation are signed by different ones, where there are enough."""
        number, split, take = self._items[index]
        c = self.config
        first, signers = (TEST_SEEDS, c.test_signers) if split == "test" else (0, c.signers)
        turn = np.random.Generator(np.random.PCG64([3719, c.seed, number])).integers(signers)
        signer = Signer.sample(first + (int(turn) + take) % signers)
        return frontal(signer, signer.left_handed and c.left_handed)

    def exact(self, index: int) -> np.ndarray:
        """The 137 OpenPose points in pixels [T, 137, 2] before noise and losses. Missing: NaN for the legs."""
        number, _, _ = self._items[index]
        c, signer = self.config, self.signer(index)
        done = perform([self._rows[number].values["notation"]], signer, c.fps, variant=index)
        return truth.keypoints(done.joints, signer, View(signer, c.width, c.height))[0]

    def _pose(self, index: int) -> Pose:
        if index in self._kept:
            return self._kept[index]
        c = self.config
        points = self.exact(index)
        draw = np.random.Generator(np.random.PCG64([6469, c.seed, index]))
        points, confidence = estimated(points, c.noise, c.missing, draw)
        pose = pose_from_keypoints(
            points, "openpose_137", fps=c.fps, width=c.width, height=c.height, confidence=confidence
        )
        if c.layout != "openpose_137":
            pose = layouts.to_layout(pose, c.layout)
        if c.cache:
            self._kept[index] = pose
        return pose


def estimated(
    points: np.ndarray, noise: float, missing: float, draw: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Exact points [T, 137, 2] as a pose estimator finds them: points [T, 137, 2] and confidence [T, 137] in 0..1.

    noise: of the found points, in shoulder widths. missing: share of frames that lose a hand, in runs; half as often a finger
    alone is lost, and as often one is found badly: far off, with a confidence below 0.2. Missing: NaN, with confidence 0.
    """
    frames = len(points)
    width = float(np.nanmean(np.abs(points[:, 2, 0] - points[:, 5, 0])))
    points = points + draw.normal(size=points.shape) * noise * width
    confidence = np.empty(points.shape[:2])
    for part, low, high in (
        (_BODY, 0.65, 0.95),
        (_FACE, 0.7, 0.95),
        (_HANDS[0], 0.45, 0.9),
        (_HANDS[1], 0.45, 0.9),
    ):
        level = draw.uniform(low, high)
        count = confidence[:, part].shape[1]
        confidence[:, part] = np.clip(level + draw.normal(size=(frames, count)) * 0.05, 0.25, 1.0)
    if missing > 0.0:
        for hand, lost in zip(_HANDS, runs(frames, 2, missing, draw), strict=True):
            points[lost, hand] = np.nan
            for finger, gone in enumerate(runs(frames, 5, missing / 2.0, draw)):
                points[gone, hand.start + 2 + 4 * finger : hand.start + 5 + 4 * finger] = np.nan
            for finger, bad in enumerate(runs(frames, 5, missing / 2.0, draw)):
                tips = slice(hand.start + 2 + 4 * finger, hand.start + 5 + 4 * finger)
                confidence[bad, tips] = draw.uniform(0.05, 0.2, (int(bad.sum()), 3))
                points[bad, tips] += draw.normal(size=(int(bad.sum()), 3, 2)) * 0.12 * width
    confidence[np.isnan(points).any(axis=-1)] = 0.0
    return points, confidence


def runs(frames: int, count: int, share: float, draw: np.random.Generator) -> np.ndarray:
    """Which frames are lost [count, frames] bool: a share of them, in runs of about `truth.LOST_FRAMES`."""
    length = truth.LOST_FRAMES
    starts = draw.random((count, frames)) < share / length
    lengths = draw.geometric(1.0 / length, (count, frames))
    lost = np.zeros((count, frames), dtype=bool)
    for row, frame in np.argwhere(starts):
        lost[row, frame : frame + lengths[row, frame]] = True
    return lost
