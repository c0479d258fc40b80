"""`signcore train` and `run` in one line each: out of memory, interrupted, asked for what is not there."""

import numpy as np
import pytest
import torch

from signcore.cli.output import guarded
from signcore.runs.folder import parts_folder
from signcore.training import loop
from signcore.types import Video, write_video

PLUGIN = """
from signcore import Component, hookimpl

class Greedy:
    def __init__(self, config, context): pass
    def generate(self, inputs): raise RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes.")

class Large:
    def __init__(self, config, context): raise MemoryError
    def generate(self, inputs): pass

@hookimpl
def signcore_components():
    return [
        Component(kind="generator", name=name.lower(), summary="x", target=f"lab:{name}") for name in ("Greedy", "Large")
    ]
"""
TINY = {
    "keypoint_width": 4,
    "motion_width": 4,
    "motion_max_width": 16,
    "width": 4,
    "max_width": 16,
    "transforms": 2,
    "batch": 2,
}
SETS = [word for name, value in TINY.items() for word in ("--set", f"generator.{name}={value}")]


def raises(error):
    def work(*_, **__):
        raise error

    return work


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        RuntimeError(
            "[enforce fail at alloc_cpu.cpp:118] DefaultCPUAllocator: can't allocate memory: you tried"
        ),
        RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes."),
    ],
)
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "--generator", "pgmm"], ("generator.batch_frames", "generator.size")),
        (
            ["train", "--generator=pgmm"],
            ("generator.batch ", "--accumulate", "generator.size", "last checkpoint stays"),
        ),
        (["train", "--recognizer", "spoter"], ("recognizer.batch ", "last checkpoint stays")),
        (["evaluate", "--generator", "pgmm"], ("generator.batch_frames", "generator.size")),
    ],
)
def test_out_of_memory_is_one_line_with_the_settings_to_lower(error, arguments, words, capsys):
    assert guarded(raises(error), arguments) == 1
    told = capsys.readouterr().err
    assert told.startswith("error: out of memory; ")
    assert told.count("\n") == 1
    assert all(word in told for word in words)


def test_other_errors_still_ask_to_be_reported(capsys):
    assert guarded(raises(RuntimeError("a memory of better days")), ["train"]) == 1
    assert "unexpected RuntimeError" in capsys.readouterr().err


def test_a_component_that_runs_out_of_memory_is_not_called_broken(cli, distribution, tmp_path):
    distribution("lab", PLUGIN)
    code, _, err = cli("run", "--generator", "greedy", "-o", tmp_path / "out")
    assert code == 1
    assert "error: out of memory; lower generator.batch_frames" in err
    assert not (tmp_path / "out").exists()
    code, _, err = cli(
        "evaluate",
        "--generator",
        "large",
        "--dataset",
        "synthetic",
        "--metric",
        "l1",
        "--set",
        "dataset.clips=1",
    )
    assert code == 1
    assert "error: out of memory; lower generator.batch_frames" in err


def train(cli, tmp_path, *more):
    return cli(
        "train", "--generator", "tpsmm", "--dataset", "synthetic", *SETS, "-o", tmp_path / "out", *more
    )


def test_ctrl_c_in_train_says_what_stays(cli, tmp_path, monkeypatch):
    stop = KeyboardInterrupt()
    stop.add_note("checkpoint.pt stays: the same command goes on there")
    monkeypatch.setattr(loop, "fit", raises(stop))
    code, _, err = train(cli, tmp_path)
    assert code == 130
    assert err.splitlines()[-1] == "stopped; checkpoint.pt stays: the same command goes on there"


def test_ctrl_c_in_run_says_what_stays(tmp_path, capsys):
    def interrupted(parts):
        with parts_folder(tmp_path / "out", {}, False, lambda _: None) as begin:
            for name in range(parts):
                (begin() / f"{name}.mp4").touch()
            raise KeyboardInterrupt

    for parts, words in (
        (0, "stopped; nothing was left behind\n"),
        (2, "stopped; 2048 frames are kept: the same command with --resume goes on there\n"),
    ):
        assert guarded(lambda n=parts: interrupted(n), ["run"]) == 130
        assert capsys.readouterr().err == words


def test_precisions_and_devices_that_are_not_there_are_refused_with_the_choices(cli, tmp_path):
    for more, words in (
        (("--precision", "fp8"), "'32-true', 'bf16-mixed', '16-mixed'"),
        (("--devices", "two"), "'two' is not a valid integer range"),
        (
            ("--precision", "16-mixed", "--device", "cpu"),
            "16-mixed needs a GPU; bf16-mixed works on a CPU too",
        ),
    ):
        code, _, err = train(cli, tmp_path, *more)
        assert code == 2
        assert words in err
        assert err.count("\n") == 1


def test_clips_without_poses_are_one_error_with_what_to_do(cli, tmp_path):
    for name in "abc":
        write_video(tmp_path / f"{name}.mp4", Video.from_array(np.full((4, 64, 64, 3), 90, np.uint8), 10))
    options = ["--generator", "pgmm", "--dataset", "video-folder", "--set", f"dataset.path={tmp_path}"]
    code, _, err = cli("train", *options, *SETS, "-o", tmp_path / "out")
    assert code == 2
    assert err.count("\n") == 1, err
    assert "none of its 2 clips can be trained on; the first: a: has no pose" in err
    assert "dataset.estimator=" in err
