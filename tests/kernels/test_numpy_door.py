"""The torch-free door against numba and plain NumPy; `make sanitize` runs this file under the sanitizers."""

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signcore.kernels import numpy as door

pytestmark = pytest.mark.skipif(
    door._door is None, reason="the door was not compiled (no C++ compiler at installation)"
)


def test_the_sanitized_library_is_the_one_that_is_tested():
    if os.environ.get("SIGNCORE_SANITIZED") != "1":
        pytest.skip("only under make sanitize")
    assert "sanitize" in door._door.__file__


@pytest.mark.skipif(os.environ.get("SIGNCORE_SANITIZED") == "1", reason="the sanitizers take their time")
def test_importing_the_door_takes_at_most_30_ms_more_than_numpy():
    code = "import time, numpy; t = time.process_time(); import signcore.kernels.numpy; print(time.process_time() - t)"
    times = [
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
        for _ in range(5)
    ]
    assert min(times) < 0.03


def clips(seed, lengths, points, dims, missing, dtype):
    random = np.random.default_rng(seed)
    out = []
    for n in lengths:
        clip = random.normal(size=(n, points, dims)).astype(dtype)
        clip[random.random((n, points)) < missing] = np.nan
        out.append(clip)
    return out


def on_fallback(call):
    """The same call without the compiled door."""
    kept, door._door = door._door, None
    try:
        return call()
    finally:
        door._door = kept


CASE = {
    "seed": st.integers(0, 2**31),
    "lengths": st.lists(st.integers(1, 40), min_size=2, max_size=4),
    "points": st.integers(0, 40),
    "dims": st.integers(1, 5),
    "missing": st.sampled_from([0.0, 0.2, 1.0]),
    "dtype": st.sampled_from([np.float32, np.float64]),
    "strided": st.booleans(),
}


@settings(max_examples=100, deadline=None)
@given(**CASE, align=st.sampled_from(["keypoint", "pose"]), window=st.one_of(st.none(), st.integers(0, 50)))
def test_dtw_and_its_matrix(seed, lengths, points, dims, missing, dtype, strided, align, window):
    all_clips = clips(seed, lengths, points, dims, missing, dtype)
    if strided:
        all_clips = [np.asfortranarray(c)[::-1][::-1] for c in all_clips]
    options = {"align": align, "window": window}
    tolerance = 1e-5 if dtype == np.float32 else 1e-12
    for call in (
        lambda: door.dtw(all_clips[0], all_clips[1], **options),
        lambda: door.dtw_matrix(all_clips[:1], all_clips, **options),
    ):
        np.testing.assert_allclose(call(), on_fallback(call), rtol=tolerance, atol=tolerance)


@settings(max_examples=100, deadline=None)
@given(**CASE, radius=st.integers(0, 3), variant=st.sampled_from(["python", "compiled"]))
def test_fastdtw_its_matrix_and_paths(seed, lengths, points, dims, missing, dtype, strided, radius, variant):
    all_clips = clips(seed, lengths, points, dims, missing, dtype)
    if strided:
        all_clips = [np.asfortranarray(c) for c in all_clips]
    options = {"radius": radius, "variant": variant}
    for call in (
        lambda: door.fastdtw(all_clips[0], all_clips[1], **options),
        lambda: door.dtw_matrix(all_clips[:1], all_clips, method="fastdtw", **options),
    ):
        np.testing.assert_allclose(call(), on_fallback(call), rtol=1e-5, atol=1e-6)
    if points:
        path = lambda: door.fastdtw_path(all_clips[0][:, 0], all_clips[1][:, 0], **options)[1]  # noqa: E731
        assert np.array_equal(path(), on_fallback(path))


@settings(max_examples=100, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    shape=st.tuples(st.integers(3, 6), st.integers(0, 9), st.integers(1, 60), st.integers(1, 6)),
    dtype=st.sampled_from([np.uint8, np.float32, np.float64]),
    threshold=st.floats(0, 4),
    reduce=st.sampled_from(["mean", "max", "sum"]),
    threads=st.integers(1, 3),
)
def test_tcd(seed, shape, dtype, threshold, reduce, threads):
    frames = np.random.default_rng(seed).integers(0, 256, (2, *shape), np.uint8)
    pair = frames if dtype == np.uint8 else (frames / 255).astype(dtype)
    call = lambda: door.tcd(*pair, threshold=threshold, channel_reduce=reduce, threads=threads)  # noqa: E731
    assert call() == on_fallback(call)
