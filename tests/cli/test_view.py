"""`signcore view`: a page of one file, or a run's own."""

import json


def data(page):
    text = page.read_text(encoding="utf-8")
    assert "http://" not in text.replace("http://www.w3.org/2000/svg", "")
    assert "https://" not in text
    start = text.index('type="application/json">') + len('type="application/json">')
    return json.loads(text[start : text.index("</script>", start)].replace("<\\/", "</"))


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
