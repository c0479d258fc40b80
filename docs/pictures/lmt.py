"""Makes docs/pictures/lmt.png: held-out real clips and, below, what LMT makes of their first frames and glosses; lmt_stage1.png: the same
clips through the codes; and, of a training run's metrics.csv, lmt_curves.png.

python docs/pictures/lmt.py [runs/lmt-first/metrics.csv]
"""

import csv
import sys
from pathlib import Path

import numpy as np
import PIL.Image
import PIL.ImageDraw
import torch

import signcore
from signcore.plugins.lmt.clips import as_frames, as_tensor
from signcore.plugins.lmt.config import LMTConfig
from signcore.plugins.lmt.generator import LMT

SIGNS, COLUMNS = 4, 12
HERE = Path(__file__).parent
SHOWN = ("reconstruction", "perceptual", "commitment")
SIZE = (720, 300)
INK = ((40, 90, 160), (180, 70, 40), (60, 130, 60))
MEAN = 25  # steps that a point of a curve is the mean of


def main() -> None:
    dataset = signcore.load(
        "dataset",
        "synthetic",
        split="test",
        max_glosses=1,
        vocabulary=20,
        width=64,
        height=64,
        clips=SIGNS,
        signers=SIGNS,
    )
    made = LMT(LMTConfig())
    pairs, coded = [], []
    for i in range(SIGNS):
        inputs, truth = made.inputs_of(dataset[i])
        frames = truth.numpy()
        pairs += [frames, made.generate(inputs).numpy()]
        with torch.inference_mode():
            through, _ = made.autoencoder(as_tensor(frames)[None])
        coded += [frames, as_frames(through[0])]
    save("lmt.png", pairs)
    save("lmt_stage1.png", coded)
    if len(sys.argv) > 1:
        curves(Path(sys.argv[1]))


def save(name: str, rows: list[np.ndarray]) -> None:
    strips = []
    for frames in rows:
        chosen = np.linspace(0, len(frames) - 1, COLUMNS).round().astype(int)
        strips.append(np.concatenate([*frames[chosen]], 1))
    picture = PIL.Image.fromarray(np.concatenate(strips))
    picture.save(HERE / name, optimize=True)


def curves(metrics: Path) -> None:
    """Losses of stage 1 by step, each as a share of its greatest mean; a line where the adversarial one appears."""
    with metrics.open(newline="") as file:
        rows = [r for r in csv.DictReader(file) if r["stage"] == "0" and r["split"] == "train"]
    picture = PIL.Image.new("RGB", SIZE, "white")
    draw = PIL.ImageDraw.Draw(picture)
    last = max(int(r["step"]) for r in rows)
    start = min((int(r["step"]) for r in rows if r["name"] == "adversarial"), default=None)
    if start is not None:
        x = SIZE[0] * start / last
        draw.line([(x, 0), (x, SIZE[1])], (190, 190, 190))
        draw.text((x + 4, 4), "discriminator", (120, 120, 120))
    for k, (name, ink) in enumerate(zip(SHOWN, INK, strict=True)):
        found = [(int(r["step"]), float(r["value"])) for r in rows if r["name"] == name]
        values = np.array([v for _, v in found])
        width = max(1, min(len(values) // 4, MEAN * len(values) // last))
        smooth = np.convolve(values, np.ones(width) / width, "valid")
        steps = np.array([s for s, _ in found])[width - 1 :]
        points = [
            (SIZE[0] * s / last, SIZE[1] * (1 - 0.92 * v / smooth.max()))
            for s, v in zip(steps, smooth, strict=True)
        ]
        draw.line(points, ink, 2)
        draw.text((SIZE[0] - 220, 24 + 16 * k), f"{name}, 1 is {smooth.max():.3f}", ink)
    picture.save(HERE / "lmt_curves.png", optimize=True)


if __name__ == "__main__":
    main()
