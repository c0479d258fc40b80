import os
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest

pytest.importorskip("mediapipe", reason="mediapipe is not installed")
pytest.importorskip("signcore_mediapipe", reason="signcore-mediapipe is not installed")

from signcore_mediapipe import tasks

import signcore
from signcore.contracts import Context
from signcore.errors import ConfigError, WeightsError
from signcore.types import Video, layouts, read_video
from signcore.types.poses import keypoints

SHARED = Path(os.environ.get("SIGNCORE_SHARED", Path(__file__).parents[4] / "shared"))
NAMES = layouts.layout_names("holistic")


def load(weights=None, **settings):
    context = Context(weights=None if weights is None else str(weights))
    return signcore.load("estimator", "mediapipe-tasks", context=context, **settings)


@pytest.fixture(scope="module")
def clip():
    file = SHARED / "data" / "videos" / "signx_50802118.mp4"
    if not file.is_file():
        pytest.skip("the real clips are not on this machine (SIGNCORE_SHARED)")
    return read_video(file)[30:42]


@pytest.fixture(scope="module")
def solution(clip):
    return keypoints(signcore.load("estimator", "mediapipe").estimate(clip))


def shoulders(points):
    at = [NAMES.index(f"{s}_shoulder") for s in ("left", "right")]
    return np.linalg.norm(points[:, at[0]] - points[:, at[1]], axis=-1).mean()


def near(points, other, names, share):
    """Whether both show the points, and at most `share` shoulder widths apart in the mean."""
    at = [NAMES.index(n) for n in names]
    both = np.isfinite(points[:, at] + other[:, at]).all(-1)
    assert both.mean() > 0.5
    away = np.linalg.norm(points[:, at] - other[:, at], axis=-1)[both]
    assert away.mean() < share * shoulders(other)


ARMS = [f"{s}_{j}" for s in ("left", "right") for j in ("shoulder", "elbow", "wrist")]
HANDS = [f"{s}_hand_{i}" for s in ("left", "right") for i in range(21)]


def test_the_holistic_task_sees_what_the_solution_sees(clip, solution, holistic):
    points = keypoints(load(model=holistic).estimate(clip))
    near(points, solution, ARMS, 0.1)
    near(points, solution, HANDS, 0.15)
    # The task decodes faces of its newer model, 478 points of 256 px, which is in no wheel: that they come is all there is to see.
    assert np.isfinite(points[:, 33:501]).all(-1).mean() > 0.9


def test_landmarkers_of_their_own_see_it_too_and_each_hand_is_its_wrists(clip, solution, bundles, tmp_path):
    pose = bundles.bundle(tmp_path / "pose_landmarker.task", bundles.POSE)
    hands = bundles.bundle(tmp_path / "hand_landmarker.task", bundles.HANDS)
    points = keypoints(load(pose=pose, hands=hands).estimate(clip))
    near(points, solution, ARMS, 0.1)
    near(points, solution, HANDS, 0.15)
    assert np.isnan(points[:, 33:501]).all()
    bodies = keypoints(load(pose=pose).estimate(clip[:2]))
    assert np.isnan(bodies[:, 33:]).all()
    assert np.isfinite(bodies[:, NAMES.index("left_shoulder")]).all()


def test_a_model_may_be_the_weights_and_a_black_video_has_nobody(holistic):
    pose = load(weights=holistic).estimate(Video.from_array(np.zeros((3, 64, 80, 3), np.uint8), 12.5))
    assert pose.body.data.shape == (3, 1, 543, 3)
    assert pose.body.fps == 12.5
    assert np.isnan(keypoints(pose)).all()


def test_a_hand_that_is_not_there_is_missing_and_nothing_dies(holistic, clip):
    """MediaPipe 0.10's own reading of the result ends the process where a part of it is missing."""
    faces = clip.numpy().copy()
    faces[:, 90:] = 0  # the head is left
    points = keypoints(load(model=holistic).estimate(Video.from_array(faces, clip.fps)))
    assert np.isnan(points[:, 501:]).all()
    assert np.isfinite(points[:, NAMES.index("nose")]).all()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "no model is given"),
        ({"hands": "x.task"}, "no model is given"),
        ({"model": "x.task", "pose": "y.task"}, "model finds all parts"),
    ],
)
def test_models_that_do_not_fit_together_are_told(settings, said):
    with pytest.raises(ConfigError, match=said):
        load(**settings)


@pytest.mark.parametrize("part", ["model", "pose", "hands", "face"])
def test_an_absent_model_is_told(part, tmp_path, holistic):
    given = {part: tmp_path / "no.task"}
    if part in ("hands", "face"):
        given["pose"] = holistic
    with pytest.raises(WeightsError, match=r"no\.task: no such model file"):
        load(**given)


@pytest.mark.parametrize("content", [b"", b"no model", None])
def test_a_model_that_is_none_or_another_is_told_in_one_line(content, tmp_path, bundles):
    file = tmp_path / "bad.task"
    if content is None:
        bundles.bundle(file, bundles.HANDS)
    else:
        file.write_bytes(content)
    with pytest.raises(WeightsError, match=r"bad\.task: not a model for holistic") as told:
        load(model=file)
    assert "\n" not in told.value.line()
    assert told.value.hint == "a holistic_landmarker.task is wanted"


# --- against the interface alone: newer releases keep it, with other insides


def landmarks(*places):
    return [SimpleNamespace(x=x, y=y, z=0.0, visibility=None) for x, y in places]


class Fake:
    """A landmarker of any kind, as mediapipe.tasks.python.vision has them."""

    made: ClassVar[list] = []

    def __init__(self, options):
        self.options = options
        self.times: list[int] = []
        self.open = True

    @classmethod
    def create_from_options(cls, options):
        made = cls(options)
        Fake.made.append(made)
        return made

    def detect_for_video(self, image, timestamp_ms):
        assert image.numpy_view().shape[2] == 3
        self.times.append(timestamp_ms)
        return self.result

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.open = False


BODY = [(0.5, 0.5)] * 33
BODY[11], BODY[12], BODY[15], BODY[16] = (0.7, 0.3), (0.3, 0.3), (0.6, 0.6), (0.4, 0.6)


@pytest.fixture
def fake(monkeypatch, tmp_path):
    """Landmarkers that find what is asked: fake(hands=...) -> (estimator, what was made)."""

    def make(hands):
        results = {
            "PoseLandmarker": SimpleNamespace(pose_landmarks=[landmarks(*BODY)]),
            "HandLandmarker": SimpleNamespace(hand_landmarks=[landmarks(*([h] * 21)) for h in hands]),
            "FaceLandmarker": SimpleNamespace(face_landmarks=[landmarks(*[(0.5, 0.2)] * 478)]),
        }
        for name, result in results.items():
            monkeypatch.setattr(tasks.vision, name, type(name, (Fake,), {"result": result}))
        monkeypatch.setattr(Fake, "made", [])
        files = {k: tmp_path / f"{k}.task" for k in ("pose", "hands", "face")}
        for file in files.values():
            file.write_bytes(b"x")
        return load(**files, enlarge=0), Fake.made

    return make


def test_times_rise_every_video_has_new_trackers_and_all_are_closed(fake):
    estimator, made = fake([])
    video = Video.from_array(np.zeros((4, 20, 40, 3), np.uint8), 1000.0 / 0.4)
    estimator.estimate(video)
    estimator.estimate(video)
    assert len(made) == 9  # once to see that they load, and for either video
    assert made[3].times == made[6].times == [0, 1, 2, 3]
    assert not any(m.open for m in made)


def test_points_are_in_pixels_and_the_face_has_its_468(fake):
    points = keypoints(fake([])[0].estimate(Video.from_array(np.zeros((1, 20, 40, 3), np.uint8), 25)))[0]
    assert points[NAMES.index("left_wrist")] == pytest.approx((0.6 * 40, 0.6 * 20))
    assert np.isfinite(points[33:501]).all()
    assert np.isnan(points[501:]).all()


@pytest.mark.parametrize(
    ("hands", "left", "right"),
    [
        ([(0.41, 0.6), (0.61, 0.6)], 0.61, 0.41),
        ([(0.42, 0.6)], None, 0.42),  # the nearer wrist, whatever the handedness
        ([(0.45, 0.6), (0.41, 0.6)], 0.45, 0.41),
        ([(0.61, 0.6), (0.99, 0.0)], 0.61, None),  # somebody else's
    ],
)
def test_each_hand_is_that_of_the_nearer_wrist(fake, hands, left, right):
    points = keypoints(fake(hands)[0].estimate(Video.from_array(np.zeros((1, 40, 40, 3), np.uint8), 25)))[0]
    for side, wanted in (("left", left), ("right", right)):
        x = points[NAMES.index(f"{side}_hand_0"), 0]
        assert np.isnan(x) if wanted is None else x == pytest.approx(wanted * 40)
