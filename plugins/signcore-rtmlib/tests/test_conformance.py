import importlib.util
import tempfile
from pathlib import Path

import pytest

pytest.importorskip("rtmlib", reason="rtmlib is not installed")
pytest.importorskip("onnx", reason="onnx is not installed (pip install signcore-rtmlib[test])")
pytest.importorskip("signcore_rtmlib", reason="signcore-rtmlib is not installed")

from signcore.testing import conformance

spec = importlib.util.spec_from_file_location("rtmlib_models", Path(__file__).with_name("models.py"))
models = importlib.util.module_from_spec(spec)
spec.loader.exec_module(models)
FOLDER = Path(tempfile.mkdtemp())
SETTINGS = {
    "model": models.pose(FOLDER / "pose.onnx"),
    "detector": models.detector(FOLDER / "people.onnx", [(0.1, 0.1, 0.9, 0.9)]),
}

test_conformance = conformance(
    "signcore-rtmlib",
    {
        "estimator rtmw": {"settings": SETTINGS},
        # without a detector, its model as the weights
        "estimator dwpose": {"weights": str(SETTINGS["model"]), "settings": {"threshold": 0.1}},
    },
)
