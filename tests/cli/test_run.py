"""`signcore run`: wiring, the folder, and every bad input as one line with its exit code."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import signcore
from signcore.types import layouts, read_pose, read_video, write_image, write_pose, write_video
from signcore.types.poses import keypoints, pose_from_keypoints

PLUGIN = """
import numpy as np
from pydantic import BaseModel, ConfigDict, Field
from signcore import Component, Hypothesis, hookimpl
from signcore.types import Image, Pose, Video
from signcore.types.poses import pose_from_keypoints

class Words(BaseModel):
    gloss: str = Field(description="a gloss")

class Drawn(BaseModel):
    model_config = ConfigDict(arbitrary_types_allowed=True)
    pose: Pose = Field(description="a pose to draw")

class Steps(BaseModel):
    model_config = ConfigDict(extra="forbid")
    steps: int = Field(3, ge=1, le=9, description="how many", json_schema_extra={"unit": "frames"})

class ToPose:
    def __init__(self, config, context): self.config = config
    def generate(self, inputs):
        print("native noise", flush=True)
        points = np.random.default_rng(len(inputs.gloss)).uniform(0, 60, (self.config.steps, 137, 2))
        return pose_from_keypoints(points, "openpose_137", fps=10, width=64, height=64)

class Draw:
    def __init__(self, config, context): pass
    def generate(self, inputs):
        return Video.from_array(np.full((len(inputs.pose.body.data), 32, 32, 3), 9, np.uint8), 10)

class Read:
    def __init__(self, config, context): pass
    def recognize(self, sample): return [Hypothesis(["HOUSE"], -0.5), Hypothesis([], -2.0)]

class Wrong:
    def __init__(self, config, context): pass
    def generate(self, inputs): return "not a video"

class Raises:
    def __init__(self, config, context): raise ValueError("bad constructor")

class Halfway:
    def __init__(self, config, context): pass
    def generate(self, inputs):
        def frame(i):
            if i == 4: raise ValueError("frame 4 is cursed")
            return np.zeros((16, 16, 3), np.uint8)
        return Video.from_frames(frame, 9, 16, 16)

class Slow:
    def __init__(self, config, context): pass
    def generate(self, inputs):
        import time
        def frame(i):
            time.sleep(0.2)
            return np.zeros((16, 16, 3), np.uint8)
        return Video.from_frames(frame, 999, 16, 16)

class Sure:
    def __init__(self, config, context): self.pairs = 0
    def update(self, prediction, reference): self.pairs += 1
    def compute(self): return {"sure": float(self.pairs)}
    def merge(self, other): self.pairs += other.pairs
    def reset(self): self.pairs = 0
    def signature(self): return "sure|version:1"

def generator(name, target, **more):
    return Component(kind="generator", name=name, summary=name, target=f"lab:{target}", **more)

@hookimpl
def signcore_components():
    return [
        generator("to-pose", "ToPose", output="pose", config="lab:Steps", inputs="lab:Words"),
        generator("draw", "Draw", inputs="lab:Drawn"),
        generator("wrong", "Wrong"), generator("raises", "Raises"), generator("halfway", "Halfway"), generator("slow", "Slow"),
        Component(kind="recognizer", name="read", summary="x", target="lab:Read"),
        Component(kind="metric", name="sure", summary="x", target="lab:Sure", output="glosses"),
    ]
"""


@pytest.fixture
def lab(distribution):
    return distribution("lab", PLUGIN)


def still(clip, picture, output, *more):
    return (
        "run",
        "--generator",
        "repeat-source",
        "--source",
        picture,
        "--driving",
        clip,
        "--output",
        output,
        *more,
    )


def test_a_run_is_a_folder_with_result_manifest_and_report(cli, clip, picture, tmp_path):
    code, out, err = cli(*still(clip, picture, tmp_path / "out", "--set", "size=32", "--seed", 5))
    assert code == 0, err
    assert {p.name for p in (tmp_path / "out").iterdir()} == {"result.mp4", "run.json", "report.html"}
    assert read_video(tmp_path / "out" / "result.mp4").shape == (12, 32, 32, 3)
    about = json.loads((tmp_path / "out" / "run.json").read_text())
    wanted = "signcore command components config inputs seed device kernels timings scores created"
    assert set(wanted.split()) <= set(about)
    assert about["seed"] == 5
    assert about["config"]["generator:repeat-source"]["size"] == 32
    assert {row["name"]: len(row["sha256"]) for row in about["inputs"]} == {"source": 64, "driving": 64}
    assert {s["name"] for s in about["scores"]} == {"l1", "psnr", "ssim", "tcd", "tcd-calibrated"}
    assert all(set(s) == {"metric", "name", "value", "signature"} for s in about["scores"])
    assert "l1|range:0..1" in out
    page = (tmp_path / "out" / "report.html").read_text()
    assert "http://" not in page.replace("http://www.w3.org/2000/svg", "")
    assert "https://" not in page


def test_the_same_from_python(clip, picture, tmp_path):
    run = signcore.run(
        generator="repeat-source",
        source=picture,
        driving=read_video(clip),
        output=tmp_path / "out",
        settings={"size": 32},
    )
    assert run.result.shape == (12, 32, 32, 3)
    assert [s.name for s in run.scores][:2] == ["l1", "psnr"]
    assert run.report.is_file()


def test_json_is_one_object_on_stdout(cli, clip, picture, tmp_path):
    code, out, _ = cli(*still(clip, picture, tmp_path / "out", "--json"))
    assert code == 0
    assert json.loads(out)["folder"] == str(tmp_path / "out")


def test_a_run_is_made_again_from_its_manifest(cli, clip, picture, tmp_path):
    assert cli(*still(clip, picture, tmp_path / "a", "--set", "size=32"))[0] == 0
    code, _, err = cli("run", "--from", tmp_path / "a" / "run.json", "--output", tmp_path / "b")
    assert code == 0, err
    assert (tmp_path / "a" / "result.mp4").read_bytes() == (tmp_path / "b" / "result.mp4").read_bytes()


def test_a_changed_input_is_noticed(cli, clip, picture, tmp_path):
    own = tmp_path / "own.png"
    own.write_bytes(picture.read_bytes())
    assert cli(*still(clip, own, tmp_path / "a"))[0] == 0
    own.write_bytes(picture.read_bytes() + b"x")
    code, _, err = cli("run", "--from", tmp_path / "a", "--output", tmp_path / "b")
    assert code == 2
    assert "has changed since" in err


def test_stages_chain_by_type(cli, lab, tmp_path):
    code, out, err = cli(
        "run", "--generator", "to-pose", "--generator", "draw", "--recognizer", "read", "--gloss", "HOUSE", "--set",
        "generator:to-pose.steps=4", "--output", tmp_path / "out",
    )  # fmt: skip
    assert code == 0, err
    assert "HOUSE" in out
    assert (tmp_path / "out" / "result.txt").read_text().startswith("-0.5000\tHOUSE")


def test_a_pose_is_a_result_and_native_noise_goes_to_the_log(cli, lab, tmp_path):
    (tmp_path / "sign.txt").write_text("HOUSE\n")
    code, _, err = cli(
        "run", "--generator", "to-pose", "--gloss-file", tmp_path / "sign.txt", "--output", tmp_path / "out"
    )
    assert code == 0, err
    assert np.isfinite(keypoints(read_pose(tmp_path / "out" / "result.pose"))).all()


def test_a_recogniser_is_scored_against_glosses(cli, lab, clip, tmp_path):
    code, out, err = cli(
        "run",
        "--recognizer",
        "read",
        "--video",
        clip,
        "--metric",
        "sure",
        "--reference",
        "HOUSE",
        "--output",
        tmp_path / "o",
    )
    assert code == 0, err
    assert "1.0000" in out


def test_an_estimator_is_scored_against_a_pose(cli, clip, tmp_path):
    frames = tmp_path / "json"
    frames.mkdir()
    truth = read_pose(clip.with_suffix(".pose"))
    for t, points in enumerate(keypoints(truth)):
        flat = np.concatenate([points, np.ones((137, 1))], axis=1)
        parts = np.split(flat, [25, 95, 116])
        names = [
            "pose_keypoints_2d",
            "face_keypoints_2d",
            "hand_left_keypoints_2d",
            "hand_right_keypoints_2d",
        ]
        person = {name: part.ravel().tolist() for name, part in zip(names, parts, strict=True)}
        if t != 3:
            (frames / f"clip_{t:012d}_keypoints.json").write_text(
                json.dumps({"people": [person] if t != 5 else []})
            )
    arguments = [
        "run",
        "--estimator",
        "openpose-json",
        "--video",
        clip,
        "--set",
        f"folder={frames}",
        "--metric",
        "ndtw",
    ]
    arguments += ["--metric", "ape", "--reference", clip.with_suffix(".pose"), "--output", tmp_path / "out"]
    code, _, err = cli(*arguments)
    assert code == 0, err
    pose = keypoints(read_pose(tmp_path / "out" / "result.pose"))
    assert np.isnan(pose[[3, 5]]).all()
    assert np.allclose(pose[4], keypoints(truth)[4])
    scores = {
        s["name"]: s["value"] for s in json.loads((tmp_path / "out" / "run.json").read_text())["scores"]
    }
    assert scores["ndtw"] > 0
    assert scores["ape"] > 0


def one_line(err):
    lines = [line for line in err.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1, err
    assert "Traceback" not in err
    return lines[0]


def bad(name):
    """arguments, exit code, words in the line; run with the files of `material`."""
    return {
        "unknown generator": (["--generator", "pgm"], 2, "did you mean 'pgmm'"),
        "nothing to run": ([], 2, "nothing to run"),
        "unknown option": (["--generator", "draw", "--colour", "x"], 2, "--colour"),
        "unknown setting": (["--generator", "to-pose", "--gloss", "A", "--set", "stepps=2"], 2, "did you mean 'steps'"),
        "setting out of range": (["--generator", "to-pose", "--gloss", "A", "--set", "steps=99"], 2, "steps='99'"),
        "setting of another type": (["--generator", "to-pose", "--gloss", "A", "--set", "steps=many"], 2, "steps='many'"),
        "setting without value": (["--generator", "to-pose", "--gloss", "A", "--set", "steps"], 2, "expected key=value"),
        "types do not fit": (["--generator", "draw", "--generator", "to-pose", "--pose", "{pose}"], 2, "no free input of type video"),
        "metric of another type": (["--generator", "draw", "--pose", "{pose}", "--metric", "ndtw"], 2, "compares pose"),
        "metric without reference": (["--generator", "draw", "--pose", "{pose}", "--metric", "l1"], 2, "needs --reference"),
        "no input and no example": (["--generator", "draw"], 2, "needs --pose"),
        "constructor raises": (["--generator", "raises"], 3, "bad constructor"),
        "wrong product": (["--generator", "wrong"], 3, "returned str"),
        "raises halfway": (["--generator", "halfway"], 3, "frame 4 is cursed"),
        "text named .mp4": (["--generator", "repeat-source", "--driving", "{text}"], 2, "not a readable video"),
        "truncated video": (["--generator", "repeat-source", "--driving", "{cut}"], 2, "truncated"),
        "no such file": (["--generator", "repeat-source", "--driving", "{none}"], 2, "no such video"),
        "truncated pose": (["--generator", "draw", "--pose", "{cutpose}"], 2, "truncated"),
        "image too large": (["--generator", "repeat-source", "--source", "{large}"], 2, "too large"),
        "reference of another size": (
            ["--generator", "draw", "--pose", "{pose}", "--metric", "l1", "--reference", "{clip}"], 2, "bring both to one size",
        ),
        "unknown device": (["--generator", "draw", "--pose", "{pose}", "--device", "cuda:77"], 2, "CUDA devices"),
        "nonsense device": (["--generator", "draw", "--pose", "{pose}", "--device", "tpu"], 2, "expected auto"),
        "no run.json": (["--from", "{none}"], 2, "no such run"),
        "config of another type": (["--generator", "draw", "--pose", "{pose}", "--config", "{text}"], 2, "not a config file"),
        "weights nobody takes": (["--recognizer", "read", "--generator", "halfway", "--weights", "x"], 2, "fits 2 components"),
    }[name]  # fmt: skip


BAD = [
    "unknown generator", "nothing to run", "unknown option", "unknown setting", "setting out of range", "setting of another type",
    "setting without value", "types do not fit", "metric of another type", "metric without reference", "no input and no example",
    "constructor raises", "wrong product", "raises halfway", "text named .mp4", "truncated video", "no such file", "truncated pose",
    "image too large", "reference of another size", "unknown device", "nonsense device", "no run.json", "config of another type",
    "weights nobody takes",
]  # fmt: skip


@pytest.fixture(scope="module")
def material(tmp_path_factory, clip):
    import PIL.Image

    folder = tmp_path_factory.mktemp("bad")
    (folder / "text.mp4").write_text("text")
    (folder / "cut.mp4").write_bytes(clip.read_bytes()[: clip.stat().st_size * 3 // 4])
    pose = clip.with_suffix(".pose")
    (folder / "cut.pose").write_bytes(pose.read_bytes()[:-500])
    PIL.Image.new("1", (20_000, 20)).save(folder / "large.png")
    return {
        "text": folder / "text.mp4", "cut": folder / "cut.mp4", "cutpose": folder / "cut.pose", "pose": pose, "clip": clip,
        "none": folder / "none.mp4", "large": folder / "large.png",
    }  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_bad_input_is_one_line_an_exit_code_and_no_folder(cli, lab, material, tmp_path, name):
    arguments, expected, words = bad(name)
    code, _, err = cli("run", *(a.format(**material) for a in arguments), "--output", tmp_path / "out")
    assert code == expected, err
    assert words in one_line(err)
    assert [p.name for p in tmp_path.iterdir() if p.name != "site"] == []


def test_the_traceback_is_shown_when_asked_for(cli, lab, tmp_path):
    code, _, err = cli("run", "--generator", "halfway", "--output", tmp_path / "out", "--traceback")
    assert code == 3
    assert "Traceback" in err
    assert "frame 4 is cursed" in err


WITHOUT = """
import sys
class Absent:
    def find_spec(self, name, *rest):
        if name.partition(".")[0] == "torch":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absent())
from signcore.cli import main
main(sys.argv[1:])
"""


def test_a_package_that_is_not_there_is_named(tmp_path):
    asked = [sys.executable, "-c", WITHOUT, "run", "--generator", "pgmm", "--output", str(tmp_path / "out")]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(
        "error: the package torch is not installed; pip install torch"
    )
    assert not (tmp_path / "out").exists()


def test_an_earlier_run_is_not_overwritten_unless_asked(cli, clip, picture, tmp_path):
    assert cli(*still(clip, picture, tmp_path / "out"))[0] == 0
    code, _, err = cli(*still(clip, picture, tmp_path / "out"))
    assert code == 2
    assert "--overwrite" in one_line(err)
    assert cli(*still(clip, picture, tmp_path / "out", "--overwrite"))[0] == 0
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("precious")
    code, _, err = cli(*still(clip, picture, tmp_path / "mine", "--overwrite"))
    assert code == 2
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "precious"


def test_a_failed_run_keeps_the_earlier_one(cli, lab, clip, picture, tmp_path):
    assert cli(*still(clip, picture, tmp_path / "out"))[0] == 0
    before = (tmp_path / "out" / "run.json").read_bytes()
    assert cli("run", "--generator", "halfway", "--output", tmp_path / "out", "--overwrite")[0] == 3
    assert (tmp_path / "out" / "run.json").read_bytes() == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere; see the next test")
def test_a_folder_that_cannot_be_written_is_refused(cli, clip, picture, tmp_path):
    (tmp_path / "locked").mkdir(mode=0o500)
    code, _, err = cli(*still(clip, picture, tmp_path / "locked" / "out"))
    assert code == 2
    assert "cannot be made there" in one_line(err)


def test_an_output_below_a_file_is_refused(cli, clip, picture, tmp_path):
    (tmp_path / "file").write_text("x")
    code, _, err = cli(*still(clip, picture, tmp_path / "file" / "out"))
    assert code == 2
    assert "cannot be made there" in one_line(err)


def test_a_full_disk_is_one_line_and_leaves_nothing(cli, clip, picture, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("signcore.types.encode._write_av", full)
    code, _, err = cli(*still(clip, picture, tmp_path / "out"))
    assert code == 1
    assert "No space left" in one_line(err)
    assert list(tmp_path.iterdir()) == []


def test_a_broken_plugin_does_not_stop_the_others(cli, distribution, clip, picture, tmp_path):
    distribution("a-broken", "raise RuntimeError('broken on import')")
    assert cli(*still(clip, picture, tmp_path / "out"))[0] == 0
    code, out, err = cli("list")
    assert code == 0
    assert "pgmm" in out
    assert "a-broken" in err
    code, out, _ = cli("plugins", "--json")
    assert code == 0
    failed = [p for p in json.loads(out)["plugins"] if p["status"] == "failed"]
    assert [(p["distribution"], p["phase"]) for p in failed] == [("a-broken", "import")]
    code, out, _ = cli("doctor")
    assert code == 0
    assert "broken on import" in out


def test_a_mark_is_in_every_frame_and_is_made_again(cli, clip, picture, tmp_path):
    cli(*still(clip, picture, tmp_path / "plain"))
    assert cli(*still(clip, picture, tmp_path / "marked", "--mark"))[0] == 0
    assert cli("run", "--from", tmp_path / "marked", "-o", tmp_path / "again")[0] == 0
    plain, marked, again = (
        read_video(tmp_path / name / "result.mp4").numpy().astype(int)
        for name in ("plain", "marked", "again")
    )
    changed = np.abs(marked - plain).mean(axis=(2, 3)) > 20  # rows of every frame
    assert changed[:, -8:].any(axis=1).all()
    assert not changed[:, : plain.shape[1] // 2].any()
    assert np.array_equal(marked, again)


def test_doctor_and_run_say_alike_what_will_go_wrong(cli, clip, tmp_path):
    """A grey picture of nobody, and a driving pose without hands."""
    video, pose = read_video(clip), read_pose(clip.with_suffix(".pose"))
    names = layouts.names(pose.header)
    hands = [i for i, name in enumerate(names) if "_hand_" in name]
    pose.body.data[:, :, hands] = np.ma.masked
    pose.body.confidence[:, :, hands] = 0
    write_video(tmp_path / "sign.mp4", video)
    write_pose(tmp_path / "sign.pose", pose)
    write_image(tmp_path / "nobody.png", np.full((64, 64, 3), 128, np.uint8))
    empty = pose_from_keypoints(
        np.full((1, 36, 2), np.nan, np.float32), "pgmm_36", fps=10, width=64, height=64
    )
    write_pose(tmp_path / "nobody.pose", empty)
    given = ("--source", tmp_path / "nobody.png", "--driving", tmp_path / "sign.mp4")
    code, out, _ = cli("doctor", *given)
    assert code == 0
    for line in ("source: shows nobody", "no frame's pose shows a hand"):
        assert line in out
    code, _, err = cli(
        "run", "--generator", "pgmm", *given, "--output", tmp_path / "out", "--set", "mode=cross"
    )
    assert code == 0
    notes = " ".join(json.loads((tmp_path / "out" / "run.json").read_text())["notes"])
    for line in ("source: shows nobody", "no frame's pose shows a hand"):
        assert line in err
        assert line in notes


def test_a_video_says_in_its_metadata_that_it_was_made(cli, clip, picture, tmp_path):
    import av

    assert cli(*still(clip, picture, tmp_path / "out", "--seed", 7))[0] == 0
    with av.open(str(tmp_path / "out" / "result.mp4")) as file:
        assert file.metadata["comment"] == "made by signcore generator repeat-source, seed 7; not a recording"


def test_doctor_looks_at_a_clip_and_a_picture(cli, clip, picture, tmp_path):
    copied = tmp_path / "person.png"
    copied.write_bytes(picture.read_bytes())
    copied.with_suffix(".pose").write_bytes(clip.with_suffix(".pose").read_bytes())
    code, out, _ = cli("doctor", "--source", copied, "--driving", clip)
    assert code == 0
    assert "clip" in out
    assert "python" not in out
    pose = json.loads(cli("doctor", "--source", copied, "--driving", clip.with_suffix(".pose"), "--json")[1])
    assert pose == json.loads(cli("doctor", "--source", copied, "--driving", clip, "--json")[1])
    code, _, err = cli("doctor", "--source", picture)
    assert code == 2
    assert "--driving" in err
    code, _, err = cli("doctor", "--driving", clip.with_name("absent.mp4"))
    assert code != 0
    assert err.count("\n") == 1


def test_ctrl_c_ends_with_130_and_leaves_nothing(lab, tmp_path):
    program = [
        sys.executable,
        "-m",
        "signcore",
        "run",
        "--generator",
        "slow",
        "--output",
        str(tmp_path / "out"),
    ]
    path = os.pathsep.join([str(lab.parent), *filter(None, [os.environ.get("PYTHONPATH")])])
    process = subprocess.Popen(
        program,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # tests in the background ignore it
    )
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob(".out*")) and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(1)  # well inside the frames
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert [p.name for p in tmp_path.iterdir() if p.name != "site"] == []


def test_help_shows_inputs_and_settings(cli, lab):
    code, out, _ = cli("run", "--generator", "to-pose", "--help")
    assert code == 0
    assert "--gloss TEXT" in out
    assert "steps (int)" in out
    assert "frames, >= 1, <= 9" in out


def test_settings_come_from_files_and_the_command_line_wins(cli, lab, tmp_path):
    for name, text in {
        "c.toml": "[generator]\nsteps = 5\n",
        "c.yaml": "generator:\n  steps: 5\n",
        "c.json": '{"steps": 5}',
    }.items():
        (tmp_path / name).write_text(text)
        arguments = [
            "run",
            "--generator",
            "to-pose",
            "--gloss",
            "A",
            "--config",
            tmp_path / name,
            "--overwrite",
            "--output",
            tmp_path / "o",
        ]
        assert cli(*arguments)[0] == 0
        assert len(read_pose(tmp_path / "o" / "result.pose").body.data) == 5
        assert cli(*arguments, "--set", "generator.steps=2")[0] == 0
        assert len(read_pose(tmp_path / "o" / "result.pose").body.data) == 2


def test_show_tells_settings_and_inputs(cli, lab):
    code, out, _ = cli("show", "generator", "to-pose")
    assert code == 0
    assert "--gloss" in out
    assert ">= 1, <= 9" in out
    code, out, _ = cli("show", "generator", "to-pose", "--json")
    about = json.loads(out)
    assert about["settings"]["properties"]["steps"]["maximum"] == 9
    assert about["distribution"] == "lab"


def test_completion_offers_component_names(lab):
    environment = {
        **os.environ, "_SIGNCORE_COMPLETE": "bash_complete", "COMP_WORDS": "signcore run --generator to", "COMP_CWORD": "3",
        "PYTHONPATH": str(lab.parent),
    }  # fmt: skip
    code = "from signcore.cli import cli; cli(prog_name='signcore')"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert "to-pose" in done.stdout, done.stderr


def test_one_frame_and_odd_sizes_run_through(cli, picture, tmp_path):
    write_video(tmp_path / "one.mp4", [np.zeros((33, 47, 3), np.uint8)], fps=25)
    code, out, err = cli(*still(tmp_path / "one.mp4", picture, tmp_path / "out"))
    assert code == 0, err
    assert "ssim" in out
    assert "tcd left out: generated" in err or "tcd left out: prediction" in err
    code, _, err = cli(*still(tmp_path / "one.mp4", picture, tmp_path / "out2", "--metric", "tcd"))
    assert code == 2
    assert "at least 3" in one_line(err)


def test_one_metric_judges_twice_with_settings_behind_its_name(cli, clip, picture, tmp_path):
    code, _, err = cli(
        *still(clip, picture, tmp_path / "a", "--metric", "l1", "--metric", "l1[region=hands]")
    )
    assert code == 0, err
    for folder in ("a", "b"):
        if folder == "b":
            assert cli("run", "--from", tmp_path / "a", "--output", tmp_path / "b")[0] == 0
        about = json.loads((tmp_path / folder / "run.json").read_text())
        assert [s["name"] for s in about["scores"]] == ["l1", "l1-hands"]
    for bad, words in (("l1[region=hands", "expected NAME[setting=value"), ("l1[area=hands]", "area")):
        code, _, err = cli(*still(clip, picture, tmp_path / "c", "--metric", bad))
        assert code == 2
        assert words in err


def test_a_long_video_is_gone_on_with_where_it_was_interrupted(
    cli, lab, clip, picture, tmp_path, monkeypatch
):
    """The parts that were complete are not made again, and the result is the one of a run that nobody interrupted."""
    from signcore.runs import folder

    monkeypatch.setattr(folder, "PART", 5)
    assert cli(*still(clip, picture, tmp_path / "whole", "--set", "size=32"))[0] == 0
    long = read_video(tmp_path / "whole" / "result.mp4")
    assert long.shape == (12, 32, 32, 3)  # three parts: 5, 5 and 2 frames

    asked = still(clip, picture, tmp_path / "out", "--set", "size=32")
    real, times = signcore.types.write_video, []

    def fails_at_the_third(path, *rest, **more):
        times.append(path)
        if len(times) == 3:
            raise OSError(28, "No space left on device")
        return real(path, *rest, **more)

    with monkeypatch.context() as m:
        m.setattr(signcore.types, "write_video", fails_at_the_third)
        code, _, err = cli(*asked)
    assert code == 1
    assert "10 frames are kept: the same command with --resume goes on there" in err
    assert not (tmp_path / "out").exists()
    other = still(clip, picture, tmp_path / "out", "--set", "size=40")
    code, _, err = cli(*other, "--resume")
    assert code == 2
    assert "the interrupted run was of other inputs, settings or weights" in err
    times.clear()
    with monkeypatch.context() as m:
        m.setattr(
            signcore.types, "write_video", lambda path, *r, **k: times.append(path) or real(path, *r, **k)
        )
        code, _, err = cli(*asked, "--resume")
    assert code == 0, err
    assert "goes on at frame 10" in err
    assert [path.name for path in times if path.name != "preview.mp4"] == ["000000010.mp4"]
    assert np.array_equal(read_video(tmp_path / "out" / "result.mp4").numpy(), long.numpy())
    assert not list(tmp_path.glob(".*"))
