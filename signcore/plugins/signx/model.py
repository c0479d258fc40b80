"""Pose2Gloss (section 3.2): encoders of the tracks, their fusion, PadMatch, the diffusion branch and the codebook decoder."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from signcore.plugins.signx.config import SignXConfig
from signcore.plugins.signx.diffusion import UNet, alpha_bar, estimate, noised
from signcore.plugins.signx.losses import NAMES
from signcore.recognition.tracks import WIDTHS
from signcore.recognition.vocabulary import BOS, EOS, PAD, UNK


class Read(NamedTuple):
    """latent: z0 [B, N, latent]. memory: [B, N', width], what the decoder attends to. absent: bool [B, N'], True where padded."""

    latent: Tensor
    memory: Tensor
    absent: Tensor


class TrackEncoder(nn.Module):
    """E_i of eq. 1: LayerNorm, linear, GELU, and a learned token that names the track (S1)."""

    def __init__(self, track: int, hidden: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(track)
        self.linear = nn.Linear(track, hidden)
        self.token = nn.Parameter(torch.randn(hidden) * 0.02)

    def forward(self, frames: Tensor, there: Tensor) -> Tensor:  # [B, N, d], bool [B, N] -> [B, N, hidden]
        found: Tensor = F.gelu(self.linear(self.norm(frames))) * there[..., None] + self.token
        return found


class Fusion(nn.Module):
    """Eq. 2: attention over the tracks of a frame, around it, then back to each track's own width; side by side 1,959 (S1)."""

    def __init__(self, config: SignXConfig) -> None:
        super().__init__()
        self.tracks = config.tracks
        self.encoders = nn.ModuleDict({t: TrackEncoder(WIDTHS[t], config.hidden) for t in config.tracks})
        self.attention = nn.MultiheadAttention(config.hidden, config.fusion_heads, batch_first=True)
        self.back = nn.ModuleDict({t: nn.Linear(config.hidden, WIDTHS[t]) for t in config.tracks})

    def forward(self, tracks: dict[str, Tensor], present: dict[str, Tensor]) -> Tensor:
        """tracks: by name [B, N, d]; present: by name bool [B, N]. A frame without any track attends to all of its tokens."""
        rows = torch.stack([self.encoders[t](tracks[t], present[t]) for t in self.tracks], dim=2)
        count, frames, many, hidden = rows.shape
        rows = rows.view(count * frames, many, hidden)
        missing = ~torch.stack([present[t] for t in self.tracks], dim=2).view(count * frames, many)
        missing = missing & ~missing.all(dim=1, keepdim=True)
        fused = rows + self.attention(rows, rows, rows, key_padding_mask=missing, need_weights=False)[0]
        fused = fused.view(count, frames, many, hidden)
        return torch.cat([self.back[t](fused[:, :, i]) for i, t in enumerate(self.tracks)], dim=-1)


class PadMatch(nn.Module):
    """Eq. 3: to the unified width, by zeros behind (invertible) or by a linear layer (S2)."""

    def __init__(self, inside: int, outside: int, mode: str) -> None:
        super().__init__()
        self.inside, self.outside = inside, outside
        self.linear = nn.Linear(inside, outside) if mode == "linear" else None

    def forward(self, x: Tensor) -> Tensor:
        return F.pad(x, (0, self.outside - self.inside)) if self.linear is None else self.linear(x)

    def inverse(self, z: Tensor) -> Tensor:
        """What zeros were put behind of."""
        return z[..., : self.inside]


class ClipNorm(nn.Module):
    """Zero mean and unit variance over all channels and frames of a clip, without its padding; then a scale a channel."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, x: Tensor, absent: Tensor) -> Tensor:  # [B, C, T], bool [B, T]
        there = (~absent)[:, None].to(x)
        count = (there.sum(dim=2, keepdim=True) * x.shape[1]).clamp(min=1)
        away = (x - (x * there).sum(dim=(1, 2), keepdim=True) / count) * there
        scale = torch.rsqrt((away**2).sum(dim=(1, 2), keepdim=True) / count + 1e-5)
        return away * scale * self.weight[:, None] + self.bias[:, None]


class Temporal(nn.Module):
    """Convolutions over time, each of which halves the rate."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.first = nn.Conv1d(width, width, 5, 2, 2)
        self.second = nn.Conv1d(width, width, 5, 1, 2)
        self.norms = nn.ModuleList(ClipNorm(width) for _ in range(2))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, absent: Tensor) -> tuple[Tensor, Tensor]:
        x = x.masked_fill(absent[:, None], 0)
        around = F.avg_pool1d(F.pad(x, (0, x.shape[-1] % 2)), 2)
        absent = absent[:, ::2]
        made = self.dropout(F.gelu(self.norms[0](self.first(x), absent)))
        made = F.gelu(self.norms[1](self.second(made.masked_fill(absent[:, None], 0)), absent))
        return around + made, absent


class VectorQuantiser(nn.Module):
    """The alternative bottleneck of S5: the nearest of `codes` vectors, kept as running means; the gradient passes straight."""

    decay = 0.99
    commitment = 0.25

    def __init__(self, codes: int, width: int) -> None:
        super().__init__()
        self.register_buffer("codes", torch.randn(codes, width))
        self.register_buffer("count", torch.ones(codes))
        self.register_buffer("total", self.codes.clone())
        self.codes: Tensor
        self.count: Tensor
        self.total: Tensor

    def forward(self, x: Tensor, absent: Tensor) -> tuple[Tensor, Tensor]:
        """[B, N, width] to its codes, and the commitment loss."""
        rows = x[~absent]
        nearest = torch.cdist(rows.detach(), self.codes).argmin(dim=1)
        if self.training:
            with torch.no_grad():
                chosen = F.one_hot(nearest, len(self.codes)).to(rows)
                self.count.lerp_(chosen.sum(dim=0), 1 - self.decay)
                self.total.lerp_(chosen.T @ rows, 1 - self.decay)
                self.codes.copy_(self.total / self.count.clamp(min=1e-3)[:, None])
        found = self.codes[nearest]
        out = x.clone()
        out[~absent] = rows + (found - rows).detach()
        return out, self.commitment * F.mse_loss(rows, found)


class CodebookDecoder(nn.Module):
    """A transformer decoder whose answers are cosines with a codebook of glosses, which embeds its inputs too (S5)."""

    def __init__(self, config: SignXConfig, classes: int) -> None:
        super().__init__()
        self.codebook = nn.Embedding(classes, config.width, padding_idx=PAD)
        self.scale = nn.Parameter(torch.tensor(math.log(10.0)))
        self.max_glosses = config.max_glosses
        layer = nn.TransformerDecoderLayer(
            config.width,
            config.decoder_heads,
            config.feedforward,
            config.dropout,
            batch_first=True,
            norm_first=True,
        )
        self.layers = nn.TransformerDecoder(layer, config.decoder_layers, nn.LayerNorm(config.width))

    def hidden(self, tokens: Tensor, memory: Tensor, absent: Tensor) -> Tensor:  # [B, L] -> [B, L, width]
        length = tokens.shape[1]
        embedded = self.codebook(tokens)
        embedded = embedded + positions(length, embedded.shape[-1], embedded)
        later = torch.ones(length, length, dtype=torch.bool, device=tokens.device).triu(1)
        found: Tensor = self.layers(
            embedded, memory, tgt_mask=later, tgt_is_causal=True, memory_key_padding_mask=absent
        )
        return found

    def forward(self, tokens: Tensor, memory: Tensor, absent: Tensor) -> Tensor:
        """Logits [B, L, classes] of what follows each token: cosines, times a learned scale."""
        hidden = F.normalize(self.hidden(tokens, memory, absent), dim=-1)
        logits: Tensor = self.scale.exp() * hidden @ F.normalize(self.codebook.weight, dim=-1).T
        return logits


def positions(length: int, width: int, like: Tensor) -> Tensor:
    """Sines and cosines [length, width] (Vaswani et al. 2017)."""
    place = torch.arange(length, device=like.device)[:, None]
    wave = torch.exp(-math.log(10000.0) * torch.arange(0, width, 2, device=like.device) / width)
    out = torch.zeros(length, width, device=like.device, dtype=like.dtype)
    out[:, 0::2] = (place * wave).sin()
    out[:, 1::2] = (place * wave).cos()[:, : width // 2]
    return out


class Pose2Gloss(nn.Module):
    """classes: numbers of the vocabulary, the special ones included. The CTC answers have the blank in PAD's place."""

    def __init__(self, config: SignXConfig, classes: int) -> None:
        super().__init__()
        self.config = config
        self.fusion = Fusion(config)
        self.match = PadMatch(sum(WIDTHS[t] for t in config.tracks), config.latent, config.pad)
        self.unet = UNet(config.latent, config.unet_width)
        self.project = nn.Linear(config.latent, config.width)
        self.temporal = nn.ModuleList(
            Temporal(config.width, config.dropout) for _ in range(config.temporal_blocks)
        )
        self.norm = nn.LayerNorm(config.width)
        self.quantiser = VectorQuantiser(config.codes, config.width) if config.bottleneck == "vq" else None
        self.decoder = CodebookDecoder(config, classes)
        self.ctc = nn.Linear(config.width, classes)
        self.pose_head = nn.Linear(config.width, config.width)  # z_pose of eq. 11
        if config.learned_weights:
            self.log_variances = nn.ParameterDict({n: nn.Parameter(torch.zeros(())) for n in NAMES})
        self.register_buffer("alphas", alpha_bar(config.noise_steps), persistent=False)
        self.alphas: Tensor
        self.commitment = torch.zeros(())

    def fuse(self, tracks: dict[str, Tensor], present: dict[str, Tensor]) -> Tensor:
        """z0 [B, N, latent] (eq. 1 to 3)."""
        return self.match(self.fusion(tracks, present))

    def read(self, tracks: dict[str, Tensor], present: dict[str, Tensor], absent: Tensor) -> Read:
        """absent: bool [B, N], True where padded."""
        latent = self.fuse(tracks, present)
        return self.attended(latent, self.denoised(latent, absent), absent)

    def attended(self, latent: Tensor, shown: Tensor, absent: Tensor) -> Read:
        x = self.project(shown)
        x = x + positions(x.shape[1], x.shape[2], x) if not len(self.temporal) else x
        x = x.transpose(1, 2)
        for block in self.temporal:
            x, absent = block(x, absent)
        memory = self.norm(x.transpose(1, 2))
        if self.quantiser is not None:
            memory, self.commitment = self.quantiser(memory, absent)
        return Read(latent, memory, absent)

    def denoised(self, latent: Tensor, absent: Tensor) -> Tensor:
        """What the decoder is shown (S4)."""
        config = self.config
        if config.read_latent == "clean" or self.training:
            return latent
        last = config.denoise_t
        generator = torch.Generator().manual_seed(last)
        noise = torch.randn(latent.shape, generator=generator).to(latent)
        z = noised(latent, noise, self.alphas[last].expand(len(latent)))
        count = 1 if config.read_latent == "estimate" else min(config.ddim_steps, last)
        times = torch.linspace(last, 0, count + 1).round().long().tolist()
        for t, after in pairwise(times):
            here = torch.full((len(z),), t, device=z.device)
            said = self.unet(z, here, absent)
            clean = estimate(z, said, self.alphas[here])
            z = clean if after == 0 else noised(clean, said, self.alphas[torch.full_like(here, after)])
        return z

    def noise_error(self, latent: Tensor, absent: Tensor, t: Tensor, noise: Tensor) -> Tensor:
        """Eq. 8, mean over the numbers of frames that are there. t: int64 [B]; noise: [B, N, latent]."""
        latent = latent if self.config.noise_gradient else latent.detach()
        said = self.unet(noised(latent, noise, self.alphas[t]), t, absent)
        return ((said - noise) ** 2).mean(dim=-1)[~absent].mean()

    def ctc_logits(self, read: Read) -> Tensor:  # [B, N', classes]
        """The other special tokens are never read."""
        logits: Tensor = self.ctc(read.memory)
        return logits.index_fill(2, torch.tensor([BOS, EOS, UNK], device=logits.device), -1e4)

    def pooled(self, read: Read) -> Tensor:  # [B, width]
        """The mean of what the decoder attends to, for eq. 11."""
        there = (~read.absent)[..., None].to(read.memory)
        found: Tensor = self.pose_head((read.memory * there).sum(dim=1) / there.sum(dim=1).clamp(min=1))
        return found
