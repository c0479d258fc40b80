"""Stage 2: which codes follow a gloss and a still image (LMT sections 3.2 and 3.3), and VideoGPT's prior in the same frame."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from signcore.nn.video_attention import HeadsAttention

Pairs = list[tuple[Tensor, Tensor]]  # keys and values [B, h, L, d] of every layer


@dataclass
class State:
    """What a step of sampling needs of those before. cache: room for every row; rows: how many are filled."""

    tokens: Tensor  # int64 [B, seen]
    labels: Tensor  # int64 [B]
    cache: Pairs
    rows: int = 0
    fixed: dict[str, Any] = field(default_factory=dict)


def fingerprint(table: Tensor) -> Tensor:
    """int64 []: of a codebook as it is stored in half precision; tells which stage 1 a stage 2 belongs to."""
    digest = sha256(table.detach().cpu().half().contiguous().numpy().tobytes()).digest()
    return torch.tensor(int.from_bytes(digest[:7], "big"))


class Prior(nn.Module, ABC):
    """A distribution over the codes of a clip, one after another in raster order.

    clip: int64 [B, t, h, w], the clip's codes. still: int64 [B, h, w], those of its still image. labels: int64 [B], `classes`
    for no label. table: the codebook of stage 1, [K, d].
    """

    def __init__(self, table: Tensor, grid: Sequence[int], classes: int) -> None:
        super().__init__()
        self.grid, self.classes = tuple(grid), classes
        self.slice = grid[1] * grid[2]
        self.total = grid[0] * self.slice
        self.register_buffer("table", table.detach().clone(), persistent=False)
        self.register_buffer("stage_one", fingerprint(table))
        self.table: Tensor
        self.stage_one: Tensor

    def _load_from_state_dict(self, state: dict[str, Any], prefix: str, *rest: Any) -> None:
        found = state.get(f"{prefix}stage_one")
        if found is not None and int(found) != int(self.stage_one):
            raise ValueError("a stage 2 that was trained on another stage 1 than stage_one gives")
        super()._load_from_state_dict(state, prefix, *rest)

    @property
    @abstractmethod
    def generated(self) -> int:
        """How many codes are sampled."""

    @abstractmethod
    def forward(self, clip: Tensor, still: Tensor, labels: Tensor) -> Tensor:
        """Logits [B, generated, K] of `targets`, each from those before it."""

    @abstractmethod
    def begin(self, still: Tensor, labels: Tensor) -> tuple[Tensor, State]:
        """Logits [B, K] of the first code."""

    @abstractmethod
    def next(self, chosen: Tensor, state: State) -> Tensor:  # int64 [B] -> [B, K]
        """Logits of the code after `chosen`."""

    def targets(self, clip: Tensor) -> Tensor:  # -> int64 [B, generated]
        return clip.flatten(1)[:, self.total - self.generated :]

    def assembled(self, codes: Tensor, still: Tensor) -> Tensor:
        """[B, generated, ...] of sampled codes, or of their one-hot rows -> [B, t, h, w, ...]."""
        if self.generated < self.total:
            codes = torch.cat([still.flatten(1, 2), codes], 1)
        return codes.unflatten(1, self.grid)


class Attention(nn.Module):
    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.proj = nn.Linear(width, width)

    def forward(
        self, x: Tensor, mask: Tensor | None, cache: tuple[Tensor, Tensor] | None, rows: int
    ) -> Tensor:
        """cache: keys and values of earlier rows are read from it, those of x written at `rows`."""
        q, k, v = (
            part(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for part in (self.query, self.key, self.value)
        )
        if cache is not None:
            k, v = _kept(cache, k, v, rows)
        mixed = F.scaled_dot_product_attention(q, k, v, mask, self.dropout if self.training else 0.0)
        made: Tensor = self.proj(mixed.transpose(1, 2).flatten(2))
        return made


def _kept(cache: tuple[Tensor, Tensor], k: Tensor, v: Tensor, rows: int) -> tuple[Tensor, Tensor]:
    upto = rows + k.shape[2]
    cache[0][:, :, rows:upto], cache[1][:, :, rows:upto] = k, v
    return cache[0][:, :, :upto], cache[1][:, :, :upto]


class Block(nn.Module):
    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.ln1, self.ln2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attn = Attention(width, heads, dropout)
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width), nn.Dropout(dropout)
        )

    def forward(self, x: Tensor, mask: Tensor | None, cache: tuple[Tensor, Tensor] | None = None, rows: int = 0) -> Tensor:  # fmt: skip
        x = x + self.attn(self.ln1(x), mask, cache, rows)
        return x + self.mlp(self.ln2(x))


def prefix_mask(rows: int, prefix: int) -> Tensor:
    """bool [rows, rows]: row i sees row j where j <= i, or both are of the prefix (LMT Figure 1, L3)."""
    i = torch.arange(rows)
    return (i[None] <= i[:, None]) | ((i[None] < prefix) & (i[:, None] < prefix))


class LatentTransformer(Prior):
    """LMT's prior: rows are the label, the still image's codes, then the codes so far; label and still image see each other.

    The still image stands for the clip's first slice; the slices after it are sampled (L1, L2). mask: "prefix", sentence to
    sentence, or "causal". embedding: "codebook" puts codes and label into the codebook's space, then a linear layer (the paper, L4);
    "tokens" learns a vector for each (the precursor). positions: "factorised" adds vectors for time, row and column; "learned" has
    one a place; the label has none (L3). look_back: a row is also shown the code that stands, one slice earlier, where the next
    code will stand. label_places: each label has vectors of its own for time, row and column, which tell a row what is usual where its
    code will stand. null_label: has a label for "none", which guidance needs.
    """

    def __init__(
        self,
        table: Tensor,  # [K, d]
        grid: Sequence[int],  # t, h, w
        classes: int,
        *,
        width: int = 512,
        layers: int = 12,
        heads: int = 8,
        mask: str = "prefix",
        embedding: str = "codebook",
        positions: str = "learned",
        look_back: bool = False,
        label_places: bool = False,
        null_label: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__(table, grid, classes)
        codes, dim = table.shape
        self.embedding, self.factorised, self.mask, self.heads = (
            embedding,
            positions == "factorised",
            mask,
            heads,
        )
        labels = classes + null_label
        if embedding == "codebook":
            self.fc_in = nn.Linear(dim, width, bias=False)
            self.cls_emb = nn.Embedding(labels, dim)
        else:
            self.tok_emb = nn.Embedding(codes, width)
            self.cls_emb = nn.Embedding(labels, width)
        if self.factorised:
            self.pos_axes = nn.ParameterList([nn.Parameter(torch.zeros(n, width)) for n in grid])
        else:
            self.pos_emb = nn.Parameter(torch.zeros(1, self.total, width))
        self.back = nn.Embedding(codes, width) if look_back else None
        self.label_axes: nn.ParameterList | None = None
        if label_places:
            self.label_axes = nn.ParameterList([nn.Parameter(torch.zeros(labels, n, width)) for n in grid])
        self.blocks = nn.ModuleList(Block(width, heads, dropout) for _ in range(layers))
        self.ln_f = nn.LayerNorm(width)
        self.head = nn.Linear(width, codes, bias=False)
        self.apply(_initialise)
        for parameter in [*self.pos_axes] if self.factorised else [self.pos_emb]:
            nn.init.normal_(parameter, std=0.02)

    @property
    def generated(self) -> int:
        return self.total - self.slice

    def forward(self, clip: Tensor, still: Tensor, labels: Tensor) -> Tensor:
        tokens = torch.cat([still.flatten(1), clip.flatten(1)[:, self.slice : -1]], 1)
        return self.rows(tokens, labels)[:, self.slice :]

    def rows(self, tokens: Tensor, labels: Tensor) -> Tensor:  # int64 [B, L], [B] -> [B, 1 + L, K]
        """Logits of every row, those of the prefix too (which see their own targets: no loss is taken of them)."""
        x = self._embedded(tokens, labels)
        mask = prefix_mask(x.shape[1], self._prefix).to(x.device)
        for block in self.blocks:
            x = block(x, mask)
        said: Tensor = self.head(self.ln_f(x))
        return said

    @property
    def _prefix(self) -> int:
        return 1 + self.slice if self.mask == "prefix" else 0

    def _embedded(self, tokens: Tensor, labels: Tensor) -> Tensor:
        label = self.cls_emb(labels)[:, None]
        if self.embedding == "codebook":
            label, x = self.fc_in(label), self.fc_in(F.embedding(tokens, self.table))
        else:
            x = self.tok_emb(tokens)
        x = x + self._places()[: tokens.shape[1]]
        x = torch.cat([label, x], 1)
        if self.back is not None and tokens.shape[1] >= self.slice:
            behind = self.back(tokens[:, : tokens.shape[1] - self.slice + 1])
            x = x + F.pad(behind, (0, 0, self.slice, 0))
        if self.label_axes is not None:
            x = x + self._label_places(labels)[:, : x.shape[1]]
        return x

    def _label_places(
        self, labels: Tensor
    ) -> Tensor:  # [B] -> [B, total, width], of the code that row i predicts
        assert self.label_axes is not None
        t, h, w = (axis[labels] for axis in self.label_axes)
        return (t[:, :, None, None] + h[:, None, :, None] + w[:, None, None]).flatten(1, 3)

    def _places(self) -> Tensor:  # [total, width]
        if not self.factorised:
            return self.pos_emb[0]
        t, h, w = self.pos_axes
        return (t[:, None, None] + h[None, :, None] + w[None, None]).flatten(0, 2)

    def begin(self, still: Tensor, labels: Tensor) -> tuple[Tensor, State]:
        tokens = still.flatten(1)
        x = self._embedded(tokens, labels)
        state = State(tokens, labels, _room(x, self.total, len(self.blocks), self.heads))
        if self.label_axes is not None:
            state.fixed["label_places"] = self._label_places(labels)
        mask = prefix_mask(x.shape[1], self._prefix).to(x.device)
        return self._through(x, mask, state), state

    def next(self, chosen: Tensor, state: State) -> Tensor:
        place = state.tokens.shape[1]
        state.tokens = torch.cat([state.tokens, chosen[:, None]], 1)
        x = (
            self.fc_in(F.embedding(chosen, self.table))
            if self.embedding == "codebook"
            else self.tok_emb(chosen)
        )
        x = x + self._places()[place]
        if self.back is not None:
            x = x + self.back(state.tokens[:, place - self.slice + 1])
        if self.label_axes is not None:
            x = x + state.fixed["label_places"][:, state.rows]
        return self._through(x[:, None], None, state)

    def _through(self, x: Tensor, mask: Tensor | None, state: State) -> Tensor:  # -> [B, K], of the last row
        for block, cache in zip(self.blocks, state.cache, strict=True):
            x = block(x, mask, cache, state.rows)
        state.rows += x.shape[1]
        said: Tensor = self.head(self.ln_f(x[:, -1]))
        return said


def _room(like: Tensor, rows: int, layers: int, heads: int) -> Pairs:  # like: [B, L, C]
    """Room for every layer's keys and values, in the type that autocast gives them."""
    shape = (like.shape[0], heads, rows, like.shape[-1] // heads)
    device = like.device.type
    kind = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else like.dtype
    return [(like.new_zeros(shape, dtype=kind), like.new_zeros(shape, dtype=kind)) for _ in range(layers)]


def _initialise(module: nn.Module) -> None:
    if isinstance(module, (nn.Linear, nn.Embedding)):
        nn.init.normal_(module.weight, std=0.02)
    if isinstance(module, nn.Linear) and module.bias is not None:
        nn.init.zeros_(module.bias)


class ConditionalNorm(nn.Module):
    """VideoGPT's layer norm, scaled and shifted by the class, or by constants; (x - mean) (1e-5 + 1 / deviation), as its code has it."""

    def __init__(self, width: int, classes: int | None) -> None:
        super().__init__()
        if classes:
            self.w, self.wb = (nn.Linear(classes, width, bias=False) for _ in range(2))
            nn.init.constant_(self.w.weight, classes**-0.5)
        else:
            self.g, self.b = nn.Parameter(torch.ones(width)), nn.Parameter(torch.zeros(width))
        self.classes = classes

    def forward(self, x: Tensor, one_hot: Tensor | None) -> Tensor:  # [B, L, C], [B, classes]
        wide = x.float()
        centred = wide - wide.mean(-1, keepdim=True)
        normal = centred * (1e-5 + centred.square().mean(-1, keepdim=True).clamp_min(1e-12).rsqrt())
        if self.classes:
            scale, shift = 1 + self.w(one_hot)[:, None], self.wb(one_hot)[:, None]
        else:
            scale, shift = self.g, self.b
        return (normal * scale + shift).to(x.dtype)


class GPTBlock(nn.Module):
    """Causal attention, attention to the still image's features, feed-forward."""

    def __init__(self, width: int, heads: int, layers: int, classes: int | None, framed: bool, dropout: float) -> None:  # fmt: skip
        super().__init__()
        self.pre_attn_norm, self.pre_fc_norm = (ConditionalNorm(width, classes) for _ in range(2))
        self.attn = HeadsAttention(width, heads, layers)
        self.enc_attn = HeadsAttention(width, heads, layers) if framed else None
        if framed:
            self.pre_enc_norm = ConditionalNorm(width, classes)
        self.fc_block = nn.Sequential(nn.Linear(width, 4 * width), _GELU2(), nn.Linear(4 * width, width))
        nn.init.normal_(self.fc_block[2].weight, std=(4 * width * layers) ** -0.5)  # type: ignore[arg-type]
        self.drop = nn.Dropout(dropout)

    def forward(
        self, x: Tensor, one_hot: Tensor | None, frame: Tensor | None, cache: tuple[Tensor, Tensor] | None = None, rows: int = 0
    ) -> Tensor:  # fmt: skip
        normal, attn = self.pre_attn_norm(x, one_hot), self.attn
        q, k, v = (attn.split(part(normal)) for part in (attn.w_qs, attn.w_ks, attn.w_vs))
        if cache is not None:
            k, v = _kept(cache, k, v, rows)
        chance = self.drop.p if self.training else 0.0
        mixed = F.scaled_dot_product_attention(q, k, v, None, chance, is_causal=cache is None)
        x = x + self.drop(attn.joined(mixed))
        if self.enc_attn is not None and frame is not None:
            x = x + self.drop(self.enc_attn(self.pre_enc_norm(x, one_hot), frame))
        return x + self.drop(self.fc_block(self.pre_fc_norm(x, one_hot)))


class _GELU2(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(1.702 * x)


class _Start(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.sos = nn.Parameter(torch.randn(width) * 0.02)


class _Positions(nn.Module):
    def __init__(self, grid: Sequence[int], width: int) -> None:
        super().__init__()
        shares = {f"d_{i}": torch.randn(n, width // len(grid)) * 0.01 for i, n in enumerate(grid)}
        self.emb = nn.ParameterDict({name: nn.Parameter(value) for name, value in shares.items()})


class AttentionStack(nn.Module):
    """VideoGPT's stack on a grid: the input shifted by one, plus positions (time, row and column, a third of the width each)."""

    def __init__(
        self, grid: Sequence[int], width: int, heads: int, layers: int, classes: int | None, framed: bool, dropout: float = 0.0
    ) -> None:  # fmt: skip
        super().__init__()
        self.grid, self.heads = tuple(grid), heads
        self.right_shift = _Start(width)
        self.pos_embd = _Positions(grid, width)
        self.attn_nets = nn.ModuleList(
            GPTBlock(width, heads, layers, classes, framed, dropout) for _ in range(layers)
        )

    def places(self) -> Tensor:  # [total, width]
        grid, found = self.grid, []
        for i, vectors in enumerate(self.pos_embd.emb.values()):
            shape = [1] * len(grid)
            shape[i] = grid[i]
            found.append(vectors.view(*shape, -1).expand(*grid, -1))
        return torch.cat(found, -1).flatten(0, len(grid) - 1)

    def shifted(self, x: Tensor) -> Tensor:  # [B, L, C]
        return torch.cat([self.right_shift.sos.expand(x.shape[0], 1, -1).to(x.dtype), x[:, :-1]], 1)

    def forward(
        self, x: Tensor, one_hot: Tensor | None, frame: Tensor | None
    ) -> Tensor:  # [B, L, C], [B, classes], [B, M, C]
        x = self.shifted(x) + self.places()
        for block in self.attn_nets:
            x = block(x, one_hot, frame)
        return x


class GPTPrior(Prior):
    """VideoGPT: causal, conditioned on the class by its norms and on the still image by attention to its features.

    Those features are the still image's code vectors through a linear layer (VideoGPT itself has a ResNet-34 there). All slices
    are sampled.
    """

    def __init__(
        self,
        table: Tensor,  # [K, d]
        grid: Sequence[int],
        classes: int,
        *,
        width: int = 576,
        layers: int = 8,
        heads: int = 4,
        dropout: float = 0.2,
        framed: bool = True,
        null_label: bool = False,
    ) -> None:
        super().__init__(table, grid, classes)
        self.fc_in = nn.Linear(table.shape[1], width, bias=False)
        nn.init.normal_(self.fc_in.weight, std=0.02)
        self.fc_frame = nn.Linear(table.shape[1], width) if framed else None
        self.one_hots = classes + null_label
        self.attn_stack = AttentionStack(grid, width, heads, layers, self.one_hots, framed, dropout)
        self.norm = ConditionalNorm(width, self.one_hots)
        self.fc_out = nn.Linear(width, len(table), bias=False)
        nn.init.zeros_(self.fc_out.weight)

    @property
    def generated(self) -> int:
        return self.total

    def _given(self, still: Tensor, labels: Tensor) -> tuple[Tensor, Tensor | None]:
        one_hot = F.one_hot(labels, self.one_hots).to(self.table)
        frame = None if self.fc_frame is None else self.fc_frame(F.embedding(still.flatten(1), self.table))
        return one_hot, frame

    def forward(self, clip: Tensor, still: Tensor, labels: Tensor) -> Tensor:
        one_hot, frame = self._given(still, labels)
        x = self.attn_stack(self.fc_in(F.embedding(clip.flatten(1), self.table)), one_hot, frame)
        said: Tensor = self.fc_out(self.norm(x, one_hot))
        return said

    def begin(self, still: Tensor, labels: Tensor) -> tuple[Tensor, State]:
        one_hot, frame = self._given(still, labels)
        x = self.attn_stack.right_shift.sos.expand(len(still), 1, -1)
        state = State(
            still.new_zeros((len(still), 0)),
            labels,
            _room(x, self.total, len(self.attn_stack.attn_nets), self.attn_stack.heads),
        )
        state.fixed = {"one_hot": one_hot, "frame": frame}
        return self._through(x, state), state

    def next(self, chosen: Tensor, state: State) -> Tensor:
        return self._through(self.fc_in(F.embedding(chosen, self.table))[:, None], state)

    def _through(self, x: Tensor, state: State) -> Tensor:
        one_hot, frame = state.fixed["one_hot"], state.fixed["frame"]
        x = x + self.attn_stack.places()[state.rows]
        for block, cache in zip(self.attn_stack.attn_nets, state.cache, strict=True):
            x = block(x, one_hot, frame, cache, state.rows)
        state.rows += 1
        said: Tensor = self.fc_out(self.norm(x, one_hot))[:, -1]
        return said
