"""Tables of notation, glosses or files: .csv .tsv .json .jsonl, and .txt with one entry a line."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from signcore.errors import InputError

SUFFIXES = (".csv", ".tsv", ".json", ".jsonl", ".txt")


@dataclass(frozen=True)
class Row:
    """values by column name; line: where it stands in the file (from 1; for .json the entry's number)."""

    values: dict[str, str]
    line: int


def read_table(path: str | Path, columns: Iterable[str] = ()) -> list[Row]:
    """Read a table; `columns` must be there. A .txt has one column, `text`; a .json is a list of objects, or an object of
    objects whose keys become the column `id`.

    Raises InputError: absent, not UTF-8, another suffix, a malformed line (named), a missing column, no rows.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise InputError(f"{path}: not a table", f"use {', '.join(SUFFIXES)}")
    text = read_text(path)
    try:
        rows = _json_rows(text) if suffix == ".json" else _line_rows(text, suffix)
    except (ValueError, csv.Error) as error:
        raise InputError(f"{path}: {error}") from error
    if not rows:
        raise InputError(f"{path}: holds no rows")
    for row in rows:
        for column in columns:
            if not row.values.get(column):
                there = ", ".join(row.values) or "none"
                raise InputError(
                    f"{path}:{row.line}: column {column!r} is missing or empty; there are: {there}"
                )
    return rows


def _line_rows(text: str, suffix: str) -> list[Row]:
    lines = text.splitlines()
    if suffix == ".txt":
        return [Row({"text": line.strip()}, i) for i, line in enumerate(lines, 1) if line.strip()]
    if suffix == ".jsonl":
        return [_row(_loads(line, i), i) for i, line in enumerate(lines, 1) if line.strip()]
    reader = csv.reader(lines, delimiter="," if suffix == ".csv" else "\t")
    head = next(reader, [])
    rows = []
    for cells in reader:
        if any(cells):
            if len(cells) != len(head):
                raise ValueError(
                    f"line {reader.line_num} has {len(cells)} columns, the first line has {len(head)}"
                )
            rows.append(Row(dict(zip(head, cells, strict=True)), reader.line_num))
    return rows


def _json_rows(text: str) -> list[Row]:
    data = _loads(text, None)
    if isinstance(data, dict):
        data = [{"id": key, **value} if isinstance(value, dict) else None for key, value in data.items()]
    if not isinstance(data, list):
        raise ValueError("expected a list of objects, or an object of objects")
    return [_row(entry, i) for i, entry in enumerate(data, 1)]


def _loads(text: str, line: int | None) -> object:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"line {line or error.lineno} is not JSON ({error.msg})") from None


def _row(entry: object, line: int) -> Row:
    if not isinstance(entry, dict):
        raise ValueError(f"entry {line} is not an object")
    return Row(
        {str(k): "" if v is None else v if isinstance(v, str) else json.dumps(v) for k, v in entry.items()},
        line,
    )


def read_text(path: str | Path) -> str:
    """A text file's content (UTF-8, with or without a byte-order mark)."""
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 text (byte {error.start})") from error
