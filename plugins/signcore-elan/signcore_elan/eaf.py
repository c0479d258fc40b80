"""What an .eaf file says, read by pympi: annotations with their times, and where the videos are."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

from signcore.errors import InputError

Times = dict[str, tuple[float, float]]  # annotation -> begin, end in ms


@dataclass(frozen=True)
class Annotation:
    """begin, end: seconds on the recording's time line. signer: the tier's participant."""

    id: str
    tier: str
    value: str
    begin: float
    end: float
    signer: str | None


@dataclass(frozen=True)
class Media:
    """A linked video. offset: where in the video the time line begins, in seconds."""

    url: str
    relative: str
    offset: float

    def find(self, eaf: Path, folder: Path | None) -> Path:
        """Where it is: as the .eaf says, from its own place, beside it, or in `folder`. Raises InputError."""
        name = Path(unquote(urlparse(self.relative or self.url).path)).name
        absolute = Path(unquote(urlparse(self.url).path))
        relative = eaf.parent / unquote(urlparse(self.relative).path) if self.relative else absolute
        for file in (*([folder / name] if folder else []), relative, absolute, eaf.parent / name):
            if file.is_file():
                return file
        raise InputError(
            f"{eaf}: its video {name} is not there", "put it beside the .eaf, or set media to its folder"
        )


class Document:
    """An .eaf file. Raises InputError where it is absent or not one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.is_file():
            raise InputError(f"{path}: no such .eaf file")
        from pympi import Eaf

        try:
            self._eaf = Eaf(str(path), suppress_version_warning=True)
            self._times = self._all_times()
        except (
            Exception
        ) as error:  # pympi raises what its dictionaries do, and a bare Exception for broken XML
            told = f"{type(error).__name__}: {error}".splitlines()[0]
            raise InputError(f"{path}: not a readable .eaf file ({told})", "can ELAN open it?") from error

    @property
    def tiers(self) -> list[str]:
        return list(self._eaf.tiers)

    @cached_property
    def media(self) -> list[Media]:
        """The linked videos, in order; sound is left out."""
        return [
            Media(
                d.get("MEDIA_URL", ""),
                d.get("RELATIVE_MEDIA_URL", ""),
                float(d.get("TIME_ORIGIN") or 0) / 1000,
            )
            for d in self._eaf.media_descriptors
            if not d.get("MIME_TYPE", "").startswith("audio/")
        ]

    def annotations(self, patterns: tuple[str, ...]) -> list[Annotation]:
        """Those of the tiers that any pattern fits, by time; empty ones are left out. Raises InputError where none fits."""
        chosen = [t for t in self.tiers if any(fnmatch(t.lower(), p.lower()) for p in patterns)]
        if not chosen:
            raise InputError(
                f"{self.path}: has no tier {' or '.join(patterns)}; there are {', '.join(self.tiers) or 'none'}"
            )
        found = [annotation for tier in chosen for annotation in self._of(tier)]
        return sorted(found, key=lambda a: (a.begin, a.end, a.tier, a.id))

    def _of(self, tier: str) -> list[Annotation]:
        aligned, referring, attributes, _ = self._eaf.tiers[tier]
        values = {i: a[2] for i, a in aligned.items()} | {i: a[1] for i, a in referring.items()}
        return [
            Annotation(
                i,
                tier,
                value.strip(),
                *(t / 1000 for t in self._times[i]),
                attributes.get("PARTICIPANT") or None,
            )
            for i, value in values.items()
            if value.strip()
        ]

    def _all_times(self) -> Times:
        times: Times = {}
        referring: dict[str, Any] = {}
        children: dict[tuple[str, str], list[str]] = defaultdict(list)
        for tier, (aligned, references, _, _) in self._eaf.tiers.items():
            times |= self._aligned(aligned)
            for i, reference in references.items():
                referring[i] = (tier, reference)
                children[tier, reference[0]].append(i)

        def of(i: str) -> tuple[float, float]:
            if i not in times:  # an equal part of its parent, in the order of its siblings
                tier, (parent, _, _, _) = referring[i]
                begin, end = of(parent)
                siblings = _ordered(
                    children[tier, parent], {c: referring[c][1][2] for c in children[tier, parent]}
                )
                at, part = siblings.index(i), (end - begin) / len(siblings)
                times[i] = (begin + at * part, begin + (at + 1) * part)
            return times[i]

        for i in referring:
            of(i)
        return times

    def _aligned(self, annotations: dict[str, Any]) -> Times:
        """Of one tier. Slots without a time, inside a subdivision, lie at equal distances between those that have one."""
        slots = dict(self._eaf.timeslots)
        following = {a[0]: a[1] for a in annotations.values()}
        for first in [a[0] for a in annotations.values() if slots[a[0]] is not None]:
            chain = [first]
            while chain[-1] in following and (len(chain) == 1 or slots[chain[-1]] is None):
                chain.append(following[chain[-1]])
            begin, end = slots[chain[0]], slots[chain[-1]]
            for k, slot in enumerate(chain[1:-1], 1):
                slots[slot] = begin + (end - begin) * k / (len(chain) - 1)
        return {i: (float(slots[a[0]]), float(slots[a[1]])) for i, a in annotations.items()}


def _ordered(siblings: list[str], previous: dict[str, str | None]) -> list[str]:
    """By their PREVIOUS_ANNOTATION; the file's order where that leads nowhere."""
    after = {p: i for i, p in previous.items() if p is not None}
    found = [i for i in siblings if previous[i] is None][:1]
    while found and found[-1] in after:
        found.append(after[found[-1]])
    return found if len(found) == len(siblings) else siblings
