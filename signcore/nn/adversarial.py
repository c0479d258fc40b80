"""What adversarial and discrete training share: losses of a discriminator, its adaptive weight, hard Gumbel samples."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

MOST = 1e4  # of the adaptive weight


def discriminator_loss(
    real: Tensor,  # what the discriminator says of real patches, any shape
    made: Tensor,  # and of made ones
    kind: Literal["hinge", "vanilla"] = "hinge",
) -> Tensor:
    """vanilla: LMT eq. 3 by its logits, the mean of both terms; hinge: as the public VQ-GAN has it (L9)."""
    if kind == "hinge":
        return (F.relu(1 - real).mean() + F.relu(1 + made).mean()) / 2
    return (F.softplus(-real).mean() + F.softplus(made).mean()) / 2


def adaptive_weight(
    wanted: Tensor,  # scalar: the reconstruction's loss
    adversarial: Tensor,  # scalar: the generator's loss against the discriminator
    last: Tensor,  # the decoder's last weight
    delta: float = 1e-6,
) -> Tensor:
    """|grad wanted| / (|grad adversarial| + delta) at the decoder's last layer, at most 10,000; a constant for autograd (LMT eq. 4, L8)."""
    of = torch.autograd.grad(wanted, last, retain_graph=True)[0].norm()
    against = torch.autograd.grad(adversarial, last, retain_graph=True)[0].norm()
    return (of / (against + delta)).clamp(0, MOST).detach()


def gumbel_noise(logits: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Standard Gumbel noise of the logits' shape."""
    uniform = torch.rand(logits.shape, generator=generator, dtype=torch.float32).to(logits.device)
    return -torch.log(-torch.log(uniform.clamp(1e-20, 1 - 1e-7)))


def hard_gumbel(logits: Tensor, noise: Tensor, tau: float = 1.0) -> Tensor:  # [..., K] x2 -> [..., K]
    """A one-hot sample of softmax(logits), with the gradient of softmax((logits + noise) / tau) (LMT section 3.3, L5)."""
    soft = ((logits + noise) / tau).softmax(-1)
    hard = torch.zeros_like(soft).scatter_(-1, soft.argmax(-1, keepdim=True), 1.0)
    return hard - soft.detach() + soft
