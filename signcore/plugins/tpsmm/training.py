"""Training TPSMM (section 3.5)."""

from __future__ import annotations

from signcore.animation.training import AnimationTask
from signcore.plugins.tpsmm.generator import TPSMMMethod


class TPSMMTask(TPSMMMethod, AnimationTask):
    """Reconstruction, equivariance, warp and background losses."""
