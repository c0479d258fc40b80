"""The networks of Ham2Pose (section 5, appendix C), under the public code's state-dict names."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from signcore.plugins.ham2pose.config import Ham2PoseConfig
from signcore.plugins.ham2pose.schedule import loss_scale, schedule

PADDING = 0  # the token's id


class Text(NamedTuple):
    """encoding: [B, L, D]. padding: bool [B, L], True where there is no token. length: predicted frames [B]."""

    encoding: Tensor
    padding: Tensor
    length: Tensor


class Ham2PoseModel(nn.Module):
    """Text processor and pose generator. vocabulary: token ids; points: keypoints K of a frame, in two coordinates;
    wrists: for every point the index of its hand's wrist, or its own (training's `hand_weight` needs them)."""

    def __init__(
        self, config: Ham2PoseConfig, vocabulary: int, points: int, wrists: Sequence[int] | None = None
    ) -> None:
        super().__init__()
        self.config, self.points, self.wrists = config, points, list(wrists or range(points))
        width, size = config.hidden, points * 2
        self.embedding = nn.Embedding(vocabulary, width, padding_idx=PADDING)
        if config.separate_positions:
            self.text_positional_embeddings = nn.Embedding(config.max_length, width)
            self.pos_positional_embeddings = nn.Embedding(config.max_length, width)
        else:
            self.positional_embeddings = nn.Embedding(config.max_length, width)
            self.alpha_text = nn.Parameter(torch.ones(1))
            self.alpha_pose = nn.Parameter(torch.ones(1))
        if config.progress_waves:
            self.progress_projection = nn.Linear(2 * config.progress_waves, width)
        self.text_encoder = _encoder(config, config.text_layers)
        self.seq_length = nn.Linear(width, 1)
        if config.pose_projection_layers == 1:
            self.pose_projection: nn.Module = nn.Linear(size, width)
        else:
            self.pose_projection = nn.Sequential(nn.Linear(size, width), nn.SiLU(), nn.Linear(width, width))
        self.step_embedding = nn.Embedding(config.steps, width)
        self.step_encoder = nn.Sequential(
            nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU()
        )
        self.pose_encoder = _encoder(config, config.pose_layers)
        self.pose_diff_projection = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, size))
        self.delta, self.alpha = schedule(config.steps, config.step_sizes)

    def read(self, tokens: Tensor) -> Text:
        """tokens: int64 [B, L], 0 where padded (section 5.2)."""
        padding = tokens == PADDING
        places = torch.arange(tokens.shape[1], device=tokens.device).expand_as(tokens).masked_fill(padding, 0)
        embedded = self.embedding(tokens) + self._placed("text", places)
        encoding = self.text_encoder(embedded, src_key_padding_mask=padding)
        lengths = self.seq_length(encoding).squeeze(-1)
        if self.config.padded_means:
            return Text(encoding, padding, lengths.mean(dim=1))
        return Text(
            encoding, padding, lengths.masked_fill(padding, 0).sum(1) / (~padding).sum(1).clamp(min=1)
        )

    def _placed(self, of: str, places: Tensor) -> Tensor:
        if self.config.separate_positions:
            table = self.text_positional_embeddings if of == "text" else self.pos_positional_embeddings
            found: Tensor = table(places)
            return found
        return (self.alpha_text if of == "text" else self.alpha_pose) * self.positional_embeddings(places)

    def embed(self, pose: Tensor, absent: Tensor) -> Tensor:
        """[B, N, K, 2] to [B, N, D]."""
        places = torch.arange(pose.shape[1], device=pose.device)
        embedded: Tensor = self.pose_projection(pose.flatten(2)) + self._placed("pose", places)
        if self.config.progress_waves:
            last = ((~absent).sum(1, keepdim=True) - 1).clamp(min=1)
            waves = torch.arange(1, self.config.progress_waves + 1, device=pose.device)
            phase = math.pi * (places / last).to(pose)[..., None] * waves
            embedded = embedded + self.progress_projection(torch.cat([phase.sin(), phase.cos()], dim=-1))
        return embedded

    def refine(self, step: int, pose: Tensor, absent: Tensor, text: Text) -> Tensor:
        """p_t of section 5.3.1: pose [B, N, K, 2] at step index i = T-1-t; absent: bool [B, N], True where padded."""
        count, frames = pose.shape[:2]
        told = self.step_encoder(self.step_embedding(torch.tensor([step], device=pose.device)))
        tokens = torch.cat([self.embed(pose, absent), text.encoding, told.expand(count, 1, -1)], dim=1)
        mask = torch.cat([absent, text.padding, absent.new_zeros(count, 1)], dim=1)
        encoded = self.pose_encoder(tokens, src_key_padding_mask=mask)[:, :frames]
        change: Tensor = self.pose_diff_projection(encoded)
        return change.view(count, frames, self.points, 2)

    def blended(self, step: int, pose: Tensor, change: Tensor) -> Tensor:
        """Eq. 1; without blending (the ablation of Fig. 5) the change is added."""
        alpha = self.alpha[step]
        return (1 - alpha) * pose + alpha * change if self.config.blend else pose + alpha * change

    def losses(
        self,
        tokens: Tensor,
        pose: Tensor,
        confidence: Tensor,
        absent: Tensor,
        *,
        teacher: Sequence[bool],
        noise: Sequence[Tensor] | None = None,
        others: tuple[Tensor, Tensor] | None = None,
    ) -> dict[str, Tensor]:
        """Eq. 2 to 5. pose: truth [B, N, K, 2]; confidence: weights [B, N, K]; absent: bool [B, N].

        teacher: of every step, whether the next one starts from the target (eq. 5); noise: of every step, in place of epsilon z
        [B, N, K, 2]. others: tokens [M, L] and lengths [M] that the length predictor learns from, in place of the batch's.
        """
        text = self.read(tokens)
        now = pose[:, :1].expand_as(pose)
        total = pose.new_zeros(())
        for step, delta in enumerate(self.delta):
            before = now.detach()
            target = delta * pose + (1 - delta) * before
            made = self.blended(step, before, self.refine(step, before, absent, text))
            error = self._error(made, target, confidence, absent)
            total = total + (error / delta**2 if self.config.even_steps else error)
            now = target if teacher[step] else made
            if noise is not None:
                now = now + noise[step]
        predicted, frames = text.length, (~absent).sum(1).to(pose)
        if others is not None:
            predicted, frames = self.read(others[0]).length, others[1]
        return {
            "refinement": loss_scale(self.config.steps) * total,
            "length": self.config.length_weight * ((predicted - frames) ** 2).mean(),
        }

    def _error(self, made: Tensor, target: Tensor, confidence: Tensor, absent: Tensor) -> Tensor:
        error = made - target
        squared = (error**2).sum(-1) * confidence
        if self.config.hand_weight:
            # a hand's points less its wrist: the handshape, wherever the hand is
            shape = (
                ((error - error[:, :, self.wrists]) ** 2).sum(-1) * confidence * confidence[:, :, self.wrists]
            )
            squared = squared + self.config.hand_weight * shape
        if self.config.padded_means:
            return squared.mean()
        frames = (~absent).sum() * squared.shape[2]
        return squared.masked_fill(absent[..., None], 0).sum() / frames

    def unroll(self, tokens: Tensor, first: Tensor, lengths: Tensor | None = None) -> Iterator[Tensor]:
        """Algorithm 1: yields s_T (the first frame repeated), then the pose after every refinement [B, N, K, 2].

        tokens: [B, L]; first: [B, K, 2]; lengths: int64 [B], or as predicted, rounded and held within the limits.
        Frames past a sign's length are padding.
        """
        text = self.read(tokens)
        if lengths is None:
            lengths = self.lengths(text)
        frames = int(lengths.max())
        absent = torch.arange(frames, device=tokens.device)[None] >= lengths[:, None]
        now = first[:, None].expand(-1, frames, -1, -1)
        yield now
        for step in range(self.config.steps - self.config.skip_last_step):
            now = self.blended(step, now, self.refine(step, now, absent, text))
            yield now

    def lengths(self, text: Text) -> Tensor:
        return text.length.round().long().clamp(self.config.min_length, self.config.max_length)


def _encoder(config: Ham2PoseConfig, depth: int) -> nn.TransformerEncoder:
    layer = nn.TransformerEncoderLayer(
        config.hidden,
        config.heads,
        config.feedforward,
        config.dropout,
        batch_first=True,
        norm_first=config.norm_first,
    )
    last = nn.LayerNorm(config.hidden) if config.norm_first else None
    return nn.TransformerEncoder(layer, depth, last, enable_nested_tensor=False)
