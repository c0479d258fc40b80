"""FastDTW: both builds of the PyPI package, on every backend; distances and paths."""

import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from signcore.kernels import dtw, fastdtw, fastdtw_path, use_backend
from signcore.kernels import numpy as door
from signcore.kernels.backend import _usable

COMPILED = pytest.mark.skipif(not _usable("cpp", False)[0], reason=_usable("cpp", False)[1])


def walk(seed, frames, points=2, dims=2, missing=0.0, ties=False, dtype=torch.float64):
    random = np.random.default_rng(seed)
    steps = (
        random.integers(-1, 2, (frames, points, dims)) if ties else random.normal(size=(frames, points, dims))
    )
    out = steps.cumsum(0).astype(np.float64)
    out[random.random((frames, points)) < missing] = np.nan
    return torch.from_numpy(out).to(dtype)


CASE = {
    "seed": st.integers(0, 2**31),
    "frames": st.integers(1, 60),
    "others": st.integers(1, 60),
    "points": st.integers(0, 4),
    "dims": st.integers(1, 4),
    "missing": st.sampled_from([0.0, 0.2, 1.0]),
    "ties": st.booleans(),
    "radius": st.integers(0, 4),
    "variant": st.sampled_from(["python", "compiled"]),
    "dtype": st.sampled_from([torch.float32, torch.float64]),
}


def agree(seed, frames, others, points, dims, missing, ties, radius, variant, dtype):
    reference = walk(seed, frames, points, dims, missing, ties, dtype)
    other = walk(seed + 1, others, points, dims, missing, ties, dtype)
    options = {"radius": radius, "variant": variant}
    with use_backend("torch"):
        expected = fastdtw(reference, other, **options)
    tolerance = {"rtol": 1e-12, "atol": 1e-12} if dtype == torch.float64 else {"rtol": 1e-6, "atol": 1e-6}
    for name in ("cpp", "numba"):
        with use_backend(name):
            torch.testing.assert_close(fastdtw(reference, other, **options), expected, **tolerance)
    assert door.fastdtw(reference.numpy(), other.numpy(), **options) == pytest.approx(
        expected.numpy(), rel=1e-6
    )
    if points:
        paths = []
        for name in ("torch", "cpp", "numba"):
            with use_backend(name):
                paths.append(fastdtw_path(reference[:, 0], other[:, 0], **options)[1])
        paths.append(
            torch.from_numpy(door.fastdtw_path(reference[:, 0].numpy(), other[:, 0].numpy(), **options)[1])
        )
        assert all(torch.equal(p, paths[0]) for p in paths[1:])
        steps = paths[0].diff(dim=0)
        assert paths[0][0].tolist() == [0, 0]
        assert paths[0][-1].tolist() == [frames - 1, others - 1]
        assert ((steps >= 0) & (steps <= 1)).all()


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


@pytest.mark.parametrize("variant", ["python", "compiled"])
def test_a_radius_of_the_whole_length_is_exact_and_a_smaller_one_never_cheaper(variant):
    reference, other = walk(1, 40, missing=0.1), walk(2, 33, missing=0.1)
    exact = dtw(reference, other)
    torch.testing.assert_close(fastdtw(reference, other, radius=40, variant=variant), exact)
    for radius in (0, 1, 3):
        assert (fastdtw(reference, other, radius=radius, variant=variant) >= exact - 1e-9).all()


def distance(a, b):
    """NaN-aware; b is the reference (fastdtw calls dist(x[i], y[j]))."""
    if np.isnan(b).any():
        return 0.0
    return float(np.linalg.norm(b) / 2 if np.isnan(a).any() else np.sqrt(((a - b) ** 2).sum()))


@pytest.mark.parametrize("radius", [1, 2, 3])
def test_the_python_build_of_pypi_is_reproduced(radius):
    package = pytest.importorskip("fastdtw.fastdtw")
    random = np.random.default_rng(radius)
    for case in range(300):
        frames, others = random.integers(1, 50, 2)
        missing = (0.0, 0.0, 0.2)[case % 3]
        x, y = (
            walk(1000 * radius + 2 * case + i, n, 1, 2, missing, case % 2 == 0)[:, 0]
            for i, n in enumerate((frames, others))
        )
        expected, path = package.fastdtw(x.numpy(), y.numpy(), radius=radius, dist=distance)
        cost, ours = fastdtw_path(y, x, radius=radius)
        assert float(cost) == pytest.approx(expected, rel=1e-9, abs=1e-12)
        assert [(i, j) for j, i in ours.tolist()] == path


@pytest.mark.parametrize("build", ["python", "compiled"])
def test_recorded_distances_and_paths_are_reproduced(shared, build):
    """oracles/ndtw. The Python build forgets masks at its coarsest level and uses what lay under them, which NaN cannot
    carry: its masked pairs are left to the compiled build."""
    from safetensors.torch import load_file

    folder = shared / "oracles" / "ndtw"
    if not folder.is_dir():
        pytest.skip("the oracle ndtw is not on this machine")
    tensors = load_file(folder / "raw_pairs.safetensors")
    short = {"python": "py", "compiled": "cy"}[build]
    checked = 0
    for pair in json.loads((folder / "raw_pairs.json").read_text())["pairs"]:
        key = pair["key"]
        x, y = tensors[f"{key}.x"].double(), tensors[f"{key}.y"].double()
        hidden = [tensors[f"{key}.mask_{c}"].bool() for c in "xy"]
        if build == "python" and any(h.any() for h in hidden):
            continue
        x[hidden[0]] = torch.nan
        y[hidden[1]] = torch.nan
        for radius in (1, 2, 3):
            cost, path = fastdtw_path(y, x, radius=radius, variant=build)
            assert float(cost) == pytest.approx(pair[f"{short}_r{radius}"], rel=1e-9, abs=1e-12), (
                key,
                radius,
            )
            assert torch.equal(path.flip(1), tensors[f"{key}.path_{short}_r{radius}"].long()), (key, radius)
            checked += 1
    assert checked == {"python": 69, "compiled": 147}[build]


@pytest.mark.parametrize(
    ("options", "error", "start"),
    [
        ({"radius": -1}, ValueError, "radius"),
        ({"radius": 1.0}, TypeError, "radius"),
        ({"variant": "cython"}, ValueError, "variant"),
    ],
)
def test_wrong_settings_are_named(options, error, start):
    reference, other = walk(1, 5), walk(2, 6)
    with pytest.raises(error, match=f"^{start}:"):
        fastdtw(reference, other, **options)
    with pytest.raises(error, match=f"^{start}:"):
        door.fastdtw(reference.numpy(), other.numpy(), **options)


def test_a_path_needs_one_trajectory():
    with pytest.raises(ValueError, match="^reference"):
        fastdtw_path(walk(1, 5), walk(2, 6))


@COMPILED
def test_it_is_a_torch_op():
    reference, other = walk(1, 9), walk(2, 7)
    offsets = torch.tensor([0, 9]), torch.tensor([0, 7])
    torch.library.opcheck(
        torch.ops.signcore.fastdtw_pairs, (reference, offsets[0], other, offsets[1], 1, 0, True)
    )


@COMPILED
def test_it_compiles_into_one_graph():
    reference, other = torch.randn(2, 9, 3, 2)
    compiled = torch.compile(lambda a, b: fastdtw(a, b, radius=2), backend="aot_eager", fullgraph=True)
    torch.testing.assert_close(compiled(reference, other), fastdtw(reference, other, radius=2))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_tensors_are_walked_on_the_processor_and_come_back():
    a, b = torch.randn(2, 30, 7, 2)
    result = fastdtw(a.cuda(), b.cuda())
    assert result.is_cuda
    assert torch.equal(result.cpu(), fastdtw(a, b))
    assert fastdtw_path(a[:, 0].cuda(), b[:, 0].cuda())[1].is_cuda
