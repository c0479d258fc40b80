from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from signcore.nn.convolution_blocks import (
    DownBlock2d,
    InstanceNorm,
    ResBlock2d,
    UpBlock2d,
    folded_weights,
    to_few,
    upsampled_convolution,
)


@pytest.mark.parametrize("size", [(1, 1), (4, 4), (5, 7)])
def test_convolving_the_enlarged_image_is_four_small_convolutions(size):
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(2, 3, *size, generator=generator, dtype=torch.float64)
    weight = torch.randn(5, 3, 3, 3, generator=generator, dtype=torch.float64)
    bias = torch.randn(5, generator=generator, dtype=torch.float64)
    expected = F.conv2d(F.interpolate(x, scale_factor=2), weight, bias, padding=1)
    torch.testing.assert_close(upsampled_convolution(x, folded_weights(weight), bias), expected)


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


def test_folded_weights_follow_the_weights():
    """They are kept from call to call, and made anew after a step, a load, or in another arithmetic."""
    import copy

    block, x = UpBlock2d(3, 4), torch.rand(1, 3, 4, 4)
    with torch.no_grad():
        first = block(x)
        kept = block.folded(x)
        assert all(a is b for a, b in zip(kept, block.folded(x), strict=True))
        block.conv.weight.mul_(-1)
        torch.testing.assert_close(
            block(x), block.norm(-(block.conv(F.interpolate(x, scale_factor=2)) * -1)).relu()
        )
        assert not torch.equal(first, block(x))
        twin = copy.deepcopy(block)
        twin.load_state_dict(UpBlock2d(3, 4).state_dict())
        assert not torch.equal(twin(x), block(x))
        block.double()
        assert block(x.double()).dtype == torch.float64
        block.float()
        with torch.autocast("cpu", torch.bfloat16):
            assert block.folded(x)[0].dtype == torch.bfloat16


def test_the_blocks_leave_their_input_as_it_was():
    for block in (UpBlock2d(3, 4), DownBlock2d(3, 4), ResBlock2d(3)):
        x = torch.rand(1, 3, 8, 8) - 0.5
        kept = x.clone()
        block(x)
        with torch.no_grad():
            block(x)
        assert torch.equal(x, kept)


@pytest.mark.parametrize("side", [1, 3, 7])
@pytest.mark.parametrize("size", [(8, 8), (12, 6), (9, 8), (8, 7)])
@pytest.mark.parametrize("bias", [True, False])
def test_a_convolution_to_few_features_is_the_plain_one(side, size, bias):
    torch.manual_seed(0)
    conv = torch.nn.Conv2d(5, 3, side, padding=side // 2, bias=bias)
    x = torch.rand(2, 5, *size)
    with torch.no_grad():
        torch.testing.assert_close(to_few(conv, x), conv(x), rtol=0, atol=1e-5)
    assert to_few(conv, x).requires_grad
