"""A config that imports torch: what the check `imports-light` must catch."""

import torch  # noqa: F401

from signcore.testing.broken import Config

__all__ = ["Config"]
