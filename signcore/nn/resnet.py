"""ResNet-18 (He et al. 2016) under torchvision's state-dict names, with an adjustable width."""

from __future__ import annotations

from torch import Tensor, nn


class BasicBlock(nn.Module):
    """Two 3x3 convolutions with batch normalisation and a shortcut; the first one strides."""

    def __init__(self, in_features: int, out_features: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_features, out_features, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_features)
        self.relu = nn.ReLU()
        self.conv2 = nn.Conv2d(out_features, out_features, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_features)
        self.downsample = None
        if stride != 1 or in_features != out_features:
            self.downsample = nn.Sequential(
                nn.Conv2d(in_features, out_features, 1, stride, bias=False), nn.BatchNorm2d(out_features)
            )

    def forward(self, x: Tensor) -> Tensor:  # [B, C, H, W] -> [B, C', H/stride, W/stride]
        shortcut = x if self.downsample is None else self.downsample(x)
        x = self.relu(self.bn1(self.conv1(x)))
        return self.relu(self.bn2(self.conv2(x)) + shortcut)


class ResNet18(nn.Module):
    """Image to a vector; width 64 is the public network."""

    def __init__(self, outputs: int, *, in_channels: int = 3, width: int = 64) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, width, 7, 2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, 2, padding=1)
        self.layer1 = _stage(width, width, stride=1)
        self.layer2 = _stage(width, 2 * width, stride=2)
        self.layer3 = _stage(2 * width, 4 * width, stride=2)
        self.layer4 = _stage(4 * width, 8 * width, stride=2)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(8 * width, outputs)

    def forward(self, image: Tensor) -> Tensor:  # [B, C, H, W] -> [B, outputs]
        x = self.maxpool(self.relu(self.bn1(self.conv1(image))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(self.avgpool(x).flatten(1))


def _stage(in_features: int, out_features: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        BasicBlock(in_features, out_features, stride), BasicBlock(out_features, out_features)
    )
