import json

import pytest
import torch

from signcore.kernels import dtw


def trajectories(seed, frames, others, points=3, missing=0.0):
    generator = torch.Generator().manual_seed(seed)
    made = []
    for n in (frames, others):
        pose = torch.randn((n, points, 2), generator=generator, dtype=torch.float64)
        pose[torch.rand((n, points), generator=generator) < missing] = torch.nan
        made.append(pose)
    return made


def brute(reference, other):
    """Over every monotone path, by recursion; one keypoint."""

    def cost(t, s):
        a, b = reference[t], other[s]
        if a.isnan().any():
            return 0.0
        return float(a.norm() / 2 if b.isnan().any() else (a - b).norm())

    def best(t, s):
        if t == s == 0:
            return cost(0, 0)
        before = [best(i, j) for i, j in ((t - 1, s), (t, s - 1), (t - 1, s - 1)) if i >= 0 and j >= 0]
        return cost(t, s) + min(before)

    return best(len(reference) - 1, len(other) - 1)


@pytest.mark.parametrize("missing", [0.0, 0.3, 1.0])
@pytest.mark.parametrize(("frames", "others"), [(1, 1), (1, 4), (4, 3), (5, 5)])
def test_it_is_the_cheapest_of_all_paths(frames, others, missing):
    reference, other = trajectories(1, frames, others, missing=missing)
    expected = [brute(reference[:, k], other[:, k]) for k in range(3)]
    assert dtw(reference, other).tolist() == pytest.approx(expected)


def test_identical_sequences_have_zero_distance():
    reference, _ = trajectories(2, 9, 1, missing=0.2)
    assert dtw(reference, reference).tolist() == [0.0, 0.0, 0.0]


def test_a_missing_reference_point_costs_nothing():
    reference, other = trajectories(3, 6, 7)
    reference[:, 1] = torch.nan
    assert float(dtw(reference, other)[1]) == 0.0


def test_a_point_missing_only_in_other_costs_half_its_norm():
    reference, other = trajectories(4, 5, 5)
    other[:, 0] = torch.nan
    assert float(dtw(reference, other)[0]) == pytest.approx(float(reference[:, 0].norm(dim=-1).sum() / 2))


@pytest.mark.parametrize(
    ("reference", "other", "error", "start"),
    [
        (torch.zeros(3, 2), torch.zeros(3, 2, 2), ValueError, "reference"),
        (torch.zeros(3, 2, 2), torch.zeros(3, 4, 2), ValueError, "other"),
        (torch.zeros(0, 2, 2), torch.zeros(3, 2, 2), ValueError, "reference"),
        (torch.zeros(3, 2, 2, dtype=torch.int64), torch.zeros(3, 2, 2), TypeError, "reference"),
    ],
)
def test_wrong_arguments_are_named(reference, other, error, start):
    with pytest.raises(error, match=f"^{start}:"):
        dtw(reference, other)


def test_the_exact_distance_is_the_recorded_one(shared):
    """oracles/ndtw: 49 pairs of one-keypoint trajectories; y is the reference."""
    from safetensors.torch import load_file

    folder = shared / "oracles" / "ndtw"
    if not folder.is_dir():
        pytest.skip("the oracle ndtw is not on this machine")
    tensors = load_file(folder / "raw_pairs.safetensors")
    pairs = json.loads((folder / "raw_pairs.json").read_text())["pairs"]
    assert len(pairs) == 49
    for pair in pairs:
        points = {}
        for c in "xy":
            points[c] = tensors[f"{pair['key']}.{c}"].double()
            points[c][tensors[f"{pair['key']}.mask_{c}"].bool()] = torch.nan
        distance = float(dtw(points["y"][:, None], points["x"][:, None])[0])
        assert distance == pytest.approx(pair["cy_exact"], rel=1e-9, abs=1e-12), pair["key"]
