"""Training LMT: the motion VQ-GAN, then the prior on its frozen codes (LMT sections 3.1 to 3.3)."""

from __future__ import annotations

import copy
import logging
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, TypedDict

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from signcore import weights
from signcore.contracts import Context, Dataset
from signcore.errors import InputError, WeightsError
from signcore.nn.adversarial import adaptive_weight, discriminator_loss, gumbel_noise, hard_gumbel
from signcore.nn.lpips import LPIPS
from signcore.nn.patch_discriminator import PatchDiscriminator
from signcore.nn.video_autoencoder import VideoAutoencoder
from signcore.plugins.lmt import evaluation
from signcore.plugins.lmt.clips import Clips, as_tensor, same_vocabulary
from signcore.plugins.lmt.config import LMTConfig, VideoGPTConfig
from signcore.plugins.lmt.model import build, described, make_autoencoder, make_prior, parts, still_codes
from signcore.plugins.lmt.prior import Prior

WARM_UP = 0.02  # part of the steps in which a cosine schedule rises
LEAST = 0.01  # of the learning rate, where the cosine ends
TOGETHER = 8  # clips that are encoded at once


class Batch(TypedDict):
    video: Tensor  # stage 1: [B, 3, T, H, W] in [-0.5, 0.5]
    position: int  # of the batch in the run: seeds the step's own random draws


class CodeBatch(TypedDict):
    codes: Tensor  # int64 [B, t, h, w]
    still: Tensor  # int64 [B, h, w]
    labels: Tensor  # int64 [B]
    video: Tensor  # [B', 3, T, H, W] of the first B' clips, those that are decoded
    position: int


class LMTTask:
    """Two stages from one config; `generator.stages` trains one alone. With `context.weights` stage 1 starts from those.

    Raises InputError where the dataset has no clip of exactly one gloss.
    """

    component = "lmt"
    config_class: type[LMTConfig] = LMTConfig
    trains_on: ClassVar[tuple[str, dict[str, Any]]] = ("synthetic", {"max_glosses": 1, "vocabulary": 20})

    def __init__(self, config: LMTConfig | None = None, context: Context | None = None) -> None:
        self.config, self.context = config or self.config_class(), context or Context()
        self.known: Clips | None = None
        self.first = StageOne(self)
        self.second = StageTwo(self)

    def clips(self, dataset: Dataset) -> Clips:
        """Raises WeightsError where `context.weights` know other glosses: before the first stage is trained, not after it."""
        if self.known is None or self.known.dataset is not dataset:
            self.known = Clips(dataset, self.config)
            for line in self.known.warnings():
                logging.getLogger("signcore").warning(line)
            if self.context.weights is not None and self.config.stages != "first":
                same_vocabulary(self.known.vocabulary, self.context.weights)
        return self.known

    def stages(self) -> list[Any]:
        chosen: dict[str, list[Any]] = {
            "both": [self.first, self.second],
            "first": [self.first],
            "second": [self.second],
        }
        return chosen[self.config.stages]

    def export(self, folder: Path) -> None:
        clips = self.known
        if clips is None:
            raise InputError("nothing was trained, so there is nothing to export")
        prior = self.second.average if self.config.stages != "first" else None
        config = self.config.model_copy(update={"fps": self.config.fps or rate(clips)})
        weights.save(
            folder,
            described(self.component, config, clips.vocabulary if prior is not None else []),
            parts(self.first.model, prior),
            half=True,
        )


def rate(clips: Clips) -> float:
    """Mean of the training clips' frames a second, to a hundredth."""
    indices = clips.indices["train"]
    some = indices[:: max(1, len(indices) // 50)]
    return round(float(np.mean([clips[i].fps for i in some])), 2)


class _Stage:
    """What both stages share. They are tasks of their own; `LMTTask` holds them together."""

    def __init__(self, task: LMTTask) -> None:
        self.task, self.config, self.context = task, task.config, task.context

    def clips(self, dataset: Dataset) -> Clips:
        return self.task.clips(dataset)

    def stages(self) -> list[Any]:
        return [self]

    def random(self, position: int) -> torch.Generator:
        return torch.Generator().manual_seed(self.context.seed * 1_000_003 + position)

    def drawn(
        self, clips: Clips, count: int, start: int
    ) -> Iterator[tuple[int, np.random.Generator, list[int]]]:
        """(position, its random numbers, indices of clips)"""
        position, train = start, clips.indices["train"]
        while True:
            random = np.random.Generator(np.random.PCG64([self.context.seed, position]))
            yield position, random, [train[int(i)] for i in random.integers(len(train), size=count)]
            position += 1

    def export(self, folder: Path) -> None:
        self.task.export(folder)


def _cosine(step: int, steps: int) -> float:
    fall = max(0.0, (step / steps - WARM_UP) / (1 - WARM_UP))
    return min((step + 1) / max(1.0, WARM_UP * steps), 1.0) * (
        LEAST + (1 - LEAST) * (1 + math.cos(math.pi * fall)) / 2
    )


class StageOne(_Stage):
    """The motion VQ-GAN: reconstruction, commitment, LPIPS, and, from `gan_start` on, the discriminator (eq. 4)."""

    def __init__(self, task: LMTTask) -> None:
        super().__init__(task)
        config = self.config
        source = config.stage_one or self.context.weights
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.context.seed)
            if source is not None:
                found = build(task.component, config, source, prior=False)
                self.model, self.config = found.autoencoder, found.config
                task.config = config = found.config
            else:
                self.model = make_autoencoder(config)
            self.discriminator = PatchDiscriminator(3, config.gan_width, config.gan_layers)
        self.lpips = perceptual_network(config)  # with a weight of 0 it judges all the same
        rate = config.learning_rate
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(), lr=rate, betas=(0.9, 0.99), weight_decay=1e-4
        )
        self.against = torch.optim.AdamW(
            self.discriminator.parameters(), lr=rate, betas=(0.5, 0.9), weight_decay=1e-4
        )
        self.adversarial = 0.0  # share of the discriminator's weight at this step
        self._made: dict[int, Tensor] = {}

    def begin(self, dataset: Dataset) -> None:
        self.clips(dataset)
        self.lpips.to(self.context.device)  # what is not trained is in no modules(), so nobody else moves it

    def modules(self) -> dict[str, nn.Module]:
        kept: dict[str, nn.Module] = {"autoencoder": self.model}
        return {**kept, "discriminator": self.discriminator} if self.config.gan_weight else kept

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        kept: dict[str, torch.optim.Optimizer] = {"autoencoder": self.optimizer}
        return {**kept, "discriminator": self.against} if self.config.gan_weight else kept

    def schedule(self, step: int, steps: int) -> None:
        config, done = self.config, step / steps
        factor = _cosine(step, steps) if config.stage_one_schedule == "cosine" else 1.0
        for group in self.optimizer.param_groups + self.against.param_groups:
            group["lr"] = config.learning_rate * factor
        past = done - config.gan_start
        self.adversarial = 0.0 if past < 0 else min(1.0, past / config.gan_rise if config.gan_rise else 1.0)

    def batches(self, dataset: Dataset, split: str, start: int = 0) -> Iterator[Batch]:
        clips = self.clips(dataset)
        for position, random, indices in self.drawn(clips, self.config.batch, start):
            frames = np.stack([clips[i].frames for i in indices])
            if self.config.mirror:
                turned = random.random(len(frames)) < 0.5
                frames[turned] = frames[turned][..., ::-1, :]
            yield Batch(video=as_tensor(frames), position=position)

    def step(self, batch: Batch, optimizer: str) -> dict[str, Tensor]:
        self.model.train()
        self.discriminator.train()
        video, config = batch["video"], self.config
        if optimizer == "discriminator":
            return self._discriminate(batch)
        made, found = self.model(video)
        made = made.float()
        reconstruction = reconstruction_loss(made, video, config) / config.variance
        told = {"reconstruction": reconstruction, "commitment": found.commitment}
        if config.perceptual_weight:
            random = self.random(batch["position"])
            told["perceptual"] = config.perceptual_weight * perceptual_loss(
                self.lpips, made, video, config.perceptual_frames, random
            )
        if config.gan_weight:
            self._made[batch["position"]] = made.detach()
            if self.adversarial:
                against = -self.discriminator(made).float().mean()
                weight = adaptive_weight(reconstruction, against, self.model.decoder.last, config.gan_delta)
                told["adversarial"] = self.adversarial * config.gan_weight * weight * against
        return told

    def _discriminate(self, batch: Batch) -> dict[str, Tensor]:
        """The discriminator learns from the first step on, so that it knows its task when it begins to count."""
        made = self._made.pop(batch["position"])
        real, fake = self.discriminator(batch["video"]), self.discriminator(made)
        return {"discriminator": discriminator_loss(real.float(), fake.float(), self.config.gan_loss)}

    def clip(self, optimizer: str) -> None:
        if self.config.clip_gradient:
            network = self.model if optimizer == "autoencoder" else self.discriminator
            nn.utils.clip_grad_norm_(network.parameters(), self.config.clip_gradient)

    def evaluate(self, dataset: Dataset) -> dict[str, float]:
        return evaluation.reconstruction(self.model, self.clips(dataset), self.lpips)

    def samples(self, dataset: Dataset) -> dict[str, np.ndarray]:
        return {"reconstruction": evaluation.reconstruction_strips(self.model, self.clips(dataset))}


class StageTwo(_Stage):
    """The prior, on codes that the frozen stage 1 gave every clip once: cross-entropy, and what its samples look like (eq. 8)."""

    prior: Prior
    average: Prior

    def begin(self, dataset: Dataset) -> None:
        clips = self.clips(dataset)
        self.config = config = self.task.config
        self.model = self.task.first.model.eval().requires_grad_(False).to(self.context.device)
        self.lpips = self.task.first.lpips.to(self.context.device)
        self.codes, self.stills = encoded(self.model, clips, self.context)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.context.seed)
            self.prior = make_prior(config, self.model.codebook.embeddings, len(clips.vocabulary))
        if self.context.weights is not None and config.stages != "first":
            found = build(self.task.component, config, self.context.weights)
            if found.prior is not None:
                self._continue(found.prior)
        self.average = copy.deepcopy(self.prior).requires_grad_(False) if config.averaging else self.prior
        decayed = [p for p in self.prior.parameters() if p.ndim > 1]
        others = [p for p in self.prior.parameters() if p.ndim < 2]
        groups = [{"params": decayed, "weight_decay": 0.01}, {"params": others, "weight_decay": 0.0}]
        self.optimizer = torch.optim.AdamW(groups, lr=config.prior_learning_rate, betas=(0.9, 0.95))

    def _continue(self, prior: Prior) -> None:
        """From weights whose first stage is the frozen one, or that from which this run's went on: its codes mean much the same."""
        state = prior.state_dict()
        if self.config.stages == "both" and self.config.stage_one is None:
            state["stage_one"] = self.prior.stage_one
        try:
            self.prior.load_state_dict(state)
        except ValueError as error:
            raise WeightsError(
                f"{self.context.weights}: holds {error}", "stage_one must name the one that it was trained on"
            ) from error

    def modules(self) -> dict[str, nn.Module]:
        kept: dict[str, nn.Module] = {"prior": self.prior}
        return {**kept, "average": self.average} if self.config.averaging else kept

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        return {"prior": self.optimizer}

    def schedule(self, step: int, steps: int) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = self.config.prior_learning_rate * _cosine(step, steps)

    def batches(self, dataset: Dataset, split: str, start: int = 0) -> Iterator[CodeBatch]:
        clips, config = self.clips(dataset), self.config
        shown = config.visual_clips or config.prior_batch
        for position, random, indices in self.drawn(clips, config.prior_batch, start):
            labels = clips.labels(indices)
            if config.label_dropout:
                hidden = torch.from_numpy(random.random(len(labels)) < config.label_dropout)
                labels = labels.masked_fill(hidden, len(clips.vocabulary))
            yield CodeBatch(
                codes=torch.stack([self.codes[i] for i in indices]),
                still=torch.stack([self.stills[i] for i in indices]),
                labels=labels,
                video=torch.stack([as_tensor(clips[i].frames) for i in indices[:shown]]),
                position=position,
            )

    def step(self, batch: CodeBatch, optimizer: str) -> dict[str, Tensor]:
        self.prior.train()
        config = self.config
        logits = self.prior(batch["codes"], batch["still"], batch["labels"]).float()
        wanted = self.prior.targets(batch["codes"])
        told = {"cross-entropy": F.cross_entropy(logits.flatten(0, 1), wanted.flatten())}
        if config.prior_perceptual_weight or config.prior_reconstruction_weight:
            random = self.random(batch["position"])
            video = batch["video"]
            made = self.imagined(logits[: len(video)], batch["still"][: len(video)], random)
            if config.prior_reconstruction_weight:
                found = reconstruction_loss(made, video, config)
                told["reconstruction"] = config.prior_reconstruction_weight * found
            if config.prior_perceptual_weight:
                found = perceptual_loss(self.lpips, made, video, config.perceptual_frames, random)
                told["perceptual"] = config.prior_perceptual_weight * found
        return told

    def imagined(self, logits: Tensor, still: Tensor, random: torch.Generator) -> Tensor:
        """[B, generated, K], [B, h, w] -> [B, 3, T, H, W]: hard Gumbel samples through the frozen decoder (L5)."""
        self.model.eval()  # its normalisation must not move
        one_hot = hard_gumbel(logits, gumbel_noise(logits, random), self.config.tau)
        vectors = one_hot @ self.model.codebook.embeddings
        vectors = self.prior.assembled(vectors, self.model.codebook.lookup(still))
        return self.model.decode_embeddings(vectors.movedim(-1, 1)).float()

    def clip(self, optimizer: str) -> None:
        if self.config.clip_gradient:
            nn.utils.clip_grad_norm_(self.prior.parameters(), self.config.clip_gradient)

    @torch.no_grad()
    def updated(self, step: int) -> None:
        if self.config.averaging:
            decay = min(self.config.averaging, (1 + step) / (10 + step))
            for there, here in zip(self.average.parameters(), self.prior.parameters(), strict=True):
                there.lerp_(here, 1 - decay)

    def evaluate(self, dataset: Dataset) -> dict[str, float]:
        clips, held = self.clips(dataset), self.clips(dataset).held_out()
        codes, stills = encoded(self.model, clips, self.context, held)
        told = evaluation.likelihood(self.average, clips, held, codes, stills)
        return told | evaluation.generation(
            self.model, self.average, clips, held, stills, self.config, self.context
        )

    def samples(self, dataset: Dataset) -> dict[str, np.ndarray]:
        clips = self.clips(dataset)
        held = clips.held_out()[:4]
        _, stills = encoded(self.model, clips, self.context, held)
        return {
            "generated": evaluation.generation_strips(
                self.model, self.average, clips, held, stills, self.config, self.context
            )
        }


class VideoGPTTask(LMTTask):
    component = "videogpt"
    config_class = VideoGPTConfig


def reconstruction_loss(made: Tensor, video: Tensor, config: LMTConfig) -> Tensor:  # [B, 3, T, H, W] x2
    """Mean over pixels of the squared or absolute difference; pixels that move count `moving_weight` more (their mean weight is 1)."""
    difference = (made - video) ** 2 if config.reconstruction == "mse" else (made - video).abs()
    if config.moving_weight:
        count = 1 + config.moving_weight * evaluation.moving(video)
        difference = difference * (count / count.mean())
    return difference.mean()


def perceptual_network(config: LMTConfig) -> LPIPS:
    if config.lpips is not None:
        return LPIPS("vgg16", 64).load(config.lpips)
    return LPIPS("vgg16", config.lpips_width)


def perceptual_loss(
    network: LPIPS, made: Tensor, video: Tensor, frames: int, random: torch.Generator
) -> Tensor:  # [B, 3, T, H, W] x2
    """LPIPS, averaged over `frames` of every clip, drawn at random (0: over all)."""
    count = video.shape[2]
    chosen = torch.randperm(count, generator=random)[: frames or count].to(video.device)
    both = (x[:, :, chosen].transpose(1, 2).flatten(0, 1) + 0.5 for x in (made, video))
    distance: Tensor = network(*both)
    return distance.float().mean()


@torch.no_grad()
def encoded(
    model: VideoAutoencoder, clips: Clips, context: Context, indices: list[int] | None = None
) -> tuple[dict[int, Tensor], dict[int, Tensor]]:
    """Codes int64 [t, h, w] of every clip and [h, w] of its still image, by index: of `indices`, or of all that are trained on."""
    model.eval()
    indices = clips.indices["train"] if indices is None else indices
    device, repeated = next(model.parameters()).device, clips.config.still == "repeat"
    codes: dict[int, Tensor] = {}
    stills: dict[int, Tensor] = {}
    starts = range(0, len(indices), TOGETHER)
    for k in context.progress(starts, len(starts), "clips encoded"):
        some = indices[k : k + TOGETHER]
        video = torch.stack([as_tensor(clips[i].frames) for i in some]).to(device)
        found = model.encode(video)
        still = still_codes(model, video[:, :, 0], video.shape[2]) if repeated else found[:, 0]
        codes |= dict(zip(some, found, strict=True))
        stills |= dict(zip(some, still, strict=True))
    return codes, stills
