from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from signcore.nn.convolution_blocks import (
    DownBlock2d,
    InstanceNorm,
    ResBlock2d,
    UpBlock2d,
    upsampled_convolution,
)


@pytest.mark.parametrize("size", [(1, 1), (4, 4), (5, 7)])
def test_convolving_the_enlarged_image_is_four_small_convolutions(size):
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(2, 3, *size, generator=generator, dtype=torch.float64)
    weight = torch.randn(5, 3, 3, 3, generator=generator, dtype=torch.float64)
    bias = torch.randn(5, generator=generator, dtype=torch.float64)
    expected = F.conv2d(F.interpolate(x, scale_factor=2), weight, bias, padding=1)
    torch.testing.assert_close(upsampled_convolution(x, weight, bias), expected)


@pytest.mark.parametrize(
    "block",
    [UpBlock2d(3, 4), DownBlock2d(3, 4), ResBlock2d(3), InstanceNorm(3)],
    ids=lambda b: type(b).__name__,
)
def test_blocks_compute_the_same_with_and_without_gradients(block):
    block = block.double()  # the two ways sum in another order
    x = torch.rand(2, 3, 8, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    with torch.no_grad():
        fast = block(x.clone())
    torch.testing.assert_close(fast, block(x.clone()))


def test_the_blocks_leave_their_input_as_it_was():
    for block in (UpBlock2d(3, 4), DownBlock2d(3, 4), ResBlock2d(3)):
        x = torch.rand(1, 3, 8, 8) - 0.5
        kept = x.clone()
        block(x)
        with torch.no_grad():
            block(x)
        assert torch.equal(x, kept)
