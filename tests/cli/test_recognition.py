"""Recognition from the command line: runs, transcripts, judging."""

from __future__ import annotations

import json

import numpy as np
import pytest

from signcore.cli import main as entry
from signcore.cli.live import is_stream


def main(arguments):
    with pytest.raises(SystemExit) as leaving:
        entry(arguments)
    return leaving.value.code


@pytest.fixture
def signs(tmp_path):
    """Two signs by three signers as an .npz: the right wrist goes up or out."""
    random = np.random.default_rng(0)
    frames, labels, signers = [], [], []
    base = np.array([[50, 40], [60, 60], [40, 60], [65, 80], [35, 80], [66, 95], [34, 95]], np.float32)
    for signer in range(3):
        for take in range(4):
            points = np.repeat(base[None], 30, axis=0) + random.normal(0, 0.2, (30, 7, 2))
            way = (-2, -60) if take % 2 else (-30, -20)
            points[:, 6] += np.sin(np.linspace(0, np.pi, 30))[:, None] * way
            frames.append(points.astype(np.float32))
            labels.append(take % 2)
            signers.append(signer)
    np.savez(
        tmp_path / "signs.npz",
        frames=np.concatenate(frames),
        offsets=np.arange(13) * 30,
        labels=np.array(labels),
        signers=np.array(signers),
        class_names=np.array(["OUT", "UP"]),
        signer_names=np.array(["a", "b", "c"]),
        keypoint_names=np.array(
            [
                "nose",
                "left_shoulder",
                "right_shoulder",
                "left_elbow",
                "right_elbow",
                "left_wrist",
                "right_wrist",
            ]
        ),
    )
    return tmp_path / "signs.npz"


def test_neighbours_are_judged_signer_by_signer(signs, tmp_path, capsys):
    out = tmp_path / "nn.json"
    arguments = [
        "evaluate",
        "--recognizer",
        "ndtw-neighbours",
        "--dataset",
        "keypoint-arrays",
        "--set",
        f"dataset.path={signs}",
    ]
    code = main([*arguments, "--folds", "signer", "--metric", "top", "--output", str(out)])
    told = json.loads(out.read_text())
    assert code == 0
    assert told["scores"]["top-1"] == 100
    assert set(told["folds"]) == {"a", "b", "c"}
    assert told["confusions"] == {"OUT": {"OUT": 6}, "UP": {"UP": 6}}
    assert "<h2>Confusions</h2>" in out.with_suffix(".html").read_text()
    assert "top-1" in capsys.readouterr().out


def test_a_sweep_is_one_table(signs, capsys):
    arguments = [
        "evaluate",
        "--recognizer",
        "ndtw-neighbours",
        "--dataset",
        "keypoint-arrays",
        "--set",
        f"dataset.path={signs}",
    ]
    assert (
        main([*arguments, "--folds", "signer", "--metric", "top", "--sweep", "neighbours=1,2", "--json"]) == 0
    )
    told = json.loads(capsys.readouterr().out)
    assert set(told) == {"neighbours=1", "neighbours=2"}
    assert main([*arguments, "--sweep", "height=1"]) == 2
    assert "expected a setting of recognizer ndtw-neighbours" in capsys.readouterr().err


def test_a_training_recognizer_is_judged_with_several_seeds(signs, tmp_path):
    out = tmp_path / "ps.json"
    code = main(
        ["evaluate", "--recognizer", "pose-streams", "--dataset", "keypoint-arrays", "--set", f"dataset.path={signs}", "--folds", "3",
         "--seeds", "2", "--steps", "2", "--set", "recognizer.width=8", "--set", "recognizer.kernels=200", "--metric", "wer", "--output", str(out)]
    )  # fmt: skip
    told = json.loads(out.read_text())
    assert code == 0
    assert told["clips"] == 12
    assert set(told["spread"]) == set(told["scores"])


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--folds", "7000"], "--folds 7000: expected"),
        (["--generator", "resting"], "--generator and --recognizer: one of them is judged"),
        (["--split", "nowhere"], "the dataset has no such sample"),
    ],
)
def test_what_cannot_be_judged_is_one_line(signs, capsys, more, words):
    code = main(
        ["evaluate", "--recognizer", "ndtw-neighbours", "--dataset", "keypoint-arrays", "--set", f"dataset.path={signs}", *more]
    )  # fmt: skip
    assert code == 2
    assert words in capsys.readouterr().err


def test_folds_go_with_a_recognizer_only(signs, capsys):
    code = main(
        [
            "evaluate",
            "--retrieval",
            "--dataset",
            "keypoint-arrays",
            "--folds",
            "5",
            "--set",
            f"dataset.path={signs}",
        ]
    )
    assert code == 2
    assert "goes with --recognizer" in capsys.readouterr().err


def test_a_run_writes_text_json_captions_and_elan(tmp_path, capsys):
    gallery = '{"clips": 12, "test_clips": 0, "min_glosses": 1, "max_glosses": 1, "vocabulary": 4}'
    code = main(
        ["run", "--generator", "synthetic", "--gloss", "HOUSE", "--recognizer", "ndtw-neighbours", "--metric", "wer", "--metric", "top",
         "--reference", "HOUSE", "--set", f"gallery_settings={gallery}", "--set", "generator.width=64", "--set", "generator.height=64",
         "--output", str(tmp_path / "out")]
    )  # fmt: skip
    assert code == 0
    printed = capsys.readouterr().out
    assert "HOUSE" in printed
    assert "wer" in printed
    for suffix in ("txt", "json", "vtt", "eaf"):
        assert (tmp_path / "out" / f"result.{suffix}").stat().st_size > 20
    told = json.loads((tmp_path / "out" / "run.json").read_text())
    assert told["files"]["eaf"] == "result.eaf"
    assert {"wer", "top-1"} <= {s["name"] for s in told["scores"]}


def test_a_webcam_or_address_is_a_stream_and_a_file_is_not(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "1").write_bytes(b"")
    assert is_stream("0")
    assert is_stream("rtsp://camera/1")
    assert not is_stream("1")
    assert not is_stream("clip.mp4")
    assert not is_stream(None)


def test_a_camera_that_is_not_there_is_one_line(tmp_path, capsys):
    pytest.importorskip("signcore_weights")
    code = main(["run", "--recognizer", "signx", "--video", "97", "--output", str(tmp_path / "live")])
    assert code == 2
    assert "97: cannot be opened as a stream" in capsys.readouterr().err
    assert not (tmp_path / "live").exists()
