from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest

from signcore.contracts import Hypothesis
from signcore.errors import InputError
from signcore.recognition.transcript import SUFFIXES, as_eaf, as_vtt, write_transcript

BEST = Hypothesis(["HOUSE", "A&B<C"], -0.5, [(0.04, 0.8), (3661.5, 3662.0)])
NEXT = Hypothesis(["HOUSE"], -2.0, None)


def test_captions_have_a_cue_a_gloss():
    blocks = as_vtt(BEST).split("\n\n")
    assert blocks[0].startswith("WEBVTT")
    assert "00:00:00.040 --> 00:00:00.800\nHOUSE" in blocks[1]
    assert "01:01:01.500 --> 01:01:02.000\nA&amp;B&lt;C" in blocks[2]


def test_elan_finds_the_tier_its_times_and_its_media(tmp_path):
    root = ElementTree.fromstring(as_eaf(BEST, tmp_path / "my clip.mp4"))
    slots = {s.get("TIME_SLOT_ID"): int(s.get("TIME_VALUE")) for s in root.iter("TIME_SLOT")}
    told = [
        (slots[a.get("TIME_SLOT_REF1")], slots[a.get("TIME_SLOT_REF2")], a.findtext("ANNOTATION_VALUE"))
        for a in root.iter("ALIGNABLE_ANNOTATION")
    ]
    assert told == [(40, 800, "HOUSE"), (3661500, 3662000, "A&B<C")]
    tier = root.find("TIER")
    types = {t.get("LINGUISTIC_TYPE_ID") for t in root.iter("LINGUISTIC_TYPE")}
    assert tier.get("LINGUISTIC_TYPE_REF") in types
    assert root.find("HEADER/MEDIA_DESCRIPTOR").get("MEDIA_URL").endswith("/my%20clip.mp4")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_form_is_written_even_of_nothing(tmp_path, suffix):
    write_transcript(tmp_path / f"a{suffix}", [BEST, NEXT])
    write_transcript(tmp_path / f"b{suffix}", [Hypothesis([], 0.0, [])])
    assert (tmp_path / f"a{suffix}").read_text().count("HOUSE") >= 1
    assert "HOUSE" not in (tmp_path / f"b{suffix}").read_text()


def test_json_holds_all_hypotheses(tmp_path):
    write_transcript(tmp_path / "a.json", [BEST, NEXT])
    told = json.loads((tmp_path / "a.json").read_text())["hypotheses"]
    assert told[0] == {"glosses": ["HOUSE", "A&B<C"], "score": -0.5, "times": [[0.04, 0.8], [3661.5, 3662.0]]}
    assert told[1]["times"] is None


def test_another_suffix_is_refused(tmp_path):
    with pytest.raises(InputError, match="written as"):
        write_transcript(tmp_path / "a.srt", [BEST])
