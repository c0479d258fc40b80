"""The conformance kit: whether a component keeps its contract, for plugin authors and for us.

In a plugin's own suite, one line: `test_conformance = signcore.testing.conformance("my-package")`; on the command line
`signcore check KIND NAME`.
"""

from __future__ import annotations

from signcore.testing.kit import Report, Result, Skip, Subject, check, check_names, conformance

__all__ = ["Report", "Result", "Skip", "Subject", "check", "check_names", "conformance"]
