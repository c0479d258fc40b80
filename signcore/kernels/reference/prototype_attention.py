from __future__ import annotations

import torch
from torch import Tensor


def orthogonal_rows(rows: Tensor, first: Tensor, count: int) -> Tensor:
    """Greedy: each next row has the least greatest |cos| to those chosen. rows: [M, N, d]; first: [M] -> [M, count]."""
    unit = torch.nn.functional.normalize(rows, dim=-1)
    chosen = [first]
    similar: list[Tensor] = []
    for _ in range(count - 1):
        last = unit.gather(1, chosen[-1][:, None, None].expand(-1, 1, unit.shape[2]))
        similar.append((unit @ last.transpose(1, 2)).abs()[..., 0])  # [M, N]
        greatest = torch.stack(similar).amax(0)
        greatest.scatter_(1, torch.stack(chosen, 1), 10.0)
        chosen.append(greatest.argmin(1))
    return torch.stack(chosen, 1)
