"""Clips named by a table: tracks, poses, videos, and their glosses."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from signcore.contracts import Context, Sample
from signcore.errors import ConfigError, InputError
from signcore.plugins.datasets.config import TracksTableConfig
from signcore.types import read_pose, read_table, read_video
from signcore.types.tables import Row
from signcore.types.tracks import read_tracks

FILES: dict[str, Callable[[Path], Any]] = {"tracks": read_tracks, "pose": read_pose, "video": read_video}


class TracksTable:
    """One sample a row, with what the row names of tracks, pose and video, and glosses separated by blanks.

    Raises InputError where the table is absent or a row names no file; a file that is absent or broken is named with its
    line when it is read.
    """

    def __init__(self, config: TracksTableConfig | None = None, context: Context | None = None) -> None:
        if config is None:
            raise ConfigError("dataset tracks-table: path: is needed")
        self.config = config
        self.rows = read_table(config.path)
        for row in self.rows:
            if not any(row.values.get(kind) for kind in FILES):
                raise InputError(f"{config.path}:{row.line}: names none of {', '.join(FILES)}")

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Sample:
        if not 0 <= index < len(self):
            raise IndexError(f"row {index} of {len(self)}")
        row = self.rows[index]
        value = {name: text or None for name, text in row.values.items()}
        files: dict[str, Any] = {kind: partial(self._read, row, kind) for kind in FILES if value.get(kind)}
        return Sample(
            id=value.get("id") or next(str(value[kind]) for kind in FILES if value.get(kind)),
            glosses=(value.get("glosses") or "").split() or None,
            signer=value.get("signer"),
            language=value.get("language"),
            split=value.get("split"),
            **files,
        )

    def _read(self, row: Row, kind: str) -> Any:
        try:
            return FILES[kind](self.config.path.parent / row.values[kind])
        except InputError as error:
            raise InputError(f"{self.config.path}:{row.line}: {error}", error.hint) from error
