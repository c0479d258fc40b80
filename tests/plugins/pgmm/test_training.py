from __future__ import annotations

import numpy as np
import pytest
import torch

from signcore import weights
from signcore.animation import losses
from signcore.animation.clips import Clips, read, split
from signcore.animation.heatmaps import hand_boxes, mirrored_order, point_names
from signcore.contracts import Context, Sample
from signcore.errors import InputError
from signcore.nn.coordinates import coordinate_grid
from signcore.nn.thin_plate_spline import random as random_spline
from signcore.plugins.pgmm.config import PGMMConfig
from signcore.plugins.pgmm.training import PGMMTask
from signcore.plugins.tpsmm.config import TPSMMConfig
from signcore.plugins.tpsmm.training import TPSMMTask
from signcore.training import fit
from signcore.types.poses import pose_from_keypoints
from signcore.types.video import Video

TINY = {
    "width": 8,
    "max_width": 24,
    "keypoint_width": 4,
    "motion_width": 4,
    "motion_max_width": 8,
    "transforms": 2,
    "pfm_width": 8,
    "size": 64,
    "batch": 4,
    "points": "pgmm_36",
}
NAMES = point_names()


def moving_square(count: int = 6, place: int = 0) -> Sample:
    """A bright square that walks to the right; the left hand's points lie on it."""
    frames = np.full((count, 64, 64, 3), 40, np.uint8)
    points = np.full((count, 36, 2), np.nan, np.float32)
    hand = [i for i, name in enumerate(NAMES) if name.startswith("left_hand_")]
    for t in range(count):
        x = 6 + 7 * t
        frames[t, 20 + place : 32 + place, x : x + 12] = (220, 180, 90)
        points[t, hand, 0] = x + np.arange(len(hand))
        points[t, hand, 1] = 20 + place + np.arange(len(hand))
    pose = pose_from_keypoints(points, "pgmm_36", fps=10, width=64, height=64)
    return Sample(
        id=f"square-{place}", video=Video.from_array(frames, 10), pose=pose, signer=f"signer {place}"
    )


class Squares:
    def __init__(self, count: int, split: str | None = None, frames: int = 6) -> None:
        self.samples = [moving_square(frames, place=5 * i) for i in range(count)]
        for sample in self.samples:
            sample.split = split

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> Sample:
        return self.samples[index]


def task(**settings) -> PGMMTask:
    return PGMMTask(PGMMConfig(**{**TINY, **settings}), Context(seed=1))


def train(made: PGMMTask, dataset: Squares, steps: int) -> list[dict[str, float]]:
    told = []
    batches = made.batches(dataset, "train")
    for step in range(steps):
        made.schedule(step, steps)
        found = made.step(next(batches), "adam")
        made.optimizer.zero_grad()
        sum(found.values()).backward()
        made.clip("adam")
        made.optimizer.step()
        made.updated(step + 1)
        told.append({name: float(value.detach()) for name, value in found.items()})
    return told


def test_losses_are_finite_and_fall_on_one_clip():
    told = train(task(learning_rate=2e-3, colour_jitter=0, mirror=False), Squares(1), 30)
    assert all(np.isfinite(list(row.values())).all() for row in told)
    assert set(told[0]) == {"reconstruction", "drawn", "ssim", "equivariance", "warp"}
    first, last = (np.mean([row["reconstruction"] for row in part]) for part in (told[:5], told[-5:]))
    assert last < 0.7 * first


def test_every_parameter_learns():
    made = task(background=True, pfm_levels=(0, 1, 2))
    torch.nn.init.normal_(
        made.model.background.bg_encoder.fc.weight, std=0.01
    )  # starts at zero, as the identity
    sum(made.step(next(made.batches(Squares(1), "train")), "adam").values()).backward()
    idle = [name for name, p in made.model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    # a bias before an instance normalisation is subtracted again
    assert [name for name in idle if not name.endswith(".bias")] == []


def test_the_same_position_gives_the_same_batch_and_the_same_losses():
    a, b = task(), task()
    first, later = a.batches(Squares(2), "train"), b.batches(Squares(2), "train", start=2)
    batches = [next(first) for _ in range(3)]
    again = next(later)
    assert torch.equal(batches[2]["source"], again["source"])
    assert torch.equal(batches[2]["points"].nan_to_num(-1), again["points"].nan_to_num(-1))
    assert not torch.equal(batches[1]["source"], again["source"])
    assert {k: float(v) for k, v in a.step(batches[2], "adam").items()} == {
        k: float(v) for k, v in b.step(again, "adam").items()
    }


def test_source_and_driving_are_two_frames_of_one_clip():
    made = task(colour_jitter=0, mirror=False)
    clips = made.clips(Squares(3))
    known = {frame.tobytes(): (i, t) for i in range(3) for t, frame in enumerate(clips[i].frames)}
    batch = next(made.batches(Squares(3), "train"))
    for source, driving in zip(batch["source"], batch["driving"], strict=True):
        a, b = (
            known[(image * 255).round().to(torch.uint8).permute(1, 2, 0).numpy().tobytes()]
            for image in (source, driving)
        )
        assert a[0] == b[0]
        assert a[1] != b[1]


def test_a_mirrored_pair_has_mirrored_points():
    made = task(colour_jitter=0, mirror=True)
    hand = [i for i, name in enumerate(NAMES) if name.startswith("left_hand_")]
    other = [i for i, name in enumerate(NAMES) if name.startswith("right_hand_")]
    sides = set()
    for _, batch in zip(range(4), made.batches(Squares(1), "train"), strict=False):
        for driving, points in zip(batch["driving"], batch["points"], strict=True):
            bright = (driving[0] > 0.5).float()
            centre = float((bright.sum(0) * (torch.arange(64) + 0.5)).sum() / bright.sum()) / 64
            side = other if torch.isnan(points[hand[0], 0]) else hand
            sides.add(side is other)
            assert float(points[side, 0].mean()) == pytest.approx(centre, abs=0.03)
    assert sides == {True, False}


def test_mirroring_points_twice_is_the_identity():
    order = mirrored_order(NAMES)
    assert [order[i] for i in order] == list(range(36))
    assert NAMES[order[NAMES.index("left_hand_8")]] == "right_hand_8"


def test_hands_have_boxes_with_a_margin():
    points = np.full((1, 36, 2), np.nan, np.float32)
    for i, place in zip((NAMES.index("left_hand_0"), NAMES.index("left_hand_4"), NAMES.index("left_hand_8")), ((10, 20), (20, 30), (15, 40)), strict=True):  # fmt: skip
        points[0, i] = place
    left, right = hand_boxes(points, NAMES)[0]
    assert left.tolist() == [6, 16, 24, 44]
    assert np.isnan(right).all()


def test_pixels_of_hands_weigh_more():
    boxes = torch.tensor([[[0.25, 0.25, 0.5, 0.5], [float("nan")] * 4]])
    weights_ = losses.hand_weights(boxes, torch.zeros(1, 3, 8, 8), 3.0)
    assert weights_.unique().tolist() == [1, 4]
    assert (weights_ == 4).sum() == 4


def test_a_perfect_reconstruction_costs_nothing():
    image = torch.rand(1, 3, 16, 16)
    assert losses.reconstruction([image], [image], torch.rand(1, 1, 16, 16) + 1) == 0
    assert float(losses.dissimilarity(image, image)) == pytest.approx(0, abs=1e-6)


def test_keypoints_that_move_with_the_frame_cost_nothing():
    spline = random_spline(2, like=torch.zeros(1), generator=torch.Generator().manual_seed(0))
    deformed = torch.rand(2, 10, 2) - 0.5
    assert float(losses.equivariance(spline(deformed), deformed, spline)) == 0
    assert losses.equivariance(deformed, deformed, spline) > 0


def test_the_warp_loss_teaches_only_the_flow():
    source, driving, mask = (torch.rand(1, 2, 8, 8, requires_grad=True) for _ in range(3))
    flow = coordinate_grid(8, 8)[None].clone().requires_grad_()
    losses.warping([source], [driving], flow, [mask[:, :1]]).backward()
    assert source.grad is None
    assert driving.grad is None
    assert mask.grad is None
    assert flow.grad.abs().sum() > 0


def test_there_and_back_is_the_identity_for_the_background():
    there = torch.tensor([[[1.0, 0.1, 0.2], [0, 1.1, 0], [0, 0, 1]]])
    assert float(losses.background(there, torch.linalg.inv(there))) == pytest.approx(0, abs=1e-6)


def test_dropout_of_transforms_rises_and_ends():
    made = task(dropout_start=0.1, dropout_max=0.3, dropout_rise=0.1, dropout_until=0.35)
    at = {}
    for step in (0, 5, 10, 34, 35, 99):
        made.schedule(step, 100)
        at[step] = round(made.dropped, 6)
    assert at == {0: 0.1, 5: 0.25, 10: 0.3, 34: 0.3, 35: 0, 99: 0}
    made.dropped = 0.5
    assert all(torch.isfinite(v) for v in made.step(next(made.batches(Squares(1), "train")), "adam").values())


def test_the_background_loss_counts_from_its_step_on():
    made = TPSMMTask(
        TPSMMConfig(
            **{k: v for k, v in TINY.items() if k != "pfm_width"}, background=True, background_from=0.1
        )
    )
    batch = next(made.batches(Squares(1), "train"))
    for step, there in ((9, False), (10, True)):
        made.schedule(step, 100)
        assert ("background" in made.step(batch, "adam")) == there


@pytest.mark.parametrize(
    ("schedule", "rates"),
    [
        ("constant", {0: 1, 50: 1, 99: 1}),
        ("milestones", {0: 1, 59: 1, 60: 0.1, 89: 0.1, 90: 0.01}),
        ("cosine", {0: 0.5, 2: 1, 99: 0.01}),
    ],
)
def test_learning_rates_follow_the_schedule(schedule, rates):
    made = task(schedule=schedule, learning_rate=1.0)
    for step, rate in rates.items():
        made.schedule(step, 100)
        assert made.optimizer.param_groups[0]["lr"] == pytest.approx(rate, abs=2e-3)


def test_a_resumed_training_is_the_same_training(tmp_path):
    settings = {"checkpoint_every": 0, "sample_every": 0, "log_every": 1}
    whole, first, second = (task(schedule="constant") for _ in range(3))
    dataset = Squares(3)
    fit(whole, dataset, folder=tmp_path / "a", steps=4, **settings)
    fit(first, dataset, folder=tmp_path / "b", steps=2, **settings)
    fit(second, dataset, folder=tmp_path / "b", steps=4, **settings)
    for name, module in whole.modules().items():
        other = second.modules()[name].state_dict()
        assert all(torch.equal(value, other[key]) for key, value in module.state_dict().items()), name


def test_frozen_parts_stay_and_the_motion_of_poses_learns():
    made = task(preset="pose", frozen=("encoder", "sets"))
    before = {name: value.clone() for name, value in made.model.state_dict().items()}
    dataset = Squares(3)
    for sample in dataset.samples:  # somebody with shoulders
        for name, x in (("left_shoulder", 44), ("right_shoulder", 20)):
            sample.pose.body.data[:, :, NAMES.index(name)] = (x, 20)
            sample.pose.body.confidence[:, :, NAMES.index(name)] = 1
    train(made, dataset, steps=2)
    for name, value in made.model.state_dict().items():  # running means of normalisations too
        if name.startswith(("encoder.", "sets.")):
            assert torch.equal(value, before[name]), name
            assert torch.equal(made.average.state_dict()[name], before[name]), name
    assert not torch.equal(made.model.keypoint_detector.logits, before["keypoint_detector.logits"])


def test_scores_stand_beside_both_trivial_generators(tmp_path):
    made = task()
    scores = made.evaluate(Squares(4))
    assert set(scores) == {
        f"{p}{h}{m}" for p in ("", "source.", "nearest.") for h in ("", "hand_") for m in ("l1", "ssim")
    }
    assert 0 < scores["source.l1"] < scores["source.hand_l1"]


def test_exported_weights_make_frames(tmp_path):
    from signcore.plugins.pgmm.config import PGMMInputs
    from signcore.plugins.pgmm.generator import PGMM
    from signcore.types.image import Image

    task().export(tmp_path)
    generator = PGMM(PGMMConfig(), Context(weights=str(tmp_path)))
    sample = moving_square()
    given = PGMMInputs(source=Image(sample.video[0]), driving=sample.video, driving_pose=sample.pose)
    assert generator.generate(given).numpy().shape == (6, 64, 64, 3)


def test_training_starts_from_given_weights(tmp_path):
    first = task()
    train(first, Squares(1), 1)
    first.export(tmp_path)
    again = PGMMTask(PGMMConfig(batch=2), Context(seed=9, weights=str(tmp_path)))
    assert again.config.width == 8
    _, tensors = weights.read(tmp_path)
    assert torch.equal(again.model.final.weight, tensors["final.weight"].float())


def test_held_out_clips_are_those_of_other_signers():
    found = split(Squares(5), 0.2)
    assert found == {"train": [0, 1, 2, 3], "held-out": [4]}
    assert split(Squares(3, split="test"), 0.2) == {"train": [], "held-out": [0, 1, 2]}
    assert split(Squares(1), 0.5) == {"train": [0], "held-out": []}


def test_clips_are_read_once_while_they_fit(monkeypatch):
    dataset = Squares(2)
    clips = Clips(dataset, PGMMConfig(**TINY))
    assert clips[0] is clips[0]
    tight = Clips(dataset, PGMMConfig(**TINY, cache=0))
    assert tight[0] is not tight[0]


def test_long_clips_are_read_sparsely():
    clip = read(moving_square(7), PGMMConfig(**TINY, clip_frames=3))
    whole = read(moving_square(7), PGMMConfig(**TINY))
    assert np.array_equal(clip.frames, whole.frames[[0, 3, 6]])
    assert np.array_equal(clip.points, whole.points[[0, 3, 6]], equal_nan=True)


def test_datasets_that_cannot_be_trained_on_are_named():
    with pytest.raises(InputError, match=r"none of its 1 clips can be trained on.*has a single frame"):
        next(task().batches(Squares(2, frames=1), "train"))
    with pytest.raises(InputError, match="holds no clips"):
        next(task().batches(Squares(0), "train"))
    with pytest.raises(InputError, match="x: has no pose"):
        read(Sample(id="x", video=moving_square().video), PGMMConfig(**TINY))


def test_clips_that_cannot_be_read_are_told_and_left_out(caplog):
    class Broken(Squares):
        def __getitem__(self, index):
            sample = super().__getitem__(index)
            if index % 2:

                def fail():
                    raise InputError(f"{index}.mp4: not a readable video")

                return Sample(id=sample.id, video=fail, split=sample.split)
            return sample

    made = task()
    batches = made.batches(Broken(6), "train")
    for _ in range(6):
        next(batches)
    skipped = made.clips(batches.gi_frame.f_locals["dataset"]).skipped
    assert set(skipped) <= {1, 3, 5}
    assert skipped
    assert "left out: " in caplog.text
    assert "not a readable video" in caplog.text

    class Hopeless(Broken):
        def __getitem__(self, index):
            return super().__getitem__(1)

    with pytest.raises(
        InputError, match=r"none of its 2 clips can be trained on; the first: 1.mp4: not a readable video"
    ):
        next(task().batches(Hopeless(3), "train"))


def test_the_alignment_loss_is_zero_where_the_driving_frame_is_the_source_and_nothing_moves():
    from signcore.animation import losses

    features = [torch.rand(2, 3, 4, 4), torch.rand(2, 3, 8, 8)]
    assert float(losses.alignment(features, features)) == 0
    assert float(losses.alignment(features, [f + 1 for f in features])) == pytest.approx(1)
    told = train(task(align_weight=1.0), Squares(1), 2)
    assert told[0]["align"] > 0
    kept = task(align_weight=1.0, align_detach=True)
    batch = next(kept.batches(Squares(1), "train"))
    assert float(kept.step(batch, "adam")["align"].detach()) == pytest.approx(told[0]["align"], rel=1e-4)


def test_the_pose_distance_loss_draws_points_to_where_they_are(tmp_path):
    """Eq. 8: zero for the truth itself, its gradient reaches the generator, and points that are not there count nothing."""
    from signcore.nn.heatmap_network import HeatmapNetwork, read_network

    torch.manual_seed(0)
    network = HeatmapNetwork(36, 4, 8, side=64)
    settings = {"width": 4, "max_width": 8, "size": 64}
    about = {"component": "estimator:heatmaps", "settings": settings, "names": NAMES}
    weights.save(tmp_path, about, network.state_dict(), half=False)
    frozen = read_network(tmp_path)[0]
    frozen.there[-1].bias.fill_(5)
    images = torch.rand(2, 3, 64, 64)
    assert losses.pose_distance(frozen, images, images) < 1e-5
    moved = images.roll(9, dims=-1).requires_grad_()
    apart = losses.pose_distance(frozen, moved, images)
    apart.backward()
    assert 0 < float(apart.detach()) < 2
    assert moved.grad.abs().sum() > 0
    larger = images.repeat(1, 1, 2, 2)
    assert losses.pose_distance(frozen, larger, larger) < 1e-5
    frozen.there[-1].bias.fill_(-50)
    assert losses.pose_distance(frozen, moved, images) == 0

    made = task(pose_network=str(tmp_path), pose_weight=3.0, size=64)
    made.looks.there[-1].bias.fill_(5)
    told = made.step(next(made.batches(Squares(1), "train")), "adam")
    assert set(told) == {"reconstruction", "drawn", "ssim", "equivariance", "warp", "pose"}
    told["pose"].backward()
    assert any(p.grad is not None and p.grad.abs().sum() > 0 for p in made.model.sets.parameters())
    assert all(p.grad is None for p in made.looks.parameters())
    assert "pose" not in task().step(next(made.batches(Squares(1), "train")), "adam")
