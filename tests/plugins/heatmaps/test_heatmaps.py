"""The heatmap estimator learns where points are, says who is not there, and its result can be differentiated."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from signcore.animation.heatmaps import point_names
from signcore.contracts import Context, Sample
from signcore.errors import ConfigError, InputError, WeightsError
from signcore.nn.heatmap_network import HeatmapNetwork, highest, read_network, soft_argmax
from signcore.plugins.heatmaps.config import HeatmapsConfig
from signcore.plugins.heatmaps.estimator import HeatmapEstimator
from signcore.plugins.heatmaps.training import HeatmapsTask
from signcore.training import fit
from signcore.types import Video
from signcore.types.poses import keypoints, pose_from_keypoints

TINY = {
    "size": 64,
    "width": 8,
    "max_width": 16,
    "batch": 8,
    "held_out": 0.0,
    "sigma": 0.03,
    "learning_rate": 5e-3,
}
NAMES = point_names()
HAND = [i for i, name in enumerate(NAMES) if name.startswith("left_hand_")]


class Squares:
    """A bright square; the left hand's points are its middle, all others are missing."""

    def __init__(self, count: int = 4) -> None:
        self.count = count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Sample:
        draw = np.random.default_rng(index)
        frames, points = np.full((8, 64, 64, 3), 40, np.uint8), np.full((8, 36, 2), np.nan, np.float32)
        for t, (x, y) in enumerate(draw.integers(4, 48, (8, 2))):
            frames[t, y : y + 12, x : x + 12] = (230, 190, 120)
            points[t, HAND] = (x + 5.5, y + 5.5)
        pose = pose_from_keypoints(points, "pgmm_36", fps=10, width=64, height=64)
        return Sample(id=f"{index}", video=Video.from_array(frames, 10), pose=pose, signer=f"{index}")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("heatmaps")
    settings = {**TINY, "mirror": False, "empty": 0.3, "averaging": 0.9}
    task = HeatmapsTask(HeatmapsConfig(**settings), Context())
    return fit(task, Squares(), folder=folder, steps=120, checkpoint_every=0, sample_every=0)


def test_a_point_is_found_where_it_is(trained):
    assert trained.scores["hand_error"] < 3, "pixels of 64"
    assert trained.scores["pck"] > 0.8
    assert trained.scores["missed"] < 0.1
    assert trained.scores["invented"] < 0.1
    sample = Squares(9)[8]
    pose = HeatmapEstimator(context=Context(weights=str(trained.weights))).estimate(sample.video)
    found, truth = keypoints(pose), keypoints(sample.pose)
    assert np.abs(found[:, HAND] - truth[:, HAND]).mean() < 3
    assert np.isnan(np.delete(found, HAND, axis=1)).mean() > 0.9


@pytest.mark.parametrize("fit_", ["pad", "crop"])
def test_pixels_are_those_of_the_video_whatever_its_shape(trained, fit_):
    """The square in the middle of a wide frame, twice as large."""
    sample = Squares(9)[8]
    wide = np.full((8, 128, 256, 3), 40, np.uint8)
    wide[:, :, 64:192] = sample.video.numpy().repeat(2, axis=1).repeat(2, axis=2)
    config = HeatmapsConfig(fit=fit_, size=64 if fit_ == "crop" else 128)
    made = HeatmapEstimator(config, Context(weights=str(trained.weights))).estimate(
        Video.from_array(wide, 10)
    )
    assert (made.header.dimensions.width, made.header.dimensions.height) == (256, 128)
    truth = keypoints(sample.pose)[:, HAND] * 2 + 0.5 + (64, 0)
    error = np.nanmean(np.abs(keypoints(made)[:, HAND] - truth))
    assert error < (
        6 if fit_ == "crop" else 16
    )  # padded, the square looks as small as it never did in training


def test_nobody_is_in_a_black_video_and_no_frames_give_no_frames(trained):
    estimator = HeatmapEstimator(context=Context(weights=str(trained.weights)))
    black = estimator.estimate(Video.from_array(np.zeros((3, 50, 80, 3), np.uint8), 10))
    assert np.isnan(keypoints(black)).all()
    assert len(black.body.data) == 3
    assert len(estimator.estimate(Video.from_array(np.zeros((0, 50, 80, 3), np.uint8), 10)).body.data) == 0


def test_places_of_a_bump():
    logits = torch.full((1, 2, 16, 24), -20.0)
    logits[0, 0, 3, 5] = 20
    logits[0, 1, 10, 20], logits[0, 1, 0, 0] = 20, 19.5
    wanted = torch.tensor([(5 + 0.5) / 24, (3 + 0.5) / 16])
    torch.testing.assert_close(soft_argmax(logits)[0, 0], wanted)
    torch.testing.assert_close(highest(logits)[0, 0], wanted)
    torch.testing.assert_close(highest(logits)[0, 1], torch.tensor([20.5 / 24, 10.5 / 16]))
    assert (soft_argmax(logits)[0, 1] - torch.tensor([20.5 / 24, 10.5 / 16])).norm() > 0.1  # a mean of both


def test_the_gradient_reaches_the_picture():
    network = HeatmapNetwork(3, 8, 16)
    image = torch.rand(2, 3, 64, 64, requires_grad=True)
    soft_argmax(network(image)[0]).sum().backward()
    assert torch.isfinite(image.grad).all()
    assert image.grad.abs().sum() > 0


def test_a_run_that_was_stopped_is_the_same_run(tmp_path):
    made = []
    for stops in ((6,), (3, 6)):
        folder = tmp_path / str(len(stops))
        for steps in stops:
            task = HeatmapsTask(HeatmapsConfig(**TINY), Context(seed=3))
            task.schedule = lambda step, steps: None
            fitted = fit(
                task, Squares(), folder=folder, steps=steps, checkpoint_every=3, sample_every=0, seed=3
            )
        made.append(fitted.losses)
    assert made[0] == made[1]


def test_unreadable_clips_are_left_out_and_a_dataset_of_them_refused(caplog):
    class Bad(Squares):
        def __getitem__(self, index: int) -> Sample:
            return super().__getitem__(index) if index else Sample(id="broken", signer="0")

    task = HeatmapsTask(HeatmapsConfig(**TINY), Context())
    batches = task.batches(Bad(2), "train")
    for _ in range(4):
        assert set(task.step(next(batches), "adam")) == {"places", "there"}
    assert "broken: has no video frames" in caplog.text
    with pytest.raises(InputError, match="has no clip to learn from in its split 'train'; the first: broken"):
        list(HeatmapsTask(HeatmapsConfig(**TINY), Context()).batches(Bad(1), "train"))


def test_weights_of_something_else_are_refused(trained, tmp_path):
    from signcore import weights

    weights.save(tmp_path, {"component": "generator:pgmm", "settings": {}}, {"a": torch.zeros(1)}, half=False)
    with pytest.raises(ConfigError, match="weights of generator:pgmm, not of estimator:heatmaps"):
        read_network(tmp_path)
    with pytest.raises(WeightsError, match="no weights for preset 'small'"):
        HeatmapEstimator()


def test_it_is_found_by_name():
    import signcore

    assert "heatmaps" in signcore.names("estimator")
