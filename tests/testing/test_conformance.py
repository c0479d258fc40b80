"""Every built-in component keeps its contract. What is skipped says why: most datasets need files, most networks weights."""

from signcore.testing import conformance

test_conformance = conformance("signcore")
