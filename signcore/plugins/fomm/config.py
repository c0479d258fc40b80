"""FOMM's settings; imports no torch."""

from __future__ import annotations

from signcore.animation.config import AffineConfig, AnimationInputs


class FOMMConfig(AffineConfig):
    """A preset names the defaults; every other setting overrides it."""


class FOMMInputs(AnimationInputs):
    """A picture and a driving video; the pose is not looked at."""
