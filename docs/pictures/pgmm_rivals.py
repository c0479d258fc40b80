"""Makes docs/pictures/pgmm_rivals.png: held-out signers, as TPSMM and PGMM trained alike move them, and PGMM as it ships.

python docs/pictures/pgmm_rivals.py table   # the output folder of `signcore train --rows docs/tables/pgmm.toml`
"""

import sys
from pathlib import Path

import numpy as np
import PIL.Image
import PIL.ImageDraw

import signcore
from signcore.contracts import Context
from signcore.evaluation.generated import inputs_of
from signcore.plugins.pgmm.config import PGMMInputs
from signcore.plugins.pgmm.generator import PGMM
from signcore.plugins.tpsmm.config import TPSMMInputs
from signcore.plugins.tpsmm.generator import TPSMM

SIGNS, COLUMNS, LABEL = 1, 6, 84
HERE = Path(__file__).parent


def main() -> None:
    table = Path(sys.argv[1])
    dataset = signcore.load("dataset", "synthetic", split="test", clips=SIGNS, signers=SIGNS, max_glosses=1)
    methods = {
        "TPSMM": (TPSMM(context=Context(weights=str(table / "tpsmm-seed0" / "weights"))), TPSMMInputs),
        "PGMM": (PGMM(context=Context(weights=str(table / "pgmm-small-seed0" / "weights"))), PGMMInputs),
        "PGMM, shipped": (PGMM(), PGMMInputs),
    }
    rows = []
    for i in range(SIGNS):
        sample = dataset[i]
        driving = sample.video.numpy()
        chosen = np.linspace(0.25, 0.75, COLUMNS) * (len(driving) - 1)
        made = {"driving": driving}
        for name, (generator, inputs) in methods.items():
            given, _ = inputs_of(generator, sample, inputs, "video")
            made[name] = generator.generate(given).numpy()
        for name, frames in made.items():
            first = driving[0] if name == "driving" else np.full_like(driving[0], 255)
            rows.append((name, np.concatenate([first, *frames[chosen.round().astype(int)]], axis=1)))
    height, width = rows[0][1].shape[:2]
    sheet = PIL.Image.new("RGB", (LABEL + width, height * len(rows)), "white")
    draw = PIL.ImageDraw.Draw(sheet)
    for k, (name, strip) in enumerate(rows):
        sheet.paste(PIL.Image.fromarray(strip), (LABEL, k * height))
        draw.text((4, k * height + height // 2), name, fill="black")
    sheet.save(HERE / "pgmm_rivals.png", optimize=True)


if __name__ == "__main__":
    main()
