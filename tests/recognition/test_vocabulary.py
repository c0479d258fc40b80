from __future__ import annotations

import pytest

from signcore.errors import InputError
from signcore.recognition.vocabulary import BOS, EOS, UNK, Vocabulary


def test_glosses_come_back():
    words = Vocabulary.of([["B", "A"], ["A", "C"]])
    assert words.glosses == ["A", "B", "C"]
    ids = words.encode(["C", "A"])
    assert words.decode([BOS, *ids, EOS]) == ["C", "A"]
    assert len(words) == 7


def test_unknown_glosses_are_counted_and_named():
    words = Vocabulary(["A"])
    assert words.encode(["A", "X", "X", "Y"]) == [4, UNK, UNK, UNK]
    assert words.about_unknown() == "3 glosses are outside the vocabulary: X (2), Y (1)"
    assert Vocabulary(["A"]).about_unknown() == ""


def test_an_empty_vocabulary_is_refused():
    with pytest.raises(InputError, match="holds no gloss"):
        Vocabulary([])
