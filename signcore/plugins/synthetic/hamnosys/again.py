"""Repetition: what was done is done again, from its start or its end, backwards, in turns, or further on every time."""

from __future__ import annotations

import numpy as np

from signcore.errors import InputError
from signcore.plugins.synthetic.hamnosys.track import (
    Stance,
    Track,
    apart,
    between,
    eased,
    held,
    joined,
    samples,
)
from signcore.plugins.synthetic.motion import RATE
from signcore.types.hamnosys.structure import Repeat, mark
from signcore.types.hamnosys.symbols import SYMBOLS

LONGEST = 120.0  # seconds of a clip


def check_length(count: int) -> None:
    """Raise InputError where so many samples are longer than a clip may be: repetitions of repetitions grow fast."""
    if count > LONGEST * RATE:
        raise InputError(
            f"notation: takes more than {LONGEST:g} seconds to sign", "repeat less, or give fewer signs"
        )


def word_of(repeat: Repeat) -> str:
    return SYMBOLS[repeat.symbol].name.removeprefix("ham")


def times_of(repeat: Repeat) -> int:
    """How often more."""
    return 2 if word_of(repeat).endswith("several") else 1


def growth_of(repeat: Repeat) -> float:
    """By what every further time is larger than the one before."""
    return {"": 1.0, mark("increasing"): 1.35, mark("decreasing"): 0.7}[repeat.marks]


def resized(tracks: list[Track], start: list[Stance], factor: float) -> list[Track]:
    """The same motion with ways so many times as long."""
    if factor == 1.0:
        return tracks
    return [
        Track(s.wrist + factor * (t.wrist - s.wrist), t.frame, t.angles)
        for t, s in zip(tracks, start, strict=True)
    ]


def from_start(
    done: list[Track], start: list[Stance], times: int, tempo: float, growth: float = 1.0
) -> list[Track]:
    """What comes after `done`: back to the start, and once more, so many times."""
    back = back_to_start(done, start, tempo)
    check_length((times + 1) * (len(back[0]) + len(done[0])))
    pieces = [list[Track](), list[Track]()]
    for n in range(times):
        again = resized(done, start, growth ** (n + 1))
        for hand in range(2):
            pieces[hand] += [back[hand], again[hand]]
        back = back_to_start(again, start, tempo)
    return [joined(p) for p in pieces]


def reversed_(done: list[Track]) -> list[Track]:
    """The same way back."""
    return [Track(t.wrist[::-1], t.frame[::-1], t.angles[::-1]) for t in done]


def by_the_other_hand(done: list[Track], start: list[Stance], now: list[Stance], both: bool) -> list[Track]:
    """The other hand's turn while the dominant one is still; both: it moved before as well."""
    wrist = done[0].wrist - start[0].wrist + start[1].wrist
    other = done[1] if both else Track(wrist, done[1].frame, done[1].angles)
    return [held(now[0], len(done[0])), other]


def back_to_start(done: list[Track], start: list[Stance], tempo: float) -> list[Track]:
    """The way back, where a motion does not end where it began anyway."""
    far = max(apart(joined([held(s, 1), t])) for t, s in zip(done, start, strict=True))
    count = 0 if far < 0.012 else samples((0.13 + 0.5 * far) / tempo)
    return [between(t.last(s), s, eased(count)) for t, s in zip(done, start, strict=True)]


def in_turns(done: list[Track], start: list[Stance], rounds: int, tempo: float) -> list[Track]:
    """Both hands go round the same loop so many times, half a round apart; this replaces `done`."""
    loops = [joined([t, b]) for t, b in zip(done, back_to_start(done, start, tempo), strict=True)]
    check_length(rounds * len(loops[0]))
    dominant, other = (joined([loop] * rounds) for loop in loops)
    half = len(loops[0]) // 2
    rolled = (np.roll(v, -half, axis=0) for v in (other.wrist, other.frame, other.angles))
    return [dominant, Track(*rolled)]


def stepped(
    done: list[Track], steps: list[np.ndarray], now: list[Stance], times: int, tempo: float
) -> list[Track]:
    """Again, every time further on by the steps [3] of each hand."""
    tracks: list[list[Track]] = [[], []]
    here = list(now)
    for n in range(1, times + 1):
        for hand in range(2):
            moved = Track(done[hand].wrist + n * steps[hand], done[hand].frame, done[hand].angles)
            way = between(here[hand], moved.first(here[hand]), eased(samples(0.2 / tempo)))
            tracks[hand] += [way, moved]
            here[hand] = moved.last(here[hand])
    return [joined(have) for have in tracks]
