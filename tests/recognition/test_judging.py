from __future__ import annotations

import pytest

from signcore.contracts import Hypothesis, Sample
from signcore.errors import InputError, UsageError
from signcore.plugins.text_metrics.metrics import WER
from signcore.recognition.judging import Judgement, folds_of, judge, write_report


class Data:
    def __init__(self, signers="aabbc"):
        self.signers = signers

    def __len__(self):
        return len(self.signers)

    def __getitem__(self, i):
        glosses = None if i == 4 else [f"G{i % 2}"]
        return Sample(
            id=f"s{i}",
            tracks=f"tracks {i}",
            glosses=glosses,
            signer=self.signers[i],
            split="test" if i > 2 else "train",
        )


class Always:
    def recognize(self, sample):
        return [Hypothesis(["G0"], -1.0)]


def test_a_signer_at_a_time_is_left_out():
    parts = folds_of(Data(), "signer")
    assert [(n, test) for n, _, test in parts] == [("a", [0, 1]), ("b", [2, 3]), ("c", [4])]
    assert all(not set(train) & set(test) for _, train, test in parts)
    with pytest.raises(InputError, match="fewer than two signers"):
        folds_of(Data("aaa"), "signer")


def test_parts_cover_everything_once_and_follow_the_seed():
    parts = folds_of(Data(), "3", seed=1)
    assert sorted(i for _, _, test in parts for i in test) == [0, 1, 2, 3, 4]
    assert parts == folds_of(Data(), "3", seed=1)
    for wrong in ("1", "6", "many"):
        with pytest.raises(UsageError, match="expected signer, split, none"):
            folds_of(Data(), wrong)
    assert folds_of(Data(), "split") == [("test", [0, 1, 2], [3, 4])]


def test_what_cannot_be_judged_is_passed_over_and_told(tmp_path):
    trained_on = []

    def trained(part, seed, folder):
        trained_on.append(None if part is None else len(part))
        return Always()

    told = judge(trained, Data(), lambda: {"wer": WER()}, folds="none")
    assert trained_on == [None]
    assert told.scores["wer"] == 50
    assert told.bad == ["s4: has no glosses"]
    assert told.confusions == {"G0": {"G0": 2}, "G1": {"G0": 2}}
    write_report(tmp_path / "r.html", told, "always <G0>")
    page = (tmp_path / "r.html").read_text()
    assert "always &lt;G0&gt;" in page
    assert "s4: has no glosses" in page


def test_glosses_that_the_training_part_lacks_are_counted():
    class New(Data):
        def __getitem__(self, i):
            sample = super().__getitem__(i)
            if i == 3:
                sample.glosses = ["NEW"]
            return sample

    told = judge(lambda *_: Always(), New(), lambda: {"wer": WER()}, folds="split")
    assert told.unknown == {"NEW": 1}


def test_an_empty_judgement_has_a_page(tmp_path):
    write_report(tmp_path / "r.html", Judgement(), "nothing")
    assert "nothing" in (tmp_path / "r.html").read_text()
