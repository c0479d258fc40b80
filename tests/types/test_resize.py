"""Pictures of any size to any size."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from signcore.types.resize import crop_box, fit_image

SIDE = st.integers(1, 4000)


@settings(max_examples=500, deadline=None)
@given(SIDE, SIDE, SIDE, SIDE)
@example(64, 1792, 57, 1600)
@example(101, 77, 71, 71)
def test_the_cropped_part_lies_in_the_picture_and_has_the_aspect(have_height, have_width, height, width):
    left, top, w, h = crop_box(have_height, have_width, height, width)
    assert left >= 0
    assert top >= 0
    assert left + w <= have_width
    assert top + h <= have_height
    assert w * height == pytest.approx(h * width)
    assert w == pytest.approx(have_width) or h == pytest.approx(have_height)


@pytest.mark.parametrize("fit", ["crop", "pad"])
@pytest.mark.parametrize("sizes", [(64, 1792, 57, 1600), (101, 77, 71, 71), (1, 300, 9, 2)])
def test_a_picture_has_the_size_that_was_asked_for(sizes, fit):
    have_height, have_width, height, width = sizes
    picture = np.full((have_height, have_width, 3), 90, np.uint8)
    assert (fit_image(picture, height, width, fit) == np.full((height, width, 3), 90)).all()
