"""MRAA's settings; imports no torch."""

from __future__ import annotations

from signcore.animation.config import AffineConfig, AnimationInputs


class MRAAConfig(AffineConfig):
    """A preset names the defaults; every other setting overrides it."""


class MRAAInputs(AnimationInputs):
    """A picture and a driving video; the pose is not looked at."""
