from signcore.testing import conformance

test_conformance = conformance("signcore-mediapipe")
