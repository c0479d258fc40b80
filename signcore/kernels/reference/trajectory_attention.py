from __future__ import annotations

import torch
from torch import Tensor


def trajectory_attention(q: Tensor, k: Tensor, v: Tensor, frames: int) -> Tensor:
    """LMT section 3, resolved step 2. q, k, v: [B, h, F * P, d] -> [B, h, F * P, F, d]."""
    B, h, N, d = q.shape
    scores = (q @ k.transpose(-2, -1)).view(B, h, N, frames, N // frames) * d**-0.5
    values = v.reshape(B, h, frames, N // frames, d)
    return torch.einsum("bhnfp,bhfpd->bhnfd", scores.softmax(-1), values)


def temporal_attention(
    trajectories: Tensor,  # [B, h, F * P, F, d]
    q_weight: Tensor,  # [D, D] with D = h * d
    kv_weight: Tensor,  # [2 D, D]
    q_bias: Tensor | None,  # [D]
    kv_bias: Tensor | None,  # [2 D]
) -> Tensor:  # [B, F * P, D]
    """Step 3: each query's own-frame token attends to its tokens in all frames, projected first as the paper has it."""
    B, h, N, F, d = trajectories.shape
    tokens = trajectories.permute(0, 2, 3, 1, 4).reshape(B, N, F, h * d)
    own = tokens[:, torch.arange(N), torch.arange(N) // max(1, N // F)]  # [B, N, D]
    q = torch.nn.functional.linear(own, q_weight, q_bias).view(B, N, h, d) * d**-0.5
    keys, values = torch.nn.functional.linear(tokens, kv_weight, kv_bias).view(B, N, F, 2, h, d).unbind(3)
    weights = torch.einsum("bnhd,bnfhd->bnhf", q, keys).softmax(-1)
    return torch.einsum("bnhf,bnfhd->bnhd", weights, values).reshape(B, N, h * d)
