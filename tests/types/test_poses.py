import struct
from io import BytesIO

import numpy as np
import pytest
from pose_format import Pose
from pose_format.numpy import NumPyPoseBody

from signcore.errors import InputError
from signcore.types import layouts, read_pose, write_pose
from signcore.types.poses import keypoints, pose_from_keypoints


def some_pose(layout="openpose_137", frames=5, seed=3):
    random = np.random.default_rng(seed)
    points = random.uniform(10, 300, (frames, len(layouts.layout_names(layout)), 2)).astype(np.float32)
    points[random.random(points.shape[:2]) < 0.2] = np.nan
    return pose_from_keypoints(points, layout, fps=25, width=320, height=310), points


@pytest.mark.parametrize("layout", list(layouts.LAYOUTS))
def test_what_is_written_is_read_back(tmp_path, layout):
    pose, points = some_pose(layout)
    write_pose(tmp_path / "x.pose", pose)
    back = read_pose(tmp_path / "x.pose")
    assert np.array_equal(keypoints(back), points, equal_nan=True)
    assert layouts.layout_of(back.header) == layout
    assert (back.body.fps, back.header.dimensions.width) == (25, 320)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_refused(tmp_path, share):
    write_pose(tmp_path / "x.pose", some_pose()[0])
    data = (tmp_path / "x.pose").read_bytes()
    (tmp_path / "cut.pose").write_bytes(data[: int(len(data) * share)])
    with pytest.raises(InputError, match=r"cut\.pose"):
        read_pose(tmp_path / "cut.pose")


def test_bytes_too_many_are_refused(tmp_path):
    write_pose(tmp_path / "x.pose", some_pose()[0])
    (tmp_path / "long.pose").write_bytes((tmp_path / "x.pose").read_bytes() + bytes(40))
    with pytest.raises(InputError, match="longer than it says"):
        read_pose(tmp_path / "long.pose")


@pytest.mark.parametrize("fps", [0.0, -25.0, float("nan"), float("inf")])
def test_a_rate_that_is_no_rate_is_refused(tmp_path, fps):
    write_pose(tmp_path / "x.pose", some_pose()[0])
    data = bytearray((tmp_path / "x.pose").read_bytes())
    at = data.rindex(struct.pack("<fIH", 25.0, 5, 1))
    data[at : at + 4] = struct.pack("<f", fps)
    (tmp_path / "x.pose").write_bytes(data)
    with pytest.raises(InputError, match="frames a second"):
        read_pose(tmp_path / "x.pose")


def test_no_frames_are_refused(tmp_path):
    pose, _ = some_pose()
    body = NumPyPoseBody(25, pose.body.data[:0], pose.body.confidence[:0])
    with (tmp_path / "x.pose").open("wb") as file:
        Pose(pose.header, body).write(file)
    with pytest.raises(InputError, match="no frames"):
        read_pose(tmp_path / "x.pose")


def test_nan_coordinates_are_missing_and_infinite_ones_refused(tmp_path):
    for value in (np.nan, np.inf):
        pose, _ = some_pose()
        data = np.ma.getdata(pose.body.data).copy()
        data[2, 0, 7, 0] = value
        confidence = np.ones_like(pose.body.confidence)
        buffer = BytesIO()
        Pose(pose.header, NumPyPoseBody(25, np.ma.masked_array(data), confidence)).write(buffer)
        (tmp_path / "x.pose").write_bytes(buffer.getvalue())
        if np.isnan(value):
            points = keypoints(read_pose(tmp_path / "x.pose"))
            assert np.isnan(points[2, 7]).all()
            assert np.isnan(points).sum() == 2
        else:
            with pytest.raises(InputError, match="frame 2, point 7 has an infinite coordinate"):
                read_pose(tmp_path / "x.pose")


def test_text_and_absent_files_are_refused(tmp_path):
    (tmp_path / "x.pose").write_text("hello, I am no pose file at all")
    for name in ("x.pose", "nothing.pose"):
        with pytest.raises(InputError, match=name):
            read_pose(tmp_path / name)


def test_headers_of_two_files_are_not_one_object(tmp_path):
    write_pose(tmp_path / "x.pose", some_pose()[0])
    first, second = read_pose(tmp_path / "x.pose"), read_pose(tmp_path / "x.pose")
    first.header.dimensions.width = 1
    assert second.header.dimensions.width == 320


@pytest.mark.parametrize("layout", list(layouts.LAYOUTS))
def test_mirroring_twice_is_nothing_and_swaps_sides_once(layout):
    pose, points = some_pose(layout)
    once = layouts.mirror(pose)
    assert np.allclose(keypoints(layouts.mirror(once)), points, equal_nan=True, atol=1e-4)
    here = layouts.layout_names(layout)
    left, right = here.index("left_hand_4"), here.index("right_hand_4")
    expected = points[:, right].copy()
    expected[:, 0] = 319 - expected[:, 0]
    assert np.allclose(keypoints(once)[:, left], expected, equal_nan=True, atol=1e-4)


@pytest.mark.parametrize("layout", list(layouts.LAYOUTS))
def test_every_point_has_a_mirror_image_in_its_layout(layout):
    here = set(layouts.layout_names(layout))
    assert len(here) == len(layouts.layout_names(layout))
    assert {layouts.mirror_name(n) for n in here} == here
    assert all(layouts.mirror_name(layouts.mirror_name(n)) == n for n in here)


def test_layouts_have_their_sizes():
    sizes = {name: len(layouts.layout_names(name)) for name in layouts.LAYOUTS}
    assert sizes == {
        "openpose_137": 137,
        "holistic": 543,
        "coco_wholebody_133": 133,
        "pgmm_36": 36,
        "pgmm_56": 56,
    }


@pytest.mark.parametrize("target", list(layouts.LAYOUTS))
@pytest.mark.parametrize("source", list(layouts.LAYOUTS))
def test_points_that_both_layouts_have_stay_where_they_are(source, target):
    pose, points = some_pose(source)
    made = keypoints(layouts.to_layout(pose, target))
    have, want = layouts.layout_names(source), layouts.layout_names(target)
    shared = [n for n in want if n in have]
    assert shared
    for name in shared:
        assert np.array_equal(made[:, want.index(name)], points[:, have.index(name)], equal_nan=True)


def test_derived_points_are_means_and_missing_where_a_part_is():
    names = layouts.layout_names("holistic")
    points = np.full((2, 543, 2), np.nan, np.float32)
    points[:, names.index("left_shoulder")] = [10, 20]
    points[:, names.index("right_shoulder")] = [30, 40]
    points[1, names.index("right_shoulder")] = np.nan
    pose = pose_from_keypoints(points, "holistic", fps=25, width=100, height=100)
    neck = keypoints(layouts.to_layout(pose, "openpose_137"))[
        :, layouts.layout_names("openpose_137").index("neck")
    ]
    assert neck[0].tolist() == [20, 30]
    assert np.isnan(neck[1]).all()


def test_a_pose_with_nothing_in_common_is_refused():
    from pose_format.pose_header import PoseHeader, PoseHeaderComponent, PoseHeaderDimensions

    header = PoseHeader(0.2, PoseHeaderDimensions(9, 9), [PoseHeaderComponent("TAIL", ["a"], [], [], "XYC")])
    pose = Pose(header, NumPyPoseBody(25, np.ma.zeros((2, 1, 1, 2)), np.ones((2, 1, 1))))
    with pytest.raises(InputError, match="TAIL 1"):
        layouts.to_layout(pose, "pgmm_36")


def test_openpose_has_the_names_of_pose_format():
    from pose_format.utils.openpose import OpenPose_Components

    ours = [(name, [p for p, _ in points]) for name, _, points, _ in layouts.LAYOUTS["openpose_137"]]
    assert ours == [(c.name, c.points) for c in OpenPose_Components]


def test_coco_wholebody_has_the_names_of_pose_format():
    header = pytest.importorskip("pose_format.utils.cocowholebody133_header")
    ours = [(name, [p for p, _ in points]) for name, _, points, _ in layouts.LAYOUTS["coco_wholebody_133"]]
    assert ours == [(c.name, c.points) for c in header.cocowholebody_components()]


def test_real_poses_are_read_converted_and_written(shared, tmp_path):
    files = sorted((shared / "data" / "poses").glob("*.pose"))
    assert files
    for file in files:
        pose = read_pose(file)
        points = keypoints(layouts.to_layout(pose, "pgmm_36"))
        assert np.isfinite(points).any(), file.name
        write_pose(tmp_path / "x.pose", pose)
        assert np.array_equal(keypoints(read_pose(tmp_path / "x.pose")), keypoints(pose), equal_nan=True)
        (tmp_path / "cut.pose").write_bytes(file.read_bytes()[: file.stat().st_size // 2])
        with pytest.raises(InputError):
            read_pose(tmp_path / "cut.pose")
