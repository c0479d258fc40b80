import pytest

pytest.importorskip("spoken_to_signed", reason="spoken-to-signed is not installed")
pytest.importorskip("signcore_spoken_to_signed", reason="signcore-spoken-to-signed is not installed")

from signcore.testing import conformance

test_conformance = conformance(
    "signcore-spoken-to-signed", {"generator spoken-to-signed": {"inputs": {"text": "Hi"}}}
)
