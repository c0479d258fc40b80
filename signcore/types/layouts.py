"""Pose layouts as tables: which point of OpenPose, MediaPipe Holistic, COCO-WholeBody and the PGMM subset is which.

Every point has one name of its own across layouts: `left_wrist`, `face_30` (the 68 iBUG points, then the two pupils),
`mesh_4` (MediaPipe's face mesh), `left_hand_8`. Left and right are the signer's. A layout is a list of components with
(point name in the file, our name). Conversion looks names up; what a layout lacks is derived (`DERIVED`) or missing.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from signcore.errors import InputError

if TYPE_CHECKING:
    from pose_format import Pose
    from pose_format.pose_header import PoseHeader

Component = tuple[
    str, str, list[tuple[str, str]], list[tuple[int, int]]
]  # name, format, (theirs, ours), limbs

_OPENPOSE_BODY = (
    "Nose:nose Neck:neck RShoulder:right_shoulder RElbow:right_elbow RWrist:right_wrist LShoulder:left_shoulder "
    "LElbow:left_elbow LWrist:left_wrist MidHip:mid_hip RHip:right_hip RKnee:right_knee RAnkle:right_ankle LHip:left_hip "
    "LKnee:left_knee LAnkle:left_ankle REye:right_eye LEye:left_eye REar:right_ear LEar:left_ear LBigToe:left_big_toe "
    "LSmallToe:left_small_toe LHeel:left_heel RBigToe:right_big_toe RSmallToe:right_small_toe RHeel:right_heel"
)
_OPENPOSE_HAND = [
    "BASE",
    "T_STT",
    "T_BCMC",
    "T_MCP",
    "T_IP",
    "I_CMC",
    "I_MCP",
    "I_PIP",
    "I_DIP",
    "M_CMC",
    "M_MCP",
    "M_PIP",
    "M_DIP",
    "R_CMC",
    "R_MCP",
    "R_PIP",
    "R_DIP",
    "P_CMC",
    "P_MCP",
    "P_PIP",
    "P_DIP",
]
_COCO_BODY = [
    "nose",
    "left_eye",
    "right_eye",
    "left_ear",
    "right_ear",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "left_hip",
    "right_hip",
    "left_knee",
    "right_knee",
    "left_ankle",
    "right_ankle",
    "left_big_toe",
    "left_small_toe",
    "left_heel",
    "right_big_toe",
    "right_small_toe",
    "right_heel",
]
_HOLISTIC_BODY = [
    "nose",
    "left_eye_inner",
    "left_eye",
    "left_eye_outer",
    "right_eye_inner",
    "right_eye",
    "right_eye_outer",
    "left_ear",
    "right_ear",
    "left_mouth",
    "right_mouth",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "left_pinky",
    "right_pinky",
    "left_index",
    "right_index",
    "left_thumb",
    "right_thumb",
    "left_hip",
    "right_hip",
    "left_knee",
    "right_knee",
    "left_ankle",
    "right_ankle",
    "left_heel",
    "right_heel",
    "left_big_toe",
    "right_big_toe",
]
_HOLISTIC_SPELLING = {
    "left_mouth": "MOUTH_LEFT",
    "right_mouth": "MOUTH_RIGHT",
    "left_big_toe": "LEFT_FOOT_INDEX",
    "right_big_toe": "RIGHT_FOOT_INDEX",
}
_HOLISTIC_HAND = ["WRIST", "THUMB_CMC", "THUMB_MCP", "THUMB_IP", "THUMB_TIP"] + [
    f"{finger}_{joint}"
    for finger in ("INDEX_FINGER", "MIDDLE_FINGER", "RING_FINGER", "PINKY")
    for joint in ("MCP", "PIP", "DIP", "TIP")
]
_SIDES = ("left", "right")
_HAND_LIMBS = [(0 if j == 0 else 4 * f + j, 4 * f + j + 1) for f in range(5) for j in range(4)]
_BODY_LIMBS = (
    "nose-left_eye nose-right_eye left_eye-left_ear right_eye-right_ear nose-neck neck-left_shoulder neck-right_shoulder "
    "left_shoulder-left_elbow left_elbow-left_wrist right_shoulder-right_elbow right_elbow-right_wrist neck-mid_hip "
    "mid_hip-left_hip mid_hip-right_hip left_hip-left_knee left_knee-left_ankle right_hip-right_knee "
    "right_knee-right_ankle left_shoulder-right_shoulder left_shoulder-left_hip right_shoulder-right_hip left_hip-right_hip"
)
_FACE_RUNS = [(0, 16), (17, 21), (22, 26), (27, 30), (31, 35), (36, 41), (42, 47), (48, 59), (60, 67)]
_FACE_LIMBS = [(i, i + 1) for a, b in _FACE_RUNS for i in range(a, b)] + [
    (41, 36),
    (47, 42),
    (59, 48),
    (67, 60),
]

# The 68 iBUG points on MediaPipe's mesh, in order; where two mesh points stand, their mean.
_MESH_OF_FACE = [
    "127",
    "234",
    "93",
    "132+58",
    "58+172",
    "136",
    "150",
    "176",
    "152",
    "400",
    "379",
    "365",
    "397+288",
    "361",
    "323",
    "454",
    "356",
    "70",
    "63",
    "105",
    "66",
    "107",
    "336",
    "296",
    "334",
    "293",
    "300",
    "168+6",
    "197+195",
    "5",
    "4",
    "75",
    "97",
    "2",
    "326",
    "305",
    "33",
    "160",
    "158",
    "133",
    "153",
    "144",
    "362",
    "385",
    "387",
    "263",
    "373",
    "380",
    "61",
    "39",
    "37",
    "0",
    "267",
    "269",
    "291",
    "321",
    "314",
    "17",
    "84",
    "91",
    "78",
    "82",
    "13",
    "312",
    "308",
    "317",
    "14",
    "87",
]
# The mesh's left-right pairs as runs first:second:count; the rest lies on the middle line.
_MESH_PAIRS = (
    "3:248:1 7:249:1 20:250:74 95:324:56 153:380:11 165:391:3 169:394:6 176:400:19 196:419:1 198:420:1 201:421:47 468:473:1 "
    "469:476:1 470:475:1 471:474:1 472:477:1"
)
_FACE_PAIRS = (
    [(i, 16 - i) for i in range(8)]
    + [(17 + i, 26 - i) for i in range(5)]
    + [
        (31, 35),
        (32, 34),
        (36, 45),
        (37, 44),
        (38, 43),
        (39, 42),
        (40, 47),
        (41, 46),
        (48, 54),
        (49, 53),
        (50, 52),
    ]
    + [(59, 55), (58, 56), (60, 64), (61, 63), (67, 65), (68, 69)]
)
# PGMM selects 36 of COCO-WholeBody's 133 points without naming them; resolved as: head, arms, mouth, fingertips, knuckles.
_PGMM_BODY = [
    "nose",
    "left_eye",
    "right_eye",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
]
_PGMM_FACE = [48, 54, 51, 57, 8]
_PGMM_HAND = [0, 4, 8, 12, 16, 20, 2, 5, 9, 13, 17]

DERIVED: dict[str, tuple[str, ...]] = {
    "neck": ("left_shoulder", "right_shoulder"),
    "mid_hip": ("left_hip", "right_hip"),
    "nose": ("face_30",),
    "face_68": tuple(f"face_{i}" for i in range(36, 42)),
    "face_69": tuple(f"face_{i}" for i in range(42, 48)),
    "right_eye": ("face_36", "face_39"),
    "left_eye": ("face_42", "face_45"),
    "right_eye_inner": ("face_39",),
    "left_eye_inner": ("face_42",),
    "right_eye_outer": ("face_36",),
    "left_eye_outer": ("face_45",),
    "right_mouth": ("face_48",),
    "left_mouth": ("face_54",),
    **{f"{s}_wrist": (f"{s}_hand_0",) for s in _SIDES},
    **{f"{s}_hand_0": (f"{s}_wrist",) for s in _SIDES},
    **{
        f"{s}_{f}": (f"{s}_hand_{i}",) for s in _SIDES for f, i in (("thumb", 4), ("index", 5), ("pinky", 17))
    },
    **{f"face_{i}": tuple(f"mesh_{m}" for m in mesh.split("+")) for i, mesh in enumerate(_MESH_OF_FACE)},
    **{f"mesh_{mesh}": (f"face_{i}",) for i, mesh in enumerate(_MESH_OF_FACE) if "+" not in mesh},
}


def _body_limbs(ours: Iterable[str]) -> list[tuple[int, int]]:
    index = {name: i for i, name in enumerate(ours)}
    pairs = (limb.split("-") for limb in _BODY_LIMBS.split())
    return [(index[a], index[b]) for a, b in pairs if a in index and b in index]


def _component(
    name: str, form: str, points: list[tuple[str, str]], limbs: list[tuple[int, int]] | None
) -> Component:
    return name, form, points, _body_limbs(p for _, p in points) if limbs is None else limbs


def _hands(names: tuple[str, str], form: str, points: list[str]) -> list[Component]:
    return [
        _component(name, form, [(p, f"{side}_hand_{i}") for i, p in enumerate(points)], _HAND_LIMBS)
        for name, side in zip(names, _SIDES, strict=True)
    ]


def _openpose_face(i: int) -> str:
    prefix = next(
        p for p, end in zip(("FB", "FEB", "FN", "FE", "FLO", "FLI", "FP"), _FACE_ENDS, strict=True) if i < end
    )
    return f"{prefix}_{i}"


_FACE_ENDS = (17, 27, 36, 48, 60, 68, 70)
_FACE70 = [(_openpose_face(i), f"face_{i}") for i in range(70)]
_HOLISTIC_POINTS = [(_HOLISTIC_SPELLING.get(p, p.upper()), p) for p in _HOLISTIC_BODY]
LAYOUTS: dict[str, list[Component]] = {
    "openpose_137": [
        _component(
            "pose_keypoints_2d", "XYC", [(a, b) for a, b in (p.split(":") for p in _OPENPOSE_BODY.split())], None
        ),
        _component("face_keypoints_2d", "XYC", _FACE70, _FACE_LIMBS),
        *_hands(("hand_left_keypoints_2d", "hand_right_keypoints_2d"), "XYC", _OPENPOSE_HAND),
    ],
    "holistic": [
        _component("POSE_LANDMARKS", "XYZC", _HOLISTIC_POINTS, None),
        _component("FACE_LANDMARKS", "XYZC", [(str(i), f"mesh_{i}") for i in range(468)], []),
        *_hands(("LEFT_HAND_LANDMARKS", "RIGHT_HAND_LANDMARKS"), "XYZC", _HOLISTIC_HAND),
    ],
    "coco_wholebody_133": [
        _component("BODY", "XYC", [(p, p) for p in _COCO_BODY], None),
        _component("FACE", "XYC", [(f"face-{i}", f"face_{i}") for i in range(68)], _FACE_LIMBS),
        *_hands(("LEFT_HAND", "RIGHT_HAND"), "XYC", [f"hand_{i}" for i in range(21)]),
    ],
    "pgmm_36": [
        _component("PGMM_BODY", "XYC", [(p, p) for p in _PGMM_BODY], None),
        _component("PGMM_MOUTH", "XYC", [(f"face_{i}", f"face_{i}") for i in _PGMM_FACE], [(0, 2), (2, 1), (1, 3), (3, 0)]),
        *(
            _component(f"PGMM_{s.upper()}_HAND", "XYC", [(f"{s}_hand_{i}",) * 2 for i in _PGMM_HAND], [
                *((0, k) for k in range(6, 11)), *((k + 5, k) for k in range(1, 6))
            ])
            for s in _SIDES
        ),
    ],
    "pgmm_56": [  # with every joint of the fingers
        _component("PGMM_BODY", "XYC", [(p, p) for p in _PGMM_BODY], None),
        _component("PGMM_MOUTH", "XYC", [(f"face_{i}", f"face_{i}") for i in _PGMM_FACE], [(0, 2), (2, 1), (1, 3), (3, 0)]),
        *(
            _component(f"PGMM_{s.upper()}_FINGERS", "XYC", [(f"{s}_hand_{i}",) * 2 for i in range(21)], _HAND_LIMBS)
            for s in _SIDES
        ),
    ],
}  # fmt: skip


@cache
def _theirs() -> dict[tuple[str, str], str]:
    """(component, point name in the file) -> our name, over all layouts and their known spellings."""
    table = {
        (c, theirs): ours
        for parts in LAYOUTS.values()
        for c, _, points, _ in parts
        for theirs, ours in points
    }
    table |= {("FACE_LANDMARKS", str(i)): f"mesh_{i}" for i in range(478)}
    table |= {("KEYPOINTS", ours): ours for ours in table.values()}  # of files without a layout of their own
    return table


def names(header: PoseHeader) -> list[str]:
    """Our name of every point of a header, in order; "" for points that no layout knows (world landmarks, say)."""
    return [_theirs().get((c.name, p), "") for c in header.components for p in c.points]


def layout_of(header: PoseHeader) -> str | None:
    """The layout that a header has exactly, else None."""
    here = [n for n in names(header) if n]
    for name, parts in LAYOUTS.items():
        if [ours for _, _, points, _ in parts for _, ours in points] == here:
            return name
    return None


def nearest_layout(header: PoseHeader) -> str:
    """The layout that a header has, or the one that shares most points with it. Raises InputError where none shares any."""
    here = {n for n in names(header) if n}
    shares = {
        name: len(here & {o for _, _, points, _ in parts for _, o in points})
        for name, parts in LAYOUTS.items()
    }
    best = layout_of(header) or max(shares, key=lambda name: shares[name])
    if not shares[best]:
        raise InputError(f"pose: its points ({_about(header)}) belong to no known layout")
    return best


def layout_names(layout: str) -> list[str]:
    """Our names of a layout's points, in order."""
    if layout not in LAYOUTS:
        raise InputError(f"layout: {layout!r} is not one of {', '.join(LAYOUTS)}")
    return [ours for _, _, points, _ in LAYOUTS[layout] for _, ours in points]


def layout_header(layout: str, width: int, height: int) -> PoseHeader:
    """A fresh header of a layout for a picture of width x height pixels."""
    from pose_format.pose_header import PoseHeader, PoseHeaderComponent, PoseHeaderDimensions

    layout_names(layout)
    parts = [
        PoseHeaderComponent(name, [p for p, _ in points], limbs, [_colour(name)] * max(1, len(limbs)), form)
        for name, form, points, limbs in LAYOUTS[layout]
    ]
    return PoseHeader(0.2, PoseHeaderDimensions(width, height, 0), parts)


def _colour(component: str) -> tuple[int, int, int]:
    lower = component.lower()
    if "left" in lower:
        return (230, 120, 30)
    if "right" in lower:
        return (40, 170, 90)
    return (150, 150, 150) if "face" in lower or "mouth" in lower else (60, 110, 220)


def to_layout(pose: Pose, layout: str) -> Pose:
    """The pose with the points of another layout, in its order.

    Points that the pose's own layout lacks are derived from others (`DERIVED`: neck, pupils, iBUG points from the mesh) or
    missing. Missing: a derived point is missing where any point that it is made from is missing.
    Raises InputError where the pose shares no point with the layout.
    """
    from pose_format import Pose
    from pose_format.numpy import NumPyPoseBody

    have = {name: i for i, name in enumerate(names(pose.header)) if name}
    header = layout_header(layout, pose.header.dimensions.width, pose.header.dimensions.height)
    data, confidence = np.ma.getdata(pose.body.data), np.ma.getdata(pose.body.confidence)
    dims = header.num_dims()
    wanted = layout_names(layout)
    out = np.zeros((*data.shape[:2], len(wanted), dims), np.float32)
    sure = np.zeros((*data.shape[:2], len(wanted)), np.float32)
    shared = min(dims, data.shape[-1])
    found = 0
    for k, name in enumerate(wanted):
        columns = _columns(name, have)
        if columns:
            found += 1
            sure[:, :, k] = confidence[:, :, columns].min(axis=2)
            out[:, :, k, :shared] = data[:, :, columns, :shared].mean(axis=2)
    if not found:
        raise InputError(
            f"pose: its points ({_about(pose.header)}) have nothing in common with layout {layout}"
        )
    out[sure == 0] = 0
    mask = np.broadcast_to((sure == 0)[..., None], out.shape)
    return Pose(header, NumPyPoseBody(pose.body.fps, np.ma.masked_array(out, mask=mask), sure))


def _columns(name: str, have: dict[str, int], seen: frozenset[str] = frozenset()) -> list[int]:
    """The columns whose mean is the point `name`; [] where it cannot be had."""
    if name in have:
        return [have[name]]
    if name in seen or name not in DERIVED:
        return []
    parts = [_columns(n, have, seen | {name}) for n in DERIVED[name]]
    return [c for part in parts for c in part] if all(parts) else []


def available(header: PoseHeader, wanted: Iterable[str]) -> list[bool]:
    """Of every point, whether a layout has it or can derive it; a hand's root made from the wrist alone does not count."""
    have = {name: i for i, name in enumerate(names(header)) if name}
    rootless = {f"{s}_hand_0" for s in _SIDES if f"{s}_hand_0" not in have}
    return [name not in rootless and bool(_columns(name, have)) for name in wanted]


def _about(header: PoseHeader) -> str:
    return ", ".join(f"{c.name} {len(c.points)}" for c in header.components)


@cache
def _mirrored() -> dict[str, str]:
    pairs = [(f"face_{a}", f"face_{b}") for a, b in _FACE_PAIRS]
    for run in _MESH_PAIRS.split():
        first, second, count = map(int, run.split(":"))
        pairs += [(f"mesh_{first + i}", f"mesh_{second + i}") for i in range(count)]
    return dict(pairs) | {b: a for a, b in pairs}


def mirror_name(name: str) -> str:
    """The name of the point on the other side."""
    for side, other in (_SIDES, _SIDES[::-1]):
        if name.startswith(f"{side}_"):
            return other + name[len(side) :]
    return _mirrored().get(name, name)


def mirror(pose: Pose) -> Pose:
    """The pose of the mirrored picture: x becomes width - 1 - x, and left and right change places.

    Points without a name in our tables (world landmarks) become missing: where their mirror image lies is not known.
    Missing: a missing point's mirror image is missing.
    """
    from pose_format import Pose
    from pose_format.numpy import NumPyPoseBody

    here = names(pose.header)
    index = {name: i for i, name in enumerate(here) if name}
    order = [index.get(mirror_name(name), -1) if name else -1 for name in here]
    data = np.array(np.ma.getdata(pose.body.data)[:, :, order], np.float32)
    confidence = np.array(np.ma.getdata(pose.body.confidence)[:, :, order])
    confidence[:, :, np.array(order) < 0] = 0
    data[..., 0] = pose.header.dimensions.width - 1 - data[..., 0]
    data[confidence == 0] = 0
    mask = np.broadcast_to((confidence == 0)[..., None], data.shape)
    return Pose(pose.header, NumPyPoseBody(pose.body.fps, np.ma.masked_array(data, mask=mask), confidence))
