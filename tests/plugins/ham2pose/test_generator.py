"""The generator with random weights: what it takes, what it makes, what it refuses."""

import numpy as np
import pytest
import torch

import signcore
from signcore.errors import InputError, WeightsError
from signcore.plugins.ham2pose.baselines import coded, edit_distances
from signcore.plugins.ham2pose.config import Ham2PoseConfig, Ham2PoseInputs
from signcore.plugins.ham2pose.generator import Ham2Pose, build, described
from signcore.types import layouts
from signcore.types.hamnosys import SYMBOLS
from signcore.types.poses import keypoints, pose_from_keypoints

SIGN = "".join(c for c in SYMBOLS if ord(c) >= 0xE000)[:12]


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A small model whose first pose has shoulders, and points far apart."""
    torch.manual_seed(0)
    config = Ham2PoseConfig(hidden=16, feedforward=32, steps=4, min_length=10, max_length=60)
    model, config, first = build(config, None)
    names = layouts.layout_names("openpose_137")
    first[:] = np.random.default_rng(0).uniform(-1, 1, first.shape)
    first[names.index("left_shoulder")], first[names.index("right_shoulder")] = (0.5, 0), (-0.5, 0)
    folder = tmp_path_factory.mktemp("weights")
    signcore.weights.save(folder, described(config, first), model.state_dict())
    return folder


def make(weights, text=SIGN, first=None, length=None, **settings):
    return Ham2Pose.from_pretrained(weights, Ham2PoseConfig(**settings)).generate(
        Ham2PoseInputs(notation=text, first_pose=first, length=length)
    )


def test_a_pose_of_the_wanted_length_rate_and_size(weights):
    pose = make(weights, length=17, fps=30, size=256)
    assert pose.body.data.shape[:3] == (17, 1, 137)
    assert pose.body.fps == 30
    assert (pose.header.dimensions.width, pose.header.dimensions.height) == (256, 256)
    assert 10 <= len(make(weights).body.data) <= 60


def test_points_that_are_not_learned_are_held_and_the_legs_hidden(weights):
    points, names = keypoints(make(weights, length=12)), layouts.layout_names("openpose_137")
    face = [i for i, n in enumerate(names) if n.startswith("face_")]
    assert (points[:, face] == points[0, face]).all()
    assert np.isnan(points[:, names.index("left_knee")]).all()
    assert np.isfinite(points[:, names.index("left_hand_8")]).all()


def test_the_sign_starts_from_the_given_pose(weights):
    points = keypoints(make(weights, length=12)) * 3 + 40  # another size and place
    points[:, layouts.layout_names("openpose_137").index("nose")] += 25
    given = pose_from_keypoints(points, "openpose_137", fps=25, width=900, height=900)
    alone, moved = make(weights, length=12), make(weights, first=given, length=12)
    assert not np.allclose(keypoints(alone), keypoints(moved), equal_nan=True)


def test_intermediate_steps_are_a_picture_of_one_row_each(weights):
    generator = Ham2Pose.from_pretrained(weights, Ham2PoseConfig(intermediate=True))
    pose = generator.generate(Ham2PoseInputs(notation=SIGN))
    assert len(generator.steps) == 5  # before, and after each of four refinements
    assert np.array_equal(keypoints(generator.steps[-1]), keypoints(pose), equal_nan=True)
    strip = generator.views(pose)["refinement"].array
    assert strip.shape[0] == 5 * strip.shape[1] // 8


def test_several_signs_are_one_pose_without_a_jump(weights):
    one = keypoints(make(weights))
    both = keypoints(make(weights, f"{SIGN}\n{SIGN}\n"))
    assert len(both) > len(one)
    learned = [i for i in range(137) if not layouts.layout_names("openpose_137")[i].startswith("face_")]
    step = lambda p: np.nanmax(np.linalg.norm(np.diff(p[:, learned], axis=0), axis=-1))  # noqa: E731
    assert step(both) <= max(step(one), np.nanmax(np.abs(one)) / 4)


def test_hands_do_not_fall_back_to_rest_between_signs(weights):
    generator = Ham2Pose.from_pretrained(weights, Ham2PoseConfig(transition=0.4))
    rise = np.concatenate([np.linspace(0, 1, 10), np.ones(10), np.linspace(1, 0, 10)])
    here = np.zeros((30, len(generator.columns), 2)) + rise[:, None, None]  # every point up and down again
    there = np.zeros((30, len(generator.columns), 2)) - rise[:, None, None]
    joined = generator._joined([here, there])[:, 0, 0]
    assert joined[0] == joined[-1] == 0
    peak, valley = int(joined.argmax()), int(joined.argmin())
    between = joined[peak : valley + 1]
    assert (np.diff(between) <= 1e-9).all()  # straight from the one to the other
    assert np.abs(np.diff(joined)).max() < 0.5
    again = generator._joined([here, here])[:, 0, 0]
    middle = again[15:-15]
    assert middle.min() > 0.2  # between two equal signs the hands stay up


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "notation: empty"),
        ("   \n ", "nothing but spaces"),
        ("\ue000x", "symbol 2 of 2 is 'x'"),
        ("\ue000" * 300, "300 symbols in one sign"),
    ],
)
def test_a_bad_notation_gets_one_line(weights, text, message):
    with pytest.raises(InputError, match=message):
        make(weights, text)


def test_a_first_pose_without_shoulders_is_refused(weights):
    points = np.full((3, 137, 2), np.nan)
    points[:, 4] = points[:, 7] = 5.0
    nobody = pose_from_keypoints(points, "openpose_137", fps=25, width=9, height=9)
    with pytest.raises(InputError, match="shoulders"):
        make(weights, first=nobody)


def test_weights_of_something_else_are_refused(weights, tmp_path):
    signcore.weights.save(tmp_path, {"component": "generator:pgmm"}, {"x": torch.zeros(1)})
    with pytest.raises(WeightsError, match="weights of generator:pgmm"):
        make(tmp_path)
    with pytest.raises(WeightsError, match="no weights for preset 'paper'"):
        Ham2Pose(Ham2PoseConfig(preset="paper"))


def test_edit_distances_by_hand():
    found = edit_distances("kitten", coded(["sitting", "kitten", "", "mitten", "kit"]))
    assert found.tolist() == [3, 0, 6, 1, 3]


def test_a_short_training_learns_saves_and_resumes(tmp_path, cli):
    from signcore.types import write_pose

    rows = ["path\tnotation\tsplit"]
    for i in range(6):
        points = np.random.default_rng(1).uniform(100, 300, (1, 137, 2)) + np.arange(24)[:, None, None] * (
            i % 3
        )
        points[:, 2], points[:, 5] = (150, 150), (250, 150)
        write_pose(
            tmp_path / f"{i}.pose", pose_from_keypoints(points, "openpose_137", fps=25, width=400, height=400)
        )
        rows.append(f"{i}.pose\t{SIGN[i % 3 :]}\t{'test' if i > 3 else 'train'}")
    (tmp_path / "t.tsv").write_text("\n".join(rows))
    small = [
        "generator.hidden=16",
        "generator.feedforward=32",
        "generator.batch=4",
        "generator.learning_rate=0.01",
    ]
    data = ["--dataset", "pose-table", "--set", f"dataset.path={tmp_path / 't.tsv'}"]
    command = ["train", "--generator", "ham2pose", *data, *(w for s in small for w in ("--set", s)), "--json"]
    import json

    code, out, _ = cli(*command, "--steps", 4, "-o", tmp_path / "run")
    assert code == 0, out
    first = json.loads(out)
    code, out, _ = cli(*command, "--steps", 40, "-o", tmp_path / "run")
    more = json.loads(out)
    assert more["losses"]["refinement"] < 0.5 * first["losses"]["refinement"]
    code, out, err = cli(
        "evaluate",
        "--generator",
        "ham2pose",
        "--weights",
        more["weights"],
        *data,
        "--metric",
        "ndtw",
        "--ranks",
        "--set",
        "generator.true_length=true",  # as the training's own scores, at the true length
        "--json",
    )
    found = json.loads(out)
    assert (code, found["count"]) == (0, 2), err
    # the verb normalises what was made by its own shoulders, which so short a training does not yet keep still
    assert found["scores"]["ndtw"] == pytest.approx(more["scores"]["ndtw"], rel=0.25)

    write_pose(
        tmp_path / "4.pose",
        pose_from_keypoints(np.full((3, 137, 2), np.nan), "openpose_137", fps=25, width=9, height=9),
    )
    code, out, err = cli(
        "evaluate", "--generator", "ham2pose", "--weights", more["weights"], *data, "--metric", "ndtw"
    )
    assert code == 1
    assert "1 samples could not be judged" in err
    assert "1 samples" in out


def test_the_layout_is_that_of_the_datasets_poses(tmp_path):
    from signcore.plugins.ham2pose.training import Ham2PoseTask
    from signcore.types import write_pose

    points = np.random.default_rng(1).uniform(100, 300, (9, len(layouts.layout_names("holistic")), 2))
    for name, at in {"left_shoulder": (250, 150), "right_shoulder": (150, 150)}.items():
        points[:, layouts.layout_names("holistic").index(name)] = at
    write_pose(tmp_path / "a.pose", pose_from_keypoints(points, "holistic", fps=25, width=400, height=400))
    (tmp_path / "t.tsv").write_text(f"path\tnotation\na.pose\t{SIGN}\n")
    dataset = signcore.load("dataset", "pose-table", path=tmp_path / "t.tsv")
    task = Ham2PoseTask(Ham2PoseConfig(hidden=16, feedforward=32, batch=2))
    task.begin(dataset)
    losses = task.step(next(task.batches(dataset, "train")), "adam")
    assert all(torch.isfinite(v) for v in losses.values())
    task.export(tmp_path / "weights")
    made = make(tmp_path / "weights", length=10)
    assert layouts.layout_of(made.header) == "holistic"
    seen = np.isfinite(keypoints(made)).all(axis=(0, 2))
    assert seen[layouts.layout_names("holistic").index("left_hand_8")]
