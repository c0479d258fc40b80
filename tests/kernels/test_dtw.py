"""Exact DTW against its reference on every backend: any shape, any missing points."""

import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from signcore.kernels import backend, dtw, dtw_matrix, use_backend
from signcore.kernels import numpy as door
from signcore.kernels.backend import _usable

COMPILED = pytest.mark.skipif(not _usable("cpp", False)[0], reason=_usable("cpp", False)[1])
BACKENDS = ["torch", "numba", pytest.param("cpp", marks=COMPILED)]
TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-12}  # relative, of sums of up to a few hundred costs


def trajectories(seed, frames, others, points=3, missing=0.0, dims=2, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    made = []
    for n in (frames, others):
        pose = torch.randn((n, points, dims), generator=generator, dtype=torch.float64).to(dtype)
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


@pytest.mark.parametrize("name", BACKENDS)
@pytest.mark.parametrize("missing", [0.0, 0.3, 1.0])
@pytest.mark.parametrize(("frames", "others"), [(1, 1), (1, 4), (4, 3), (5, 5)])
def test_it_is_the_cheapest_of_all_paths(name, frames, others, missing):
    reference, other = trajectories(1, frames, others, missing=missing)
    expected = [brute(reference[:, k], other[:, k]) for k in range(3)]
    with use_backend(name):
        assert dtw(reference, other).tolist() == pytest.approx(expected)


CASE = {
    "seed": st.integers(0, 2**31),
    "frames": st.integers(1, 70),
    "others": st.integers(1, 70),
    "points": st.integers(0, 40),
    "dims": st.integers(1, 5),
    "missing": st.sampled_from([0.0, 0.1, 0.5, 1.0]),
    "dtype": st.sampled_from([torch.float32, torch.float64]),
    "align": st.sampled_from(["keypoint", "pose"]),
    "window": st.one_of(st.none(), st.integers(0, 80)),
    "strided": st.booleans(),
}


def agree(seed, frames, others, points, dims, missing, dtype, align, window, strided):
    reference, other = trajectories(seed, frames, others, points, missing, dims, dtype)
    if strided:
        reference, other = (x.transpose(0, 1).contiguous().transpose(0, 1) for x in (reference, other))
    options = {"align": align, "window": window}
    with use_backend("torch"):
        expected = dtw(reference, other, **options)
    assert expected.dtype == dtype
    tolerance = {"rtol": TOLERANCE[dtype], "atol": TOLERANCE[dtype]}
    for name in ("cpp", "numba"):
        with use_backend(name):
            torch.testing.assert_close(dtw(reference, other, **options), expected, **tolerance)
    theirs = torch.as_tensor(door.dtw(reference.numpy(), other.numpy(), **options))
    torch.testing.assert_close(theirs, expected, **tolerance)


@COMPILED
@settings(max_examples=100, deadline=None)
@given(**CASE)
def test_every_backend_agrees_with_the_reference(**case):
    agree(**case)


@COMPILED
@pytest.mark.slow
@settings(max_examples=2000, deadline=None)
@given(**CASE)
def test_every_backend_agrees_with_the_reference_at_length(**case):
    agree(**case)


@COMPILED
@pytest.mark.parametrize("isa", ["plain", "avx2"])
def test_lesser_instruction_sets_agree(isa):
    import os
    import subprocess
    import sys

    code = (
        "import numpy as np; from signcore.kernels import _door, numpy as k\n"
        f"assert _door.isa() in ({isa!r}, 'neon', 'plain')\n"
        "r = np.random.default_rng(0)\n"
        "for n, d, t in ((1, 2, np.float32), (9, 3, np.float32), (21, 2, np.float64), (4, 5, np.float64)):\n"
        " a, b = r.normal(size=(40, n, d)).astype(t), r.normal(size=(53, n, d)).astype(t)\n"
        " a[r.random(a.shape[:2]) < .2] = np.nan; b[r.random(b.shape[:2]) < .2] = np.nan\n"
        " print(*k.dtw(a, b), k.dtw(a, b, align='pose'), *k.dtw(a, b, window=20))"
    )
    outs = []
    for setting in ({"SIGNCORE_ISA": isa}, {}):
        lines = code if setting else "\n".join(line for line in code.splitlines() if "isa()" not in line)
        done = subprocess.run(
            [sys.executable, "-c", lines],
            env={**os.environ, **setting},
            capture_output=True,
            text=True,
            check=True,
        )
        outs.append(np.array(done.stdout.split(), np.float64))
    assert outs[0] == pytest.approx(outs[1], rel=1e-5)


def test_identical_sequences_have_zero_distance():
    reference, _ = trajectories(2, 90, 1, points=20, missing=0.2, dtype=torch.float32)
    assert dtw(reference, reference).tolist() == [0.0] * 20
    assert float(dtw(reference, reference, align="pose")) == 0.0


def test_a_missing_reference_point_costs_nothing():
    reference, other = trajectories(3, 6, 7)
    reference[:, 1] = torch.nan
    assert float(dtw(reference, other)[1]) == 0.0


def test_a_point_missing_only_in_other_costs_half_its_norm():
    reference, other = trajectories(4, 5, 5)
    other[:, 0] = torch.nan
    assert float(dtw(reference, other)[0]) == pytest.approx(float(reference[:, 0].norm(dim=-1).sum() / 2))


def test_a_band_of_zero_walks_the_diagonal_and_a_wide_one_changes_nothing():
    reference, other = trajectories(5, 9, 9)
    straight = (reference - other).norm(dim=-1).sum(0)
    torch.testing.assert_close(dtw(reference, other, window=0), straight)
    torch.testing.assert_close(dtw(reference, other, window=99), dtw(reference, other))


def test_one_path_for_the_pose_costs_at_least_the_mean_of_free_paths():
    reference, other = trajectories(6, 30, 40, points=10)
    assert float(dtw(reference, other, align="pose")) >= float(dtw(reference, other).mean()) - 1e-9


def test_no_keypoints_cost_nothing():
    reference, other = trajectories(7, 4, 5, points=0)
    assert dtw(reference, other).shape == (0,)
    assert float(dtw(reference, other, align="pose")) == 0.0
    assert dtw_matrix([reference], [other]).tolist() == [[0.0]]


@pytest.mark.parametrize(
    "options", [{}, {"align": "pose"}, {"window": 5}, {"method": "fastdtw", "radius": 2}]
)
def test_a_matrix_holds_every_pairs_mean(options):
    clips = [trajectories(i, 3 + 5 * i, 1, points=5, missing=0.1)[0] for i in range(5)]
    from signcore.kernels import fastdtw

    matrix = dtw_matrix(clips[:2], clips, **options)
    assert matrix.shape == (2, 5)
    rest = {k: v for k, v in options.items() if k != "method"}
    single = fastdtw if options.get("method") else dtw
    for i in range(2):
        for j in range(5):
            assert float(matrix[i, j]) == pytest.approx(float(single(clips[i], clips[j], **rest).mean()))
    arrays = [c.numpy() for c in clips]
    np.testing.assert_allclose(door.dtw_matrix(arrays[:2], arrays, **options), matrix, rtol=1e-12)
    with use_backend("numba"):
        torch.testing.assert_close(dtw_matrix(clips[:2], clips, **options), matrix)
    assert dtw_matrix([], clips).shape == (0, 5)


def test_results_do_not_depend_on_the_number_of_threads():
    clips = [trajectories(i, 30 + i, 1, points=12, missing=0.1)[0].numpy() for i in range(6)]
    one, many = (door.dtw_matrix(clips, clips, threads=n) for n in (1, 4))
    assert np.array_equal(one, many)
    fast = [door.fastdtw(clips[0], clips[5], threads=n) for n in (1, 4)]
    assert np.array_equal(*fast)


def test_eight_threads_at_once_agree():
    reference, other = trajectories(8, 60, 50, points=30, dtype=torch.float32)
    expected = dtw(reference, other)
    with ThreadPoolExecutor(8) as pool:
        assert all(torch.equal(r, expected) for r in pool.map(lambda _: dtw(reference, other), range(32)))
        arrays = reference.numpy(), other.numpy()
        assert all(
            np.array_equal(r, expected) for r in pool.map(lambda _: door.dtw(*arrays, threads=1), range(32))
        )


@pytest.mark.parametrize(
    ("reference", "other", "options", "error", "start"),
    [
        (torch.zeros(3, 2), torch.zeros(3, 2, 2), {}, ValueError, "reference"),
        (torch.zeros(3, 2, 2), torch.zeros(3, 4, 2), {}, ValueError, "other"),
        (torch.zeros(0, 2, 2), torch.zeros(3, 2, 2), {}, ValueError, "reference"),
        (torch.zeros(3, 2, 0), torch.zeros(3, 2, 0), {}, ValueError, "reference"),
        (torch.zeros(3, 2, 2, dtype=torch.int64), torch.zeros(3, 2, 2), {}, TypeError, "reference"),
        (torch.zeros(3, 2, 2).half(), torch.zeros(3, 2, 2).half(), {}, TypeError, "reference"),
        (torch.zeros(3, 2, 2), torch.zeros(3, 2, 2).double(), {}, TypeError, "other"),
        (torch.zeros(3, 2, 2), torch.zeros(3, 2, 2, device="meta"), {}, TypeError, "other"),
        (torch.zeros(3, 2, 2), torch.zeros(3, 2, 2), {"window": -1}, ValueError, "window"),
        (torch.zeros(3, 2, 2), torch.zeros(3, 2, 2), {"window": 1.5}, TypeError, "window"),
        (torch.zeros(3, 2, 2), torch.zeros(3, 2, 2), {"align": "hand"}, ValueError, "align"),
        (torch.zeros(3, 2, 2, requires_grad=True), torch.zeros(3, 2, 2), {}, ValueError, "reference"),
    ],
)
def test_wrong_arguments_are_named(reference, other, options, error, start):
    with pytest.raises(error, match=f"^{start}:"):
        dtw(reference, other, **options)


def test_wrong_lists_are_named():
    clip = torch.zeros(3, 2, 2)
    with pytest.raises(TypeError, match="^references"):
        dtw_matrix(clip, [clip])
    with pytest.raises(ValueError, match=r"^others\[1\]"):
        dtw_matrix([clip], [clip, torch.zeros(3, 5, 2)])
    with pytest.raises(ValueError, match="^method"):
        dtw_matrix([clip], [clip], method="fastdtw", window=3)


def test_infinite_coordinates_do_not_crash():
    reference, other = trajectories(9, 8, 9)
    reference[2, 0, 0] = torch.inf
    assert not torch.isfinite(dtw(reference, other)[0])
    assert torch.isfinite(dtw(reference, other)[1:]).all()


@COMPILED
def test_it_is_a_torch_op():
    reference, other = trajectories(10, 5, 6)
    offsets = torch.tensor([0, 5]), torch.tensor([0, 6])
    torch.library.opcheck(
        torch.ops.signcore.dtw_pairs, (reference, offsets[0], other, offsets[1], False, -1, True, 6)
    )
    torch.library.opcheck(
        torch.ops.signcore.dtw_pairs, (reference, offsets[0], other, offsets[1], True, 2, False, 6)
    )
    assert backend()["dtw"][0] == "cpp"


def test_the_exact_distance_is_the_recorded_one(shared):
    """oracles/ndtw: 49 pairs of one-keypoint trajectories; y is the reference."""
    for pair, reference, other, _ in recorded(shared):
        distance = float(dtw(reference[:, None], other[:, None])[0])
        assert distance == pytest.approx(pair["cy_exact"], rel=1e-9, abs=1e-12), pair["key"]


def recorded(shared):
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
        yield pair, points["y"], points["x"], tensors


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine")
@pytest.mark.parametrize("options", [{}, {"align": "pose"}, {"window": 7}])
def test_the_cuda_kernel_agrees_with_the_reference(options):
    clips = [trajectories(i, 20 + 17 * i, 1, points=7, missing=0.2, dtype=torch.float32)[0] for i in range(4)]
    on_device = [c.cuda() for c in clips]
    torch.testing.assert_close(
        dtw_matrix(on_device, on_device, **options).cpu(), dtw_matrix(clips, clips, **options)
    )
    torch.testing.assert_close(
        dtw(on_device[0], on_device[3], **options).cpu(), dtw(clips[0], clips[3], **options)
    )


@COMPILED
def test_it_compiles_into_one_graph():
    reference, other = torch.randn(2, 9, 3, 2)
    compiled = torch.compile(lambda a, b: dtw(a, b), backend="aot_eager", fullgraph=True)
    torch.testing.assert_close(compiled(reference, other), dtw(reference, other))
