"""A run's folder: written beside its final place and renamed when it is complete."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from signcore.errors import UsageError, WorkError

RESULTS = {
    "video": "result.mp4",
    "pose": "result.pose",
    "glosses": "result.txt",
    "tracks": "result.safetensors",
}


def output_folder(output: Path | None, name: str, overwrite: bool) -> Path:
    """The run's final folder, checked: it does not exist yet (or may be replaced), and its parent can be written."""
    folder = output or Path("runs") / f"{name}-{datetime.now():%Y%m%d-%H%M%S}"
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"--output {folder}: is a file")
    if folder.is_dir() and any(folder.iterdir()):
        if not overwrite:
            raise UsageError(f"--output {folder}: exists already", "add --overwrite, or name another folder")
        if not (folder / "run.json").is_file():
            raise UsageError(
                f"--output {folder}: not overwritten, it is no run of signcore", "name another folder"
            )
    return folder


KEPT_BYTES = 2 << 30


@contextlib.contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Yield a temporary sibling that takes `folder`'s place when the block ends well, and is removed when it does not."""
    temporary = folder.with_name(f".{folder.name}.{os.getpid()}.partial")
    try:
        temporary.mkdir(parents=True)
    except OSError as error:
        raise UsageError(
            f"--output {folder}: cannot be made there ({error.strerror})", "name a folder that can be written"
        ) from error
    try:
        yield temporary
        old = folder.with_name(f".{folder.name}.{os.getpid()}.old")
        if folder.exists():
            folder.replace(old)
        temporary.replace(folder)
        shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        raise WorkError(
            f"the run could not be written to {folder} ({error.strerror or error})",
            "free some space or name another --output",
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_product(
    product: Any, kind: str, folder: Path, metadata: dict[str, str], media: Path | None = None
) -> Any:
    """Write a product under its name in `folder` and return what the scores judge. media: the video that glosses belong to.

    A video is made once: kept in memory as made, or, where it is too long for that, judged as it is on disk.
    """
    path = folder / RESULTS[kind]
    if kind == "video":
        from signcore.types import Video, read_video, write_video

        if np.prod(product.shape, dtype=np.int64) <= KEPT_BYTES:
            product = Video.from_array(product.numpy(), product.fps, pose=product.pose)
            write_video(path, product, metadata=metadata)
            return product
        write_video(path, product, metadata=metadata)
        return read_video(path)
    if kind == "pose":
        from signcore.types import write_pose

        write_pose(path, product)
    elif kind == "tracks":
        from signcore.types.tracks import write_tracks

        write_tracks(path, product)
    else:
        from signcore.recognition.transcript import SUFFIXES, write_transcript

        for suffix in SUFFIXES:
            write_transcript(path.with_suffix(suffix), product, media)
    return product


@contextlib.contextmanager
def native_output(log: Path) -> Iterator[None]:
    """Send what native libraries print on file descriptor 2 to a log; Python's own sys.stderr stays on the terminal."""
    try:
        descriptor = sys.stderr.fileno()
    except (AttributeError, OSError, ValueError):  # a notebook or a test without a real stderr
        yield
        return
    if descriptor != 2:
        yield
        return
    sys.stderr.flush()
    saved = os.dup(2)
    terminal, python_stderr = os.fdopen(os.dup(saved), "w", buffering=1), sys.stderr
    with log.open("ab") as stream:
        os.dup2(stream.fileno(), 2)
    sys.stderr = terminal
    try:
        yield
    finally:
        sys.stderr = python_stderr
        os.dup2(saved, 2)
        os.close(saved)
        terminal.close()
        if log.exists() and log.stat().st_size == 0:
            log.unlink()
