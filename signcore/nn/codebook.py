"""The codebook of a VQ-VAE, learned by running averages (VideoGPT; LMT eq. 1 and 2)."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

LEAST_USED = 1.0  # a code that the running count says is used less than this is restarted
LAPLACE = 1e-7
TILE_NOISE = 0.01


class Quantized(NamedTuple):
    """embeddings: [B, d, *grid], the codes, with the input's gradient (straight through). codes: int64 [B, *grid].
    commitment: scalar. perplexity: exp of the entropy of this batch's codes, 1 .. n_codes."""

    embeddings: Tensor
    codes: Tensor
    commitment: Tensor
    perplexity: Tensor


class Codebook(nn.Module):
    """Nearest code of every vector; in training the codes follow the vectors that chose them, by running averages.

    The first batch of training initialises the codes with random ones of its vectors. A code whose running count falls below
    one is put on a random vector of the batch (its running sum and count are kept, as in the public code), so no code stays
    unused. Under a process group counts and sums are added over the processes, and draws are those of the first one.
    decay: of the running averages. beta: weight of the commitment term. Under autocast it works in float32.
    """

    def __init__(self, n_codes: int, dim: int, *, beta: float = 0.25, decay: float = 0.99) -> None:
        super().__init__()
        self.n_codes, self.dim, self.beta, self.decay = n_codes, dim, beta, decay
        self.register_buffer("embeddings", torch.randn(n_codes, dim))
        self.register_buffer("N", torch.zeros(n_codes))  # all zero: not initialised yet
        self.register_buffer("z_avg", self.embeddings.clone())
        self.embeddings: Tensor
        self.N: Tensor
        self.z_avg: Tensor

    def forward(self, z: Tensor) -> Quantized:  # [B, d, *grid]
        with torch.autocast(z.device.type, enabled=False):
            z = z.float() if z.dtype in (torch.float16, torch.bfloat16) else z
            flat = z.movedim(1, -1).reshape(-1, self.dim)
            if self.training and not bool(self.N.any()):
                self._initialise(flat.detach())
            chosen = self.nearest(flat.detach())
            codes = chosen.view(z.shape[0], *z.shape[2:])
            embeddings = self.lookup(codes).movedim(-1, 1)
            commitment = self.beta * F.mse_loss(z, embeddings)
            counts = torch.bincount(chosen, minlength=self.n_codes).to(flat.dtype)
            if self.training:
                self._follow(flat.detach(), chosen, counts)
                counts = _summed(counts)  # not in evaluation, which one process does alone
            share = counts / counts.sum()
            perplexity = torch.exp(-(share * torch.log(share + 1e-10)).sum())
            return Quantized(z + (embeddings - z).detach(), codes, commitment, perplexity)

    def nearest(self, flat: Tensor) -> Tensor:  # [M, d] -> int64 [M]
        """LMT eq. 1."""
        distances = (flat**2).sum(1, keepdim=True) - 2 * flat @ self.embeddings.t()
        return (distances + (self.embeddings.t() ** 2).sum(0, keepdim=True)).argmin(1)

    def lookup(self, codes: Tensor) -> Tensor:  # int64 [...] -> [..., d]
        return F.embedding(codes, self.embeddings)

    @torch.no_grad()
    def _initialise(self, flat: Tensor) -> None:
        drawn = self._drawn(flat)
        self.embeddings.copy_(drawn)
        self.z_avg.copy_(drawn)
        self.N.fill_(1)

    @torch.no_grad()
    def _follow(self, flat: Tensor, chosen: Tensor, counts: Tensor) -> None:
        """One step of the running averages, then restarts."""
        sums = torch.zeros_like(self.z_avg).index_add_(0, chosen, flat)
        self.N.mul_(self.decay).add_(_summed(counts), alpha=1 - self.decay)
        self.z_avg.mul_(self.decay).add_(_summed(sums), alpha=1 - self.decay)
        total = self.N.sum()
        weights = (self.N + LAPLACE) / (total + self.n_codes * LAPLACE) * total
        self.embeddings.copy_(self.z_avg / weights[:, None])
        drawn = self._drawn(flat)
        self.embeddings.copy_(torch.where((self.N < LEAST_USED)[:, None], drawn, self.embeddings))

    def _drawn(self, flat: Tensor) -> Tensor:  # [n_codes, d]
        """Random vectors of the batch; where they are too few, copies of them with a little noise."""
        if len(flat) < self.n_codes:
            flat = flat.repeat(math.ceil(self.n_codes / len(flat)), 1)
            flat = flat + torch.randn_like(flat) * (TILE_NOISE / math.sqrt(self.dim))
        drawn = flat[torch.randperm(len(flat), device=flat.device)[: self.n_codes]]
        if processes() > 1:
            torch.distributed.broadcast(drawn, 0)
        return drawn


def processes() -> int:
    ready = torch.distributed.is_available() and torch.distributed.is_initialized()
    return torch.distributed.get_world_size() if ready else 1


def _summed(values: Tensor) -> Tensor:
    """The sum over all processes."""
    if processes() > 1:
        values = values.clone()
        torch.distributed.all_reduce(values)
    return values
