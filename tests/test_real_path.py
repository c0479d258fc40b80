"""The whole path on a real clip, in short: estimate the pose, train `small` on the first part, generate the rest, score, report."""

import json

import pytest

pytest.importorskip("mediapipe", reason="mediapipe is not installed")
pytest.importorskip("signcore_mediapipe", reason="signcore-mediapipe is not installed")

from signcore.types import read_video, write_image, write_pose, write_video
from signcore.types.video import pose_frames


@pytest.fixture(scope="module")
def real(shared_clip, tmp_path_factory):
    """A real clip, cut short, with its estimated pose beside it, and its first frame."""
    import signcore

    folder = tmp_path_factory.mktemp("real")
    video = read_video(shared_clip)[20:44]
    write_video(folder / "clip.mp4", video)
    pose = signcore.load("estimator", "mediapipe").estimate(read_video(folder / "clip.mp4"))
    write_pose(folder / "clip.pose", pose)
    write_video(folder / "rest.mp4", video[16:])
    write_pose(folder / "rest.pose", pose_frames(pose, range(16, 24)))
    write_image(folder / "first.png", video[16])
    return folder


@pytest.fixture(scope="module")
def shared_clip(shared):
    file = shared / "data" / "videos" / "signx_50802118.mp4"
    if not file.is_file():
        pytest.skip("the real clips are not on this machine (SIGNCORE_SHARED)")
    return file


def test_estimate_and_compare_with_a_recorded_pose(cli, real, tmp_path):
    arguments = ["run", "--estimator", "mediapipe", "--video", real / "clip.mp4", "--metric", "ndtw"]
    code, _, err = cli(*arguments, "--reference", real / "clip.pose", "--output", tmp_path / "out")
    assert code == 0, err
    about = json.loads((tmp_path / "out" / "run.json").read_text())
    assert about["scores"][0]["value"] < 0.5  # the same estimator on the same frames
    assert (tmp_path / "out" / "result.pose").is_file()


def test_train_on_the_first_part_and_generate_the_rest(cli, real, tmp_path):
    tiny = [
        f"generator.{s}"
        for s in ("keypoint_width=4", "motion_width=4", "width=4", "max_width=8", "transforms=2", "size=64")
    ]
    sets = [x for s in tiny for x in ("--set", s)]
    code, _, err = cli(
        "train", "--generator", "pgmm", "--dataset", "video-folder", "--set", f"dataset.path={real / 'clip.mp4'}", "--set",
        "dataset.stop=0.66", *sets, "--set", "generator.batch=2", "--steps", "4", "--output", tmp_path / "trained",
    )  # fmt: skip
    assert code == 0, err
    code, out, err = cli(
        "run", "--generator", "pgmm", "--source", real / "first.png", "--driving", real / "rest.mp4", "--weights",
        tmp_path / "trained" / "weights", "--output", tmp_path / "out",
    )  # fmt: skip
    assert code == 0, err
    assert "pose of rest.mp4 from rest.pose" in err
    assert read_video(tmp_path / "out" / "result.mp4").shape == (8, 64, 64, 3)
    assert "ssim" in out
    assert (tmp_path / "out" / "report.html").stat().st_size > 10_000


def test_without_a_pose_the_installed_estimator_is_used(cli, real, tmp_path):
    write_video(tmp_path / "bare.mp4", read_video(real / "rest.mp4")[:3])
    import importlib.util

    if importlib.util.find_spec("signcore_weights") is None:
        pytest.skip("signcore-weights is not installed")
    arguments = [
        "run",
        "--generator",
        "pgmm",
        "--source",
        real / "first.png",
        "--driving",
        tmp_path / "bare.mp4",
    ]
    code, _, err = cli(*arguments, "--output", tmp_path / "out")
    if code == 1 and "no weights" in err:
        pytest.skip("the installed signcore-weights hold none for pgmm")
    assert code == 0, err
    assert "pose of the driving video by mediapipe" in err
