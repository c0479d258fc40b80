import importlib.util
import tempfile
from pathlib import Path

import pytest

pytest.importorskip("mediapipe", reason="mediapipe is not installed")
pytest.importorskip("mediapipe.python", reason="this mediapipe has neither the Holistic solution nor models")
pytest.importorskip("signcore_mediapipe", reason="signcore-mediapipe is not installed")

from signcore.testing import conformance

spec = importlib.util.spec_from_file_location("mediapipe_bundles", Path(__file__).with_name("bundles.py"))
bundles = importlib.util.module_from_spec(spec)
spec.loader.exec_module(bundles)
MODEL = bundles.bundle(Path(tempfile.mkdtemp()) / "holistic_landmarker.task", bundles.HOLISTIC)

test_conformance = conformance(
    "signcore-mediapipe", {"estimator mediapipe-tasks": {"settings": {"model": MODEL}}}
)
