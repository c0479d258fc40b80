"""warp against its reference, over dtypes, layouts, paddings and gradients."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from signcore.kernels import use_backend, warp
from signcore.kernels.backend import _usable

compiled = pytest.mark.skipif(not _usable("cpp", False)[0], reason=_usable("cpp", False)[1])
TOLERANCE = {torch.float32: 2e-5, torch.float64: 1e-10}


def inputs(seed, B=2, C=3, size=(5, 7), out=(4, 6), dtype=torch.float64, last=False, reach=1.4):
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(B, C, *size, dtype=dtype, generator=generator)
    if last:
        features = features.contiguous(memory_format=torch.channels_last)
    flow = (torch.rand(B, *out, 2, dtype=dtype, generator=generator) * 2 - 1) * reach
    return features, flow, torch.rand(B, 1, *out, dtype=dtype, generator=generator)


def outputs(name, features, flow, mask, **options):
    tensors = [t.detach().clone().requires_grad_() for t in (features, flow, mask) if t is not None]
    with use_backend(name):
        result = warp(tensors[0], tensors[1], mask=tensors[2] if mask is not None else None, **options)
    weights = torch.linspace(-1, 1, result.numel(), dtype=result.dtype).view(result.shape)
    return [result, *torch.autograd.grad((result * weights).sum(), tensors)]


IT_EQUALS = {
    "seed": st.integers(0, 2**31),
    "B": st.integers(1, 3),
    "C": st.one_of(st.integers(1, 9), st.sampled_from([16, 17, 33, 70])),
    "size": st.tuples(st.integers(1, 9), st.integers(1, 40)),
    "out": st.tuples(st.integers(1, 9), st.integers(1, 40)),
    "dtype": st.sampled_from([torch.float32, torch.float64]),
    "last": st.booleans(),
    "masked": st.booleans(),
    "padding": st.sampled_from(["zeros", "border", "reflection"]),
    "align_corners": st.booleans(),
    "reach": st.sampled_from([0.9, 1.5, 6.0]),
}


def it_equals_its_reference_with_gradients(
    seed, B, C, size, out, dtype, last, masked, padding, align_corners, reach
):
    features, flow, mask = inputs(seed, B, C, size, out, dtype, last, reach)
    options = {"padding": padding, "align_corners": align_corners}
    expected = outputs("torch", features, flow, mask if masked else None, **options)
    got = outputs("cpp", features, flow, mask if masked else None, **options)
    kept = torch.channels_last if last and not features.is_contiguous() else torch.contiguous_format
    assert got[0].is_contiguous(memory_format=kept)
    for a, b, looser in zip(
        expected, got, (1, 1, 20, 1), strict=False
    ):  # a flow's gradient sums over channels
        scale = 1 + a.abs().max()
        torch.testing.assert_close(b / scale, a / scale, rtol=0, atol=TOLERANCE[dtype] * looser)


@compiled
@settings(max_examples=100, deadline=None)
@given(**IT_EQUALS)
def test_it_equals_its_reference_with_gradients(**case):
    it_equals_its_reference_with_gradients(**case)


@compiled
@pytest.mark.slow
@settings(max_examples=2000, deadline=None)
@given(**IT_EQUALS)
def test_it_equals_its_reference_with_gradients_at_length(**case):
    it_equals_its_reference_with_gradients(**case)


@compiled
@pytest.mark.parametrize("last", [False, True])
def test_a_smooth_flow_over_many_pixels(last):
    features, _, mask = inputs(0, 2, 20, (70, 90), (66, 130), torch.float32, last)
    grid = F.affine_grid(
        torch.tensor([[[1.05, 0.04, 0.1], [-0.03, 0.97, 0.0]]] * 2), [2, 1, 66, 130], align_corners=True
    )
    for a, b in zip(
        outputs("torch", features, grid, mask), outputs("cpp", features, grid, mask), strict=True
    ):
        torch.testing.assert_close(b, a, rtol=1e-4, atol=2e-4)


@pytest.mark.parametrize("name", ["torch", pytest.param("cpp", marks=compiled)])
def test_the_identity_gives_the_picture_back(name):
    features, _, _ = inputs(1, size=(6, 8))
    grid = F.affine_grid(
        torch.eye(2, 3, dtype=torch.float64).expand(2, 2, 3), [2, 3, 6, 8], align_corners=True
    )
    with use_backend(name):
        torch.testing.assert_close(warp(features, grid), features)


@pytest.mark.parametrize("name", ["torch", pytest.param("cpp", marks=compiled)])
@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("last", [False, True])
def test_a_nan_in_the_flow_samples_zero_and_has_no_gradient(name, padding, last):
    features, flow, mask = inputs(2, C=18, out=(4, 33), last=last)
    flow[0, 0, :20] = float("nan")
    flow[1, 1, 3, 0] = float("nan")
    result, to_features, to_flow, to_mask = outputs(name, features, flow, mask, padding=padding)
    assert (result[0, :, 0, :20] == 0).all()
    assert (result[1, :, 1, 3] == 0).all()
    assert to_features.isfinite().all()
    assert to_mask.isfinite().all()
    assert (to_flow[0, 0, :20] == 0).all()


@compiled
@pytest.mark.parametrize("value", [float("inf"), -float("inf"), 1e30, -1e30, 3e9, 1e-40])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_any_coordinate_stays_within_the_picture(value, dtype):
    features, flow, mask = inputs(3, C=5, out=(3, 40), dtype=dtype)
    flow[..., 0] = value
    for padding in ("zeros", "border", "reflection"):
        for result in outputs("cpp", features, flow, mask, padding=padding):
            assert result.isfinite().all()


@compiled
@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
def test_gradcheck(last, padding):
    features, flow, mask = (t.requires_grad_() for t in inputs(4, 1, 2, (3, 4), (2, 3), last=last))
    with use_backend("cpp"):
        assert torch.autograd.gradcheck(
            lambda f, g, m: warp(f, g, mask=m, padding=padding), (features, flow, mask)
        )


@compiled
def test_it_is_a_torch_op():
    for last in (False, True):
        features, flow, mask = (t.requires_grad_() for t in inputs(5, last=last))
        torch.library.opcheck(torch.ops.signcore.warp, (features, flow, mask, 0, True))
        torch.library.opcheck(torch.ops.signcore.warp, (features, flow, None, 1, False))
        whole = torch.compile(lambda f, g, m: warp(f, g, mask=m), backend="aot_eager", fullgraph=True)
        torch.testing.assert_close(whole(features, flow, mask), warp(features, flow, mask=mask))


@compiled
def test_autocast_computes_in_float32():
    features, flow, mask = inputs(6, dtype=torch.float32)
    with torch.autocast("cpu", torch.bfloat16):
        assert warp(features.bfloat16(), flow, mask=mask.bfloat16()).dtype == torch.float32


@compiled
def test_inputs_that_are_not_contiguous():
    features, flow, mask = inputs(7, 2, 6, (8, 8), (8, 8))
    odd = features[:, ::2], flow.transpose(1, 2), mask.transpose(2, 3)
    torch.testing.assert_close(
        warp(odd[0], odd[1], mask=odd[2]), warp(*(t.contiguous() for t in odd[:2]), mask=odd[2].contiguous())
    )
    broadcast = features[:1].expand(3, -1, -1, -1), flow[:1].expand(3, -1, -1, -1)
    assert warp(*broadcast).shape == (3, 6, 8, 8)


@pytest.mark.parametrize("name", ["torch", pytest.param("cpp", marks=compiled)])
@pytest.mark.parametrize(
    "shape", [(0, 3, 4, 5, 2, 2), (2, 0, 4, 5, 2, 2), (2, 3, 4, 5, 0, 2), (1, 1, 1, 1, 1, 1)]
)
def test_empty_and_tiny(name, shape):
    B, C, H, W, h, w = shape
    features, flow = torch.randn(B, C, H, W, requires_grad=True), torch.zeros(B, h, w, 2, requires_grad=True)
    if name == "torch" and 0 in (C, B):
        pytest.skip("grid_sample refuses no channels")
    with use_backend(name):
        result = warp(features, flow)
    assert result.shape == (B, C, h, w)
    result.sum().backward()
    assert features.grad.shape == features.shape
    assert flow.grad.shape == flow.shape


@compiled
def test_eight_threads_at_once_agree():
    features, flow, mask = inputs(8, 4, 20, (40, 40), (40, 40), torch.float32)
    expected = warp(features, flow, mask=mask)
    with ThreadPoolExecutor(8) as pool:
        assert all(
            torch.equal(r, expected) for r in pool.map(lambda _: warp(features, flow, mask=mask), range(32))
        )


@pytest.mark.parametrize(
    ("change", "error", "start"),
    [
        (lambda f, g, m: (f[0], g, m), ValueError, "features"),
        (lambda f, g, m: (f.half(), g, m), TypeError, "features"),
        (lambda f, g, m: (f.long(), g, m), TypeError, "features"),
        (lambda f, g, m: (f.numpy(), g, m), TypeError, "features"),
        (lambda f, g, m: (f[:, :, :0], g, m), ValueError, "features"),
        (lambda f, g, m: (f, g[..., :1], m), ValueError, "flow"),
        (lambda f, g, m: (f, g[:1], m), ValueError, "flow"),
        (lambda f, g, m: (f, g.float(), m), TypeError, "flow"),
        (lambda f, g, m: (f, g.to("meta"), m), TypeError, "flow"),
        (lambda f, g, m: (f, g, m[..., :2]), ValueError, "mask"),
        (lambda f, g, m: (f, g, m.float()), TypeError, "mask"),
        (lambda f, g, m: (f, g, 1.0), TypeError, "mask"),
    ],
)
def test_wrong_arguments_are_named(change, error, start):
    features, flow, mask = change(*inputs(0))
    with pytest.raises(error, match=f"^{start}:"):
        warp(features, flow, mask=mask)


def test_an_unknown_padding_is_named():
    features, flow, _ = inputs(0)
    with pytest.raises(ValueError, match="^padding:"):
        warp(features, flow, padding="mirror")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("last", [False, True])
def test_cuda_equals_the_reference(dtype, last):
    features, flow, mask = inputs(9, 2, 20, (33, 40), (20, 50), torch.float32, last)
    tensors = [t.cuda().to(dtype).detach().requires_grad_() for t in (features, flow, mask)]
    wide = [t.detach().float().cpu().requires_grad_() for t in tensors]
    with use_backend("torch"):
        expected = warp(wide[0], wide[1], mask=wide[2])
    result = warp(tensors[0], tensors[1], mask=tensors[2])
    atol = {torch.float32: 1e-4, torch.float16: 2e-2, torch.bfloat16: 1e-1}[dtype]
    torch.testing.assert_close(result.float().cpu(), expected, rtol=atol, atol=atol)
    expected.sum().backward()
    result.sum().backward()
    for a, b in zip(wide, tensors, strict=True):
        scale = 1 + a.grad.abs().max()
        torch.testing.assert_close(b.grad.float().cpu() / scale, a.grad / scale, rtol=0, atol=atol)
