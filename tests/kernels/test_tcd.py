"""TCD (PGMM eq. 12, 13) against its reference, over dtypes, strides and settings."""

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from signcore.kernels import TCDStream, backend, tcd, use_backend
from signcore.kernels import numpy as door
from signcore.kernels.backend import _usable

BACKENDS = [
    "torch",
    pytest.param(
        "cpp", marks=pytest.mark.skipif(not _usable("cpp", False)[0], reason=_usable("cpp", False)[1])
    ),
]


def pair(seed, shape=(6, 9, 7, 3), dtype=torch.uint8):
    generator = torch.Generator().manual_seed(seed)
    frames = torch.randint(0, 256, (2, *shape), generator=generator, dtype=torch.uint8)
    return tuple(frames if dtype == torch.uint8 else frames.to(dtype) / 255)


@pytest.mark.parametrize("name", BACKENDS)
def test_a_still_video_has_none(name):
    still = torch.full((5, 8, 8, 3), 90, dtype=torch.uint8)
    with use_backend(name):
        assert float(tcd(still, still, threshold=0.0)) == 0.0


@pytest.mark.parametrize("name", BACKENDS)
def test_a_bar_that_moves_counts_the_pixels_that_it_enters_and_leaves(name):
    video = torch.zeros(6, 4, 30, 1)
    for t in range(6):
        video[t, :, 3 * t : 3 * t + 6] = 1.0  # |2 x - before - after| / 2 is 0.5 on both edges, 3 wide
    with use_backend(name):
        assert float(tcd(video, video, threshold=0.4)) == pytest.approx(_expected(video, 0.4))
        assert float(tcd(video, video, threshold=0.5)) == 0.0  # strictly above


def _expected(video, threshold):
    d = (video[1:-1] - (video[:-2] + video[2:]) / 2).abs().mean(-1)
    return float((d > threshold).double().mean())


EVERY_IMPLEMENTATION = {
    "seed": st.integers(0, 2**31),
    "shape": st.tuples(st.integers(3, 6), st.integers(1, 9), st.integers(1, 40), st.integers(1, 5)),
    "dtype": st.sampled_from([torch.uint8, torch.float32, torch.float64]),
    "threshold": st.floats(0, 1),
    "reduce": st.sampled_from(["mean", "max", "sum"]),
    "strided": st.booleans(),
}


def every_implementation_counts_the_same(seed, shape, dtype, threshold, reduce, strided):
    generated, reference = pair(seed, shape, dtype)
    if strided:
        generated, reference = generated.transpose(1, 2), reference.transpose(1, 2)
    options = {"threshold": threshold, "channel_reduce": reduce}
    with use_backend("torch"):
        expected = float(tcd(generated, reference, **options))
    with use_backend("cpp"):
        assert float(tcd(generated, reference, **options)) == expected
    assert door.tcd(generated.numpy(), reference.numpy(), **options) == expected


@pytest.mark.skipif(backend()["tcd"][0] != "cpp", reason="the compiled library is not there")
@settings(max_examples=100, deadline=None)
@given(**EVERY_IMPLEMENTATION)
def test_every_implementation_counts_the_same(**case):
    every_implementation_counts_the_same(**case)


@pytest.mark.skipif(backend()["tcd"][0] != "cpp", reason="the compiled library is not there")
@pytest.mark.slow
@settings(max_examples=2000, deadline=None)
@given(**EVERY_IMPLEMENTATION)
def test_every_implementation_counts_the_same_at_length(**case):
    every_implementation_counts_the_same(**case)


def test_bytes_are_mapped_onto_the_value_range():
    generated, reference = pair(1)
    doubled = float(tcd(generated, reference, threshold=0.4, value_range=(-1.0, 1.0)))
    assert doubled == float(tcd(generated, reference, threshold=0.2))
    floats = [x.double() / 255 * 2 - 1 for x in (generated, reference)]
    assert float(tcd(*floats, threshold=0.4)) == pytest.approx(doubled, abs=1e-3)


def test_the_plain_numpy_door_agrees_where_nothing_is_compiled(monkeypatch):
    generated, reference = (x.numpy() for x in pair(2))
    compiled = door.tcd(generated, reference, threshold=0.2)
    monkeypatch.setattr(door, "_door", None)
    assert door.tcd(generated, reference, threshold=0.2) == compiled


@pytest.mark.parametrize(
    ("change", "error", "start"),
    [
        (lambda g, r: (g[:2], r[:2]), ValueError, "generated"),
        (lambda g, r: (g, r[:, :3]), ValueError, "reference"),
        (lambda g, r: (g[0], r), ValueError, "generated"),
        (lambda g, r: (g.half(), r), TypeError, "generated"),
        (lambda g, r: (g, r.float()), TypeError, "reference"),
        (lambda g, r: (g.to("meta"), r), TypeError, "reference"),
        (lambda g, r: (g.numpy(), r), TypeError, "generated"),
    ],
)
def test_wrong_arguments_are_named(change, error, start):
    with pytest.raises(error, match=f"^{start}:"):
        tcd(*change(*pair(0)))


@pytest.mark.parametrize(
    ("options", "start"),
    [
        ({"threshold": -1}, "threshold"),
        ({"threshold": float("nan")}, "threshold"),
        ({"value_range": (1, 0)}, "value_range"),
        ({"channel_reduce": "any"}, "channel_reduce"),
    ],
)
def test_wrong_settings_are_named(options, start):
    generated, reference = pair(0)
    for call in (
        lambda: tcd(generated, reference, **options),
        lambda: door.tcd(generated.numpy(), reference.numpy(), **options),
    ):
        with pytest.raises(ValueError, match=f"^{start}:"):
            call()


def test_a_nan_counts_as_no_difference():
    generated, reference = pair(3, dtype=torch.float64)
    generated[:] = float("nan")
    for name in ("torch", "auto"):
        with use_backend(name):
            assert float(tcd(generated, reference, threshold=0.0)) == 0.0


@pytest.mark.skipif(backend()["tcd"][0] != "cpp", reason="the compiled library is not there")
def test_it_is_a_torch_op():
    generated, reference = pair(4)
    torch.library.opcheck(torch.ops.signcore.tcd_counts, (generated, reference, 0, 3.0))
    compiled = torch.compile(lambda a, b: tcd(a, b, threshold=0.1), backend="aot_eager", fullgraph=True)
    assert float(compiled(generated, reference)) == float(tcd(generated, reference, threshold=0.1))


def test_eight_threads_at_once_agree():
    generated, reference = pair(5, (20, 64, 64, 3))
    expected = float(tcd(generated, reference, threshold=0.1))
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: float(tcd(generated, reference, threshold=0.1)), range(32))) == {
            expected
        }
        arrays = generated.numpy(), reference.numpy()
        assert set(pool.map(lambda _: door.tcd(*arrays, threshold=0.1), range(32))) == {expected}


def test_an_unknown_backend_is_refused_and_the_choice_ends_with_the_block():
    with pytest.raises(ValueError, match="^backend"), use_backend("magic"):
        pass
    before = backend()["tcd"]
    with use_backend("torch"):
        assert backend()["tcd"][0] == "torch"
    assert backend()["tcd"] == before
    generated, reference = pair(0)
    with use_backend("numba"), pytest.raises(ValueError, match="no 'numba' implementation"):
        tcd(generated, reference)


def test_a_picture_without_pixels_has_none():
    empty = torch.zeros((4, 0, 5, 3), dtype=torch.uint8)
    assert float(tcd(empty, empty)) == 0.0
    assert door.tcd(empty.numpy(), empty.numpy()) == 0.0
    assert np.isfinite(float(tcd(empty, empty)))


@pytest.mark.parametrize("kind", ["torch", "numpy"])
@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**31), cuts=st.lists(st.integers(1, 11), max_size=5), frames=st.integers(3, 12))
def test_a_stream_in_any_parts_is_the_whole(kind, seed, cuts, frames):
    generated, reference = pair(seed, (frames, 5, 6, 3))
    whole = float(tcd(generated, reference, threshold=0.2))
    stream = (TCDStream if kind == "torch" else door.TCDStream)(threshold=0.2)
    edges = sorted({0, frames, *(c for c in cuts if c < frames)})
    shares = []
    for a, b in pairwise(edges):
        part = generated[a:b], reference[a:b]
        shares += [float(s) for s in stream.update(*(part if kind == "torch" else (x.numpy() for x in part)))]
    assert stream.compute() == whole
    assert len(shares) == frames - 2
    assert sum(shares) / len(shares) == pytest.approx(whole)


def test_a_stream_refuses_frames_of_another_size_and_too_few():
    stream = TCDStream()
    with pytest.raises(ValueError, match="^generated:"):
        stream.compute()
    stream.update(*(x[:2] for x in pair(0)))
    with pytest.raises(ValueError, match="^generated:"):
        stream.compute()
    with pytest.raises(ValueError, match="^generated:"):
        stream.update(*pair(0, (3, 4, 4, 3)))


@pytest.mark.slow
def test_more_than_2_to_the_31_elements_are_counted():
    frames = torch.zeros((1025, 1024, 1024, 2), dtype=torch.uint8)  # 2^31 and one frame, in 2.1 GB
    frames[-2, :, :100] = 255
    counted = float(tcd(frames, frames, threshold=0.4))
    assert counted == pytest.approx(100 / 1024 * 2 / 1023)  # in that frame and the one before it
