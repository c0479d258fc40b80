"""The op against its reference and against what jerk is, over dtypes, strides and missing points."""

import shutil
import subprocess
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("signcore_jerk", reason="signcore-jerk is not installed")

from signcore_jerk.squared_jerk import KERNELS, reference, squared_jerk

from signcore.errors import ArgumentError
from signcore.kernels import use_backend

CLOSE = {"rtol": 1e-12, "atol": 0.0}  # sums in float64, in another order
BACKENDS = [
    "torch",
    pytest.param("cpp", marks=pytest.mark.skipif(not KERNELS.library.path, reason=KERNELS.library.reason)),
]
CUDA = Path(__file__).parents[1] / "signcore_jerk" / "csrc" / "squared_jerk" / "squared_jerk_cuda.cu"


def walk(seed, shape=(30, 5, 2), missing=0.0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    points = torch.randn(shape, generator=generator, dtype=dtype).cumsum(0)
    points[torch.rand(shape[:2], generator=generator) < missing] = torch.nan
    return points


@pytest.mark.parametrize("name", BACKENDS)
def test_constant_acceleration_has_no_jerk(name):
    t = torch.arange(12.0, dtype=torch.float64)[:, None, None]
    with use_backend(name):
        assert squared_jerk(3 + 2 * t - 5 * t**2).tolist() == [0.0]


@pytest.mark.parametrize("name", BACKENDS)
def test_a_cubic_has_the_jerk_of_its_coefficient_in_the_rate_s_units(name):
    fps = 25.0
    t = torch.arange(12, dtype=torch.float64)[:, None, None] / fps
    with use_backend(name):
        found = squared_jerk(torch.cat([4 * t**3, 3 * t**3], dim=-1), fps=fps)
    assert found.item() == pytest.approx((6 * 4) ** 2 + (6 * 3) ** 2)


@pytest.mark.parametrize("name", BACKENDS)
def test_frames_around_a_gap_do_not_count(name):
    points = walk(0, (16, 1, 2))
    points[7] = torch.nan
    with use_backend(name):
        first, second = squared_jerk(points[:7]), squared_jerk(points[8:])
        assert squared_jerk(points).item() == pytest.approx(((first * 4 + second * 5) / 9).item())


@pytest.mark.parametrize("name", BACKENDS)
@pytest.mark.parametrize("frames", [0, 1, 3])
def test_fewer_than_four_frames_have_none(name, frames):
    with use_backend(name):
        assert squared_jerk(torch.zeros(frames, 3, 2)).isnan().all()


@pytest.mark.skipif(not KERNELS.library.path, reason=KERNELS.library.reason)
@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    shape=st.tuples(st.integers(0, 40), st.integers(0, 9), st.integers(1, 3)),
    missing=st.sampled_from([0.0, 0.1, 0.5, 1.0]),
    dtype=st.sampled_from([torch.float32, torch.float64]),
    turned=st.booleans(),
)
def test_the_compiled_op_is_its_reference(seed, shape, missing, dtype, turned):
    points = walk(seed, shape, missing, dtype)
    if turned:  # not contiguous
        points = points.transpose(0, 1).contiguous().transpose(0, 1)
    with use_backend("cpp"):
        found = squared_jerk(points)
    torch.testing.assert_close(found, reference.squared_jerk(points), equal_nan=True, **CLOSE)


@pytest.mark.skipif(not KERNELS.library.path, reason=KERNELS.library.reason)
def test_it_is_a_sound_torch_op():
    torch.library.opcheck(
        torch.ops.signcore_jerk.squared_jerk.default, (walk(1, missing=0.1).requires_grad_(),)
    )


@pytest.mark.parametrize("name", BACKENDS)
def test_its_gradient_is_that_of_finite_differences(name):
    points = walk(2, (9, 3, 2)).requires_grad_()
    with use_backend(name):
        assert torch.autograd.gradcheck(squared_jerk, points)


@pytest.mark.skipif(not KERNELS.library.path, reason=KERNELS.library.reason)
def test_missing_points_have_no_gradient_and_spoil_no_other():
    gradients = []
    for name in ("cpp", "torch"):
        points = walk(3, (14, 3, 2), missing=0.15).requires_grad_()
        with use_backend(name):
            squared_jerk(points).nansum().backward()
        assert (points.grad[points.isnan()] == 0).all()
        gradients.append(points.grad)
    torch.testing.assert_close(*gradients)
    assert gradients[0].abs().sum() > 0


def test_it_compiles_into_one_graph():
    points = walk(4).float()
    compiled = torch.compile(lambda p: squared_jerk(p, fps=5.0) + 1, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(points), squared_jerk(points, fps=5.0) + 1)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ((torch.zeros(4, 3),), r"points: expected \[T, K, D\], got \[4, 3\]"),
        ((torch.zeros(4, 3, 2, dtype=torch.int64),), "points: expected a float32 or float64 Tensor, got torch.int64"),
        (([1.0],), "points: expected a float32 or float64 Tensor, got list"),
    ],
)  # fmt: skip
def test_wrong_arguments_are_told_in_one_line(wrong, said):
    with pytest.raises((ValueError, TypeError), match=f"^{said}$"):
        squared_jerk(*wrong)


@pytest.mark.parametrize("fps", [0, -1, float("nan")])
def test_a_rate_is_positive(fps):
    with pytest.raises(ArgumentError, match="^fps: expected a positive number"):
        squared_jerk(torch.zeros(4, 3, 2), fps=fps)


def test_a_backend_that_it_lacks_is_told():
    with use_backend("numba"), pytest.raises(ArgumentError, match="there are cuda, cpp, torch"):
        squared_jerk(torch.zeros(4, 3, 2))


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("nvcc") is None, reason="nvcc is not installed")
def test_its_cuda_source_compiles(tmp_path):
    include = Path(torch.__file__).parent / "include"
    command = ["nvcc", "-std=c++20", "-O1", "-DUSE_CUDA", "-DTORCH_TARGET_VERSION=0x020a000000000000"]
    command += ["--expt-relaxed-constexpr", "-Xcompiler", "-fPIC", "-gencode", "arch=compute_90,code=sm_90"]
    command += [f"-I{include}", f"-I{include}/torch/csrc/api/include", "-c", str(CUDA)]
    done = subprocess.run(
        [*command, "-o", str(tmp_path / "x.o")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.skipif(not KERNELS.library.cuda, reason="compiled without CUDA")
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_cuda_is_the_reference(dtype):
    points = walk(5, (300, 40, 3), 0.1, dtype)
    found = squared_jerk(points.cuda()).cpu()
    torch.testing.assert_close(found, reference.squared_jerk(points), equal_nan=True, **CLOSE)
