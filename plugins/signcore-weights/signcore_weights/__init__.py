"""Trained weights for signcore, one safetensors file a component and preset; imports nothing heavy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

__all__ = ["records"]

FOLDER = Path(__file__).parent


def records() -> list[dict[str, Any]]:
    """One record a file: component ("generator:pgmm"), preset, file (absolute path), sha256, version, config, trained_by."""
    entries = json.loads((FOLDER / "index.json").read_text(encoding="utf-8"))
    return [{**entry, "file": str(FOLDER / entry["file"])} for entry in entries]
