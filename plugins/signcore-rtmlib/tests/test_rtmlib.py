import numpy as np
import pytest

pytest.importorskip("rtmlib", reason="rtmlib is not installed")
pytest.importorskip("signcore_rtmlib", reason="signcore-rtmlib is not installed")

import signcore
from signcore.contracts import Context
from signcore.errors import WeightsError
from signcore.types import Video, layouts
from signcore.types.poses import keypoints

HEIGHT, WIDTH = 120, 160
NAMES = layouts.layout_names("coco_wholebody_133")


def spots(*places):
    """A frame a place: a dark picture with a bright cross there, [(x, y), ...] a frame."""
    frames = np.full((len(places), HEIGHT, WIDTH, 3), 20, np.uint8)
    for frame, marks in zip(frames, places, strict=True):
        for x, y in marks:
            frame[:, x - 2 : x + 3] = 140
            frame[y - 2 : y + 3] = 140
            frame[y - 2 : y + 3, x - 2 : x + 3] = 255
    return Video.from_array(frames, 12.5)


def load(name="rtmw", weights=None, **settings):
    return signcore.load("estimator", name, context=Context(weights=weights and str(weights)), **settings)


@pytest.mark.parametrize("name", ["rtmw", "dwpose"])
def test_the_points_are_where_the_model_sees_them_in_the_videos_pixels(models, tmp_path, name):
    people = models.detector(tmp_path / "people.onnx", [(0.0, 0.0, 1.0, 0.75)])
    estimator = load(name, model=models.pose(tmp_path / "pose.onnx"), detector=people, threshold=0.0)
    pose = estimator.estimate(spots([(40, 30)], [(110, 80)]))
    points = keypoints(pose)
    assert points.shape == (2, 133, 2)
    assert layouts.layout_of(pose.header) == "coco_wholebody_133"
    assert (pose.header.dimensions.width, pose.header.dimensions.height, pose.body.fps) == (
        WIDTH,
        HEIGHT,
        12.5,
    )
    # the model's pixels are about two of the video's: 200 px wide, 1.25 times the box, on 96
    np.testing.assert_allclose(points[0], np.tile([40, 30], (133, 1)), atol=4)
    np.testing.assert_allclose(points[1], np.tile([110, 80], (133, 1)), atol=4)


def test_confidences_and_the_threshold_go_to_the_points_that_they_belong_to(models, tmp_path):
    model = models.pose(tmp_path / "pose.onnx")
    sure = load(model=model, threshold=0.0).estimate(spots([(80, 60)])).body.confidence[0, 0]
    assert sure[0] > 0.3
    np.testing.assert_allclose(sure / sure[0], 1 - np.arange(133) / 400, atol=1e-5)
    middle = float(sure[66])
    pose = load(model=model, threshold=middle).estimate(spots([(80, 60)]))
    missing = np.isnan(keypoints(pose)[0, :, 0])
    assert not missing[:66].any()
    assert missing[67:].all()
    assert missing[[NAMES.index(f"{s}_hand_0") for s in ("left", "right")]].all()


def test_nobody_is_all_missing(models, tmp_path):
    people = models.detector(tmp_path / "people.onnx", [(0.0, 0.0, 1.0, 1.0)])
    black = Video.from_array(np.zeros((2, HEIGHT, WIDTH, 3), np.uint8), 25)
    for settings in ({"detector": people}, {}):
        pose = load(model=models.pose(tmp_path / "pose.onnx"), **settings).estimate(black)
        assert np.isnan(keypoints(pose)).all()


def test_the_signer_is_the_largest_and_is_followed(models, tmp_path):
    model = models.pose(tmp_path / "pose.onnx")
    boxes = [(0.0, 0.1, 0.3, 0.6), (0.5, 0.0, 1.0, 0.75)]
    estimator = load(model=model, detector=models.detector(tmp_path / "two.onnx", boxes), threshold=0.0)
    video = spots([(25, 50), (120, 50)])
    assert keypoints(estimator.estimate(video))[0, 0, 0] == pytest.approx(120, abs=4)
    picture = video[0][..., ::-1]
    small = np.array([0, 12, 46, 90], np.float32)  # who was there in the frame before
    assert estimator._signer(picture, small)[2] == pytest.approx(0.3 * WIDTH)
    assert estimator._signer(picture, None)[0] == pytest.approx(0.5 * WIDTH)


def test_a_detector_of_many_things_gives_people_alone(models, tmp_path):
    estimator = load(
        model=models.pose(tmp_path / "pose.onnx"), detector=models.classes(tmp_path / "coco.onnx")
    )
    x0, y0, x1, y1 = estimator._signer(spots([(25, 50)])[0], None)
    scale = WIDTH / 64
    assert np.allclose([x0, y0, x1, y1], np.array([6, 12, 26, 52]) * scale, atol=0.5)


def test_colours_go_in_the_order_that_is_asked_for(models, tmp_path, monkeypatch):
    model = models.pose(tmp_path / "pose.onnx")
    frames = np.zeros((1, HEIGHT, WIDTH, 3), np.uint8)
    frames[..., 0] = 250  # red
    for channels, first in (("bgr", 0), ("rgb", 250)):
        estimator = load(model=model, channels=channels)
        seen = []
        pose_model = estimator._pose
        monkeypatch.setattr(
            estimator,
            "_pose",
            lambda p, bboxes, seen=seen, real=pose_model: seen.append(p) or real(p, bboxes),
        )
        estimator.estimate(Video.from_array(frames, 25))
        assert int(seen[0][0, 0, 0]) == first


def test_signx_has_its_dwpose_track_of_it(models, tmp_path):
    from signcore.recognition.tracks import from_pose

    model = models.pose(tmp_path / "pose.onnx")
    pose = load("dwpose", model=model, threshold=0.0).estimate(spots([(40, 30)], [(110, 80)]))
    pose.body.data[..., 5, 0] += 20  # shoulders apart: the track is in their width
    track = from_pose(pose).features["dwpose"]
    assert track.shape == (2, 384)
    assert np.isfinite(track).all()


def test_nothing_goes_to_stdout(models, tmp_path, capsys):
    load(model=models.pose(tmp_path / "pose.onnx"))
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("name", ["rtmw", "dwpose"])
def test_no_model_is_told_with_its_usual_name(name):
    with pytest.raises(WeightsError, match=f"{name}: no model is given") as told:
        load(name)
    assert ".onnx and set model to it" in told.value.line()


def _bad(tmp_path, models, what):
    file = tmp_path / "bad.onnx"
    if what == "empty":
        file.write_bytes(b"")
    elif what == "damaged":
        file.write_bytes(models.pose(tmp_path / "good.onnx").read_bytes()[:500])
    elif what == "body only":
        models.pose(file, keypoints=17)
    elif what == "detector":
        models.detector(file, [(0, 0, 1, 1)])
    return file


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("absent", "bad.onnx: no such model file"),
        ("empty", "bad.onnx: not a readable ONNX model"),
        ("damaged", "bad.onnx: not a readable ONNX model"),
        ("body only", r"bad.onnx: makes \[\[1, 17, 192\], \[1, 17, 256\]\], not simcc_x and simcc_y"),
        ("detector", r"bad.onnx: makes \[\[1, 1, 5\]\], not simcc_x and simcc_y"),
    ],
)
def test_a_model_that_cannot_be_used_is_told_in_one_line(models, tmp_path, what, said):
    with pytest.raises(WeightsError, match=said) as told:
        load(weights=_bad(tmp_path, models, what))
    assert "\n" not in told.value.line()


def test_an_absent_detector_is_told(models, tmp_path):
    with pytest.raises(WeightsError, match=r"no\.onnx: no such model file"):
        load(model=models.pose(tmp_path / "pose.onnx"), detector=tmp_path / "no.onnx")
