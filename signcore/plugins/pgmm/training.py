"""Training PGMM (section 3.3)."""

from __future__ import annotations

from signcore.animation.training import AnimationTask
from signcore.plugins.pgmm.generator import PGMMMethod


class PGMMTask(PGMMMethod, AnimationTask):
    """The losses of TPSMM, and those of what the pose adds."""
