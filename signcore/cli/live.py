"""`signcore run --recognizer NAME --video 0`: a webcam or a stream, with a growing transcript."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from signcore.cli.output import note
from signcore.errors import UsageError


def is_stream(value: Any) -> bool:
    """A webcam's number or an address; a file that is called so is a file."""
    if not isinstance(value, (str, Path)) or Path(value).is_file():
        return False
    return str(value).isdigit() or "://" in str(value)


def run_live(registry: Any, request: Any, as_json: bool) -> None:
    """Recognise until the stream ends or Ctrl-C; the folder holds the transcript so far after every look.

    Raises UsageError where the run is more than one recognizer, or that one takes no stream.
    """
    from signcore.api import resolve_device
    from signcore.contracts import Context, Hypothesis
    from signcore.recognition.streams import camera_chunks
    from signcore.recognition.transcript import SUFFIXES, write_transcript
    from signcore.recognition.transcript import as_json as told
    from signcore.runs.folder import output_folder
    from signcore.runs.request import choose

    chosen = choose(registry, request)
    if [c.kind for c in chosen] != ["recognizer"]:
        raise UsageError(
            "--video: a stream goes with one --recognizer and nothing else", "record it to a file first"
        )
    (it,) = chosen
    source = str(request.inputs["video"])
    folder = output_folder(request.output, f"{it.name}-live", request.overwrite)
    context = Context(device=resolve_device(request.device), seed=request.seed, weights=it.weights)
    made = registry.load("recognizer", it.name, replace(context), **it.values)
    if not hasattr(made, "stream"):
        raise UsageError(f"{it.label} takes no stream", "use signx, or record it to a file first")
    chunks = camera_chunks(source)
    first = next(chunks, None)  # a camera that cannot be opened is said before a folder is made
    folder.mkdir(parents=True, exist_ok=True)
    best = Hypothesis([], 0.0, [])
    known = 0

    def keep() -> None:
        for suffix in SUFFIXES:
            write_transcript(folder / f"result{suffix}", [best])

    def every() -> Any:
        if first is not None:
            yield first
            yield from chunks

    try:
        for best in made.stream(every()):
            if not as_json:
                print(" ".join(best.glosses[known:]), end=" ", flush=True)
            known = len(best.glosses)
            keep()
    except KeyboardInterrupt:
        note("stopped; what was recognised is kept")
    keep()
    about = {"components": [it.label], "video": source, "seed": request.seed, "glosses": best.glosses}
    (folder / "run.json").write_text(json.dumps(about, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    if as_json:
        sys.stdout.write(told([best], folder=str(folder)))
        return
    print(f"\nresult: {folder / 'result.txt'}")
