import importlib.util
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def models():
    """The writers of small models, in models.py beside this file."""
    pytest.importorskip("onnx", reason="onnx is not installed (pip install signcore-rtmlib[test])")
    spec = importlib.util.spec_from_file_location("rtmlib_models", Path(__file__).with_name("models.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
