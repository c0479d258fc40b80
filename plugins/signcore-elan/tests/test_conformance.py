import tempfile
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pympi", reason="pympi-ling is not installed")
pytest.importorskip("signcore_elan", reason="signcore-elan is not installed")

from signcore.contracts import Hypothesis
from signcore.recognition.transcript import write_transcript
from signcore.testing import conformance
from signcore.types import Video, write_pose, write_video
from signcore.types.poses import pose_from_keypoints

FOLDER = Path(tempfile.mkdtemp())
for name in ("a", "b"):
    random = np.random.default_rng(len(name))
    write_video(
        FOLDER / f"{name}.mp4", Video.from_array(random.integers(0, 255, (20, 32, 32, 3), np.uint8), 10)
    )
    points = random.uniform(4, 28, (20, 137, 2))
    write_pose(
        FOLDER / f"{name}.pose", pose_from_keypoints(points, "openpose_137", fps=10, width=32, height=32)
    )
    read = Hypothesis(["HOUSE", "TREE"], -1.0, [(0.2, 0.9), (1.0, 1.6)])
    write_transcript(FOLDER / f"{name}.eaf", [read], FOLDER / f"{name}.mp4")

test_conformance = conformance("signcore-elan", {"dataset elan": {"settings": {"path": FOLDER}}})
