from __future__ import annotations

import csv
import errno
import importlib.util
import json
import random
import resource
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from signcore import weights
from signcore.errors import ConfigError, WeightsError, WorkError
from signcore.training import checkpoint, fit, loop

_spec = importlib.util.spec_from_file_location("signcore_toy_task", Path(__file__).with_name("toy.py"))
toy = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(toy)
ToyTask = toy.ToyTask
QUIET = {"checkpoint_every": 0, "sample_every": 0, "log_every": 1}


def same(a, b) -> bool:
    return a.state().keys() == b.state().keys() and all(
        torch.equal(a.state()[k], b.state()[k]) for k in a.state()
    )


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "metrics.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_resumed_run_is_the_same_run_to_the_bit(tmp_path):
    whole, first, second = ToyTask(), ToyTask(), ToyTask()
    fit(whole, None, folder=tmp_path / "whole", steps=6, **QUIET)
    fit(first, None, folder=tmp_path / "halves", steps=3, **QUIET)
    done = fit(second, None, folder=tmp_path / "halves", steps=6, **QUIET)
    assert done.resumed == 3
    assert same(whole, second)
    assert not same(whole, first)
    for name in ("maker", "judge"):
        a, b = (t.optimizers()[name].state_dict()["state"] for t in (whole, second))
        assert str(a) == str(b)


def test_a_killed_run_resumed_is_the_same_run_to_the_bit(tmp_path):
    whole, resumed = ToyTask(), ToyTask()
    fit(whole, None, folder=tmp_path / "whole", steps=8, checkpoint_every=2, log_every=1)
    command = [sys.executable, toy.__file__, str(tmp_path / "killed"), "6"]
    killed = subprocess.run(
        command, capture_output=True, timeout=120, cwd=Path(__file__).parents[2], env=_with_path()
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    done = fit(resumed, None, folder=tmp_path / "killed", steps=8, checkpoint_every=2, log_every=1)
    assert done.resumed == 4
    assert same(whole, resumed)
    assert rows(tmp_path / "whole") == rows(tmp_path / "killed")


def _with_path() -> dict[str, str]:
    import os

    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]),
    }


def test_batches_go_on_where_the_checkpoint_stood(tmp_path):
    fit(ToyTask(), None, folder=tmp_path, steps=3, accumulate=2, **QUIET)
    again = ToyTask()
    fit(again, None, folder=tmp_path, steps=4, accumulate=2, **QUIET)
    assert again.seen[:2] == [6, 7]


def test_every_optimiser_steps_in_order_on_the_same_batch(tmp_path):
    task = ToyTask()
    fit(task, None, folder=tmp_path, steps=2, **QUIET)
    assert task.calls == ["maker", "judge", "maker", "judge"]
    assert task.seen == [0, 1]


def test_accumulated_batches_give_the_mean_gradient(tmp_path):
    task = ToyTask()
    task.maker.eval()
    np.random.seed(0)
    task.optimizers = lambda: {"maker": torch.optim.SGD(task.maker.parameters(), lr=1.0)}  # type: ignore[method-assign]
    task.schedule = lambda step, steps: None  # type: ignore[method-assign]
    task.step = lambda batch, name: {"l": task.maker(batch["x"]).sum()}  # type: ignore[method-assign]
    before = task.maker[3].bias.detach().clone()
    fit(task, None, folder=tmp_path, steps=1, accumulate=3, **QUIET)
    torch.testing.assert_close(before - task.maker[3].bias.detach(), torch.full((2,), 6.0))


def test_a_run_leaves_logs_pictures_and_weights(tmp_path):
    done = fit(ToyTask(), None, folder=tmp_path, steps=4, sample_every=2, evaluate_every=2, log_every=2)
    logged = rows(tmp_path)
    assert {(r["step"], r["split"], r["name"]) for r in logged} == {
        *(((s, "train", n)) for s in ("2", "4") for n in ("rebuild", "fool", "judge", "total")),
        *(((s, "held-out", "error")) for s in ("2", "4")),
    }
    assert sorted(p.name for p in (tmp_path / "samples").iterdir()) == [
        "stage0-0000002-grey.png",
        "stage0-0000004-grey.png",
    ]
    assert list((tmp_path / "tensorboard").rglob("events.*"))
    config, tensors = weights.read(done.weights)
    assert config == {"component": "generator:toy"}
    assert tensors["weight"].dtype == torch.float16
    assert set(done.scores) == {"error"}


def test_a_loss_that_is_not_finite_stops_the_run_and_keeps_the_checkpoint(tmp_path):
    with pytest.raises(WorkError, match=r"step 5: the loss rebuild is nan"):
        fit(ToyTask(nan_at=5), None, folder=tmp_path, steps=8, checkpoint_every=2)
    assert checkpoint.load(tmp_path / "checkpoint.pt")["step"] == 4
    assert not (tmp_path / "weights").exists()


def test_a_gradient_that_is_not_finite_stops_the_run_before_its_step(tmp_path):
    task = ToyTask(steep_at=5)
    with pytest.raises(WorkError, match=r"step 5: the gradient of maker is not finite") as caught:
        fit(task, None, folder=tmp_path, steps=8, checkpoint_every=2)
    assert "the checkpoint of stage 0, step 4 is good" in caught.value.hint
    assert all(torch.isfinite(p).all() for p in task.maker.parameters())


def test_a_run_that_cannot_be_judged_keeps_its_last_step(tmp_path):
    task = ToyTask()
    task.evaluate = lambda dataset: {}["nothing to judge"]  # type: ignore[method-assign]
    with pytest.raises(KeyError):
        fit(task, None, folder=tmp_path, steps=3, **QUIET)
    again = ToyTask()
    done = fit(again, None, folder=tmp_path, steps=3, **QUIET)
    assert (done.resumed, done.steps, again.calls) == (3, 3, [])
    assert set(done.scores) == {"error"}
    assert [r["name"] for r in rows(tmp_path) if r["split"] == "held-out"] == ["error"]


def test_what_an_evaluation_draws_leaves_the_training_alone(tmp_path):
    class Drawing(ToyTask):
        def evaluate(self, dataset):
            return {"drawn": float(torch.rand(1)) + random.random() + float(np.random.rand())}

    plain, judged, resumed = ToyTask(), Drawing(), Drawing()
    options = {"checkpoint_every": 2, "log_every": 1, "evaluate_every": 2}
    fit(plain, None, folder=tmp_path / "plain", steps=4, **QUIET)
    fit(judged, None, folder=tmp_path / "judged", steps=4, **options)
    assert same(plain, judged)
    fit(Drawing(), None, folder=tmp_path / "halves", steps=2, **options)
    fit(resumed, None, folder=tmp_path / "halves", steps=4, **options)
    assert same(judged, resumed)
    assert rows(tmp_path / "judged") == rows(tmp_path / "halves")


def test_a_full_disk_keeps_the_last_good_checkpoint(tmp_path, monkeypatch):
    fit(ToyTask(), None, folder=tmp_path, steps=2, **QUIET)
    good = (tmp_path / "checkpoint.pt").read_bytes()

    def full(state, file):
        file.write(b"half a checkpoint")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(checkpoint.torch, "save", full)
    with pytest.raises(WorkError, match=r"No space left on device.*still good"):
        fit(ToyTask(), None, folder=tmp_path, steps=4, **QUIET)
    assert (tmp_path / "checkpoint.pt").read_bytes() == good
    assert sorted(p.name for p in tmp_path.glob("*.pt*")) == ["checkpoint.pt"]
    assert not list(tmp_path.glob(".*partial*"))


def test_a_disk_that_fills_inside_torch_s_writer_keeps_the_last_good_checkpoint(tmp_path):
    fit(ToyTask(), None, folder=tmp_path, steps=2, **QUIET)
    good = (tmp_path / "checkpoint.pt").read_bytes()
    large = {"step": 3, "large": torch.zeros(100_000)}  # more than Python's own buffer
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(WorkError, match=r"cannot be written \(File too large\).*of before is") as told:
            checkpoint.save(tmp_path / "checkpoint.pt", ToyTask(), ToyTask().optimizers(), large)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert isinstance(told.value.__cause__, RuntimeError)
    assert (tmp_path / "checkpoint.pt").read_bytes() == good
    assert not list(tmp_path.glob(".*partial*"))


def test_other_errors_of_torch_s_writer_stay_what_they_are(tmp_path, monkeypatch):
    def fails(state, file):
        raise RuntimeError("no full disk")

    monkeypatch.setattr(checkpoint.torch, "save", fails)
    with pytest.raises(RuntimeError, match="no full disk"):
        checkpoint.save(tmp_path / "checkpoint.pt", ToyTask(), ToyTask().optimizers(), {"step": 3})


def test_a_damaged_checkpoint_is_named(tmp_path):
    (tmp_path / "checkpoint.pt").write_bytes(b"not a checkpoint")
    with pytest.raises(WeightsError, match=r"checkpoint\.pt: not a readable checkpoint"):
        fit(ToyTask(), None, folder=tmp_path, steps=2, **QUIET)


def test_a_checkpoint_of_other_settings_is_refused(tmp_path):
    fit(ToyTask(), None, folder=tmp_path, steps=1, **QUIET)
    other = ToyTask()
    other.judge = torch.nn.Linear(2, 3)
    with pytest.raises(
        WeightsError,
        match=r"checkpoint\.pt: made with other settings \(judge\.weight is \[1, 2\] there and \[3, 2\] here\)",
    ):
        fit(other, None, folder=tmp_path, steps=2, **QUIET)


def test_without_resume_a_run_starts_afresh(tmp_path):
    fit(ToyTask(), None, folder=tmp_path, steps=2, **QUIET)
    assert fit(ToyTask(), None, folder=tmp_path, steps=2, resume=False, **QUIET).resumed == 0
    assert [r["step"] for r in rows(tmp_path) if r["name"] == "total"] == ["1", "2"]


def test_a_finished_run_is_not_trained_further(tmp_path):
    fit(ToyTask(), None, folder=tmp_path, steps=2, **QUIET)
    again = ToyTask()
    done = fit(again, None, folder=tmp_path, steps=2, **QUIET)
    assert done.resumed == 2
    assert again.calls == []


def test_stages_run_in_order_and_resume_in_the_second(tmp_path):
    class Two:
        def __init__(self) -> None:
            self.parts = [ToyTask(), ToyTask()]

        def stages(self):
            return self.parts

        def export(self, folder):
            self.parts[1].export(folder)

    whole, cut, resumed = Two(), Two(), Two()
    for two in (whole, cut, resumed):
        two.parts[0].evaluate = lambda dataset: {"of the first": 1.0}
    fit(whole, None, folder=tmp_path / "whole", steps=4, checkpoint_every=2, log_every=1)
    cut.parts[1].nan_at = 4
    with pytest.raises(WorkError):
        fit(cut, None, folder=tmp_path / "cut", steps=4, checkpoint_every=2, log_every=1)
    done = fit(resumed, None, folder=tmp_path / "cut", steps=4, checkpoint_every=2, log_every=1)
    assert set(done.scores) == {"of the first", "error"}
    assert resumed.parts[0].calls == []
    assert all(same(a, b) for a, b in zip(whole.parts, resumed.parts, strict=True))
    assert rows(tmp_path / "whole") == rows(tmp_path / "cut")


def test_random_states_come_back():
    states = checkpoint.random_states()
    first = torch.rand(3), np.random.rand(3), random.random()
    checkpoint.restore_random_states(states)
    assert torch.equal(torch.rand(3), first[0])
    assert np.array_equal(np.random.rand(3), first[1])
    assert random.random() == first[2]


def test_no_steps_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="steps: expected at least 1"):
        fit(ToyTask(), None, folder=tmp_path, steps=0)


def test_progress_is_told_after_every_step(tmp_path):
    told = []
    fit(ToyTask(), None, folder=tmp_path, steps=3, progress=lambda *a: told.append(a[:2]), **QUIET)
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_every_evaluation_is_told(tmp_path):
    told = []
    fit(
        ToyTask(),
        None,
        folder=tmp_path,
        steps=4,
        evaluate_every=2,
        evaluated=lambda *a: told.append(a),
        **QUIET,
    )
    assert [(step, steps, set(scores)) for step, steps, scores in told] == [
        (2, 4, {"error"}),
        (4, 4, {"error"}),
    ]


def test_the_manifest_says_what_was_asked_and_what_was_left_out(tmp_path, caplog):
    task = ToyTask()
    task.about = lambda: {"left_out": ["a: torn", "b: dark"], "perceptual": None}
    fit(task, range(5), folder=tmp_path, steps=2, seed=3, accumulate=2, about={"part": "toy"}, **QUIET)
    about = json.loads((tmp_path / "train.json").read_text())
    wanted = {"part": "toy", "seed": 3, "steps": 2, "accumulate": 2, "precision": "32-true", "processes": 1}
    assert {name: about[name] for name in wanted} == wanted
    assert about["left_out"] == ["a: torn", "b: dark"]
    assert "2 of 5 samples left out; the first: a: torn" in caplog.text


def test_the_manifest_counts_the_time_of_all_starts(tmp_path, monkeypatch):
    clock = iter(range(0, 10_000, 10))
    monkeypatch.setattr(loop.time, "monotonic", lambda: next(clock))
    fit(ToyTask(), None, folder=tmp_path, steps=1, **QUIET)
    first = json.loads((tmp_path / "train.json").read_text())["seconds"]
    fit(ToyTask(), None, folder=tmp_path, steps=2, **QUIET)
    assert json.loads((tmp_path / "train.json").read_text())["seconds"] > first


def test_an_interrupted_run_says_what_stays(tmp_path):
    class Stopped(ToyTask):
        def updated(self, step):
            if step == 3:
                raise KeyboardInterrupt

    for every, words in (
        (0, "holds no checkpoint yet: the same command begins anew"),
        (2, "checkpoint.pt stays: the same command goes on there"),
    ):
        with pytest.raises(KeyboardInterrupt) as stop:
            fit(
                Stopped(), None, folder=tmp_path / str(every), steps=4, **{**QUIET, "checkpoint_every": every}
            )
        assert words in stop.value.__notes__[0]


def test_a_stage_of_other_settings_is_refused(tmp_path):
    class Two:
        def __init__(self, width=1):
            self.parts = [ToyTask(), ToyTask()]
            self.parts[0].judge = torch.nn.Linear(2, width)

        def stages(self):
            return self.parts

        def export(self, folder):
            self.parts[1].export(folder)

    fit(Two(), None, folder=tmp_path, steps=1, **QUIET)
    with pytest.raises(WeightsError, match=r"stage 0: .*judge\.weight is \[1, 2\] there and \[3, 2\] here"):
        fit(Two(3), None, folder=tmp_path, steps=2, **QUIET)


def test_one_gpu_of_several_can_be_named(tmp_path, monkeypatch):
    given = []

    def fabric(**options):
        given.append((options["accelerator"], options["devices"]))
        raise loop.MisconfigurationException("no such machine")

    monkeypatch.setattr(loop.lightning_fabric, "Fabric", fabric)
    for accelerator, devices in (("cuda:1", 1), ("cuda", 2), ("cpu", 1)):
        with pytest.raises(ConfigError, match="no such machine"):
            fit(None, None, folder=tmp_path, steps=1, accelerator=accelerator, devices=devices)
    assert given == [("cuda", [1]), ("cuda", 2), ("cpu", 1)]
    with pytest.raises(ConfigError, match="cuda:1 is one GPU, got 2"):
        fit(None, None, folder=tmp_path, steps=1, accelerator="cuda:1", devices=2)
