"""The losses of section 4.1 as functions of tensors."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from signcore.recognition.vocabulary import EOS, PAD, SPECIAL

NAMES = ("noise", "text", "word", "contrast", "ngram", "ctc")


def text_loss(logits: Tensor, truth: Tensor, smoothing: float) -> Tensor:
    """Eq. 9, mean over tokens. logits: [B, L, classes]; truth: int64 [B, L], PAD where there is none."""
    return F.cross_entropy(logits.flatten(0, 1), truth.flatten(), ignore_index=PAD, label_smoothing=smoothing)


def word_loss(logits: Tensor, truth: Tensor, codebook: Tensor) -> Tensor:
    """Eq. 10 (S6): 1 - cosine of the answer's mean embedding and the true one, mean over tokens. codebook: [classes, width]."""
    said = logits.softmax(dim=-1) @ codebook
    alike = F.cosine_similarity(said, codebook[truth], dim=-1)
    return (1 - alike)[truth != PAD].mean()


def contrast_loss(pose: Tensor, text: Tensor, temperature: float, symmetric: bool) -> Tensor:
    """Eq. 11 (S7) within the batch. pose, text: [B, width]; cosines divided by `temperature`."""
    alike = F.normalize(pose, dim=-1) @ F.normalize(text, dim=-1).T / temperature
    right = torch.arange(len(alike), device=alike.device)
    one = F.cross_entropy(alike, right)
    return (one + F.cross_entropy(alike.T, right)) / 2 if symmetric else one


def pooled_text(truth: Tensor, codebook: Tensor) -> Tensor:  # [B, width]
    """The mean embedding of a sentence's glosses."""
    there = (truth >= len(SPECIAL)).to(codebook)[..., None]
    return (codebook[truth] * there).sum(dim=1) / there.sum(dim=1).clamp(min=1)


def ngram_loss(logits: Tensor, truth: Tensor, longest: int = 2) -> Tensor:
    """1 - F1 of expected n-gram counts, mean over n up to `longest` and over sentences (S8)."""
    said = logits.softmax(dim=-1) * ((truth != PAD) & (truth != EOS))[..., None]
    true = F.one_hot(truth, logits.shape[-1]).to(said) * ((truth != PAD) & (truth != EOS))[..., None]
    lost = []
    for n in range(1, longest + 1):
        a, b = _ngrams(said, n), _ngrams(true, n)
        common = torch.minimum(a, b).flatten(1).sum(dim=1)
        both = a.flatten(1).sum(dim=1) + b.flatten(1).sum(dim=1)
        lost.append((1 - 2 * common / both.clamp(min=1e-6))[b.flatten(1).sum(dim=1) > 0])
    every = torch.cat(lost)
    return every.mean() if len(every) else logits.sum() * 0


def _ngrams(shares: Tensor, n: int) -> Tensor:
    """Expected counts: [B, classes] of single tokens, [B, classes, classes] of pairs."""
    return shares.sum(dim=1) if n == 1 else torch.einsum("bla,blc->bac", shares[:, :-1], shares[:, 1:])


def ctc_loss(logits: Tensor, steps: Tensor, truth: Tensor) -> Tensor:
    """Mean over sentences. logits: [B, N', classes], blank in PAD's place; steps: int64 [B]; truth as in `text_loss`."""
    wanted = truth >= len(SPECIAL)
    labels = truth[wanted]
    return F.ctc_loss(
        logits.log_softmax(dim=-1).transpose(0, 1), labels, steps, wanted.sum(dim=1), zero_infinity=True
    )


def weighted(
    losses: dict[str, Tensor], weights: dict[str, float], learned: dict[str, Tensor] | None
) -> dict[str, Tensor]:
    """Eq. 12: times fixed weights, or with learned uncertainties besides: weight * loss / exp(s) + s (S9)."""
    if learned is None:
        return {n: weights[n] * v for n, v in losses.items()}
    return {n: weights[n] * v * torch.exp(-learned[n]) + learned[n] for n, v in losses.items()}
