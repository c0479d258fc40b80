"""OpenPose's JSON output as an estimator."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
from pose_format import Pose

from signcore.contracts import Context
from signcore.errors import InputError
from signcore.plugins.openpose.config import OpenPoseConfig
from signcore.types.poses import pose_from_keypoints
from signcore.types.video import Video

_PARTS = (
    ("pose_keypoints_2d", 25),
    ("face_keypoints_2d", 70),
    ("hand_left_keypoints_2d", 21),
    ("hand_right_keypoints_2d", 21),
)


class OpenPoseJSON:
    """Reads what OpenPose wrote for a video: one JSON file a frame, pixels of the video, the first person.

    Missing: a frame without a file or without a person is all missing; so is a point with confidence 0.
    Raises InputError: no folder, no files, a file that is not OpenPose's, frames beyond the video's end.
    """

    def __init__(self, config: OpenPoseConfig | None = None, context: Context | None = None) -> None:
        self.config = config or OpenPoseConfig()

    def estimate(self, video: Video) -> Pose:
        files = self._files(video)
        points = np.full((len(video), 137, 2), np.nan, np.float32)
        confidence = np.zeros((len(video), 137), np.float32)
        for number, file in files.items():
            frame = number - self.config.first
            if not 0 <= frame < len(video):
                raise InputError(f"{file}: frame {number}, but the video has frames {self.config.first} to "
                                 f"{self.config.first + len(video) - 1}", "set first to the first file's number")  # fmt: skip
            points[frame], confidence[frame] = _person(file)
        return pose_from_keypoints(
            points,
            "openpose_137",
            fps=video.fps,
            width=video.width,
            height=video.height,
            confidence=confidence,
        )

    def _files(self, video: Video) -> dict[int, Path]:
        folder = self.config.folder
        if folder is None:
            if video.path is None:
                raise InputError(
                    "folder: this video is no file, so the JSON files cannot be beside it", "set folder"
                )
            folder = video.path.with_suffix("")
        if not folder.is_dir():
            raise InputError(f"{folder}: no such folder of OpenPose JSON files", "set openpose-json's folder")
        found = {}
        for file in sorted(folder.glob("*.json")):
            number = re.findall(r"\d+", file.stem)
            if number:
                found[int(number[-1])] = file
        if not found:
            raise InputError(f"{folder}: holds no OpenPose JSON files")
        return found


def _person(file: Path) -> tuple[np.ndarray, np.ndarray]:
    """The first person: [137, 2] and confidence [137]; NaN and 0 where nobody is."""
    try:
        people = json.loads(file.read_text(encoding="utf-8"))["people"]
        rows = []
        for part, count in _PARTS:
            values = people[0].get(part) or [0.0] * (3 * count) if people else [0.0] * (3 * count)
            if len(values) != 3 * count:
                raise ValueError(f"{part} has {len(values)} numbers, expected {3 * count}")
            rows.append(np.array(values, np.float32).reshape(count, 3))
    except (ValueError, KeyError, TypeError, OSError, AttributeError) as error:
        raise InputError(f"{file}: not OpenPose's JSON ({error})") from error
    table = np.concatenate(rows)
    table[table[:, 2] <= 0, :2] = np.nan
    return table[:, :2], table[:, 2]
