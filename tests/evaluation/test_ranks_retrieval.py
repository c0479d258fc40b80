import numpy as np
import pytest

import signcore
from signcore import kernels
from signcore.errors import InputError
from signcore.evaluation import average_precision, ranks, retrieve
from signcore.types import layouts
from signcore.types.poses import pose_from_keypoints


class Numbers:
    """A metric on numbers."""

    def prepare(self, value, name=""):
        return value

    def matrix(self, references, others):
        return np.abs(np.subtract.outer(np.array(references), np.array(others)))

    def signature(self):
        return "numbers|version:1"


def test_average_precision_by_hand():
    assert average_precision(np.array([True, False, True, False])) == pytest.approx((1 + 2 / 3) / 2)
    assert average_precision(np.array([False, False])) == 0
    assert average_precision(np.array([True, True])) == 1


def test_ranks_of_good_and_of_useless_predictions():
    truths = np.arange(60.0) * 10
    good = ranks(Numbers(), [(t + 1, t) for t in truths])
    assert good["truth"][1] == 1.0
    assert good["prediction"][1] == 1.0
    useless = ranks(Numbers(), [(0.0, t) for t in truths])
    # every prediction is alike: the 20 others are as near, and equal distances count against it
    assert useless["truth"] == {1: 0.0, 5: 0.0, 10: 0.0}


def test_ranks_are_at_chance_for_noise_and_follow_the_seed():
    random = np.random.default_rng(0)
    pairs = list(zip(random.normal(size=400), random.normal(size=400), strict=True))
    found = ranks(Numbers(), pairs)
    assert found["prediction"][1] == pytest.approx(1 / 41, abs=0.03)
    assert found["prediction"][10] == pytest.approx(10 / 41, abs=0.08)
    assert ranks(Numbers(), pairs, seed=0) == found != ranks(Numbers(), pairs, seed=1)
    with pytest.raises(InputError, match="gallery"):
        ranks(Numbers(), pairs[:1])


NAMES = layouts.layout_names("openpose_137")


class Signed:
    """Five signs by four signers: where a wrist goes says which sign it is."""

    def __len__(self):
        return 20

    def __getitem__(self, index):
        from signcore import Sample

        sign, signer = index % 5, index // 5
        random = np.random.default_rng(index)
        points = np.tile(np.random.default_rng(1).uniform(150, 250, (1, 137, 2)), (30 + 2 * signer, 1, 1))
        points[:, NAMES.index("left_shoulder")], points[:, NAMES.index("right_shoulder")] = (
            (260, 200),
            (140, 200),
        )
        t = np.sin(np.linspace(0, np.pi, len(points)))
        points[:, NAMES.index("right_wrist")] = np.stack([100 + 40 * sign * t, 300 - 60 * t * (sign % 3)], -1)
        points += random.normal(0, 1, points.shape)
        pose = pose_from_keypoints(points * (1 + 0.2 * signer), "openpose_137", fps=25, width=400, height=400)
        return Sample(id=str(index), pose=pose, glosses=[f"G{sign}"], signer=f"s{signer}")


def load(*names):
    return {name: signcore.load("metric", name) for name in names}


@pytest.mark.parametrize("protocol", ["all", "table1"])
def test_signs_are_found_again_by_normalised_metrics(protocol):
    found = retrieve(Signed(), load("ndtw", "ape", "dtw-motion", "dtw-joint"), protocol=protocol)
    assert found.queries == 20
    assert not found.bad
    for name in ("ndtw", "dtw-motion", "dtw-joint"):
        assert found.scores[name]["precision@1"] == 1.0
    assert found.scores["ape"]["mAP"] < found.scores["ndtw"]["mAP"]


def test_dropped_points_cost_little_where_they_are_filled():
    found = retrieve(Signed(), load("dtw-motion"), drop=0.3)
    assert found.scores["dtw-motion"]["precision@1"] > 0.9


def test_a_bad_sample_is_told_and_passed_over():
    class Broken(Signed):
        def __getitem__(self, index):
            if index == 3:
                raise InputError("row 4: no such pose file")
            return super().__getitem__(index)

    found = retrieve(Broken(), load("ndtw"))
    assert found.queries == 19
    assert found.bad == ["sample 3: row 4: no such pose file"]


@pytest.mark.parametrize(
    "name", ["mse", "ape", "nmse", "nape", "dtw", "ndtw", "dtw-joint", "dtw-motion", "pck", "length-error"]
)
def test_a_matrix_is_its_pairs(name):
    metric = signcore.load("metric", name)
    poses = [Signed()[i].pose for i in (0, 1, 7, 12)]
    prepared = [metric.prepare(p) for p in poses]
    table = metric.matrix(prepared[:2], prepared)
    for i in range(2):
        for j in range(4):
            metric.reset()
            metric.update(poses[j], poses[i])
            alone = metric.compute()[name]
            assert table[i, j] == pytest.approx(1 - alone if name == "pck" else alone, rel=1e-4, abs=1e-4)


def test_the_table_of_real_signs(shared):
    """mAP over the real sets: normalising helps, and the motion metric beats the joint warping by far."""
    if kernels.backend()["dtw"][0] != "cpp":
        pytest.skip("half a million pairs take a quarter of an hour where dtw is not compiled")
    for name, motion, joint in (("libras25", 0.26, 0.207), ("isl30", 0.49, 0.452)):
        dataset = signcore.load(
            "dataset", "keypoint-arrays", path=shared / "data" / "recognition" / f"{name}_train.npz"
        )
        found = retrieve(dataset, load("dtw-motion"))
        assert found.scores["dtw-motion"]["mAP"] > motion > joint
