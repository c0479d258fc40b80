import numpy as np

import signcore
from signcore.plugins.baselines.config import NearestInputs, StillInputs
from signcore.types import Image, Video


def test_repeat_source_holds_the_picture(random):
    picture = random.integers(0, 255, (40, 40, 3), np.uint8)
    driving = Video.from_array(random.integers(0, 255, (5, 30, 50, 3), np.uint8), 12)
    generator = signcore.load("generator", "repeat-source", size=40)
    video = generator.generate(StillInputs(source=Image(picture), driving=driving))
    assert video.shape == (5, 40, 40, 3)
    assert video.fps == 12
    assert all(np.array_equal(f, picture) for f in video)
    _, truth = generator.judge(StillInputs(source=Image(picture), driving=driving))
    assert truth.shape == video.shape


def test_nearest_frame_finds_a_frame_that_is_in_the_dataset():
    settings = {"width": 64, "height": 64, "clips": 1, "frames": 6}
    clip = signcore.load("dataset", "synthetic", **settings)[0].video
    generator = signcore.load("generator", "nearest-frame", size=64, dataset_settings=settings, clips=1)
    assert np.array_equal(generator.generate(NearestInputs(driving=clip[::-1])).numpy(), clip.numpy()[::-1])
