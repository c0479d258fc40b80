"""Distances of frames as networks see them: LPIPS, and the distance of embeddings."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from signcore.contracts import Context
from signcore.nn import lpips
from signcore.plugins.video_metrics.config import FramesConfig, LPIPSConfig
from signcore.plugins.video_metrics.embeddings import FrameEmbedding, digest, square
from signcore.plugins.video_metrics.frames import PerFrame, parts
from signcore.plugins.video_metrics.metrics import masked_mean


class LPIPS(PerFrame):
    """Learned perceptual image patch similarity (Zhang et al. 2018), mean over frames; 0 for a copy.

    The score is called `lpips` with trained backbone and heads, `lpips-uniform` without heads, `lpips-random` without either.
    In a region: the levels' maps, brought to the frame's size, averaged inside.
    """

    name = "lpips"

    def __init__(self, config: LPIPSConfig | None = None, context: Context | None = None) -> None:
        super().__init__(config or LPIPSConfig(), context)
        self.network = lpips.LPIPS(self.config.network)
        self.least_side = lpips.LEAST_SIDE[self.config.network]
        if self.config.weights is not None:
            self.network.load(self.config.weights, self.config.heads)
        net, heads = self.network.net.source, self.network.heads
        kind = "random" if self.config.weights is None else "uniform" if heads == "uniform" else ""
        self.kind = f"-{kind}" if kind else ""
        self.about = (
            f"network:{self.config.network}|weights:{net}|heads:{heads}@{digest(self.network.state_dict())}"
        )
        self.network.to(self.context.device)

    @property
    def label(self) -> str:
        where = "" if self.region == "frame" else f"-{self.region}"
        return f"lpips{self.kind}{where}"

    @torch.inference_mode()
    def values(self, a: np.ndarray, b: np.ndarray, inside: np.ndarray | None) -> np.ndarray:
        found = []
        for part in parts(a):
            x, y = (
                torch.from_numpy(v[part]).to(self.context.device).permute(0, 3, 1, 2).float() / 255
                for v in (a, b)
            )
            if inside is None:
                found.append(self.network(x, y).cpu().double().numpy())
            else:
                each = self.network.map(x, y)[:, 0].cpu().double().numpy()
                found.append(masked_mean(each, inside[part]))
        return np.concatenate(found)


class AED(PerFrame):
    """Average embedding distance: mean Euclidean distance between the embeddings of a frame and of its truth; 0 for a copy.

    Papers on animation take a person re-identification network; this one's is told by the score's name and the signature.
    """

    name = "aed"

    def __init__(self, config: FramesConfig | None = None, context: Context | None = None) -> None:
        super().__init__(config or FramesConfig(), context)
        self.embedding = FrameEmbedding(self.config, self.context)
        self.about = f"{self.embedding.about}|distance:l2"

    @property
    def label(self) -> str:
        return f"aed-{self.embedding.label}"

    def values(self, a: np.ndarray, b: np.ndarray, inside: Any) -> np.ndarray:
        x, y = (self.embedding(square(v, self.config.size)) for v in (a, b))
        return np.linalg.norm(x - y, axis=1)
