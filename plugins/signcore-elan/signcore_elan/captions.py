"""What was recognised, as a new tier of an .eaf file that is there already.

The file's own XML is changed, not read by pympi and written anew: that would drop the links of annotations to controlled
vocabularies and languages (CVE_REF, LANG_REF, EXT_REF), and comments.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Tree

from signcore.contracts import Hypothesis
from signcore.errors import InputError, SigncoreError
from signcore.types.files import replacing

LAST_ID = "lastUsedAnnotationId"  # ELAN counts on from here


def add_tier(
    eaf: str | Path,
    glosses: Hypothesis | Sequence[tuple[str, float, float]],
    *,
    tier: str = "signcore",
    participant: str | None = None,
    output: str | Path | None = None,
    replace: bool = False,
) -> Path:
    """Write glosses with their times as a tier of an .eaf file; all else in it stays as it is. Returns where it was written.

    glosses: a recognizer's reading with times, or (gloss, begin, end) in seconds on the recording's time line.
    participant: who signs. output: another file than `eaf`, which is replaced otherwise, whole or not at all.
    replace: a tier of that name may be there, and is taken out first.
    Raises InputError where the file is no .eaf, the tier is there, or the glosses have no times.
    """
    eaf = Path(eaf)
    rows = _rows(glosses)
    root = _read(eaf)
    found = next((t for t in root.iter("TIER") if t.get("TIER_ID") == tier), None)
    if found is not None:
        if not replace:
            raise InputError(
                f"{eaf}: has a tier {tier!r} already", "name another tier, or say that it may be replaced"
            )
        _remove(root, found, eaf)
    kind = _kind(root)
    made = Tree.Element("TIER", {"LINGUISTIC_TYPE_REF": kind, "TIER_ID": tier})
    if participant:
        made.set("PARTICIPANT", participant)
    first, prefix = _next_annotation(root)
    order = _child(root, "TIME_ORDER", eaf)
    slots = _next_slots(order, 2 * len(rows))
    for i, (gloss, begin, end) in enumerate(rows):
        edges = (round(1000 * begin), max(round(1000 * end), round(1000 * begin) + 1))
        for slot, time in zip(slots[2 * i : 2 * i + 2], edges, strict=True):
            _insert_slot(order, slot, time)
        about = {
            "ANNOTATION_ID": f"{prefix}{first + i}",
            "TIME_SLOT_REF1": slots[2 * i],
            "TIME_SLOT_REF2": slots[2 * i + 1],
        }
        inner = Tree.SubElement(Tree.SubElement(made, "ANNOTATION"), "ALIGNABLE_ANNOTATION", about)
        Tree.SubElement(inner, "ANNOTATION_VALUE").text = gloss
    _insert_after(root, made, ("TIER", "TIME_ORDER"))
    for last in root.iter("PROPERTY"):
        if last.get("NAME") == LAST_ID:
            last.text = str(first + len(rows) - 1)
    target = Path(output) if output is not None else eaf
    Tree.indent(made, "    ", level=1)
    with replacing(target) as temporary:
        Tree.ElementTree(root).write(temporary, encoding="UTF-8", xml_declaration=True)
    return target


def _rows(glosses: Hypothesis | Sequence[tuple[str, float, float]]) -> list[tuple[str, float, float]]:
    if not isinstance(glosses, Hypothesis):
        return sorted(glosses, key=lambda row: row[1])
    if glosses.times is None and glosses.glosses:
        raise InputError(
            "glosses: this reading has no times", "give (gloss, begin, end), or use a recognizer that has"
        )
    return [(g, *t) for g, t in zip(glosses.glosses, glosses.times or (), strict=True)]


def _read(eaf: Path) -> Tree.Element:
    if not eaf.is_file():
        raise InputError(f"{eaf}: no such .eaf file")
    parser = Tree.XMLParser(target=Tree.TreeBuilder(insert_comments=True, insert_pis=True))
    try:
        root: Tree.Element = Tree.parse(eaf, parser).getroot()
    except Tree.ParseError as error:
        raise InputError(f"{eaf}: not a readable .eaf file ({error})", "can ELAN open it?") from error
    if root.tag != "ANNOTATION_DOCUMENT":
        raise InputError(f"{eaf}: XML, but not an .eaf file ({root.tag})")
    return root


def _child(root: Tree.Element, tag: str, eaf: Path) -> Tree.Element:
    found = root.find(tag)
    if found is None:
        raise InputError(f"{eaf}: not a whole .eaf file (no {tag})", "can ELAN open it?")
    return found


def _remove(root: Tree.Element, tier: Tree.Element, eaf: Path) -> None:
    """Take a tier out, and the time slots that only it used."""
    name = tier.get("TIER_ID")
    if any(t.get("PARENT_REF") == name for t in root.iter("TIER")):
        raise InputError(f"{eaf}: other tiers depend on tier {name!r}", "name another tier")
    root.remove(tier)
    references = ("TIME_SLOT_REF1", "TIME_SLOT_REF2")
    used = {a.get(r) for a in root.iter("ALIGNABLE_ANNOTATION") for r in references}
    own = {a.get(r) for a in tier.iter("ALIGNABLE_ANNOTATION") for r in references}
    order = _child(root, "TIME_ORDER", eaf)
    for slot in [s for s in order if s.get("TIME_SLOT_ID") in own - used]:
        order.remove(slot)


def _kind(root: Tree.Element) -> str:
    """The id of a linguistic type for free glosses: one that is there, else a new one."""
    kinds = list(root.iter("LINGUISTIC_TYPE"))
    for kind in kinds:
        if kind.get("TIME_ALIGNABLE") == "true" and not (
            kind.get("CONSTRAINTS") or kind.get("CONTROLLED_VOCABULARY_REF")
        ):
            return str(kind.get("LINGUISTIC_TYPE_ID"))
    names = {k.get("LINGUISTIC_TYPE_ID") for k in kinds}
    name = next(n for n in ("gloss", *(f"gloss-{i}" for i in range(1, len(names) + 2))) if n not in names)
    about = {"GRAPHIC_REFERENCES": "false", "LINGUISTIC_TYPE_ID": name, "TIME_ALIGNABLE": "true"}
    _insert_after(root, Tree.Element("LINGUISTIC_TYPE", about), ("LINGUISTIC_TYPE", "TIER", "TIME_ORDER"))
    return name


def _next_annotation(root: Tree.Element) -> tuple[int, str]:
    """The first free number of an annotation's id, and what stands before it."""
    ids = [
        str(a.get("ANNOTATION_ID"))
        for tag in ("ALIGNABLE_ANNOTATION", "REF_ANNOTATION")
        for a in root.iter(tag)
    ]
    numbers = [int(m[1]) for i in ids if (m := re.fullmatch(r"a(\d+)", i))]
    told = [
        int(p.text) for p in root.iter("PROPERTY") if p.get("NAME") == LAST_ID and (p.text or "").isdigit()
    ]  # type: ignore[arg-type]
    return max([*numbers, *told, 0]) + 1, "a"


def _next_slots(order: Tree.Element, count: int) -> list[str]:
    numbers = [int(m[1]) for s in order if (m := re.fullmatch(r"ts(\d+)", s.get("TIME_SLOT_ID", "")))]
    first = max([*numbers, 0]) + 1
    return [f"ts{first + i}" for i in range(count)]


def _insert_slot(order: Tree.Element, slot: str, time: int) -> None:
    """Before the first later one: ELAN keeps slots in the order of their times."""
    at = next((i for i, s in enumerate(order) if int(s.get("TIME_VALUE") or -1) > time), len(order))
    made = Tree.Element("TIME_SLOT", {"TIME_SLOT_ID": slot, "TIME_VALUE": str(time)})
    made.tail = order.text
    if 0 < at == len(order):  # the last one stands before the end tag
        made.tail, order[-1].tail = order[-1].tail, order.text
    order.insert(at, made)


def _insert_after(root: Tree.Element, made: Tree.Element, tags: tuple[str, ...]) -> None:
    """Behind the last element of the first of the tags that is there: an .eaf file's elements have an order."""
    tag = next(t for t in tags if root.find(t) is not None)
    at = max(i for i, child in enumerate(root) if child.tag == tag) + 1
    made.tail = root[at - 1].tail
    root.insert(at, made)


def _transcript(path: Path) -> Hypothesis:
    """The best reading of what `signcore run --recognizer` wrote: result.json, or the run's folder."""
    file = path / "result.json" if path.is_dir() else path
    if not file.is_file():
        raise InputError(f"{file}: no such transcript", "give a run's folder or its result.json")
    try:
        found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))["hypotheses"][0]
        times = found["times"]
        return Hypothesis(
            [str(g) for g in found["glosses"]],
            float(found["score"]),
            None if times is None else [(float(a), float(b)) for a, b in times],
        )
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise InputError(
            f"{file}: not a transcript ({type(error).__name__}: {error})",
            "give a run's folder or its result.json",
        ) from error


def main(arguments: Sequence[str] | None = None) -> None:
    """`signcore-elan recording.eaf out`: what a run recognised becomes a tier of the recording."""
    parser = argparse.ArgumentParser("signcore-elan", description=main.__doc__)
    parser.add_argument("eaf", type=Path, help="the .eaf file")
    parser.add_argument("run", type=Path, help="a run of `signcore run --recognizer`, or its result.json")
    parser.add_argument("--tier", default="signcore", help="the new tier's name")
    parser.add_argument("--participant", help="who signs")
    parser.add_argument("--output", type=Path, help="another file to write; else the .eaf file is changed")
    parser.add_argument("--replace", action="store_true", help="take a tier of that name out first")
    given = parser.parse_args(arguments)
    try:
        best = _transcript(given.run)
        written = add_tier(
            given.eaf,
            best,
            tier=given.tier,
            participant=given.participant,
            output=given.output,
            replace=given.replace,
        )
    except SigncoreError as error:
        sys.stderr.write(f"signcore-elan: {error.line()}\n")
        raise SystemExit(error.exit_code) from None
    print(f"{written}: tier {given.tier!r} with {len(best.glosses)} glosses")
