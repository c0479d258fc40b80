import numpy as np
import pytest

from signcore import Sample
from signcore.errors import InputError
from signcore.training.signs import Signs
from signcore.types import layouts
from signcore.types.poses import pose_from_keypoints

NAMES = layouts.layout_names("openpose_137")


def pose(frames=20, fps=25.0):
    points = (
        np.random.default_rng(0).uniform(100, 300, (1, 137, 2)) + np.arange(frames)[:, None, None] / fps * 25
    )
    points[:, NAMES.index("left_shoulder")], points[:, NAMES.index("right_shoulder")] = (250, 150), (150, 150)
    return pose_from_keypoints(points, "openpose_137", fps=fps, width=400, height=400)


def signs(*samples, **settings):
    return Signs(list(samples), lambda text: [1, *map(ord, text)], ["left_wrist", "nose"], **settings)


def test_poses_of_another_rate_are_brought_to_the_wanted_one():
    found = signs(
        Sample(notation="a", pose=pose()),
        Sample(notation="a", pose=pose(40, 50.0)),
        Sample(notation="a", pose=pose(10, 12.5)),
    )
    lengths = [len(s.points) for s in found.splits["train"]]
    assert lengths == [20, 20, 20]
    first, double, half = (s.points for s in found.splits["train"])
    assert np.allclose(first, double, atol=1e-4)
    assert np.allclose(first[:19], half[:19], atol=1e-4)


def test_what_cannot_be_learned_is_counted_and_named(caplog):
    found = signs(
        Sample(id="good", notation="a", pose=pose()),
        Sample(id="mute", pose=pose()),
        Sample(id="long", notation="a", pose=pose(250)),
        Sample(id="empty", notation="a"),
        Sample(id="test", notation="ab", pose=pose(), split="test"),
    )
    assert [len(found.splits[s]) for s in ("train", "test")] == [1, 1]
    assert [line.split(":")[0] for line in found.skipped] == ["mute", "long", "empty"]
    assert "3 of 5 samples left out; the first: mute: has no notation" in caplog.text
    with pytest.raises(InputError, match="no sample with notation and pose"):
        signs(Sample(notation="a"))


def test_batches_follow_from_seed_and_position_and_padding_has_no_weight():
    found = signs(*(Sample(notation="a" * (1 + i), pose=pose(10 + i)) for i in range(9)))
    part = found.splits["train"]
    first, again = found.batches(part, 4, 3), found.batches(part, 4, 3, start=2)
    batches = [next(first) for _ in range(3)]
    for a, b in zip(batches[2][:4], next(again)[:4], strict=True):
        assert (a == b).all()
    for batch in batches:
        assert (batch.confidence[batch.absent] == 0).all()
        assert (batch.tokens[:, 0] == 1).all()
        lengths = (~batch.absent).sum(1)
        assert lengths.max() == batch.pose.shape[1]


def test_the_mean_first_pose_leaves_missing_points_out():
    one, other = pose(), pose()
    other.body.confidence[0, 0, 0] = 0
    found = signs(Sample(notation="a", pose=one), Sample(notation="a", pose=other))
    mean = found.mean_first()
    assert mean.shape == (137, 2)
    assert np.allclose(mean[0], found.splits["train"][0].first[0])
