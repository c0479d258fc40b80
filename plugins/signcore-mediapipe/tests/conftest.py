import importlib.util
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def bundles():
    """The writer of .task models, in bundles.py beside this file."""
    pytest.importorskip("mediapipe.python", reason="only mediapipe up to 0.10.21 has models in its wheel")
    spec = importlib.util.spec_from_file_location("mediapipe_bundles", Path(__file__).with_name("bundles.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def holistic(bundles, tmp_path_factory):
    return bundles.bundle(tmp_path_factory.mktemp("models") / "holistic_landmarker.task", bundles.HOLISTIC)
