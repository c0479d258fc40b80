"""`signcore view`: a page of one file, or a run's own."""

import json

import numpy as np
import pytest


def data(page):
    text = page.read_text(encoding="utf-8")
    assert "http://" not in text.replace("http://www.w3.org/2000/svg", "")
    assert "https://" not in text
    start = text.index('type="application/json">') + len('type="application/json">')
    text = text[start : text.index("</script>", start)].replace("<\\/", "</")
    return json.loads(text, parse_constant=pytest.fail)  # a browser reads no NaN and no Infinity


def test_a_video_with_its_pose_a_pose_and_a_picture(cli, clip, picture, tmp_path):
    for path, kind, posed in (
        (clip, "video", True),
        (clip.with_suffix(".pose"), "pose", True),
        (picture, "image", False),
    ):
        page = tmp_path / f"{kind}.html"
        code, out, _ = cli("view", path, "-o", page)
        assert (code, out.strip()) == (0, str(page))
        (panel,) = data(page)["panels"]
        assert (panel["kind"], panel["title"], "pose" in panel) == (kind, path.name, posed)


def test_a_run_has_its_own_page_and_other_things_are_refused(cli, clip, picture, tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr("webbrowser.open", lambda address: opened.append(address) or True)
    cli("run", "--generator", "repeat-source", "--source", picture, "--driving", clip, "-o", tmp_path / "run")
    code, out, _ = cli("view", tmp_path / "run")
    assert (code, out.strip()) == (0, str(tmp_path / "run" / "report.html"))
    assert opened == [(tmp_path / "run" / "report.html").resolve().as_uri()]
    code, _, err = cli("view", tmp_path)
    assert (code, err.count("\n")) == (2, 1)
    code, _, err = cli("view", tmp_path / "absent.pose")
    assert (code, err.count("\n")) == (2, 1)


def test_the_vtt_beside_a_video_gives_the_subtitles(cli, clip, tmp_path):
    from signcore.contracts import Hypothesis
    from signcore.recognition.transcript import write_transcript

    video = tmp_path / "clip.mp4"
    video.write_bytes(clip.read_bytes())
    best = Hypothesis(["FIRE", "R&D <B>"], -0.5, [(0.1, 0.4), (0.4, 61.25)])
    write_transcript(video.with_suffix(".vtt"), [best])
    assert cli("view", video, "-o", tmp_path / "page.html")[0] == 0
    (caption,) = data(tmp_path / "page.html")["captions"]
    assert caption == {
        "label": "clip.vtt",
        "cues": [[0.1, 0.4, "FIRE"], [0.4, 61.25, "R&D <B>"]],
        "timed": True,
    }
    video.with_suffix(".vtt").write_text("1\n00:00 --> 00:01\nno header\n")
    code, _, err = cli("view", video, "-o", tmp_path / "again.html")
    assert (code, err.count("\n")) == (2, 1)
    assert "clip.vtt" in err


def test_a_perfect_copy_whose_psnr_is_infinite_has_a_page_that_can_be_read(tmp_path):
    import signcore
    from signcore.types import Image, Video

    frames = np.full((4, 40, 40, 3), 90, np.uint8)
    run = signcore.run(
        generator="repeat-source", source=Image(frames[0]), driving=Video.from_array(frames, 10.0), metric="psnr",
        output=tmp_path / "run", settings={"size": 40},
    )  # fmt: skip
    assert run.scores[0].value == float("inf")
    page = data(run.report)
    assert [p["title"] for p in page["panels"]] == ["source", "driving", "result"]
    assert page["scores"][0]["value"] == "inf"


def test_what_was_asked_for_is_a_subtitle_and_the_makers_pose_an_overlay(tmp_path):
    import signcore

    made = signcore.run(generator="synthetic", gloss="FIRE BOOK", output=tmp_path / "made")
    page = data(made.report)
    assert page["captions"] == [{"label": "gloss", "cues": [[0, 1e9, "FIRE BOOK"]], "timed": False}]
    assert "pose" in page["panels"][0]
