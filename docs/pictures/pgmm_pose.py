"""Makes docs/pictures/pgmm_pose.png: a notation as Ham2Pose signs it and, below, a held-out signer's picture that moves like that pose."""

from pathlib import Path

import numpy as np
import PIL.Image

import signcore
from signcore.plugins.ham2pose.config import Ham2PoseInputs
from signcore.plugins.pgmm.config import PGMMInputs
from signcore.types.draw import pose_strip

COLUMNS, SIDE = 7, 128


def main() -> None:
    example = signcore.load("dataset", "synthetic").example()
    pose = signcore.load("generator", "ham2pose").generate(Ham2PoseInputs(notation=example["notation"]))
    video = signcore.load("generator", "pgmm").generate(
        PGMMInputs(source=example["source"], driving_pose=pose)
    )
    chosen = np.linspace(0, len(video) - 1, COLUMNS).round().astype(int)
    frames = video.numpy()[chosen]
    empty = np.full((SIDE, SIDE, 3), 250, np.uint8)
    above = np.concatenate([empty, pose_strip(pose, COLUMNS, SIDE)], axis=1)
    below = np.concatenate([example["source"].array, *frames], axis=1)
    PIL.Image.fromarray(np.concatenate([above, below])).save(
        Path(__file__).with_suffix(".png"), optimize=True
    )


if __name__ == "__main__":
    main()
