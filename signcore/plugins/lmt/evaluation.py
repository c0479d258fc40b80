"""What both stages are judged by while they train, and the pictures of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from signcore.contracts import Context
from signcore.nn.lpips import LPIPS
from signcore.nn.video_autoencoder import VideoAutoencoder
from signcore.plugins.lmt.clips import Clips, as_frames, as_tensor
from signcore.plugins.lmt.config import LMTConfig
from signcore.plugins.lmt.prior import Prior
from signcore.plugins.lmt.sampling import sample

MOVING = 0.1  # how much a colour must differ from the clip's first frame, on [0, 1]
TOGETHER = 8  # clips at once
SHOWN = 4  # clips in a picture


def moving(video: Tensor) -> Tensor:  # [B, 3, T, H, W] -> [B, 1, T, H, W]
    """1 where a pixel differs from the first frame in any colour, else 0."""
    return ((video - video[:, :, :1]).abs().amax(1, keepdim=True) > MOVING).to(video.dtype)


def decibels(error: float) -> float:
    """PSNR of a mean squared error on a range of 1."""
    return -10 * math.log10(max(error, 1e-10))


def in_hands(boxes: np.ndarray, size: int) -> np.ndarray:  # [T, 2, 4] -> bool [T, size, size]
    at = (np.arange(size) + 0.5) / size
    x0, y0, x1, y1 = (boxes[..., k, None] for k in range(4))  # [T, 2, 1]
    inside = ((at >= y0) & (at <= y1))[..., :, None] & ((at >= x0) & (at <= x1))[..., None, :]
    found: np.ndarray = inside.any(1)
    return found


@torch.no_grad()
def reconstructed(model: VideoAutoencoder, clips: Clips, indices: Sequence[int]) -> tuple[Tensor, Tensor]:
    """([N, 3, T, H, W] in [-0.5, 0.5] as decoded, int64 [N, t, h, w])"""
    model.eval()
    made, codes = [], []
    for k in range(0, len(indices), TOGETHER):
        video = torch.stack([as_tensor(clips[i].frames) for i in indices[k : k + TOGETHER]])
        some, found = model(video.to(next(model.parameters()).device))
        made.append(some.float().clamp(-0.5, 0.5).cpu())
        codes.append(found.codes.cpu())
    return torch.cat(made), torch.cat(codes)


def reconstruction(model: VideoAutoencoder, clips: Clips, lpips: LPIPS) -> dict[str, float]:
    """psnr: mean over held-out clips, in dB. above-mean: dB above the mean frame of the training clips; above-still: above each clip's own
    mean frame. hands: PSNR in the hands' boxes (all pixels of them together), where poses are known. perplexity: of the codes of all clips.
    lpips, r-fvd: as the installed metrics say (r-fvd from eight clips on)."""
    indices = clips.held_out()
    made, codes = reconstructed(model, clips, indices)
    real = torch.stack([as_tensor(clips[i].frames) for i in indices])
    train = clips.indices["train"][:: max(1, len(clips.indices["train"]) // 100)]
    mean = torch.stack([as_tensor(clips[i].frames) for i in train]).mean((0, 2))[None, :, None]
    errors = (made - real) ** 2
    psnr, of_mean, of_still = (
        float(np.mean([decibels(float(e)) for e in d.flatten(1).mean(1)]))
        for d in (errors, (real - mean) ** 2, (real - real.mean(2, keepdim=True)) ** 2)
    )
    told = {"psnr": psnr, "above-mean": psnr - of_mean, "above-still": psnr - of_still}
    size = real.shape[-1]
    hands = torch.from_numpy(np.stack([in_hands(clips[i].boxes, size) for i in indices]))[:, None].expand_as(
        errors
    )
    if bool(hands.any()):
        told["hands"] = decibels(float(errors[hands].mean()))
    share = torch.bincount(codes.flatten(), minlength=model.codebook.n_codes).double()
    share = share / share.sum()
    told["perplexity"] = float(torch.exp(-(share * torch.log(share + 1e-10)).sum()))
    device = next(lpips.parameters()).device
    pairs = (x.transpose(1, 2).flatten(0, 1) + 0.5 for x in (made, real))
    chunks = zip(*(x.split(64) for x in pairs), strict=True)
    with torch.no_grad():
        told["lpips"] = float(torch.cat([lpips(a.to(device), b.to(device)) for a, b in chunks]).mean())
    return told | frechet("r-fvd", made, real)


def frechet(name: str, made: Tensor, real: Tensor) -> dict[str, float]:
    """Of the installed metric `fvd`, with its own network; nothing where the clips are too few."""
    from signcore.errors import SigncoreError
    from signcore.registry import registry
    from signcore.types.video import Video

    metric = registry.load("metric", "fvd")
    try:
        for a, b in zip(made, real, strict=True):
            metric.update(Video.from_array(as_frames(a)), Video.from_array(as_frames(b)))
        return {name: float(next(iter(metric.compute().values())))}
    except SigncoreError:
        return {}


def reconstruction_strips(model: VideoAutoencoder, clips: Clips) -> np.ndarray:
    """Of some held-out clips: the truth above, what the codes give below. uint8 [H, W, 3]."""
    indices = clips.held_out()[:SHOWN]
    made, _ = reconstructed(model, clips, indices)
    rows = []
    for i, one in zip(indices, made, strict=True):
        rows += [np.concatenate([*clips[i].frames], 1), np.concatenate([*as_frames(one)], 1)]
    return np.concatenate(rows)


@torch.no_grad()
def likelihood(
    prior: Prior, clips: Clips, indices: Sequence[int], codes: dict[int, Tensor], stills: dict[int, Tensor]
) -> dict[str, float]:
    """cross-entropy in nats a code of held-out clips, with their gloss and with another (`other-gloss`: as good where it is not read);
    accuracy: how often the most likely code is right."""
    prior.eval()
    device = next(prior.parameters()).device
    sums = {"cross-entropy": 0.0, "other-gloss": 0.0, "accuracy": 0.0}
    for k in range(0, len(indices), TOGETHER):
        some = list(indices[k : k + TOGETHER])
        clip, still = (torch.stack([x[i] for i in some]).to(device) for x in (codes, stills))
        labels, wanted = clips.labels(some).to(device), prior.targets(clip)
        logits = prior(clip, still, labels).float()
        sums["cross-entropy"] += float(F.cross_entropy(logits.flatten(0, 1), wanted.flatten())) * len(some)
        sums["accuracy"] += float((logits.argmax(-1) == wanted).float().mean()) * len(some)
        other = prior(clip, still, (labels + 1) % prior.classes).float()
        sums["other-gloss"] += float(F.cross_entropy(other.flatten(0, 1), wanted.flatten())) * len(some)
    return {name: value / len(indices) for name, value in sums.items()}


@torch.no_grad()
def generated(
    model: VideoAutoencoder,
    prior: Prior,
    clips: Clips,
    indices: Sequence[int],
    stills: dict[int, Tensor],
    config: LMTConfig,
    context: Context,
) -> Tensor:  # [N, 3, T, H, W] in [-0.5, 0.5]
    """What is made of held-out clips' first frames and glosses."""
    model.eval()
    prior.eval()
    device = next(prior.parameters()).device
    random = torch.Generator().manual_seed(context.seed)
    made = []
    for k in range(0, len(indices), 4 * TOGETHER):
        some = list(indices[k : k + 4 * TOGETHER])
        codes = sample(
            prior,
            torch.stack([stills[i] for i in some]).to(device),
            clips.labels(some).to(device),
            temperature=config.temperature,
            top_k=config.top_k,
            top_p=config.top_p,
            guidance=config.guidance,
            generator=random,
        )
        for part in codes.split(TOGETHER):
            made.append(model.decode(part).float().clamp(-0.5, 0.5).cpu())
    return torch.cat(made)


def generation(
    model: VideoAutoencoder,
    prior: Prior,
    clips: Clips,
    indices: Sequence[int],
    stills: dict[int, Tensor],
    config: LMTConfig,
    context: Context,
) -> dict[str, float]:
    """Of videos generated from held-out first frames: fvd; with `config.recognizer` slr-acc, beside that of the real clips and of
    their reconstructions; person-motion: mean temporal difference where the real clip moves, as a share of the real one's;
    background-motion: the same difference elsewhere, in grey levels of 255 above the real one's."""
    made = generated(model, prior, clips, indices, stills, config, context)
    real = torch.stack([as_tensor(clips[i].frames) for i in indices])
    told = motion(made, real) | frechet("fvd", made, real)
    if config.recognizer is not None:
        from signcore.plugins.lmt.slr_acc import accuracy

        seen, _ = reconstructed(model, clips, indices)
        glosses = [clips.glosses[i] for i in indices]
        rates = [clips[i].fps for i in indices]
        for name, some in (("slr-acc", made), ("slr-acc-real", real), ("slr-acc-reconstructed", seen)):
            videos = [as_frames(x) for x in some]
            told |= accuracy(
                name, videos, rates, glosses, config.recognizer, config.recognizer_weights, context
            )
    return told


def motion(made: Tensor, real: Tensor) -> dict[str, float]:  # [N, 3, T, H, W] x2
    """person: the union over time of what moves in the real clip, grown by two pixels; background: the rest."""
    person = F.max_pool2d(moving(real).amax(2), 5, 1, 2).unsqueeze(2) > 0  # [N, 1, 1, H, W]
    differences = [(x[:, :, 1:] - x[:, :, :-1]).abs() for x in (made, real)]
    inside = [float(d[person.expand_as(d)].mean()) for d in differences]
    outside = [float(d[~person.expand_as(d)].mean()) for d in differences]
    return {
        "person-motion": inside[0] / max(inside[1], 1e-9),
        "background-motion": 255 * (outside[0] - outside[1]),
    }


def generation_strips(
    model: VideoAutoencoder, prior: Prior, clips: Clips, indices: Sequence[int], *rest: Any
) -> np.ndarray:
    """The real clip above, the generated one below. uint8 [H, W, 3]."""
    made = generated(model, prior, clips, indices, *rest)
    rows = []
    for i, one in zip(indices, made, strict=True):
        rows += [np.concatenate([*clips[i].frames], 1), np.concatenate([*as_frames(one)], 1)]
    return np.concatenate(rows)
