"""The glosses that a recognizer knows; imports nothing heavy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from signcore.errors import InputError

SPECIAL = ("<pad>", "<bos>", "<eos>", "<unk>")
PAD, BOS, EOS, UNK = range(len(SPECIAL))


class Vocabulary:
    """Gloss to number and back. Numbers 0 to 3 are PAD, BOS, EOS and UNK; the first gloss is number 4.

    `unknown` counts the glosses that `encode` met and does not know.
    """

    def __init__(self, glosses: Iterable[str]) -> None:
        self.glosses = list(dict.fromkeys(glosses))
        if not self.glosses:
            raise InputError("vocabulary: holds no gloss")
        self._number = {gloss: i for i, gloss in enumerate(self.glosses, len(SPECIAL))}
        self.unknown: Counter[str] = Counter()

    @classmethod
    def of(cls, sentences: Iterable[Sequence[str]]) -> Vocabulary:
        """All glosses of the sentences, in alphabetical order."""
        return cls(sorted({gloss for sentence in sentences for gloss in sentence}))

    def __len__(self) -> int:
        """How many numbers there are: the glosses and the four special ones."""
        return len(self.glosses) + len(SPECIAL)

    def __contains__(self, gloss: str) -> bool:
        return gloss in self._number

    def encode(self, sentence: Iterable[str]) -> list[int]:
        """UNK for what is not known, which is counted."""
        ids = []
        for gloss in sentence:
            number = self._number.get(gloss, UNK)
            if number == UNK:
                self.unknown[gloss] += 1
            ids.append(number)
        return ids

    def decode(self, ids: Iterable[int]) -> list[str]:
        """Special numbers are left out."""
        return [self.glosses[i - len(SPECIAL)] for i in ids if i >= len(SPECIAL)]

    def about_unknown(self) -> str:
        """One line: how many glosses were outside the vocabulary, and which, most frequent first; "" where none was."""
        if not self.unknown:
            return ""
        most = ", ".join(f"{gloss} ({count})" for gloss, count in self.unknown.most_common(5))
        more = ", ..." if len(self.unknown) > 5 else ""
        return f"{sum(self.unknown.values())} glosses are outside the vocabulary: {most}{more}"
