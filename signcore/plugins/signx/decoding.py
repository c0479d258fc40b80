"""From the decoder's and the frames' answers to sentences (S11)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from signcore.recognition.vocabulary import BOS, EOS, PAD, UNK

NEVER = (PAD, BOS, UNK)  # are not said

Next = Callable[[Tensor], Tensor]  # tokens int64 [N, L] -> logits [N, classes] of what follows


@dataclass(frozen=True)
class Said:
    """ids: without BOS and EOS. log_probability: of all of them and the EOS, as the search saw them. score: after the penalty
    of the length."""

    ids: tuple[int, ...]
    log_probability: float
    score: float


def penalised(logits: Tensor, tokens: Tensor, penalty: float) -> Tensor:
    """Logits [N, classes] of tokens that are among `tokens` [N, L] already: divided where positive, multiplied where negative."""
    if penalty == 1:
        return logits
    there = torch.zeros_like(logits, dtype=torch.bool).scatter(1, tokens, True)
    there[:, [PAD, BOS, EOS]] = False
    return torch.where(there, torch.where(logits > 0, logits / penalty, logits * penalty), logits)


def shaped(logits: Tensor, tokens: Tensor, temperature: float, penalty: float) -> Tensor:
    """Log-probabilities [N, classes] of what may follow."""
    logits = penalised(logits, tokens, penalty) / temperature
    logits = logits.clone()
    logits[:, list(NEVER)] = -math.inf
    return logits.log_softmax(dim=-1)


def beam_search(
    step: Next,
    *,
    width: int,
    longest: int,
    length_penalty: float = 0.7,
    temperature: float = 1.0,
    repetition_penalty: float = 1.0,
    device: str | torch.device = "cpu",
) -> list[Said]:
    """The `width` best sentences, best first: sum of log-probabilities / length ** length_penalty, the EOS counted."""
    alive: list[tuple[tuple[int, ...], float]] = [((), 0.0)]
    done: list[Said] = []

    def finish(ids: tuple[int, ...], total: float) -> None:
        done.append(Said(ids, total, total / (len(ids) + 1) ** length_penalty))

    for place in range(longest + 1):
        tokens = torch.tensor([[BOS, *ids] for ids, _ in alive], device=device)
        logs = shaped(step(tokens), tokens, temperature, repetition_penalty).double().cpu()
        if place == longest:
            for i, (ids, total) in enumerate(alive):
                finish(ids, total + float(logs[i, EOS]))
            break
        grown: list[tuple[float, tuple[int, ...], int]] = []
        for i, (ids, total) in enumerate(alive):
            best, which = logs[i].topk(min(width + 1, logs.shape[1]))
            grown += [
                (total + float(b), ids, int(w)) for b, w in zip(best, which, strict=True) if b > -math.inf
            ]
        grown.sort(key=lambda g: (-g[0], g[1], g[2]))
        alive = []
        for total, ids, token in grown[: 2 * width]:
            if token == EOS:
                finish(ids, total)
            elif len(alive) < width:
                alive.append(((*ids, token), total))
        done.sort(key=lambda s: (-s.score, s.ids))
        del done[width:]
        # a longer sentence can only lose log-probability, and gains at most by its length
        reach = max((total / (longest + 1) ** length_penalty for _, total in alive), default=-math.inf)
        if not alive or (len(done) == width and done[-1].score >= reach):
            break
    return sorted(done, key=lambda s: (-s.score, s.ids))[:width]


def sample(
    step: Next,
    *,
    longest: int,
    top_k: int = 50,
    top_p: float = 0.92,
    temperature: float = 1.0,
    repetition_penalty: float = 1.0,
    generator: torch.Generator | None = None,
    device: str | torch.device = "cpu",
) -> Said:
    """One sentence drawn token by token from the `top_k` likeliest that together have `top_p`."""
    ids: list[int] = []
    total = 0.0
    while len(ids) <= longest:
        tokens = torch.tensor([[BOS, *ids]], device=device)
        logs = shaped(step(tokens), tokens, temperature, repetition_penalty)[0].double().cpu()
        values, which = logs.sort(descending=True, stable=True)
        kept = (values.exp().cumsum(0) - values.exp() < top_p) & (torch.arange(len(values)) < top_k)
        chances = values.masked_fill(~kept, -math.inf).softmax(dim=0)
        chosen = int(which[torch.multinomial(chances, 1, generator=generator)])
        if len(ids) == longest:
            chosen = EOS
        total += float(logs[chosen])
        if chosen == EOS:
            break
        ids.append(chosen)
    return Said(tuple(ids), total, total)


def ctc_log_probability(logs: Tensor, ids: tuple[int, ...]) -> float:
    """log p of a sentence over all its alignments. logs: [N', classes] of one clip, blank in PAD's place."""
    if not ids:
        return float(logs[:, PAD].sum())
    lost = F.ctc_loss(
        logs[:, None].float(),
        torch.tensor([ids], device=logs.device),
        torch.tensor([len(logs)]),
        torch.tensor([len(ids)]),
        reduction="sum",
    )
    return -float(lost)


def sentence_log_probability(
    decoder: Callable[[Tensor], Tensor], ids: tuple[int, ...], temperature: float, device: str | torch.device
) -> float:
    """log p of a sentence under the decoder, the EOS counted. decoder: tokens [1, L] -> logits [1, L, classes]."""
    tokens = torch.tensor([[BOS, *ids]], device=device)
    logits = decoder(tokens)[0] / temperature
    logits[:, list(NEVER)] = -math.inf
    logs = logits.log_softmax(dim=-1)
    wanted = torch.tensor([*ids, EOS], device=device)
    return float(logs.gather(1, wanted[:, None]).sum())
