"""Pixels and their truth."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
import sys

import numpy as np
import pytest

from signcore.plugins.synthetic.clip import Clip
from signcore.plugins.synthetic.lexicon import GLOSSES
from signcore.plugins.synthetic.render import PARTS
from signcore.plugins.synthetic.signer import TEST_SEEDS, Signer
from signcore.plugins.synthetic.truth import LEFT_HAND, RIGHT_HAND, lost_hands

DIGEST = """
import hashlib
from signcore.plugins.synthetic.clip import Clip
from signcore.plugins.synthetic.signer import Signer
clip = Clip(["BOOK"], Signer.sample(11), 64, 64)
print(hashlib.sha256(clip.truth(9).image.tobytes() + clip.truth(20).depth.tobytes()).hexdigest())
"""


def test_the_same_seed_gives_the_same_bytes_in_another_process_on_a_plainer_processor():
    clip = Clip(["BOOK"], Signer.sample(11), 64, 64)
    here = hashlib.sha256(clip.truth(9).image.tobytes() + clip.truth(20).depth.tobytes()).hexdigest()
    # numpy's sines differ in the last bit from one instruction set to the next: that must not reach the picture
    plain = {"NPY_DISABLE_CPU_FEATURES": "AVX512F AVX512CD AVX512_SKX AVX2 FMA3"}
    threads = {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1", "PYTHONHASHSEED": "7"}
    environment = os.environ | threads | (plain if platform.machine() == "x86_64" else {})
    there = subprocess.run(
        [sys.executable, "-c", DIGEST], env=environment, capture_output=True, text=True, check=True
    )
    assert there.stdout.strip() == here


def test_frames_do_not_depend_on_the_order_in_which_they_are_asked_for():
    clip, again = (Clip(["TREE"], Signer.sample(3), 48, 48) for _ in range(2))
    later = clip.truth(12).image
    again.truth(0)
    np.testing.assert_array_equal(again.truth(12).image, later)


@pytest.mark.parametrize("seed", [0, TEST_SEEDS + 1])
def test_keypoints_fall_on_the_limbs_that_they_name(seed):
    clip = Clip(["FIRE", "SCHOOL"], Signer.sample(seed), 256, 256)
    pixels, metres = clip.keypoints()
    hits, checked = 0, 0
    for t in range(0, len(clip), 6):
        truth = clip.truth(t)
        for side, points in (("left", LEFT_HAND), ("right", RIGHT_HAND)):
            mine = [i for i, part in enumerate(PARTS) if part.startswith(side)]
            for point in range(points.start, points.stop):
                if np.isnan(pixels[t, point]).any():
                    continue
                x, y = np.floor(pixels[t, point] + 0.5).astype(int)
                surface = truth.depth[y, x]
                if surface < metres[t, point, 2] - 0.035:
                    continue  # behind something else
                checked += 1
                hits += truth.parts[y, x] in mine
                assert surface < metres[t, point, 2] + 0.02 or not np.isfinite(surface)
    assert checked > 200
    assert hits > 0.985 * checked  # a fingertip's point may project just beside an outline


def test_fingertips_carry_their_own_finger():
    clip = Clip(["FIRE"], Signer.sample(TEST_SEEDS + 2), 320, 320)
    t = int(clip.performance.times[0][0] * clip.fps)
    pixels, _ = clip.keypoints()
    parts = clip.truth(t).parts
    for side, points in (("left", LEFT_HAND), ("right", RIGHT_HAND)):
        for finger, name in enumerate(("thumb", "index", "middle", "ring", "pinky")):
            x, y = np.floor(pixels[t, points.start + 4 + 4 * finger] + 0.5).astype(int)
            assert PARTS[parts[y, x]] == f"{side}_{name}"


def test_what_is_in_front_is_nearer():
    clip = Clip(["FIRE"], Signer.sample(4), 160, 160)
    truth = clip.truth(int(np.mean(clip.performance.times[0]) * clip.fps))
    torso = truth.parts == PARTS.index("torso")
    hands = np.isin(truth.parts, [PARTS.index("left_palm"), PARTS.index("right_palm")])
    assert hands.sum() > 50
    assert np.median(truth.depth[hands]) < np.median(truth.depth[torso]) - 0.05
    assert np.isinf(truth.depth[truth.parts == 0]).all()
    assert np.isfinite(truth.depth[truth.parts > 0]).all()


def test_every_gloss_renders_with_the_signing_hand_in_view():
    signer = Signer.sample(7)
    for gloss in GLOSSES:
        clip = Clip([gloss], signer, 40, 40, rest=False)
        truth = clip.truth(len(clip) // 2)
        assert truth.image.dtype == np.uint8
        shown = {PARTS[i] for i in np.unique(truth.parts)}
        assert {"head", "torso"} <= shown
        side = "left" if signer.left_handed else "right"
        assert any(part.startswith(f"{side}_") and "arm" not in part for part in shown), gloss


@pytest.mark.parametrize(("width", "height"), [(33, 47), (129, 64), (40, 90)])
def test_odd_sizes_show_the_whole_person(width, height):
    truth = Clip(["YES"], Signer.sample(8), width, height).truth(0)
    assert truth.image.shape == (height, width, 3)
    assert truth.depth.shape == truth.parts.shape == (height, width)
    assert (truth.parts == PARTS.index("head")).any()
    assert truth.parts[0].max() == 0 or PARTS[truth.parts[0].max()] in ("head", "hair")


def test_the_same_frame_at_two_sizes_is_the_same_picture():
    small, large = (Clip(["YES"], Signer.sample(8), s, s).truth(5).image.astype(float) for s in (64, 128))
    shrunk = large.reshape(64, 2, 64, 2, 3).mean(axis=(1, 3))
    assert np.abs(shrunk - small).mean() < 4.0


def test_signers_are_visibly_different():
    frames = [Clip(["YES"], Signer.sample(seed), 48, 48).truth(0).image.astype(float) for seed in range(4)]
    assert min(np.abs(a - b).mean() for i, a in enumerate(frames) for b in frames[:i]) > 8.0


def test_hands_are_lost_at_the_configured_rate_and_in_runs():
    lost = np.concatenate([lost_hands(400, 0.12, seed) for seed in range(40)])
    assert lost.mean() == pytest.approx(0.12, abs=0.02)
    starts = (lost[:, 1:] & ~lost[:, :-1]).sum() + lost[:, 0].sum()
    assert 3.0 < lost.sum() / starts < 5.0
