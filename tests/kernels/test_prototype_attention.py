"""Prototype attention: the selection's property, gradients, and numbers recorded from Motionformer."""

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from signcore.kernels import prototype_attention, reference, use_backend
from signcore.kernels.backend import _usable

compiled = pytest.mark.skipif(not _usable("cpp", False)[0], reason=_usable("cpp", False)[1])
ORACLE = Path(__file__).parents[3] / "shared" / "oracles" / "trajectory_attention"


def inputs(seed, B=2, h=2, N=12, d=5, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(B, h, N, d, dtype=dtype, generator=generator) for _ in range(3)]


A_RUNNING = {
    "seed": st.integers(0, 2**31),
    "M": st.integers(1, 3),
    "N": st.integers(1, 150),
    "d": st.integers(2, 20),
    "data": st.data(),
}


def a_running_maximum_chooses_what_the_naive_greedy_chooses(seed, M, N, d, data):
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randn(M, N, d, dtype=torch.float64, generator=generator)
    count = data.draw(st.integers(1, N))
    first = torch.randint(N, (M,), generator=generator)
    prototype_attention(*inputs(0), prototypes=1)  # loads the library
    assert torch.equal(
        torch.ops.signcore.orthogonal_rows(rows, first, count), reference.orthogonal_rows(rows, first, count)
    )


@compiled
@settings(max_examples=100, deadline=None)
@given(**A_RUNNING)
def test_a_running_maximum_chooses_what_the_naive_greedy_chooses(**case):
    a_running_maximum_chooses_what_the_naive_greedy_chooses(**case)


@compiled
@pytest.mark.slow
@settings(max_examples=2000, deadline=None)
@given(**A_RUNNING)
def test_a_running_maximum_chooses_what_the_naive_greedy_chooses_at_length(**case):
    a_running_maximum_chooses_what_the_naive_greedy_chooses(**case)


IMPLEMENTATIONS_AGREE = {
    "seed": st.integers(0, 2**31),
    "F": st.integers(1, 4),
    "P": st.integers(1, 8),
    "R": st.integers(1, 8),
    "source": st.sampled_from(["q", "qk"]),
    "framed": st.booleans(),
}


def implementations_agree_with_gradients(seed, F, P, R, source, framed):
    results = []
    for name in ("torch", "cpp"):
        tensors = [t.requires_grad_() for t in inputs(seed, N=F * P)]
        with use_backend(name):
            out = prototype_attention(
                *tensors, prototypes=min(R, F * P), frames=F if framed else None, source=source
            )
        results.append([out, *torch.autograd.grad(out.square().sum(), tensors)])
    for a, b in zip(*results, strict=True):
        torch.testing.assert_close(a, b)


@compiled
@settings(max_examples=100, deadline=None)
@given(**IMPLEMENTATIONS_AGREE)
def test_implementations_agree_with_gradients(**case):
    implementations_agree_with_gradients(**case)


@compiled
@pytest.mark.slow
@settings(max_examples=2000, deadline=None)
@given(**IMPLEMENTATIONS_AGREE)
def test_implementations_agree_with_gradients_at_length(**case):
    implementations_agree_with_gradients(**case)


def test_the_next_prototype_is_the_most_orthogonal():
    rows = torch.tensor([[[1.0, 0.0], [0.9, 0.1], [0.1, 5.0], [0.7, 0.7]]])
    for choose in (reference.orthogonal_rows, torch.ops.signcore.orthogonal_rows):
        if choose is reference.orthogonal_rows or _usable("cpp", False)[0]:
            assert choose(rows, torch.tensor([0]), 3).tolist() == [[0, 2, 3]]


def test_without_frames_one_softmax_over_all_points_and_a_frame_of_its_own_agree():
    q, k, v = inputs(1)
    whole = prototype_attention(q, k, v, prototypes=4)
    assert whole.shape == q.shape
    torch.testing.assert_close(prototype_attention(q, k, v, prototypes=4, frames=1)[..., 0, :], whole)


def test_a_seed_makes_the_random_start_repeat():
    q, k, v = inputs(2, N=60)
    draws = [prototype_attention(q, k, v, prototypes=3, first="random", seed=s) for s in (1, 1, 2)]
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])


@pytest.mark.skipif(not ORACLE.is_dir(), reason="the recorded numbers are not there")
@pytest.mark.parametrize("case", ["a", "b"])
@pytest.mark.parametrize("double", [False, True])
@pytest.mark.parametrize("name", ["torch", pytest.param("cpp", marks=compiled)])
def test_orthoformer_is_reproduced(case, double, name):
    from safetensors.torch import load_file

    io, w = load_file(ORACLE / f"{case}.io.safetensors"), load_file(ORACLE / f"{case}.weights.safetensors")
    F, h, R = {"a": (3, 2, 6), "b": (4, 3, 16)}[case]
    dtype = torch.float64 if double else torch.float32
    key = "fixed.orthoformer" + (".f64" if double else "")
    x = io["x"][:, 1:].to(dtype)
    B, N, D = x.shape
    bias = w["qkv.bias"].to(dtype) if "qkv.bias" in w else None
    qkv = torch.nn.functional.linear(x, w["qkv.weight"].to(dtype), bias).view(B, N, 3, h, D // h)
    q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)
    first = io[f"{key}.landmark_idx_selection_order"][:, 0].reshape(B, h)
    with use_backend(name):
        y = prototype_attention(q, k, v, prototypes=R, frames=F, source="q", first=first)
    tokens = y.permute(0, 2, 3, 1, 4).reshape(B, N, F, D)
    expected = io[f"{key}.trajectory_tokens_y"].to(dtype)
    torch.testing.assert_close(tokens, expected, rtol=0, atol=1e-10 if double else 2e-5)


@compiled
def test_gradcheck_and_opcheck():
    tensors = [t.requires_grad_() for t in inputs(3, 1, 1, 6, 3)]
    start = torch.zeros(2, dtype=torch.int64)
    torch.library.opcheck(torch.ops.signcore.orthogonal_rows, (torch.randn(2, 9, 4), start, 3))
    # Without the path through the prototypes, which are constants: v alone.
    assert torch.autograd.gradcheck(
        lambda v: prototype_attention(tensors[0].detach(), tensors[1].detach(), v, prototypes=3, frames=2),
        (tensors[2],),
    )


@compiled
def test_it_compiles_whole():
    q, k, v = inputs(4)
    whole = torch.compile(
        lambda a, b, c: prototype_attention(a, b, c, prototypes=4, frames=3),
        backend="aot_eager",
        fullgraph=True,
    )
    torch.testing.assert_close(whole(q, k, v), prototype_attention(q, k, v, prototypes=4, frames=3))


@compiled
def test_odd_rows_never_crash():
    q, k, v = inputs(5, dtype=torch.float32)
    q[0, 0] = float("nan")
    q[0, 1] = 0
    k[1, 0, 3] = float("inf")
    assert prototype_attention(q, k, v, prototypes=5, frames=3).shape == (2, 2, 12, 3, 5)
    assert prototype_attention(q[:, :, :0], k[:, :, :0], v[:, :, :0], prototypes=1, frames=2).shape == (
        2,
        2,
        0,
        2,
        5,
    )


@pytest.mark.parametrize(
    ("options", "error", "start"),
    [
        ({"prototypes": 0}, ValueError, "prototypes"),
        ({"prototypes": 25}, ValueError, "prototypes"),
        ({"prototypes": 2.0}, TypeError, "prototypes"),
        ({"frames": 5}, ValueError, "frames"),
        ({"frames": "3"}, TypeError, "frames"),
        ({"source": "k"}, ValueError, "source"),
        ({"first": 24}, ValueError, "first"),
        ({"first": -1}, ValueError, "first"),
        ({"first": "any"}, ValueError, "first"),
        ({"first": torch.zeros(2, 3, dtype=torch.int64)}, ValueError, "first"),
        ({"first": torch.full((2, 2), 99)}, ValueError, "first"),
        ({"first": torch.zeros(2, 2)}, TypeError, "first"),
        ({"first": 0.5}, TypeError, "first"),
    ],
)
def test_wrong_settings_are_named(options, error, start):
    with pytest.raises(error, match=f"^{start}:"):
        prototype_attention(*inputs(0), **{"prototypes": 3, **options})


@pytest.mark.parametrize(
    ("change", "error", "start"),
    [
        (lambda q, k, v: (q[0], k, v), ValueError, "q"),
        (lambda q, k, v: (q.half(), k, v), TypeError, "q"),
        (lambda q, k, v: (q, k[:1], v), ValueError, "k"),
        (lambda q, k, v: (q, k, v.float()), TypeError, "v"),
        (lambda q, k, v: (q, k, v.numpy()), TypeError, "v"),
    ],
)
def test_wrong_arguments_are_named(change, error, start):
    with pytest.raises(error, match=f"^{start}:"):
        prototype_attention(*change(*inputs(0)), prototypes=3)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_cuda_chooses_as_the_reference_does(dtype):
    rows = torch.randn(5, 300, 20, dtype=dtype, generator=torch.Generator().manual_seed(0))
    first = torch.tensor([0, 3, 299, 7, 7])
    expected = reference.orthogonal_rows(rows.double(), first, 40)
    assert torch.equal(torch.ops.signcore.orthogonal_rows(rows.cuda(), first.cuda(), 40).cpu(), expected)
