"""What was recognised, as text, JSON, captions (.vtt) and ELAN annotations (.eaf)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from signcore.contracts import Hypothesis
from signcore.errors import InputError

SUFFIXES = (".txt", ".json", ".vtt", ".eaf")
TIER = "glosses"


def as_text(hypotheses: Sequence[Hypothesis]) -> str:
    """One line a hypothesis: score, a tab, glosses."""
    return "".join(f"{h.score:.4f}\t{' '.join(h.glosses)}\n" for h in hypotheses)


def as_json(hypotheses: Sequence[Hypothesis], **more: Any) -> str:
    """An object with `hypotheses`, best first: glosses, score, and times as [start, end] in seconds, or null."""
    entries = [
        {
            "glosses": h.glosses,
            "score": round(h.score, 6),
            "times": None if h.times is None else [[round(a, 3), round(b, 3)] for a, b in h.times],
        }
        for h in hypotheses
    ]
    return json.dumps({**more, "hypotheses": entries}, indent=2, ensure_ascii=False) + "\n"


def as_vtt(best: Hypothesis) -> str:
    """WebVTT: a cue a gloss, in the order of their times. Without times one cue holds all."""
    cues = []
    for i, (gloss, (start, end)) in enumerate(_timed(best), 1):
        text = gloss.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        cues.append(f"{i}\n{_clock(start)} --> {_clock(max(end, start + 0.001))}\n{text}\n")
    return "\n".join(["WEBVTT\n", *cues])


def as_eaf(best: Hypothesis, media: str | Path | None = None) -> str:
    """An ELAN annotation document (EAF 3.0) with one time-aligned tier, `glosses`; media: the video that it belongs to."""
    slots: list[str] = []
    annotations: list[str] = []
    for i, (gloss, (start, end)) in enumerate(_timed(best), 1):
        begin, stop = round(1000 * start), max(round(1000 * end), round(1000 * start) + 1)
        slots.append(f'    <TIME_SLOT TIME_SLOT_ID="ts{2 * i - 1}" TIME_VALUE="{begin}"/>')
        slots.append(f'    <TIME_SLOT TIME_SLOT_ID="ts{2 * i}" TIME_VALUE="{stop}"/>')
        annotations.append(
            f'    <ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a{i}" TIME_SLOT_REF1="ts{2 * i - 1}" '
            f'TIME_SLOT_REF2="ts{2 * i}"><ANNOTATION_VALUE>{escape(gloss)}</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>'
        )
    header = '  <HEADER MEDIA_FILE="" TIME_UNITS="milliseconds"/>'
    if media is not None:
        url = quoteattr(Path(media).resolve().as_uri())
        header = (
            '  <HEADER MEDIA_FILE="" TIME_UNITS="milliseconds">\n'
            f'    <MEDIA_DESCRIPTOR MEDIA_URL={url} MIME_TYPE="video/mp4" RELATIVE_MEDIA_URL={quoteattr("./" + Path(media).name)}/>\n'
            "  </HEADER>"
        )
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<ANNOTATION_DOCUMENT AUTHOR="signcore" DATE="1970-01-01T00:00:00+00:00" FORMAT="3.0" VERSION="3.0" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        'xsi:noNamespaceSchemaLocation="http://www.mpi.nl/tools/elan/EAFv3.0.xsd">',
        header,
        "  <TIME_ORDER>",
        *slots,
        "  </TIME_ORDER>",
        f'  <TIER LINGUISTIC_TYPE_REF="gloss" TIER_ID="{TIER}">',
        *annotations,
        "  </TIER>",
        '  <LINGUISTIC_TYPE GRAPHIC_REFERENCES="false" LINGUISTIC_TYPE_ID="gloss" TIME_ALIGNABLE="true"/>',
        "</ANNOTATION_DOCUMENT>",
    ]
    return "\n".join(lines) + "\n"


def write_transcript(
    path: str | Path, hypotheses: Sequence[Hypothesis], media: str | Path | None = None
) -> None:
    """Write by the suffix: .txt and .json hold all hypotheses, .vtt and .eaf the best. Raises InputError for another."""
    path = Path(path)
    best = hypotheses[0] if hypotheses else Hypothesis([], 0.0, [])
    makers = {
        ".txt": lambda: as_text(hypotheses),
        ".json": lambda: as_json(hypotheses),
        ".vtt": lambda: as_vtt(best),
        ".eaf": lambda: as_eaf(best, media),
    }
    if path.suffix.lower() not in makers:
        raise InputError(f"{path}: transcripts are written as {', '.join(SUFFIXES)}")
    path.write_text(makers[path.suffix.lower()](), encoding="utf-8")


def _timed(best: Hypothesis) -> list[tuple[str, tuple[float, float]]]:
    if not best.glosses:
        return []
    if best.times is None:
        return [(" ".join(best.glosses), (0.0, 1.0))]
    return list(zip(best.glosses, best.times, strict=True))


def _clock(seconds: float) -> str:
    whole = max(0, round(1000 * seconds))
    return f"{whole // 3_600_000:02d}:{whole // 60_000 % 60:02d}:{whole // 1000 % 60:02d}.{whole % 1000:03d}"
