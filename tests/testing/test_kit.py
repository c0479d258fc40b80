"""The kit itself: sound components pass, each broken one is caught by exactly its check."""

import pytest

from signcore.component import KINDS
from signcore.discovery import PluginRecord
from signcore.testing import Subject, check, check_names
from signcore.testing.broken import BROKEN, GOOD
from signcore.testing.kit import check_subject

RECORD = PluginRecord("signcore-broken", "broken", "1", "signcore.testing.broken")


@pytest.mark.parametrize("kind", KINDS)
def test_a_sound_component_passes_every_check(kind):
    report = check_subject(Subject(RECORD, GOOD[kind]))
    assert report.ok, str(report)
    assert not report.named("skipped"), str(report)
    assert [r.check for r in report.results] == check_names(kind)


@pytest.mark.parametrize(("kind", "name"), sorted(BROKEN))
def test_a_broken_component_is_caught_by_exactly_its_check(kind, name):
    report = check_subject(Subject(RECORD, BROKEN[kind, name]))
    assert [r.check for r in report.named("failed")] == [name], str(report)
    assert report.named("failed")[0].reason


def test_every_check_has_a_broken_component():
    caught = {name for _, name in BROKEN}
    assert {name for kind in KINDS for name in check_names(kind)} == caught


def test_the_command_tells_and_fails(cli):
    code, _, err = cli("check", "metric", "wer", "--set", "nothing=1")
    assert code == 2
    assert "has no setting 'nothing'" in err
    code, out, _ = cli("check", "metric", "wer")
    assert code == 0
    assert "0 failed" in out
    assert "skipped declared-symmetry: declares none" in out
    code, _, err = cli("check", "metric", "nothing-like-it")
    assert code == 2
    assert err.startswith("error: no metric is called")


def test_what_needs_settings_is_skipped_with_the_reason():
    report = check("dataset", "pose-table")
    assert report.ok, str(report)
    assert any("path" in r.reason for r in report.named("skipped"))
