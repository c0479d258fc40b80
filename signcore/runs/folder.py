"""A run's folder: written beside its final place and renamed when it is complete."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

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


PART = 1024  # frames of a long video that are written at a time, and kept where the run is interrupted


@contextlib.contextmanager
def parts_folder(
    folder: Path, about: dict[str, Any], resume: bool, say: Callable[[str], None]
) -> Iterator[Callable[[], Path]]:
    """A function that makes the folder where the parts of a long video wait until the run is complete; it outlives a run that is interrupted.

    about: what the result follows from; parts that were made of something else are not gone on with. Raises UsageError for those.
    """
    parts = folder.with_name(f".{folder.name}.parts")
    told = json.dumps(about, sort_keys=True, default=str)
    kept = parts / "made-of.json"
    if resume and parts.is_dir():
        if not kept.is_file() or kept.read_text(encoding="utf-8") != told:
            raise UsageError(
                "--resume: the interrupted run was of other inputs, settings or weights",
                "leave --resume out to begin anew",
            )
    else:
        shutil.rmtree(parts, ignore_errors=True)
    done = len(list(parts.glob("*.mp4")))
    if done:
        say(f"goes on at frame {done * PART}")

    def begin() -> Path:
        parts.mkdir(exist_ok=True)
        kept.write_text(told, encoding="utf-8")
        return parts

    try:
        yield begin
    except BaseException as error:
        done = len(list(parts.glob("*.mp4")))
        if done:
            tell = error.add_note if isinstance(error, KeyboardInterrupt) else say
            tell(f"{done * PART} frames are kept: the same command with --resume goes on there")
        else:
            shutil.rmtree(parts, ignore_errors=True)
        raise
    shutil.rmtree(parts, ignore_errors=True)


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
    product: Any, kind: str, folder: Path, metadata: dict[str, str], begin: Callable[[], Path] | None = None
) -> Any:
    """Write a product under its name in `folder` and return what the scores judge. begin: gives the folder of a long video's parts.

    A video is made once: kept in memory as made, or, where it is long, written in `parts` and judged as it is on disk.
    """
    path = folder / RESULTS[kind]
    if kind == "video":
        from signcore.types import read_video, write_video
        from signcore.types.encode import join_videos
        from signcore.types.video import kept

        if len(product) <= PART and (held := kept(product)) is not product:
            write_video(path, held, metadata=metadata)
            return held
        if begin is None:
            write_video(path, product, metadata=metadata)
            return read_video(path)
        parts = begin()
        made = [parts / f"{start:09d}.mp4" for start in range(0, len(product), PART)]
        for i, part in enumerate(made):
            if not part.is_file():
                write_video(part, product[i * PART : (i + 1) * PART])
        join_videos(path, made, metadata)
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
            write_transcript(path.with_suffix(suffix), product)
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
