"""Reading, checking and making `pose_format.Pose`, the field's own pose type.

Coordinates are pixels (x right, y down, pixel centres at whole numbers); a masked point (confidence 0) is missing.
"""

from __future__ import annotations

import struct
from io import BytesIO
from pathlib import Path

import numpy as np
from pose_format import Pose
from pose_format.numpy import NumPyPoseBody
from pose_format.pose_header import PoseHeader, PoseHeaderDimensions
from pose_format.utils.reader import BufferReader

from signcore.errors import InputError, WorkError
from signcore.types import layouts
from signcore.types.files import replacing

_BODY_HEADER = {1: struct.Struct("<HHH"), 2: struct.Struct("<fIH")}  # by version 0.N: fps, frames, people


def read_pose(path: str | Path) -> Pose:
    """Read a .pose file and check what pose-format does not.

    Raises InputError: absent, not a pose, truncated or too long, no frames, a rate that is 0, negative or no number,
    infinite coordinates. A point with a NaN coordinate or confidence is missing.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such pose file")
    data = path.read_bytes()
    reader = BufferReader(data)
    try:
        header = PoseHeader.read(reader)
        version = round(float(header.version) * 10)
        if version not in (0, 1, 2) or not 0 < len(header.components) < 1000:
            raise ValueError(f"version {header.version:g}")
        points = header.total_points()
        if points == 0:
            raise ValueError("no points")
        if version:
            _check_size(path, data, reader.read_offset, version, points, header.num_dims())
        body = NumPyPoseBody.read(header, reader)
    except InputError:
        raise
    except (
        struct.error,
        ValueError,
        TypeError,
        IndexError,
        UnicodeDecodeError,
        OverflowError,
        MemoryError,
    ) as error:
        raise InputError(
            f"{path}: not a readable .pose file ({error})", "it may be damaged or truncated"
        ) from error
    if version == 0 and reader.read_offset != len(data):
        raise InputError(
            f"{path}: {len(data) - reader.read_offset} bytes too many", "the file may be damaged"
        )
    # pose-format caches headers by their bytes and hands out the same object: a change to one would change all
    size = header.dimensions
    header = PoseHeader(
        header.version, PoseHeaderDimensions(size.width, size.height, size.depth), list(header.components)
    )
    pose = Pose(header, _nan_is_missing(body))
    check_pose(pose, str(path))
    return pose


def _nan_is_missing(body: NumPyPoseBody) -> NumPyPoseBody:
    """Some estimators' files write NaN for a point that was not found, with whatever confidence."""
    data, confidence = np.ma.getdata(body.data), np.ma.getdata(body.confidence)
    missing = np.isnan(data).any(axis=-1) | np.isnan(confidence)
    if not missing.any():
        return body
    confidence = np.where(missing, 0, confidence)
    mask = np.ma.getmaskarray(body.data) | missing[..., None]
    return NumPyPoseBody(
        body.fps, np.ma.masked_array(np.where(missing[..., None], 0, data), mask=mask), confidence
    )


def _check_size(path: Path, data: bytes, start: int, version: int, points: int, dims: int) -> None:
    form = _BODY_HEADER[version]
    _, frames, people = form.unpack_from(data, start)
    frame_bytes = people * points * (dims + 1) * 4
    held = len(data) - start - form.size
    if frame_bytes == 0:
        raise InputError(f"{path}: holds no people")
    if held != frames * frame_bytes and not (
        version == 1 and held > 0 and held % (65536 * frame_bytes) == frames * frame_bytes
    ):
        whole = held / frame_bytes
        trouble = "truncated" if whole < frames else "longer than it says"
        raise InputError(
            f"{path}: {trouble}, {whole:.4g} of {frames} frames are there", "make or copy the file again"
        )


def check_pose(pose: Pose, name: str = "pose") -> None:
    """Raise InputError where a pose breaks the contract: no frames, a bad rate, infinite coordinates."""
    fps = float(pose.body.fps)
    if not (np.isfinite(fps) and fps > 0):
        raise InputError(f"{name}: a rate of {fps:g} frames a second", "correct the file's fps")
    data, confidence = np.ma.getdata(pose.body.data), np.ma.getdata(pose.body.confidence)
    if data.ndim != 4 or data.shape[0] == 0:
        raise InputError(f"{name}: holds no frames")
    if data.shape[2] != pose.header.total_points():
        raise InputError(
            f"{name}: the header names {pose.header.total_points()} points, the body has {data.shape[2]}"
        )
    bad = (confidence > 0) & np.isinf(data).any(axis=-1)
    if bad.any():
        frame, _, point = np.argwhere(bad)[0]
        raise InputError(
            f"{name}: frame {frame}, point {point} has an infinite coordinate", "mark it missing"
        )


def write_pose(path: str | Path, pose: Pose) -> None:
    """Write a .pose file (version 0.2), whole or not at all. Raises InputError, or WorkError where it cannot be written."""
    path = Path(path)
    check_pose(pose, str(path))
    mask = np.ma.getmaskarray(pose.body.data).any(axis=-1)
    confidence = np.where(mask, 0, np.ma.getdata(pose.body.confidence)).astype(np.float32)
    data: np.ma.MaskedArray = np.ma.masked_array(
        np.ma.getdata(pose.body.data).astype(np.float32), mask=np.ma.getmaskarray(pose.body.data)
    )
    buffer = BytesIO()
    Pose(pose.header, NumPyPoseBody(pose.body.fps, data, confidence)).write(buffer)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            temporary.write_bytes(buffer.getvalue())
    except OSError as error:
        raise WorkError(f"{path}: cannot be written ({error.strerror or error})") from error


def keypoints(pose: Pose, dims: int = 2) -> np.ndarray:
    """Of the first person: float32 [T, K, dims] in the pose's units. Missing: NaN in every coordinate."""
    data = np.ma.getdata(pose.body.data)[:, 0, :, :dims].astype(np.float32)
    missing = np.ma.getmaskarray(pose.body.data)[:, 0].any(axis=-1) | (
        np.ma.getdata(pose.body.confidence)[:, 0] == 0
    )
    data[missing] = np.nan
    return data


def pose_from_keypoints(
    points: np.ndarray,
    layout: str,
    *,
    fps: float,
    width: int,
    height: int,
    confidence: np.ndarray | None = None,
) -> Pose:
    """points: [T, K, 2 or 3] in pixels, NaN where missing, in the order of `layout`; confidence: [T, K] in 0..1, or 1."""
    header = layouts.layout_header(layout, width, height)
    points = np.asarray(points, np.float32)
    if points.ndim != 3 or points.shape[1] != header.total_points():
        raise InputError(
            f"points: expected [T, {header.total_points()}, 2] for {layout}, got {list(points.shape)}"
        )
    missing = ~np.isfinite(points).all(axis=-1)
    sure = (
        np.ones(points.shape[:2], np.float32)
        if confidence is None
        else np.asarray(confidence, np.float32).copy()
    )
    sure[missing] = 0
    data: np.ndarray = np.zeros((*points.shape[:2], header.num_dims()), np.float32)
    shared = min(data.shape[-1], points.shape[-1])
    data[..., :shared] = points[..., :shared]
    data[sure == 0] = 0
    mask = np.broadcast_to((sure == 0)[..., None], data.shape)
    return Pose(header, NumPyPoseBody(fps, np.ma.masked_array(data, mask=mask)[:, None], sure[:, None]))
