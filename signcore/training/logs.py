"""What a training run leaves behind: metrics.csv, TensorBoard events, sample pictures."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from signcore.errors import WorkError
from signcore.types.files import replacing
from signcore.types.image import write_image

COLUMNS = ("stage", "step", "split", "name", "value")


class Logs:
    """Numbers by stage, step and name. On resuming, what was logged after the checkpoint is forgotten: of its own step the scores."""

    def __init__(self, folder: Path, stage: int, step: int) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self.folder, self.stage, self.csv = folder, stage, folder / "metrics.csv"
        try:
            self._keep_until(stage, step)
            self.file = self.csv.open("a", newline="", encoding="utf-8")
            self.board = SummaryWriter(str(folder / "tensorboard" / f"stage{stage}"), purge_step=step + 1)
        except OSError as error:
            raise WorkError(f"{folder}: logs cannot be written ({error.strerror or error})") from error
        self.writer = csv.writer(self.file)

    def _keep_until(self, stage: int, step: int) -> None:
        kept: list[list[str]] = []
        if self.csv.is_file():
            with self.csv.open(newline="", encoding="utf-8") as file:
                whole = [row for row in csv.reader(file) if len(row) == len(COLUMNS) and row[0].isdigit()]
            places = [(int(row[0]), int(row[1]), row[2] == "held-out") for row in whole]
            kept = [row for row, at in zip(whole, places, strict=True) if at <= (stage, step, False)]
        text = io.StringIO()
        csv.writer(text).writerows([list(COLUMNS), *kept])
        with replacing(self.csv) as temporary:
            temporary.write_text(text.getvalue(), encoding="utf-8", newline="")

    def numbers(self, step: int, split: str, values: Mapping[str, float]) -> None:
        for name, value in values.items():
            self.writer.writerow([self.stage, step, split, name, repr(float(value))])
            self.board.add_scalar(f"{split}/{name}", value, step)
        self.file.flush()

    def pictures(self, step: int, pictures: Mapping[str, np.ndarray]) -> None:  # uint8 [H, W, 3] by name
        folder = self.folder / "samples"
        folder.mkdir(exist_ok=True)
        for name, picture in pictures.items():
            write_image(folder / f"stage{self.stage}-{step:07d}-{name}.png", picture)
            self.board.add_image(name, picture, step, dataformats="HWC")

    def close(self) -> None:
        self.file.close()
        self.board.close()

    def __enter__(self) -> Logs:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()
