"""Drawing codes from a prior, one after another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import torch
from torch import Tensor

from signcore.plugins.lmt.prior import Prior


def filtered(logits: Tensor, temperature: float, top_k: int, top_p: float) -> Tensor:  # [B, K] -> [B, K]
    """Logits at a temperature, with -inf where a code is not among the `top_k` (0: all) or beyond the share `top_p`.

    The most likely code always stays. Temperature 0 keeps only it.
    """
    if temperature == 0:
        top_k, temperature = 1, 1.0
    logits = logits.float() / temperature
    if top_k and top_k < logits.shape[-1]:
        least = logits.topk(top_k, -1).values[..., -1:]
        logits = logits.masked_fill(logits < least, -torch.inf)
    if top_p < 1:
        ordered, places = logits.sort(-1, descending=True)
        before = ordered.softmax(-1).cumsum(-1) - ordered.softmax(-1)  # of those that are more likely
        dropped = torch.zeros_like(before, dtype=torch.bool).scatter(-1, places, before >= top_p)
        logits = logits.masked_fill(dropped, -torch.inf)
    return logits


def guided(logits: Tensor, guidance: float) -> Tensor:  # [2 B, K], with the label, then without -> [B, K]
    """Classifier-free guidance: 1 is no more than the label says, above it the label counts more."""
    with_label, without = logits.float().chunk(2)
    return without + guidance * (with_label - without)


def _quiet(items: Iterable[int], total: int | None, label: str) -> Iterator[int]:
    yield from items


@torch.inference_mode()
def sample(
    prior: Prior,
    still: Tensor,  # int64 [B, h, w]
    labels: Tensor,  # int64 [B]
    *,
    temperature: float = 1.0,
    top_k: int = 0,
    top_p: float = 1.0,
    guidance: float = 1.0,
    generator: torch.Generator | None = None,
    progress: Callable[[Iterable, int | None, str], Iterator] = _quiet,
) -> Tensor:  # int64 [B, t, h, w]
    """Clips' codes. With guidance beside 1 the prior runs twice, and must know "no label".

    Draws are made on the CPU, so a seed gives the same codes on every device that gives the same logits.
    """
    twice = guidance != 1
    if twice:
        unknown = torch.full_like(labels, prior.classes)
        logits, state = prior.begin(still.repeat(2, 1, 1), torch.cat([labels, unknown]))
    else:
        logits, state = prior.begin(still, labels)
    drawn: list[Tensor] = []
    for i in progress(range(prior.generated), prior.generated, "codes"):
        logits = guided(logits, guidance) if twice else logits
        chances = filtered(logits, temperature, top_k, top_p).softmax(-1).cpu()
        code = torch.multinomial(chances, 1, generator=generator)[:, 0].to(still.device)
        drawn.append(code)
        if i + 1 < prior.generated:
            logits = prior.next(code.repeat(2) if twice else code, state)
    return prior.assembled(torch.stack(drawn, 1), still)
