from __future__ import annotations

import pytest
import torch

from signcore.nn.ssim import ssim, ssim_map


@pytest.mark.parametrize("size", [(32, 32), (48, 64), (128, 128)])
def test_ssim_agrees_with_torchmetrics(size):
    functional = pytest.importorskip("torchmetrics.functional.image")
    generator = torch.Generator().manual_seed(0)
    a = torch.rand(3, 3, *size, generator=generator)
    b = (a + 0.2 * torch.randn(a.shape, generator=generator)).clamp(0, 1)
    expected = functional.structural_similarity_index_measure(a, b, data_range=1.0)
    assert float(ssim(a, b).mean()) == pytest.approx(float(expected), abs=1e-5)


def test_an_image_is_perfectly_similar_to_itself():
    a = torch.rand(1, 3, 24, 24, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(ssim_map(a, a), torch.ones_like(a))


def test_noise_makes_images_less_similar():
    generator = torch.Generator().manual_seed(2)
    a = torch.rand(1, 3, 24, 24, generator=generator)
    noise = torch.randn(a.shape, generator=generator)
    assert 1 > ssim(a, a + 0.05 * noise) > ssim(a, a + 0.2 * noise)


def test_an_image_smaller_than_the_window_is_refused():
    with pytest.raises(ValueError, match="a: expected at least 6 pixels"):
        ssim_map(torch.zeros(1, 3, 5, 20), torch.zeros(1, 3, 5, 20))
