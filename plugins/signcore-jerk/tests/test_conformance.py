import pytest

pytest.importorskip("signcore_jerk", reason="signcore-jerk is not installed")

from signcore.testing import conformance

test_conformance = conformance("signcore-jerk")
