"""Makes docs/pictures/pgmm.png: two held-out signers, each a source and frames of a driving video, and what PGMM makes of the source below."""

from pathlib import Path

import numpy as np
import PIL.Image

import signcore
from signcore.evaluation.generated import inputs_of
from signcore.plugins.pgmm.config import PGMMInputs

SIGNERS, COLUMNS = 2, 5


def main() -> None:
    dataset = signcore.load("dataset", "synthetic", split="test", clips=SIGNERS, signers=SIGNERS)
    generator = signcore.load("generator", "pgmm")
    rows = []
    for i in range(SIGNERS):
        given, _ = inputs_of(generator, dataset[i], PGMMInputs, "video")
        driving = given.driving.numpy()
        made = generator.generate(given).numpy()
        chosen = np.linspace(0.15, 0.85, COLUMNS) * (len(driving) - 1)
        for first, frames in ((driving[0], driving), (np.full_like(driving[0], 255), made)):
            rows.append(np.concatenate([first, *frames[chosen.round().astype(int)]], axis=1))
    PIL.Image.fromarray(np.concatenate(rows)).save(Path(__file__).with_suffix(".png"), optimize=True)


if __name__ == "__main__":
    main()
