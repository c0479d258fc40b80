"""CorrNet (Hu et al. 2023) under the names of its public weights."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from signcore.plugins.corrnet.config import CorrNetConfig

PADDED = 6  # frames that repeat the first, and the last, on either side
SHRINKS = 4  # frames that a convolution over five takes


class BasicBlock(nn.Module):
    def __init__(self, inside: int, outside: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv3d(inside, outside, (1, 3, 3), (1, stride, stride), (0, 1, 1), bias=False)
        self.bn1 = nn.BatchNorm3d(outside)
        self.conv2 = nn.Conv3d(outside, outside, (1, 3, 3), 1, (0, 1, 1), bias=False)
        self.bn2 = nn.BatchNorm3d(outside)
        self.downsample: nn.Sequential | None = None
        if stride != 1 or inside != outside:
            self.downsample = nn.Sequential(
                nn.Conv3d(inside, outside, 1, (1, stride, stride), bias=False), nn.BatchNorm3d(outside)
            )

    def forward(self, x: Tensor) -> Tensor:
        made = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(made + (x if self.downsample is None else self.downsample(x)))


class Correlation(nn.Module):
    """What a place has to do with all places of the next and of the last frame, let through where a trajectory is seen
    (the correlation and identification modules)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        few = max(1, channels // 16)
        self.down_conv = nn.Conv3d(channels, few, 1, bias=False)
        self.down_conv2 = nn.Conv3d(channels, channels, 1, bias=False)

        def wide(d: int) -> nn.Conv3d:
            return nn.Conv3d(few, few, (9, 3, 3), padding=(4, d, d), dilation=(1, d, d), groups=few)

        self.spatial_aggregation1, self.spatial_aggregation2, self.spatial_aggregation3 = (
            wide(1),
            wide(2),
            wide(3),
        )
        self.weights = nn.Parameter(torch.ones(3) / 3)
        self.weights2 = nn.Parameter(torch.ones(2) / 2)
        self.conv_back = nn.Conv3d(few, channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:  # [B, C, T, H, W]
        other = self.down_conv2(x)
        after = torch.cat([other[:, :, 1:], other[:, :, -1:]], dim=2)
        before = torch.cat([other[:, :, :1], other[:, :, :-1]], dim=2)
        found = sum(w * self._looked(x, y) for w, y in zip(self.weights2, (after, before), strict=True))
        few = self.down_conv(x)
        gate = (
            self.weights[0] * self.spatial_aggregation1(few)
            + self.weights[1] * self.spatial_aggregation2(few)
            + self.weights[2] * self.spatial_aggregation3(few)
        )
        out: Tensor = found * (self.conv_back(gate).sigmoid() - 0.5)
        return out

    @staticmethod
    def _looked(x: Tensor, y: Tensor) -> Tensor:
        count, channels, frames, height, width = x.shape
        a, b = (v.transpose(1, 2).reshape(count * frames, channels, height * width) for v in (x, y))
        affinity = (a.transpose(1, 2) @ b).sigmoid() - 0.5
        looked = b @ affinity.transpose(1, 2)
        return looked.view(count, frames, channels, height, width).transpose(1, 2)


class ResNet(nn.Module):
    """ResNet-18 on frames, with a `Correlation` after its second, third and fourth stage. [B, 3, T, H, W] to [B, T, 8 channels]."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv3d(3, channels, (1, 7, 7), (1, 2, 2), (0, 3, 3), bias=False)
        self.bn1 = nn.BatchNorm3d(channels)
        self.maxpool = nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1))
        sizes = [channels * 2**i for i in range(4)]
        inside = [channels, *sizes[:-1]]
        self.layer1, self.layer2, self.layer3, self.layer4 = (
            nn.Sequential(BasicBlock(a, b, 1 if i == 0 else 2), BasicBlock(b, b, 1))
            for i, (a, b) in enumerate(zip(inside, sizes, strict=True))
        )
        self.corr1, self.corr2, self.corr3 = (Correlation(c) for c in sizes[1:])
        self.alpha = nn.Parameter(torch.zeros(3))

    def forward(self, x: Tensor) -> Tensor:
        x = self.layer1(self.maxpool(F.relu(self.bn1(self.conv1(x)))))
        for i, (layer, correlation) in enumerate(
            ((self.layer2, self.corr1), (self.layer3, self.corr2), (self.layer4, self.corr3))
        ):
            x = layer(x)
            x = x + correlation(x) * self.alpha[i]
        return x.mean(dim=(3, 4)).transpose(1, 2)


class NormLinear(nn.Module):
    def __init__(self, inside: int, outside: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(inside, outside))
        nn.init.xavier_uniform_(self.weight, gain=nn.init.calculate_gain("relu"))

    def forward(self, x: Tensor) -> Tensor:
        return x @ F.normalize(self.weight, dim=0)


class TemporalConv(nn.Module):
    """Two times: a convolution over five frames, then the greater of two. [B, C, T] to [B, hidden, T']."""

    def __init__(self, inside: int, hidden: int) -> None:
        super().__init__()
        parts: list[nn.Module] = []
        for i in range(2):
            parts += [
                nn.Conv1d(inside if i == 0 else hidden, hidden, 5),
                nn.BatchNorm1d(hidden),
                nn.ReLU(True),
            ]
            parts.append(nn.MaxPool1d(2, ceil_mode=False))
        self.temporal_conv = nn.Sequential(*parts)
        self.fc: nn.Module = nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.temporal_conv(x)
        return found

    @staticmethod
    def steps(frames: Tensor) -> Tensor:
        for _ in range(2):
            frames = (frames - SHRINKS) // 2
        return frames


class BiLSTM(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.rnn = nn.LSTM(width, width // 2, 2, bidirectional=True, dropout=0.3)

    def forward(self, x: Tensor, steps: Tensor) -> Tensor:  # [T', B, width]
        packed = nn.utils.rnn.pack_padded_sequence(x, steps.cpu(), enforce_sorted=False)
        found: Tensor = nn.utils.rnn.pad_packed_sequence(self.rnn(packed)[0], total_length=len(x))[0]
        return found


class CorrNetModel(nn.Module):
    """classes: glosses and the blank, which is 0."""

    def __init__(self, config: CorrNetConfig, classes: int) -> None:
        super().__init__()
        self.conv2d = ResNet(config.channels)
        self.conv1d = TemporalConv(8 * config.channels, config.hidden)
        self.temporal_model = BiLSTM(config.hidden)

        def classifier() -> nn.Module:
            return (NormLinear if config.normalised_classifier else nn.Linear)(config.hidden, classes)

        self.classifier = classifier()
        self.conv1d.fc = self.classifier if config.shared_classifier else classifier()

    def forward(self, frames: Tensor, counts: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """frames [B, 3, T, H, W], padded as `padded` does, and how many [B]: logits of the BiLSTM and of the convolutions,
        both [T', B, classes], and how many steps [B]."""
        seen = self.conv2d(frames)
        moved = self.conv1d(seen.transpose(1, 2)).permute(2, 0, 1)
        steps = self.conv1d.steps(counts)
        read = self.temporal_model(moved, steps)
        return self.classifier(read), self.conv1d.fc(moved), steps


def padded(frames: Tensor) -> Tensor:
    """[T, 3, H, W] with its first and last frame repeated, so that the steps tell of all frames."""
    more = -len(frames) % 4
    return torch.cat(
        [frames[:1].expand(PADDED, -1, -1, -1), frames, frames[-1:].expand(PADDED + more, -1, -1, -1)]
    )


def distilled(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """What the BiLSTM (`teacher`, not changed by it) teaches the convolutions, without the blank. Logits [T', B, classes]."""
    said = F.log_softmax(student[..., 1:].flatten(0, 1) / temperature, dim=-1)
    wanted = F.softmax(teacher.detach()[..., 1:].flatten(0, 1) / temperature, dim=-1)
    return F.kl_div(said, wanted, reduction="batchmean") * temperature**2
