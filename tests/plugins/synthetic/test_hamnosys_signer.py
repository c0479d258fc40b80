"""The rule-based signer: every class of symbols changes what it should, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from signcore.errors import InputError
from signcore.plugins.synthetic import geometry, hand
from signcore.plugins.synthetic.hamnosys import space
from signcore.plugins.synthetic.hamnosys.handshape import hand_angles
from signcore.plugins.synthetic.hamnosys.performance import frontal, perform, plan
from signcore.plugins.synthetic.hamnosys.sampler import sample_distinct
from signcore.plugins.synthetic.hamnosys.sign import perform_sign
from signcore.plugins.synthetic.signer import Signer
from signcore.plugins.synthetic.signs import Habits
from signcore.plugins.synthetic.skeleton import Proportions, solve_arm
from signcore.types.hamnosys import SYMBOLS, from_names, parse
from signcore.types.hamnosys.structure import Spot

BODY, HABITS = Proportions(), Habits()
SIGNER = frontal(replace(Signer.sample(0), body=BODY, habits=HABITS))


def notation(words: str) -> str:
    return "".join(w if len(w) == 1 else from_names("ham" + w) for w in words.split())


def of_class(slot: str) -> list[str]:
    return [s.name.removeprefix("ham") for s in SYMBOLS.values() if s.slot == slot]


def form(words: str):
    (sign,) = parse(notation(words))
    return perform_sign(sign, BODY, HABITS)


def middle(track) -> np.ndarray:
    """Of the hand [N, 3], by which it is placed where it touches nothing."""
    return track.wrist + BODY.hand * geometry.apply(track.frame, np.array([0.0, 0.45, 0.02]))


def same(a, b, *names: str) -> bool:
    return all(
        getattr(a, n).shape == getattr(b, n).shape and np.allclose(getattr(a, n), getattr(b, n), atol=1e-9)
        for n in names
    )


def distinct(values: list[np.ndarray], by: float) -> None:
    gaps = [float(np.abs(a - b).max()) for i, a in enumerate(values) for b in values[:i]]
    assert min(gaps) > by


# handshapes


@pytest.mark.parametrize("slot", ["handshape", "thumb", "bending"])
def test_a_symbol_of_the_handshape_changes_the_fingers_alone(slot):
    before = "" if slot == "handshape" else "finger2345 "
    forms = [form(f"{before}{name} extfingeru palmd chest moveo") for name in of_class(slot)]
    for other in forms[1:]:
        assert same(forms[0].dominant, other.dominant, "wrist", "frame")
    distinct([f.dominant.angles[0] for f in forms], by=5.0)  # degrees


def test_a_finger_changes_that_finger_alone():
    plain = form("finger2345 extfingeru palmd").dominant
    for i, name in enumerate(of_class("finger")):
        if name != "thumb":
            bent = form(f"finger2345 {name} fingerhookmod extfingeru palmd").dominant
            assert same(plain, bent, "wrist", "frame")
            moved = np.abs(bent.angles[0] - plain.angles[0]).max(axis=1) > 1.0
            assert moved.tolist() == [finger == i for finger in range(5)]


def test_pinches_close_and_cees_stay_open():
    def gap(words: str, finger: int) -> float:
        points, _ = hand.joints(form(f"{words} extfingeru palmd").dominant.angles[0])
        return float(np.linalg.norm(points[4] - points[4 * finger + 4]))

    for name in (
        "pinch12",
        "pinch12open",
        "pinch12 fingerstraightmod",
        "pinchall",
        "pinchall fingerstraightmod",
    ):
        assert gap(name, 1) < 0.11
    for name in ("cee12", "ceeall", "ceeopen", "ceeall fingerstraightmod"):
        assert 0.25 < gap(name, 1) < 0.45
    assert gap("pinch12 middlefinger", 2) < 0.11 < gap("pinch12 middlefinger", 1)


def test_half_way_between_two_handshapes_is_half_way():
    fist, flat, between = (
        form(f"{w} extfingeru palmd").dominant.angles[0]
        for w in ("fist", "flathand", "fist between flathand")
    )
    np.testing.assert_allclose(between, (fist + flat) / 2.0)


def test_crossed_fingers_cross():
    shape = (
        parse(notation("finger23 indexfinger fingernail middlefinger fingerpad extfingeru palmd"))
        .signs[0]
        .posture.hand()
        .shape
    )
    points, _ = hand.joints(hand_angles(shape))
    assert (
        points[8, 0] < points[12, 0]
    )  # the index finger's tip is on the little finger's side of the middle finger's


# orientation


@pytest.mark.parametrize("slot", ["finger direction", "palm"])
def test_a_symbol_of_the_orientation_turns_the_hand_and_leaves_it_where_it_is(slot):
    words = (
        "flathand {} palmd chest moveo"
        if slot == "finger direction"
        else "flathand extfingeruo {} chest moveo"
    )
    forms = [form(words.format(name)).dominant for name in of_class(slot)]
    for other in forms[1:]:
        assert same(forms[0], other, "angles")
        np.testing.assert_allclose(middle(other), middle(forms[0]), atol=1e-9)
    distinct([f.frame[0] for f in forms], by=0.2)


@pytest.mark.parametrize(
    ("words", "fingers", "palm"),
    [
        ("extfingeru palmd", (0, 1, 0), (0, 0, 1)),  # upright, the palm away from the body
        ("extfingeru palmu", (0, 1, 0), (0, 0, -1)),
        ("extfingeru palml", (0, 1, 0), (-1, 0, 0)),
        ("extfingero palmd", (0, 0, 1), (0, -1, 0)),
        ("extfingero palml", (0, 0, 1), (-1, 0, 0)),
        ("extfingerl palmd", (-1, 0, 0), (0, -1, 0)),
        ("extfingerl palml", (-1, 0, 0), (0, 0, -1)),  # on the chest
        ("extfingerol palmu", (-1, 0, 1), (0, 1, 0)),
        ("extfingeril palmr", (-1, 0, -1), (1, 0, -1)),
        ("extfingerui palmu", (0, 1, -1), (0, 1, 1)),
    ],
)  # fmt: skip
def test_the_palm_faces_where_the_notation_says(words, fingers, palm):
    frame = form(f"flathand {words}").dominant.frame[0]
    np.testing.assert_allclose(frame[1], np.array(fingers) / np.linalg.norm(fingers), atol=1e-9)
    np.testing.assert_allclose(frame[2], np.array(palm) / np.linalg.norm(palm), atol=1e-9)


def test_two_directions_give_the_one_between():
    frame = form("flathand extfingeruo extfingerol palml").dominant.frame[0]
    np.testing.assert_allclose(frame[1], geometry.unit(np.array([-1.0, 1.0, 2.0])), atol=1e-9)


# places


def test_places_of_the_body_move_the_hand_and_leave_its_shape_and_turn():
    names = [*of_class("head location"), *of_class("trunk location"), *of_class("neutral space")]
    forms = [form(f"flathand extfingeru palml {name} moveo").dominant for name in names]
    for other in forms[1:]:
        assert same(forms[0], other, "angles", "frame")
        way = [f.wrist - f.wrist[0] for f in (forms[0], other)]
        np.testing.assert_allclose(*way, atol=1e-9)
    distinct([f.wrist[0] for f in forms], by=0.001)  # metres: the teeth are just behind the lips
    heights = {name: f.wrist[0, 1] for name, f in zip(names, forms, strict=True)}
    order = [
        "headtop",
        "forehead",
        "eyes",
        "nose",
        "lips",
        "chin",
        "shoulders",
        "chest",
        "stomach",
        "belowstomach",
    ]
    assert [heights[n] for n in order] == sorted((heights[n] for n in order), reverse=True)


def test_the_side_mark_before_a_place_is_left_and_after_it_right():
    def x(words: str) -> float:
        return float(middle(form(f"flathand extfingeru palml {words}").dominant)[0, 0])

    assert x("lrbeside chest") < x("lrat chest") < x("chest") < x("chest lrat") < x("chest lrbeside")


def test_a_brush_is_lighter_than_a_touch():
    brush, touch, close = (
        form(f"fist extfingeru palml chest {n}").dominant.wrist[0, 2] for n in ("brushing", "touch", "close")
    )
    assert touch < brush < close


@pytest.mark.parametrize("name", of_class("contact"))
def test_a_contact_says_how_near(name):
    near = form(f"fist extfingeru palml chest {name}").dominant
    plain = form("fist extfingeru palml chest").dominant
    assert same(near, plain, "frame", "angles")
    assert np.abs(near.wrist - plain.wrist).max() > 0.01
    if name not in ("armextended",):
        assert near.wrist[0, 2] < plain.wrist[0, 2]


def test_the_part_that_is_named_touches():
    chin = space.on_body(Spot(notation("chin")), BODY)
    for part, point in (("indexfinger fingertip", 8), ("thumb fingertip", 4), ("pinky fingertip", 20)):
        track = form(f"finger2345 thumboutmod extfingeru palml chin seqbegin touch {part} seqend").dominant
        points, _ = hand.joints(track.angles[0])
        where = track.wrist[0] + BODY.hand * geometry.apply(track.frame[0], points[point])
        assert np.linalg.norm(where - chin.where) < 0.025


@pytest.mark.parametrize("slot", ["limb location", "finger part", "finger"])
def test_places_of_the_other_hand_are_where_the_hand_meets_it(slot):
    pair = "parbegin finger2 extfingerl palmd plus finger2345 extfingerr palmr parend"
    spare = {"finger part": "indexfinger ", "finger": "", "limb location": ""}[slot]
    after = {"finger part": "", "finger": " fingertip", "limb location": ""}[slot]
    gaps = []
    for name in of_class(slot):
        made = form(f"{pair} {spare}{name}{after} touch")
        gaps.append(made.dominant.wrist[0] - made.other.wrist[0] * space.FLIP)
        assert same(made.dominant, form(pair).dominant, "frame", "angles")
    distinct(gaps, by=0.004)


def test_two_hands_that_touch_are_at_each_other():
    made = form("symmlr flathand extfingero palml touch")
    right = made.dominant.wrist[0] + BODY.hand * geometry.apply(
        made.dominant.frame[0], np.array([-0.02, 0.36, 0.06])
    )
    assert 0.0 < right[0] < 0.015
    np.testing.assert_allclose(made.dominant.wrist, made.other.wrist)


# movement


def moved(words: str) -> np.ndarray:
    """[N, 3] the dominant hand's way."""
    track = form(f"flathand extfingeru palmd shoulders {words}").dominant
    return track.wrist - track.wrist[0]


@pytest.mark.parametrize(
    "name", [n for n in of_class("straight movement") if n not in ("movecross", "moveX")]
)
def test_a_straight_movement_goes_its_way_and_does_nothing_else(name):
    still = form("flathand extfingeru palmd shoulders").dominant
    track = form(f"flathand extfingeru palmd shoulders {name}").dominant
    np.testing.assert_allclose(track.wrist[0], still.wrist[0])
    end = track.wrist[-1] - track.wrist[0]
    np.testing.assert_allclose(geometry.unit(end), space.direction(from_names("ham" + name)), atol=1e-9)
    assert (track.frame == track.frame[0]).all()
    assert (track.angles == track.angles[0]).all()


def test_crosses_are_drawn_before_the_signer():
    for name in ("movecross", "moveX"):
        way = moved(name)
        np.testing.assert_allclose(way[-1], 0.0, atol=1e-9)
        np.testing.assert_allclose(way[:, 2], 0.0, atol=1e-9)
        assert way[:, 0].min() < -0.05 < 0.05 < way[:, 0].max()
        assert way[:, 1].min() < -0.05 < 0.05 < way[:, 1].max()
    plus, cross = moved("movecross"), moved("moveX")
    assert abs(plus[plus[:, 0].argmax(), 1]) < 0.01
    assert abs(cross[cross[:, 0].argmax(), 1]) > 0.05


@pytest.mark.parametrize("name", of_class("circle"))
def test_a_circle_turns_clockwise_about_its_axis_and_comes_back(name):
    way = moved(name)
    axis = space.direction(from_names("ham" + name))
    np.testing.assert_allclose(way @ axis, 0.0, atol=1e-9)
    np.testing.assert_allclose(way[-1], 0.0, atol=1e-9)
    spin = geometry.cross(way[1:-1] - way[1:].mean(axis=0), np.diff(way, axis=0)[1:])
    assert (spin @ axis * -1.0 < 0.0).mean() in (0.0, 1.0)


def test_circles_about_opposite_axes_turn_opposite_ways():
    out, back = moved("circleo"), moved("circlei")
    quarter = len(out) // 4
    assert out[quarter, 0] > 0.03  # from the top, clockwise to the signer
    np.testing.assert_allclose(out[:, 0], -back[:, 0], atol=1e-9)
    np.testing.assert_allclose(out[:, 1], back[:, 1], atol=1e-9)


def test_a_clock_symbol_says_where_a_circle_begins_and_that_it_goes_on():
    starts = [moved(f"circleo {name}")[5] for name in of_class("clock") if name != "clockfull"]
    distinct(starts, by=0.0005)
    assert moved("circleo clockd")[10, 0] < 0.0 < moved("circleo clocku")[10, 0]
    assert len(moved("circleo clockfull")) > 1.8 * len(moved("circleo"))


def test_ellipses_are_flat_in_their_direction():
    wide, high = (np.ptp(moved(f"circleo {name}"), axis=0) for name in ("ellipseh", "ellipsev"))
    assert wide[0] > 2.0 * wide[1]
    assert high[1] > 2.0 * high[0]
    distinct([moved(f"circleo {name}") for name in of_class("ellipse")], by=0.01)


def test_size_makes_ways_and_circles_longer_or_shorter():
    for kind in ("moveo", "circleo", "fingerplay", "nodding"):
        sizes = []
        for mark in ("smallmod", "", "largemod"):
            track = form(f"flathand extfingeru palmd shoulders {kind} {mark}").dominant
            values = (
                track.angles if kind == "fingerplay" else track.frame if kind == "nodding" else track.wrist
            )
            sizes.append(float(np.ptp(values, axis=0).max()))
        assert sizes == sorted(sizes)
        assert sizes[2] > 1.4 * sizes[0]


@pytest.mark.parametrize(("name", "axis", "sign"), [("arcu", 1, 1), ("arcd", 1, -1)])
def test_an_arc_bulges_to_its_side_and_ends_where_the_straight_way_ends(name, axis, sign):
    way = moved(f"movel {name}")
    np.testing.assert_allclose(way[-1], moved("movel")[-1], atol=1e-9)
    assert sign * way[len(way) // 2, axis] > 0.02
    side = moved(f"moveo {'arcl' if sign > 0 else 'arcr'}")
    assert sign * side[len(side) // 2, 0] < -0.02


def test_waves_and_zigzags_swing_and_differ():
    plain, wavy, zigzag = moved("moved"), moved("moved wavy"), moved("moved zigzag")
    np.testing.assert_allclose(plain[-1], wavy[-1], atol=1e-9)
    for way in (wavy, zigzag):
        assert (np.diff(np.sign(np.diff(way[:, 0]))) != 0).sum() >= 5
    assert np.abs(wavy - zigzag).max() > 0.002
    assert np.ptp(moved("moveo wavy ellipsev")[:, 1]) > 0.03 > np.ptp(moved("moveo wavy ellipseh")[:, 1])


def test_growing_and_shrinking():
    grow, shrink = moved("moved wavy increasing")[:, 0], moved("moved wavy decreasing")[:, 0]
    half = len(grow) // 2
    assert np.ptp(grow[half:]) > np.ptp(grow[:half])
    assert np.ptp(shrink[half:]) < np.ptp(shrink[:half])


def test_manner_changes_the_time_and_not_the_way():
    plain = moved("moveo")
    for name in of_class("manner"):
        way = moved(f"moveo {name}")
        np.testing.assert_allclose(way[-1], plain[-1], atol=1e-9)
        assert len(way) != len(plain)
    assert len(moved("moveo fast")) < len(plain) < len(moved("moveo tense")) < len(moved("moveo slow"))
    halt = moved("moveo halt")
    assert (halt[-10:] == halt[-1]).all()
    rest = moved("moveo rest")
    assert (rest[:10] == 0.0).all()


@pytest.mark.parametrize("name", of_class("hand movement"))
def test_movements_of_the_hand_leave_the_wrist_where_it_is(name):
    track = form(f"finger2345 extfingeru palmd shoulders {name}").dominant
    assert (track.wrist == track.wrist[0]).all()
    fingers, turn = np.ptp(track.angles, axis=0).max(), np.ptp(track.frame, axis=0).max()
    assert (fingers > 10.0, turn > 0.2) == ((True, False) if name == "fingerplay" else (False, True))
    np.testing.assert_allclose(track.frame[-1], track.frame[0], atol=1e-6)


def test_stirring_has_two_ways_round():
    one, other = (
        form(f"finger2 extfingeru palmd shoulders {n}").dominant.frame[:, 1] for n in ("stircw", "stirccw")
    )
    np.testing.assert_allclose(one[:, 0], -other[:, 0], atol=1e-6)


@pytest.mark.parametrize(
    ("name", "row", "sign"),
    [("wristtopulse", 2, 1), ("wristtoback", 2, -1), ("wristtothumb", 0, 1), ("wristtopinky", 0, -1)],
)
def test_the_wrist_bends_to_its_side_and_stays_there(name, row, sign):
    track = form(f"flathand extfingeru palmd shoulders {name}").dominant
    assert (track.wrist == track.wrist[0]).all()
    assert sign * float(geometry.dot(track.frame[-1, 1], track.frame[0, row])) > 0.4


def test_a_change_begins_with_one_posture_and_ends_with_the_other():
    track = form("fist extfingeru palmd shoulders replace flathand extfingero palml").dominant
    first, last = form("fist extfingeru palmd shoulders").dominant, form("flathand extfingero palml").dominant
    np.testing.assert_allclose(track.angles[0], first.angles[0])
    np.testing.assert_allclose(track.angles[-1], last.angles[0])
    np.testing.assert_allclose(track.frame[-1], last.frame[0], atol=1e-9)
    assert (track.wrist == track.wrist[0]).all()
    only_palm = form("fist extfingeru palmd shoulders replace palml").dominant
    assert (only_palm.angles == only_palm.angles[0]).all()
    np.testing.assert_allclose(only_palm.frame[-1, 1], only_palm.frame[0, 1], atol=1e-9)


def test_fingers_may_change_one_after_another():
    track = form("fist extfingeru palmd shoulders replace increasing finger2345").dominant
    half = track.angles[int(0.45 * len(track.angles))]
    assert half[1, 1] < 20.0 < 60.0 < half[4, 1]  # the index finger is out, the little finger is still in


def test_no_motion_is_a_pause():
    track = form("flathand extfingeru palmd shoulders nomotion").dominant
    assert (track.wrist == track.wrist[0]).all()
    assert len(track) > 10


# again, at once, and both hands


def test_repetition_makes_it_longer_and_leads_to_the_same_end():
    once = moved("moveo smallmod")
    for name, least in (("repeatfromstart", 2.0), ("repeatfromstartseveral", 3.0)):
        again = moved(f"moveo smallmod {name}")
        assert len(again) >= least * len(once)
        np.testing.assert_allclose(again[: len(once)], once, atol=1e-9)
        np.testing.assert_allclose(again[-1], once[-1], atol=1e-9)
    np.testing.assert_allclose(moved("moveo smallmod repeatcontinue")[-1], 2.0 * once[-1], atol=1e-9)
    np.testing.assert_allclose(moved("moveo smallmod repeatcontinueseveral")[-1], 3.0 * once[-1], atol=1e-9)
    np.testing.assert_allclose(moved("moveo smallmod repeatreverse")[-1], 0.0, atol=1e-3)


def test_repetitions_may_shrink_and_grow():
    ways = {}
    for mark in ("decreasing", "", "increasing"):
        way = moved(f"moveo repeatfromstartseveral {mark}")[:, 2]
        tops = way[1:-1][(np.diff(way)[:-1] > 0) & (np.diff(way)[1:] <= 0)]
        ways[mark] = [*tops[:2], way[-1]]
    assert ways["decreasing"] == sorted(ways["decreasing"], reverse=True)
    assert ways["increasing"] == sorted(ways["increasing"])
    assert ways["decreasing"][-1] < 0.6 * ways[""][-1] < 0.4 * ways["increasing"][-1]
    assert moved("moveo repeatcontinue decreasing")[-1, 2] < moved("moveo repeatcontinue")[-1, 2]


def test_a_groups_manner_changes_its_time():
    plain, fast, slow = (moved(f"parbegin moveo moved parend {m}") for m in ("", "fast", "slow"))
    assert len(fast) < len(plain) < len(slow)
    np.testing.assert_allclose(fast[-1], slow[-1], atol=1e-9)


def test_a_repetition_may_move_on_every_time():
    way = moved("moved smallmod seqbegin repeatfromstart mover smallmod seqend")
    np.testing.assert_allclose(way[-1], moved("moved smallmod")[-1] + moved("mover smallmod")[-1], atol=1e-3)


def test_brackets_say_whether_movements_come_at_once_or_in_turn():
    sequence, at_once, fused = (
        moved(f"{a} moveo moved {b}")
        for a, b in (("seqbegin", "seqend"), ("parbegin", "parend"), ("fusionbegin", "fusionend"))
    )
    for way in (sequence, at_once, fused):
        np.testing.assert_allclose(way[-1], moved("moveo")[-1] + moved("moved")[-1], atol=1e-6)
    assert len(at_once) < 0.6 * len(sequence)
    speed = np.linalg.norm(np.diff(fused, axis=0), axis=1)
    assert speed[len(speed) // 2] > 5.0 * np.linalg.norm(np.diff(sequence, axis=0), axis=1)[len(speed) // 2]


def test_a_place_in_the_movement_is_where_it_goes():
    track = form("finger2 extfingeru palml forehead close moved chin touch").dominant
    there = form("finger2 extfingeru palml chin touch").dominant
    np.testing.assert_allclose(track.wrist[-1], there.wrist[0], atol=1e-6)


def test_symmetry_makes_the_other_hand_do_the_same():
    words = "flathand extfingeruo palml shoulders mover"
    alone, mirrored, parallel = form(words), form(f"symmlr {words}"), form(f"symmpar {words}")
    assert alone.other is None
    assert same(mirrored.dominant, mirrored.other, "wrist", "frame", "angles")
    way = parallel.other.wrist[-1] - parallel.other.wrist[0]
    np.testing.assert_allclose(
        way, (parallel.dominant.wrist[-1] - parallel.dominant.wrist[0]) * space.FLIP, atol=1e-9
    )
    heights = form(f"symmlr largemod {words.replace('mover', 'moveu')}")
    assert heights.other.wrist[-1, 1] < heights.other.wrist[0, 1] < heights.dominant.wrist[-1, 1]
    depths = form(f"symmlr fingerstraightmod {words.replace('mover', 'moveo')}")
    assert depths.other.wrist[-1, 2] < depths.other.wrist[0, 2] < depths.dominant.wrist[-1, 2]


def test_hands_that_take_turns_are_half_a_round_apart():
    made = form("symmlr alternatingmotion fist extfingero palml circlel repeatfromstart")
    one, other = (t.wrist[1:, 2] - t.wrist[:, 2].mean() for t in (made.dominant, made.other))
    assert np.corrcoef(one, other)[0, 1] < -0.95
    speed = np.linalg.norm(np.diff(made.other.wrist, axis=0), axis=1)
    assert speed.max() < 0.02  # metres in a hundredth of a second: it never jumps


def test_one_hand_may_move_while_the_other_is_still():
    made = form("symmlr flathand extfingero palml shoulders parbegin moveu plus nomotion parend")
    assert np.ptp(made.dominant.wrist[:, 1]) > 0.1
    assert np.ptp(made.other.wrist, axis=0).max() == 0.0
    each = form("symmlr flathand extfingero palml shoulders parbegin moveu plus moved parend")
    assert each.other.wrist[-1, 1] < each.other.wrist[0, 1] - 0.1


def test_two_handshapes_are_one_a_hand():
    made = form("parbegin fist extfingero palml plus flathand extfingero palmu parend")
    np.testing.assert_allclose(made.dominant.angles[0], form("fist extfingero palml").dominant.angles[0])
    assert made.other.frame[0, 2, 1] == pytest.approx(1.0)
    same_shape = form("parbegin fist extfingero palml plus nondominant etc extfingero palmu parend")
    np.testing.assert_allclose(same_shape.other.angles, same_shape.dominant.angles)


def test_the_other_hand_may_sign_alone():
    made = form("nondominant fist extfingero palml shoulders moveu")
    assert np.ptp(made.other.wrist[:, 1]) > 0.1
    assert np.ptp(made.dominant.wrist, axis=0).max() == 0.0


# whole performances


def test_signs_follow_one_another_without_rest():
    one = notation("flathand extfingeru palmd forehead moveo")
    two = notation("fist extfingeru palml chin moved")
    alone = [perform([n], SIGNER) for n in (one, two)]
    both = perform([one, two], SIGNER)
    assert len(both.times) == 2
    assert both.times[1][0] - both.times[0][1] < 0.4
    wrist = both.joints.right.wrist[:, 1]
    between = slice(int(both.times[0][0] * 25), int(both.times[1][1] * 25))
    assert wrist[between].min() > alone[0].joints.right.wrist[0, 1] + 0.15  # never down at rest
    assert len(both.joints) < sum(len(a.joints) for a in alone)
    joined = perform([one[:-1] + one[-1] + notation("plus") + two], SIGNER)
    np.testing.assert_allclose(joined.joints.right.wrist, both.joints.right.wrist)


def test_a_performance_begins_and_ends_at_rest_or_with_the_sign():
    text = notation("flathand extfingeru palmd forehead moveo")
    resting, cut = perform([text], SIGNER), perform([text], SIGNER, at_rest=False)
    assert np.linalg.norm(resting.joints.right.wrist[0] - resting.joints.right.wrist[-1]) < 0.03
    assert cut.joints.right.wrist[0, 1] > resting.joints.right.wrist[0, 1] + 0.2
    assert cut.times[0][0] == 0.0


def test_left_handed_signers_sign_with_the_left_hand():
    text = notation("flathand extfingeru palmd forehead moveo")
    right, left = (perform([text], frontal(SIGNER, left_handed=side)) for side in (False, True))
    np.testing.assert_allclose(left.joints.left.wrist[:, 1], right.joints.right.wrist[:, 1], atol=0.02)


def test_nothing_passes_through_the_head_and_nothing_jumps():
    for text in sample_distinct(5, 60):
        done = perform([text], SIGNER, fps=50)
        for arm in (done.joints.left, done.joints.right):
            assert np.isfinite(arm.points).all()
            local = (arm.points - done.joints.head[:, None]) / (BODY.head * np.array([0.62, 0.95, 0.75]))
            assert (np.square(local).sum(axis=-1) > 1.0).all()
            speed = np.linalg.norm(np.diff(arm.wrist, axis=0), axis=1) * 50.0
            assert speed.max() < 7.0  # metres a second
            bones = np.linalg.norm(arm.wrist - arm.elbow, axis=1)
            np.testing.assert_allclose(bones, BODY.forearm, atol=1e-6)


def test_the_plan_is_smooth_at_its_seams():
    for text in sample_distinct(6, 80):
        tracks, _ = plan([parse(text)], SIGNER)
        for track in tracks:
            assert np.linalg.norm(np.diff(track.wrist, axis=0), axis=1).max() < 0.035


def test_an_ill_formed_notation_is_refused_not_guessed():
    with pytest.raises(InputError, match="stopped at symbol 1"):
        perform([notation("moveo")], SIGNER)


def test_hours_of_signs_are_refused():
    with pytest.raises(InputError, match="more than 120 seconds"):
        perform(
            [
                notation(
                    "flathand extfingeru palmd circleo clockfull clockfull clockfull slow repeatfromstartseveral"
                )
            ]
            * 30,
            SIGNER,
        )


@pytest.mark.parametrize("again", of_class("repetition"))
def test_repetitions_of_repetitions_end_quickly(again):
    words = f"flathand extfingeru palmd shoulders moveo {f'{again} ' * 100}"
    for symmetry in ("", "symmlr alternatingmotion "):
        with pytest.raises(InputError, match="more than 120 seconds"):
            perform([notation(symmetry + words)], SIGNER)


def test_the_other_hand_holds_the_arm_that_signs():
    made = form(
        "parbegin finger2345 extfingeru palml plus flathand extfingerr palmd parend parbegin head lrat plus elbow touch parend"
    )
    shoulder = np.array([[BODY.shoulder, 0.0, 0.0]])
    arm = solve_arm(
        made.dominant.wrist[:1], made.dominant.frame[:1], made.dominant.angles[:1], shoulder, BODY
    )
    points, _ = hand.joints(made.other.angles[0])
    theirs = (made.other.wrist[0] + BODY.hand * geometry.apply(made.other.frame[0], points)) * space.FLIP
    assert np.linalg.norm(theirs - arm.elbow[0], axis=1).min() < 0.10


def test_whatever_parses_can_be_signed():
    draw = np.random.default_rng(3)
    symbols, signed = list(SYMBOLS), 0
    for text in sample_distinct(8, 400):
        place = int(draw.integers(len(text)))
        changed = (
            text[:place] + symbols[int(draw.integers(len(symbols)))] + text[place + int(draw.integers(2)) :]
        )
        try:
            parsed = parse(changed)
        except InputError:
            continue
        assert str(parsed) == changed
        tracks, spans = plan([parsed], SIGNER)
        assert all(np.isfinite(t.wrist).all() and np.isfinite(t.frame).all() for t in tracks)
        assert all(start < end for start, end in spans)
        signed += 1
    assert signed > 60
