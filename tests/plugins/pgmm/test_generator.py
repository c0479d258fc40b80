from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from signcore import weights
from signcore.animation.frames import fit_frame, fit_points
from signcore.animation.relative_motion import hull_area, relative_keypoints
from signcore.contracts import Context
from signcore.errors import InputError, WeightsError
from signcore.plugins.pgmm.config import PGMMConfig, PGMMInputs
from signcore.plugins.pgmm.generator import PGMM
from signcore.plugins.pgmm.model import PoseGuidedMotionModel
from signcore.presets import describe
from signcore.types import layouts
from signcore.types.image import Image
from signcore.types.poses import pose_from_keypoints
from signcore.types.video import Video

SHARED = Path(os.environ.get("SIGNCORE_SHARED", Path(__file__).parents[4] / "shared"))
TINY = PGMMConfig(
    width=4,
    max_width=16,
    keypoint_width=4,
    motion_width=4,
    motion_max_width=8,
    transforms=2,
    pfm_width=8,
    size=64,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Weights of a tiny network that never saw a frame."""
    torch.manual_seed(0)
    model = PoseGuidedMotionModel(TINY)
    with torch.no_grad():
        model.keypoint_detector.fg_encoder.fc.weight.mul_(5)  # so that other frames have other keypoints
    path = tmp_path_factory.mktemp("weights")
    weights.save(path, describe("pgmm", TINY), model.state_dict(), half=False)
    return path


def frames(count: int, height: int = 48, width: int = 64) -> np.ndarray:
    return np.random.default_rng(5).integers(0, 256, (count, height, width, 3)).astype(np.uint8)


def pose(count: int, height: int = 48, width: int = 64, missing: bool = False):
    points = np.random.default_rng(6).uniform(5, 40, (count, 36, 2)).astype(np.float32)
    if missing:
        points[:, ::2] = np.nan
    return pose_from_keypoints(points, "pgmm_36", fps=10, width=width, height=height)


def inputs(count: int = 5, **changes) -> PGMMInputs:
    given = {
        "source": Image(frames(1)[0]),
        "driving": Video.from_array(frames(count), 10),
        "driving_pose": pose(count),
    }
    return PGMMInputs(**{**given, **changes})


def make(folder: Path, **settings) -> PGMM:
    return PGMM(PGMMConfig(**settings), Context(weights=str(folder)))


def test_a_video_as_long_and_as_fast_as_the_driving_one(folder):
    video = make(folder).generate(inputs(5))
    assert video.shape == (5, 64, 64, 3)
    assert video.fps == 10
    assert video.numpy().dtype == np.uint8


def test_the_same_inputs_give_the_same_frames(folder):
    assert np.array_equal(make(folder).generate(inputs()).numpy(), make(folder).generate(inputs()).numpy())


def test_the_batch_size_changes_nothing(folder):
    one, all_ = (make(folder, batch_frames=n).generate(inputs(5)).numpy().astype(int) for n in (1, 8))
    assert (
        np.abs(one - all_).max() <= 1
    )  # convolutions round differently by batch; a value near .5 may fall either way


def test_a_single_frame_can_be_asked_for(folder):
    video = make(folder, batch_frames=2).generate(inputs(5))
    assert np.abs(video[3].astype(int) - video.numpy()[3]).max() <= 1


def test_frames_are_made_when_they_are_read(folder):
    asked = []

    def frame(i):
        asked.append(i)
        return frames(1)[0]

    video = make(folder, batch_frames=2, mode="reconstruction").generate(
        inputs(6, driving=Video.from_frames(frame, 6, 48, 64, 10))
    )
    assert asked == []
    next(iter(video))
    assert set(asked) <= {0, 1, 2}


def test_one_driving_frame_is_enough(folder):
    for settings in ({}, {"mode": "cross"}):
        assert len(make(folder, **settings).generate(inputs(1)).numpy()) == 1


def test_sources_of_any_size_and_aspect_are_taken(folder):
    for height, width in ((16, 300), (200, 40), (64, 64)):
        for fit in ("crop", "pad"):
            source = Image(frames(1, height, width)[0])
            assert make(folder, fit=fit).generate(inputs(1, source=source))[0].shape == (64, 64, 3)


def test_missing_points_are_allowed(folder):
    assert len(make(folder).generate(inputs(2, driving_pose=pose(2, missing=True))).numpy()) == 2


def test_the_pose_that_a_video_carries_is_used(folder):
    given = Video.from_array(frames(3), 10, pose=pose(3))
    carried = make(folder).generate(inputs(3, driving=given, driving_pose=None)).numpy()
    assert np.array_equal(carried, make(folder).generate(inputs(3)).numpy())


def test_a_pose_at_another_resolution_means_the_same(folder):
    half = pose(2, 24, 32)
    points = (pose(2).body.data.data[:, 0, :, :2] + 0.5) / 2 - 0.5
    half.body.data[:, 0] = points
    a = make(folder).generate(inputs(2)).numpy().astype(int)
    b = make(folder).generate(inputs(2, driving_pose=half)).numpy().astype(int)
    assert np.abs(a - b).max() <= 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"driving": Video.from_array(frames(2), 10)[:0]}, "driving: pgmm needs a driving video"),
        ({"driving_pose": None}, "driving_pose: pgmm needs the driving video's pose"),
        ({"driving_pose": pose(4)}, "driving_pose: has 4 frames, the driving video has 5"),
    ],
)
def test_inputs_that_do_not_belong_together_are_named(folder, changes, message):
    with pytest.raises(InputError, match=message):
        make(folder).generate(inputs(5, **changes))


def test_modes_differ_in_the_keypoints_that_they_use(folder):
    fading = (frames(3) * np.array([0.1, 0.5, 1])[:, None, None, None]).astype(np.uint8)
    given = inputs(3, driving=Video.from_array(fading, 10))
    made = {
        name: make(folder, **settings).generate(given).numpy()
        for name, settings in {
            "reconstruction": {"mode": "reconstruction"},
            "standard": {"mode": "cross", "motion": "standard"},
            "relative": {"mode": "cross", "motion": "relative"},
        }.items()
    }
    assert np.array_equal(made["reconstruction"], made["standard"])
    assert not np.array_equal(made["reconstruction"], made["relative"])


def test_a_source_that_looks_like_the_driver_is_the_same_person(folder):
    generator, same = make(folder), inputs(3)
    same = same.model_copy(update={"source": Image(same.driving[1])})
    assert generator.judge(same)[0] == ["l1", "psnr", "ssim", "tcd"]
    other = same.model_copy(update={"source": Image(255 - same.driving[1])})
    names, truth = generator.judge(other)
    assert names == ["tcd"]
    size = generator.config.size
    assert truth.shape == (3, size, size, 3)


def test_relative_motion_of_a_still_driver_leaves_the_source_where_it_is():
    source, driving = torch.rand(1, 10, 2), torch.rand(1, 10, 2)
    torch.testing.assert_close(relative_keypoints(source, driving, driving), source)


def test_relative_motion_is_scaled_by_the_persons_sizes():
    source = torch.rand(1, 10, 2)
    moved = relative_keypoints(source, 3 * source + 0.6, 3 * source)
    torch.testing.assert_close(moved, source + 0.2)


@pytest.mark.parametrize("case", [0, 1, 2])
def test_relative_motion_is_that_of_the_public_code(case):
    file = SHARED / "oracles" / "tpsmm" / "tps.io.safetensors"
    if not file.is_file():
        pytest.skip(f"no recorded numbers at {file}: set SIGNCORE_SHARED")
    _, io = weights.read(file)
    given = (io[f"relative{case}.kp_{name}"] for name in ("source", "driving", "driving_initial"))
    torch.testing.assert_close(relative_keypoints(*given), io[f"relative{case}.kp_new"], rtol=0, atol=1e-6)


def test_the_hull_of_a_square_with_points_inside():
    square = np.array([[0, 0], [2, 0], [2, 2], [0, 2], [1, 1], [1, 0], [0.5, 1.5]])
    assert hull_area(square) == 4
    assert hull_area(np.array([[0, 0], [1, 1], [2, 2]])) == 0


def test_the_architecture_comes_with_the_weights(folder):
    generator = make(folder)
    assert generator.config.width == 4
    assert generator.config.size == 64
    assert make(folder, size=96).generate(inputs(1))[0].shape == (96, 96, 3)


def test_weights_are_saved_and_loaded_again(folder, tmp_path):
    make(folder).save_pretrained(tmp_path / "copy", half=False)
    again = PGMM.from_pretrained(tmp_path / "copy")
    assert np.array_equal(again.generate(inputs(2)).numpy(), make(folder).generate(inputs(2)).numpy())


def test_weights_of_another_architecture_are_refused(folder):
    with pytest.raises(WeightsError, match=r"weights of another architecture: .* of another shape"):
        make(folder, width=8)


def test_weights_of_another_method_are_refused(folder, tmp_path):
    config, tensors = weights.read(folder)
    for changes, message in (
        ({"component": "recognizer:signx"}, "weights of recognizer:signx, not of generator:pgmm"),
        ({"settings": {"width": -1}}, "its config describes no pgmm"),
        ({"settings": 3}, "its config describes no pgmm"),
    ):
        weights.save(tmp_path, {**config, **changes}, tensors)
        with pytest.raises(WeightsError, match=message):
            make(tmp_path)


def test_weights_with_a_nan_are_refused(folder, tmp_path):
    _config, tensors = weights.read(folder)
    tensors["final.bias"] = torch.full((3,), float("nan"))
    from safetensors.torch import save_file

    save_file(tensors, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text((folder / "config.json").read_text())
    with pytest.raises(WeightsError, match=r"final\.bias holds a NaN"):
        make(tmp_path)


def test_without_weights_nothing_random_is_made(monkeypatch):
    monkeypatch.setattr(weights, "shipped", lambda *_: None)
    with pytest.raises(WeightsError, match="no weights for preset 'paper'"):
        PGMM(PGMMConfig(preset="paper"), Context())


@pytest.mark.parametrize("fit", ["crop", "pad"])
def test_points_stay_on_what_they_mark(fit):
    frame = np.zeros((60, 100, 3), np.uint8)
    frame[20:24, 60:64] = 255
    image = fit_frame(frame, 64, fit)[0]
    centre = fit_points(np.array([[62 / 100, 22 / 60]], np.float32), 60, 100, fit)[0]
    places = (torch.arange(64) + 0.5) / 64
    assert float((image.sum(0) * places).sum() / image.sum()) == pytest.approx(centre[0], abs=2e-3)
    assert float((image.sum(1) * places).sum() / image.sum()) == pytest.approx(centre[1], abs=2e-3)


def test_half_precision_stays_close(folder):
    exact = make(folder).generate(inputs(2)).numpy().astype(int)
    rough = PGMM(PGMMConfig(), Context(weights=str(folder), dtype="bfloat16")).generate(inputs(2)).numpy()
    assert np.abs(exact - rough).mean() < 3


@pytest.fixture(scope="module")
def by_pose(tmp_path_factory) -> Path:
    torch.manual_seed(0)
    config = PGMMConfig(**{**TINY.model_dump(), "preset": "pose", "motion": "pose", "transforms": 6})
    path = tmp_path_factory.mktemp("by_pose")
    weights.save(path, describe("pgmm", config), PoseGuidedMotionModel(config).state_dict(), half=False)
    return path


def test_a_pose_alone_drives_a_picture(by_pose):
    given = {"source": Image(frames(1)[0]), "driving_pose": pose(5), "source_pose": pose(1)}
    video = make(by_pose).generate(PGMMInputs(**given))
    assert video.shape == (5, 64, 64, 3)
    assert video.fps == 10
    assert len(np.unique(video.numpy().reshape(5, -1), axis=0)) == 5
    in_twos = make(by_pose, batch_frames=2).generate(PGMMInputs(**given)).numpy()
    assert (
        np.abs(video.numpy().astype(int) - in_twos).max() <= 1
    )  # convolutions round otherwise in other batches
    elsewhere = pose(
        5
    )  # the same signs of someone further away, in a larger picture: drawn on the source's body
    elsewhere.body.data[..., :2] = elsewhere.body.data[..., :2] * 2 + 30
    elsewhere.header.dimensions.width, elsewhere.header.dimensions.height = 320, 240
    there = make(by_pose).generate(PGMMInputs(**{**given, "driving_pose": elsewhere})).numpy()
    assert np.abs(there.astype(int) - video.numpy()).mean() < 2


def test_lost_points_of_a_driving_pose_are_bridged(by_pose):
    given = {"source": Image(frames(1)[0]), "source_pose": pose(1)}
    lost = pose(6)
    lost.body.data.mask[2, :, 20:] = True
    lost.body.confidence[2, :, 20:] = 0
    video = make(by_pose).generate(PGMMInputs(driving_pose=lost, **given)).numpy()
    assert len(video) == 6


def test_poses_that_cannot_drive_are_told(by_pose, folder):
    source = Image(frames(1)[0])
    with pytest.raises(InputError, match="source_pose: motion from poses"):
        make(by_pose).generate(PGMMInputs(source=source, driving_pose=pose(3)))
    nobody = pose(3)
    nobody.body.confidence[:] = 0
    nobody.body.data.mask[:] = True
    with pytest.raises(InputError, match="driving_pose: no frame shows both shoulders"):
        make(by_pose).generate(PGMMInputs(source=source, driving_pose=nobody, source_pose=pose(1)))
    with pytest.raises(InputError, match="source_pose: no frame shows both shoulders"):
        make(by_pose).generate(PGMMInputs(source=source, driving_pose=pose(3), source_pose=nobody))
    with pytest.raises(InputError, match="these weights take their motion from a driving video"):
        make(folder).generate(PGMMInputs(source=source, driving_pose=pose(3), source_pose=pose(1)))


def test_motion_from_poses_starts_from_weights_of_frames(folder, by_pose):
    from signcore.plugins.pgmm.training import PGMMTask

    task = PGMMTask(PGMMConfig(preset="pose"), Context(weights=str(folder)))
    assert task.config.by_pose
    assert task.config.width == TINY.width
    ours, theirs = task.model.state_dict(), weights.read(folder)[1]
    assert torch.equal(ours["final.weight"], theirs["final.weight"])
    again = PGMMTask(PGMMConfig(preset="pose"), Context(weights=str(by_pose)))
    logits = weights.read(by_pose)[1]["keypoint_detector.logits"]
    assert torch.equal(again.model.state_dict()["keypoint_detector.logits"], logits)


def test_persons_are_cut_out_alike_wherever_they_stand(by_pose, folder):
    """A signer at the side of a wide picture, and the same one alone: the network sees the same."""
    close = np.random.default_rng(8).integers(0, 256, (4, 100, 100, 3)).astype(np.uint8)
    wide = np.zeros((4, 100, 300, 3), np.uint8)
    wide[:, :, 200:] = close
    points = np.random.default_rng(6).uniform(30, 70, (4, 36, 2)).astype(np.float32)
    names = layouts.layout_names("pgmm_36")
    points[:, names.index("left_shoulder")], points[:, names.index("right_shoulder")] = (60, 45), (40, 45)
    near = pose_from_keypoints(points, "pgmm_36", fps=10, width=100, height=100)
    far = pose_from_keypoints(points + np.float32([200, 0]), "pgmm_36", fps=10, width=300, height=100)
    made = []
    for frames_, pose_ in ((close, near), (wide, far)):
        given = PGMMInputs(
            source=Image(frames_[0], pose=pose_), driving=Video.from_array(frames_, 10), driving_pose=pose_
        )
        for path in (folder, by_pose):
            made.append(make(path, fit="person").generate(given).numpy())
    for alone, aside in ((made[0], made[2]), (made[1], made[3])):  # the poses' floats round otherwise
        assert np.abs(alone.astype(int) - aside).max() <= 2
    with pytest.raises(InputError, match="source_pose: motion from poses, fit=person and"):
        make(folder, fit="person").generate(inputs())


def test_frozen_parts_keep_their_weights(by_pose):
    from signcore.errors import ConfigError
    from signcore.plugins.pgmm.training import PGMMTask

    context = Context(weights=str(by_pose))
    task = PGMMTask(PGMMConfig(preset="pose", frozen=("sets", "encoder"), batch=1), context)
    moving = {id(p) for group in task.optimizer.param_groups for p in group["params"]}
    for name, parameter in task.model.named_parameters():
        assert (id(parameter) in moving) == (not name.startswith(("sets.", "encoder."))), name
    with pytest.raises(ConfigError, match="frozen: pgmm has no part 'hands'"):
        PGMMTask(PGMMConfig(preset="pose", frozen=("hands",)), context)


def test_fewer_frames_at_a_time_where_memory_is_short(monkeypatch, folder):
    from signcore.animation import generator

    assert generator.free_memory() > 1 << 20
    each = generator.MAPS * 4 * 16 * 128 * 128
    for free, wanted in ((1 << 40, 8), (4 * 5 * each, 4), (4 * each, 1), (0, 1)):
        monkeypatch.setattr(generator, "free_memory", lambda free=free: free)
        assert generator.affordable_batch("cpu", 128, 16) == wanted
    asked = []
    real = generator.Animator._frames
    monkeypatch.setattr(generator.Animator, "_frames", lambda self, *a: asked.append(a[4]) or real(self, *a))
    made = make(folder).generate(inputs(3)).numpy()
    assert [part.stop - part.start for part in asked] == [1, 1, 1]
    assert np.abs(make(folder, batch_frames=3).generate(inputs(3)).numpy().astype(int) - made).max() <= 1
