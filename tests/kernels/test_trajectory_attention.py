"""Trajectory and temporal attention against their references and against numbers recorded from Motionformer."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from signcore.kernels import reference, temporal_attention, trajectory_attention, use_backend
from signcore.kernels.backend import _usable

compiled = pytest.mark.skipif(not _usable("cpp", False)[0], reason=_usable("cpp", False)[1])
ORACLE = Path(__file__).parents[3] / "shared" / "oracles" / "trajectory_attention"
TOLERANCE = {torch.float32: 2e-5, torch.float64: 1e-10}


def inputs(seed, B=2, h=2, F=3, P=5, d=4, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(B, h, F * P, d, dtype=dtype, generator=generator) * 1.5 for _ in range(3)]


def outputs(name, tensors, frames):
    tensors = [t.detach().clone().requires_grad_() for t in tensors]
    with use_backend(name):
        result = trajectory_attention(*tensors, frames=frames)
    weights = torch.linspace(-1, 1, result.numel(), dtype=result.dtype).view(result.shape)
    return [result, *torch.autograd.grad((result * weights).sum(), tensors)]


IT_EQUALS = {
    "seed": st.integers(0, 2**31),
    "B": st.integers(1, 2),
    "h": st.integers(1, 3),
    "F": st.integers(1, 5),
    "P": st.one_of(st.integers(1, 20), st.sampled_from([33, 49, 64])),
    "d": st.sampled_from([1, 3, 8, 16, 20, 64, 72]),
    "dtype": st.sampled_from([torch.float32, torch.float64]),
}


def it_equals_its_reference_with_gradients(seed, B, h, F, P, d, dtype):
    tensors = inputs(seed, B, h, F, P, d, dtype)
    for a, b in zip(outputs("torch", tensors, F), outputs("cpp", tensors, F), strict=True):
        scale = 1 + a.abs().max()
        torch.testing.assert_close(b / scale, a / scale, rtol=0, atol=TOLERANCE[dtype])


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


@pytest.mark.parametrize("name", ["torch", pytest.param("cpp", marks=compiled)])
def test_one_point_a_frame_is_its_value(name):
    q, k, v = inputs(0, P=1)
    with use_backend(name):
        result = trajectory_attention(q, k, v, frames=3)
    torch.testing.assert_close(result, v[:, :, None].expand(-1, -1, 3, -1, -1))


@compiled
def test_great_scores_do_not_overflow():
    q, k, v = inputs(1, P=17, dtype=torch.float32)
    for a, b in zip(
        outputs("torch", [q * 100, k * 100, v], 3), outputs("cpp", [q * 100, k * 100, v], 3), strict=True
    ):
        assert b.isfinite().all()
        torch.testing.assert_close(b / (1 + a.abs().max()), a / (1 + a.abs().max()), rtol=0, atol=2e-2)


@compiled
def test_a_nan_stays_in_its_query():
    q, k, v = inputs(2, P=20, dtype=torch.float32)
    q[0, 0, 7] = float("nan")
    result = trajectory_attention(q, k, v, frames=3)
    assert result[0, 0, 7].isnan().all()
    result[0, 0, 7] = 0
    assert result.isfinite().all()


@compiled
def test_gradcheck():
    tensors = [t.requires_grad_() for t in inputs(3, 1, 2, 2, 3, 3)]
    assert torch.autograd.gradcheck(lambda q, k, v: trajectory_attention(q, k, v, frames=2), tensors)


@compiled
def test_it_is_a_torch_op():
    tensors = [t.requires_grad_() for t in inputs(4)]
    torch.library.opcheck(torch.ops.signcore.trajectory_attention, (*tensors, 3))
    whole = torch.compile(
        lambda q, k, v: trajectory_attention(q, k, v, frames=3), backend="aot_eager", fullgraph=True
    )
    torch.testing.assert_close(whole(*tensors), trajectory_attention(*tensors, frames=3))


@compiled
def test_views_of_one_projection_are_read_in_place():
    qkv = torch.randn(2, 15, 3, 2, 8, dtype=torch.float64)  # [B, N, 3, h, d]
    q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)
    odd = [x.transpose(2, 3).contiguous().transpose(2, 3) for x in (q, k, v)]
    expected = trajectory_attention(*(x.contiguous() for x in (q, k, v)), frames=3)
    torch.testing.assert_close(trajectory_attention(q, k, v, frames=3), expected)
    torch.testing.assert_close(trajectory_attention(*odd, frames=3), expected)


@pytest.mark.parametrize("name", ["torch", pytest.param("cpp", marks=compiled)])
@pytest.mark.parametrize("shape", [(0, 2, 6, 4), (2, 0, 6, 4), (1, 1, 3, 1)])
def test_empty_and_one_point(name, shape):
    q = torch.randn(shape, requires_grad=True)
    with use_backend(name):
        result = trajectory_attention(q, q, q, frames=3)
    assert result.shape == (*shape[:3], 3, shape[3])
    result.sum().backward()
    assert q.grad.shape == shape


@compiled
def test_autocast_computes_in_float32():
    q, k, v = inputs(5, dtype=torch.bfloat16)
    with torch.autocast("cpu", torch.bfloat16):
        assert trajectory_attention(q, k, v, frames=3).dtype == torch.float32


@compiled
def test_eight_threads_at_once_agree():
    q, k, v = inputs(6, 1, 4, 4, 49, 16, torch.float32)
    expected = trajectory_attention(q, k, v, frames=4)
    with ThreadPoolExecutor(8) as pool:
        assert all(
            torch.equal(r, expected)
            for r in pool.map(lambda _: trajectory_attention(q, k, v, frames=4), range(32))
        )


ABSORBED_PROJECTIONS = {
    "seed": st.integers(0, 2**31),
    "B": st.integers(1, 3),
    "h": st.integers(1, 3),
    "F": st.integers(1, 4),
    "P": st.integers(1, 6),
    "d": st.one_of(st.integers(1, 6), st.sampled_from([8, 16, 32])),
    "biased": st.booleans(),
}


def absorbed_projections_change_nothing(seed, B, h, F, P, d, biased):
    generator = torch.Generator().manual_seed(seed)
    D = h * d
    shapes = [(B, h, F * P, F, d), (D, D), (2 * D, D), (D,), (2 * D,)]
    tensors = [torch.randn(s, generator=generator, dtype=torch.float64, requires_grad=True) for s in shapes]
    tensors = tensors if biased else tensors[:3]
    biases = dict(zip(("q_bias", "kv_bias"), tensors[3:], strict=False))
    got = temporal_attention(*tensors[:3], **biases)
    expected = reference.temporal_attention(*tensors[:3], *(tensors[3:] or (None, None)))
    torch.testing.assert_close(got, expected)
    grads = [torch.autograd.grad(x.square().sum(), tensors) for x in (got, expected)]
    for a, b in zip(*grads, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-6, atol=1e-8)


@settings(max_examples=100, deadline=None)
@given(**ABSORBED_PROJECTIONS)
def test_absorbed_projections_change_nothing(**case):
    absorbed_projections_change_nothing(**case)


@pytest.mark.slow
@settings(max_examples=2000, deadline=None)
@given(**ABSORBED_PROJECTIONS)
def test_absorbed_projections_change_nothing_at_length(**case):
    absorbed_projections_change_nothing(**case)


def temporal_inputs(seed, B=1, h=2, F=3, P=4, d=8, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    D = h * d
    shapes = [(B, F * P, F, D), (D, D), (2 * D, D), (D,), (2 * D,)]
    return [torch.randn(s, generator=generator, dtype=dtype) * 0.5 for s in shapes]


def temporal(tokens, q_weight, kv_weight, q_bias, kv_bias, h=2):
    y = tokens.unflatten(-1, (h, -1)).permute(0, 3, 1, 2, 4)
    return temporal_attention(y, q_weight, kv_weight, q_bias=q_bias, kv_bias=kv_bias)


@compiled
def test_the_temporal_attention_is_a_torch_op():
    tensors = [t.requires_grad_() for t in temporal_inputs(7)]
    torch.library.opcheck(torch.ops.signcore.temporal_attention, (*tensors, 2))
    torch.library.opcheck(torch.ops.signcore.temporal_attention, (*tensors[:3], None, None, 2))
    whole = torch.compile(temporal, backend="aot_eager", fullgraph=True)
    torch.testing.assert_close(whole(*tensors), temporal(*tensors))


@compiled
def test_gradcheck_of_the_temporal_attention():
    tensors = [t.requires_grad_() for t in temporal_inputs(8, P=2, d=3)]
    assert torch.autograd.gradcheck(temporal, tensors)


@compiled
def test_autocast_computes_the_temporal_attention_in_float32():
    tensors = [t.bfloat16() for t in temporal_inputs(9)]
    with torch.autocast("cpu", torch.bfloat16):
        result = temporal(*tensors)
    assert result.dtype == torch.float32
    torch.testing.assert_close(result, temporal(*(t.float() for t in tensors)))


@compiled
@pytest.mark.parametrize("shape", [(0, 6, 3, 16), (2, 0, 3, 16), (1, 1, 1, 16)])
def test_empty_and_one_token(shape):
    tensors = [t.requires_grad_() for t in (torch.randn(shape), torch.randn(16, 16), torch.randn(32, 16))]
    result = temporal(*tensors, None, None)
    assert result.shape == (*shape[:2], 16)
    for t, grad in zip(tensors, torch.autograd.grad(result.sum(), tensors), strict=True):
        assert grad.shape == t.shape
        assert grad.isfinite().all()


@compiled
def test_eight_threads_at_once_agree_on_the_temporal_attention():
    tensors = temporal_inputs(10, F=4, P=49, d=16, dtype=torch.float32)
    expected = temporal(*tensors)
    with ThreadPoolExecutor(8) as pool:
        assert all(torch.equal(r, expected) for r in pool.map(lambda _: temporal(*tensors), range(32)))


@pytest.mark.skipif(not ORACLE.is_dir(), reason="the recorded numbers are not there")
@pytest.mark.parametrize("case", ["a", "b"])
@pytest.mark.parametrize("double", [False, True])
@pytest.mark.parametrize("name", ["torch", pytest.param("cpp", marks=compiled)])
def test_motionformer_end_to_end(case, double, name):
    from safetensors.torch import load_file

    io, weights = (
        load_file(ORACLE / f"{case}.io.safetensors"),
        load_file(ORACLE / f"{case}.weights.safetensors"),
    )
    F, _P, h = {"a": (3, 9, 2), "b": (4, 16, 3)}[case]
    dtype = torch.float64 if double else torch.float32
    w = {key: x.to(dtype).requires_grad_() for key, x in weights.items()}
    x = io["x"][:, 1:].to(dtype)
    B, N, D = x.shape
    qkv = torch.nn.functional.linear(x, w["qkv.weight"], w.get("qkv.bias")).view(B, N, 3, h, D // h)
    q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)
    with use_backend(name):
        y = trajectory_attention(q, k, v, frames=F)
    out = temporal_attention(
        y, w["proj_q.weight"], w["proj_kv.weight"], q_bias=w.get("proj_q.bias"), kv_bias=w.get("proj_kv.bias")
    )
    out = torch.nn.functional.linear(out, w["proj.weight"], w.get("proj.bias"))
    key = "fixed.none" + (".f64" if double else "")
    atol = 1e-10 if double else 2e-5
    tokens = y.permute(0, 2, 3, 1, 4).reshape(B, N, F, D)
    torch.testing.assert_close(tokens, io[f"{key}.trajectory_tokens_y"].to(dtype), rtol=0, atol=atol)
    torch.testing.assert_close(out, io[f"{key}.out"][:, 1:].to(dtype), rtol=0, atol=atol)


@pytest.mark.parametrize(
    ("change", "error", "start"),
    [
        (lambda q, k, v: (q[0], k, v, 3), ValueError, "q"),
        (lambda q, k, v: (q.half(), k, v, 3), TypeError, "q"),
        (lambda q, k, v: (q.long(), k, v, 3), TypeError, "q"),
        (lambda q, k, v: (q.numpy(), k, v, 3), TypeError, "q"),
        (lambda q, k, v: (q, k[:, :, :3], v, 3), ValueError, "k"),
        (lambda q, k, v: (q, k.float(), v, 3), TypeError, "k"),
        (lambda q, k, v: (q, k, v.to("meta"), 3), TypeError, "v"),
        (lambda q, k, v: (q, k, v, 4), ValueError, "frames"),
        (lambda q, k, v: (q, k, v, 0), ValueError, "frames"),
        (lambda q, k, v: (q, k, v, 1.5), TypeError, "frames"),
    ],
)
def test_wrong_arguments_are_named(change, error, start):
    *tensors, frames = change(*inputs(0))
    with pytest.raises(error, match=f"^{start}:"):
        trajectory_attention(*tensors, frames=frames)


@pytest.mark.parametrize(
    ("change", "error", "start"),
    [
        (lambda y, a, b: (y[0], a, b), ValueError, "trajectories"),
        (lambda y, a, b: (y, a[1:], b), ValueError, "q_weight"),
        (lambda y, a, b: (y, a, a), ValueError, "kv_weight"),
        (lambda y, a, b: (y, a, b.float()), TypeError, "kv_weight"),
        (lambda y, a, b: (y, None, b), TypeError, "q_weight"),
    ],
)
def test_wrong_arguments_of_the_temporal_attention_are_named(change, error, start):
    y, a, b = torch.zeros(1, 2, 6, 3, 4).double(), torch.zeros(8, 8).double(), torch.zeros(16, 8).double()
    with pytest.raises(error, match=f"^{start}:"):
        temporal_attention(*change(y, a, b))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_cuda_equals_the_reference(dtype):
    tensors = [t.cuda().to(dtype).requires_grad_() for t in inputs(7, 2, 2, 3, 49, 64, torch.float32)]
    wide = [t.detach().float().cpu().requires_grad_() for t in tensors]
    with use_backend("torch"):
        expected = trajectory_attention(*wide, frames=3)
    result = trajectory_attention(*tensors, frames=3)
    atol = {torch.float32: 1e-4, torch.float16: 1e-2, torch.bfloat16: 5e-2}[dtype]
    torch.testing.assert_close(result.float().cpu(), expected, rtol=atol, atol=atol)
    for x in (expected, result):
        x.float().square().sum().backward()
    for a, b in zip(wide, tensors, strict=True):
        scale = 1 + a.grad.abs().max()
        torch.testing.assert_close(b.grad.float().cpu() / scale, a.grad / scale, rtol=0, atol=atol)
