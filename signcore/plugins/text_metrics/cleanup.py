"""The clean-up of RWTH-PHOENIX-Weather glosses before they are scored, as its evaluation scripts define it."""

from __future__ import annotations

import re
from collections.abc import Sequence

_DROPPED = ("__EPENTHESIS__",)  # the whole entry of the recogniser's output goes
_CUT = re.compile(r"__(EMOTION|PU|LEFTHAND)__")
_PREFIX = re.compile(r"^(loc|cl|qu|poss|lh)-")
_LETTER = re.compile(r"[A-Z]|NN|SCH")
_REPLACED = {"S0NNE": "SONNE", "HABEN2": "HABEN", "ZEIGEN": "ZEIGEN-BILDSCHIRM"}


def phoenix(glosses: Sequence[str]) -> list[str]:
    """Prefixes loc-, cl-, qu-, poss-, lh- go; -PLUSPLUS, RAUM and marks such as __PU__ are cut; spelled letters are joined
    by +; WIE AUSSEHEN becomes one gloss; equal neighbours without a hyphen count once. An output that holds __EPENTHESIS__ loses that entry."""
    words: list[str] = []
    for gloss in glosses:
        if gloss in _DROPPED:
            continue
        word = _CUT.sub("", gloss)
        word = _PREFIX.sub("", word)
        word = re.sub(r"-PLUSPLUS$", "", word)
        word = re.sub(r"^([A-Z][A-Z]+)RAUM$", r"\1", word)
        word = _REPLACED.get(word, word)
        if word:
            words.append(word)
    joined: list[str] = []
    before = ""
    for place, word in enumerate(words, 1):
        # the scripts join a letter to NN or SCH only where something follows it
        cut_off = before in ("NN", "SCH") and place == len(words)
        if _LETTER.fullmatch(word) and _LETTER.fullmatch(before) and not cut_off:
            joined[-1] += f"+{word}"
        elif word == "AUSSEHEN" and before == "WIE":
            joined[-1] = "WIE-AUSSEHEN"
        else:
            joined.append(word)
        before = word
    return [w for i, w in enumerate(joined) if i == 0 or "-" in w or w != joined[i - 1]]
