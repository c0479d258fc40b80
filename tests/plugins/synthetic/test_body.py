"""Proportions, inverse kinematics, hands, signs and motion: no pixels here."""

from __future__ import annotations

import numpy as np
import pytest

from signcore.errors import InputError
from signcore.plugins.synthetic import geometry, hand, signs
from signcore.plugins.synthetic.embodiment import embody
from signcore.plugins.synthetic.lexicon import GLOSSES, ROWS
from signcore.plugins.synthetic.motion import RATE, Target, trajectory
from signcore.plugins.synthetic.performance import frame_count, perform
from signcore.plugins.synthetic.signer import TEMPO_VARIATION, VARIATION, Signer
from signcore.plugins.synthetic.skeleton import WRIST_LIMIT, Proportions, elbow_at, hand_frame, solve_arm

BODY = Proportions()


def test_an_arm_reaches_its_target_with_its_own_bones():
    draw = np.random.default_rng(0)
    shoulder = np.array([BODY.shoulder, 0.0, 0.0])
    far = shoulder + geometry.unit(draw.normal(size=(200, 3))) * draw.uniform(0.22, 0.50, (200, 1))
    elbow = elbow_at(shoulder[None], far, BODY, draw.uniform(-0.5, 1.5, 200))
    np.testing.assert_allclose(geometry.norm(elbow - shoulder), BODY.upper_arm, atol=1e-9)
    np.testing.assert_allclose(geometry.norm(far - elbow), BODY.forearm, atol=1e-9)


def test_a_target_out_of_reach_is_approached_on_the_same_line():
    shoulder = np.array([[BODY.shoulder, 0.0, 0.0]])
    frame = hand_frame(np.array([[0.0, 0.0, 1.0]]), np.array([[0.0, -1.0, 0.0]]))
    arm = solve_arm(shoulder + [0.0, 0.0, 2.0], frame, hand.HANDSHAPES["flat"][None], shoulder, BODY)
    assert 0.95 * (BODY.upper_arm + BODY.forearm) < arm.wrist[0, 2] < BODY.upper_arm + BODY.forearm
    np.testing.assert_allclose(arm.wrist[0, :2], shoulder[0, :2], atol=1e-12)


def test_bones_of_the_hand_keep_their_length_in_every_handshape():
    lengths = [
        np.diff(hand.joints(angles)[0][1:].reshape(5, 4, 3), axis=1) for angles in hand.HANDSHAPES.values()
    ]
    np.testing.assert_allclose(
        np.linalg.norm(lengths, axis=-1), np.broadcast_to(hand.BONES, (len(lengths), 5, 3))
    )


def test_a_straight_hand_is_one_hand_long():
    points, _ = hand.joints(hand.HANDSHAPES["flat"])
    assert points[12, 1] == pytest.approx(1.0, abs=0.04)


@pytest.mark.parametrize(
    ("shape", "straight"), [("index", {1}), ("v", {1, 2}), ("y", {4}), ("w", {1, 2, 3}), ("fist", set())]
)
def test_a_handshape_stretches_the_fingers_that_it_names(shape, straight):
    points, _ = hand.joints(hand.HANDSHAPES[shape])
    for finger in range(1, 5):
        reach = np.linalg.norm(points[4 * finger + 4] - points[4 * finger + 1])
        assert (reach > 0.95 * hand.BONES[finger].sum()) == (finger in straight)


def test_handshapes_are_distinct():
    shapes = list(hand.HANDSHAPES.values())
    gaps = [np.abs(a - b).max() for i, a in enumerate(shapes) for b in shapes[:i]]
    assert min(gaps) > 9.0  # degrees


def test_the_thumb_is_on_the_side_that_makes_it_a_left_hand_outwards():
    frame = hand_frame(np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0]))  # fingers up, palm to the viewer
    np.testing.assert_allclose(frame[0], [-1.0, 0.0, 0.0])  # the thumb points inwards


def test_the_lexicon_is_well_formed_and_its_forms_differ():
    assert len(GLOSSES) >= 50
    assert len(set(ROWS.values())) == len(GLOSSES)
    for shapes, _, _, place, touch, _, hands in ROWS.values():
        assert set(shapes.split(">")) <= set(hand.HANDSHAPES)
        assert place in signs.PLACES
        assert touch in ("tip", "palm", "side", "thumb")
        assert hands in ("one", "both", "alt") or hands.split("/")[0] in hand.HANDSHAPES


@pytest.fixture(scope="module")
def every_sign() -> dict[str, np.ndarray]:
    """Hand points [8, 42, 3] of each gloss, sampled over its own time span."""
    signer = Signer.sample(0)
    forms = {}
    for gloss in GLOSSES:
        done = perform([gloss], signer, fps=50.0)
        start, end = done.times[0]
        frames = np.round(np.linspace(start, end, 8) * 50.0).astype(int)
        points = np.concatenate([done.joints.left.points, done.joints.right.points], axis=1)
        forms[gloss] = points[np.minimum(frames, len(points) - 1)]
    return forms


def test_performed_signs_differ_by_more_than_a_signers_habits(every_sign):
    forms = list(every_sign.values())
    gaps = [np.linalg.norm(a - b, axis=-1).max() for i, a in enumerate(forms) for b in forms[:i]]
    assert min(gaps) > 0.03  # metres


@pytest.mark.parametrize("seed", [1, 6, 1_000_003])
def test_hands_stay_out_of_head_and_trunk_and_wrists_bend_as_wrists_do(seed):
    signer = Signer.sample(seed)
    done = perform(GLOSSES[seed % 5 :: 5], signer).joints
    for arm in (done.left, done.right):
        local = arm.points - done.head[:, None]
        radii = signer.body.head * np.array([0.62, 0.95, 0.80])
        assert ((local / radii) ** 2).sum(-1).min() > 1.0
        forearm = geometry.unit(arm.wrist - arm.elbow)
        bend = np.arccos(np.clip(geometry.dot(forearm, arm.frame[:, 1]), -1, 1))
        assert bend.max() < WRIST_LIMIT + 0.02
        trunk = (np.abs(arm.points[..., 0]) < 0.8 * signer.body.shoulder) & (arm.points[..., 1] < -0.1)
        assert arm.points[..., 2][trunk].min() > 0.05


def test_transitions_are_smooth():
    done = perform(["HOUSE", "SLEEP", "YESTERDAY", "WORK"], Signer.sample(2), fps=RATE).joints
    for arm in (done.left, done.right):
        velocity = np.diff(arm.wrist, axis=0) * RATE
        assert np.linalg.norm(velocity, axis=-1).max() < 4.0  # metres a second
        assert (
            np.linalg.norm(np.diff(velocity, axis=0), axis=-1).max() < 0.6
        )  # metres a second, from sample to sample
        assert np.linalg.norm(np.diff(arm.points, axis=0), axis=-1).max() < 0.08
        assert np.linalg.norm(np.diff(arm.elbow, axis=0), axis=-1).max() < 0.05


def test_a_trajectory_visits_its_targets_and_rests_at_its_ends():
    frame = hand_frame(np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0]))
    flat = hand.HANDSHAPES["flat"]
    targets = [
        Target(t, np.array([x, 0.0, 0.3]), frame, flat)
        for t, x in ((0.0, 0.0), (0.2, 0.0), (0.8, 0.3), (1.2, 0.3))
    ]
    path = trajectory(targets, 1.2)
    np.testing.assert_allclose(path.wrist[[0, -1], 0], [0.0, 0.3], atol=1e-6)
    np.testing.assert_allclose(path.frame, np.broadcast_to(frame, path.frame.shape), atol=1e-9)
    assert (np.diff(path.wrist[:, 0]) >= -1e-12).all()


def test_any_timed_targets_move_the_body():
    signer = next(s for s in map(Signer.sample, range(50)) if not s.left_handed)
    frame = hand_frame(np.array([-0.3, 0.9, 0.3]), np.array([0.0, 0.0, 1.0]))
    place = np.array([0.20, -0.05, 0.28])
    still = [signs.rest(signer.body, signer.habits, t) for t in (0.0, 1.0)]
    moving = [still[0], *(Target(t, place, frame, hand.HANDSHAPES["v"]) for t in (0.5, 1.0))]
    joints = embody(moving, still, signer, fps=25.0)
    assert len(joints) == 26
    arrived = joints.right.wrist[-1] * [-1, 1, 1]  # the right arm's own axes mirror the world's
    np.testing.assert_allclose(arrived, place, atol=0.02)
    assert geometry.dot(joints.right.frame[-1, 1], frame[1] * [-1, 1, 1]) > 0.95
    assert np.ptp(joints.left.wrist, axis=0).max() < 0.03


def test_signers_vary_within_their_bounds():
    signers = [Signer.sample(seed) for seed in range(60)]
    for name in Proportions.__dataclass_fields__:
        share = np.array([getattr(s.body, name) / getattr(BODY, name) for s in signers])
        assert abs(share - 1.0).max() <= VARIATION + 1e-9
        assert np.ptp(share) > VARIATION
    tempo = np.array([s.habits.tempo for s in signers])
    assert abs(tempo - 1.0).max() <= TEMPO_VARIATION + 1e-9
    assert np.ptp(tempo) > TEMPO_VARIATION
    assert 0 < sum(s.left_handed for s in signers) < 30
    assert all(0.05 <= s.missing <= 0.15 for s in signers)
    assert len({s.look.skin for s in signers}) == 60


def test_a_left_handed_signer_signs_with_the_left_hand():
    signer = next(s for s in map(Signer.sample, range(50)) if s.left_handed)
    done = perform(["TREE"], signer).joints
    assert np.ptp(done.left.wrist[:, 1]) > 0.2 > np.ptp(done.right.wrist[:, 1])


def test_the_number_of_frames_is_known_beforehand():
    signer = Signer.sample(5)
    for rest in (True, False):
        assert frame_count(["RAIN", "YES"], signer, 25.0, rest) == len(
            perform(["RAIN", "YES"], signer, 25.0, rest).joints
        )


def test_an_unknown_gloss_is_one_line():
    with pytest.raises(InputError, match="'NOPE' is not in the synthetic lexicon"):
        perform(["HOUSE", "NOPE"], Signer.sample(0))
