"""Makes docs/pictures/ham2pose.png: notations held out from training, as the synthetic signer signs them and, below, as Ham2Pose does."""

from pathlib import Path

import numpy as np
import PIL.Image

import signcore
from signcore.plugins.ham2pose.config import Ham2PoseInputs
from signcore.types.draw import pose_strip

SIGNS, COLUMNS, SIDE = 3, 8, 150


def main() -> None:
    dataset = signcore.load(
        "dataset", "hamnosys-rendered", split="test", per_string=1, noise=0.0, missing=0.0
    )
    generator = signcore.load("generator", "ham2pose", intermediate=True)
    rows = []
    for i in range(SIGNS):
        sample = dataset[i]
        made = generator.generate(Ham2PoseInputs(notation=sample.notation, first_pose=sample.pose))
        rows += [cropped(pose_strip(p, COLUMNS, SIDE)) for p in (sample.pose, made)]
        rows.append(np.full((8, COLUMNS * SIDE, 3), 210, np.uint8))
    PIL.Image.fromarray(np.concatenate(rows[:-1])).save(Path(__file__).with_suffix(".png"), optimize=True)
    steps = [cropped(pose_strip(p, COLUMNS, SIDE)) for p in generator.steps]
    PIL.Image.fromarray(np.concatenate(steps)).save(
        Path(__file__).with_name("ham2pose_steps.png"), optimize=True
    )


def cropped(strip: np.ndarray) -> np.ndarray:
    """Without the empty rows above and below."""
    used = np.flatnonzero((strip != strip[0, 0]).any(axis=(1, 2)))
    return strip[max(0, used[0] - 4) : used[-1] + 5]


if __name__ == "__main__":
    main()
