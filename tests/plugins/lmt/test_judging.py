"""slr-acc, the judge of frames, and the baselines."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from signcore.contracts import Context, Hypothesis
from signcore.errors import InputError
from signcore.evaluation import evaluate
from signcore.nn.codebook import Codebook, Quantized
from signcore.nn.lpips import LPIPS
from signcore.plugins.lmt.baselines import PoseRoute, RealFrames
from signcore.plugins.lmt.clips import Clips
from signcore.plugins.lmt.config import (
    ClipFramesConfig,
    LMTConfig,
    LMTInputs,
    PoseRouteConfig,
    RealFramesConfig,
    SLRAccConfig,
)
from signcore.plugins.lmt.evaluation import in_hands, motion, reconstruction
from signcore.plugins.lmt.judge import ClipFrames, ClipFramesTask, read_frames
from signcore.plugins.lmt.slr_acc import SLRAcc
from signcore.training import fit
from signcore.types import Image
from signcore.types.video import Video
from tests.plugins.lmt.walks import Walks


class Brightness:
    """Reads the glosses 0, 1, 2, ... by a video's first pixel, then the next brighter ones."""

    def recognize(self, video):
        first = int(video[0][0, 0, 0])
        return [Hypothesis([str(first + i)], -float(i)) for i in range(7)]


def grey(value, gloss=None):
    video = Video.from_array(np.full((2, 8, 8, 3), value, np.uint8), 8)
    video.glosses = gloss
    return video


@pytest.fixture
def metric(monkeypatch):
    monkeypatch.setattr("signcore.plugins.lmt.slr_acc.load", lambda *_: Brightness())
    return lambda: SLRAcc(SLRAccConfig(recognizer="brightness"))


def test_accuracy_of_generated_and_of_real_videos(metric):
    one = metric()
    for made, gloss in ((3, "3"), (3, "5"), (3, "9"), (3, "2")):
        one.update(grey(made), grey(int(gloss), [gloss]))
    assert one.compute() == {
        "slr-acc": 25, "slr-acc-top5": 50, "slr-acc-real": 100, "slr-acc-real-top5": 100, "slr-acc-share": 0.25,
    }  # fmt: skip
    assert one.signature() == "slr-acc|recognizer:brightness|videos:4|version:1"


def test_parts_add_up_to_the_whole(metric):
    whole, first, second = metric(), metric(), metric()
    for i, part in enumerate((first, second, second)):
        for one in (whole, part):
            one.update(grey(i), grey(1, ["1"]))
    first.merge(second)
    assert first.compute() == whole.compute()
    whole.reset()
    with pytest.raises(InputError, match="no videos were given"):
        whole.compute()


def test_a_reference_without_its_gloss_is_refused(metric):
    with pytest.raises(InputError, match="reference: does not say which gloss it shows"):
        metric().update(grey(1), grey(1))


@pytest.fixture(scope="module")
def judge(tmp_path_factory):
    config = ClipFramesConfig(frames=8, held=1, size=32, width=4, batch=6, learning_rate=1e-2, dropout=0.0)
    folder = tmp_path_factory.mktemp("judge")
    made = ClipFramesTask(config, Context())
    return fit(made, Walks(12, mirrored=False), folder=folder, steps=40).weights


def test_the_judge_of_frames_learns_and_is_loaded(judge):
    recognizer = ClipFrames(ClipFramesConfig(), Context(weights=str(judge)))
    assert recognizer.config.size == 32
    samples = Walks(12, mirrored=False)
    found = [recognizer.recognize(samples[i].video) for i in range(12)]
    right = sum(f[0].glosses == samples[i].glosses for i, f in enumerate(found))
    assert right >= 11
    assert all(f[0].score >= f[1].score for f in found)
    with pytest.raises(InputError, match="reads videos"):
        recognizer.recognize("no video")


def test_the_judge_takes_a_clip_of_its_own_length_as_it_is():
    config = ClipFramesConfig(frames=8, held=4, size=32)
    frames = np.random.default_rng(0).integers(0, 255, (8, 32, 32, 3)).astype(np.uint8)
    assert (read_frames(Video.from_array(frames, 8), config) == frames).all()
    longer = read_frames(Video.from_array(frames[:5], 8), config)
    assert (longer[:4] == frames[0]).all()
    assert (longer[-1] == frames[4]).all()


def test_real_frames_are_their_own_truth(metric):
    generator = RealFrames(RealFramesConfig(size=16))
    one = metric()
    told = evaluate(generator, Walks(4), {"slr-acc": one}, output="video", split=None)
    assert told.count == 4
    assert told.scores["slr-acc"] == told.scores["slr-acc-real"]


def test_the_way_over_a_pose_moves_the_picture(monkeypatch):
    import signcore.registry as core

    class Shown:
        def generate(self, inputs):
            assert len(inputs.driving_pose.body.data) == len(inputs.driving) == 16
            return inputs.driving

    real = core.registry.load
    monkeypatch.setattr(
        core.registry,
        "load",
        lambda kind, name, *a, **k: Shown() if name == "pgmm" else real(kind, name, *a, **k),
    )
    settings = {"max_glosses": 1, "clips": 4, "signers": 2, "vocabulary": 2, "width": 32, "height": 32}
    route = PoseRoute(PoseRouteConfig(size=16, dataset_settings=settings))
    gloss = next(iter(route.places))
    source = Image(np.zeros((32, 32, 3), np.uint8))
    assert route.generate(LMTInputs(gloss=gloss, source=source)).shape == (16, 16, 16, 3)
    with pytest.raises(InputError, match="is not in the vocabulary"):
        route.generate(LMTInputs(gloss="NOBODY", source=source))


def test_motion_is_counted_where_the_real_clip_moves():
    real = torch.zeros(1, 3, 4, 16, 16)
    for t in range(4):
        real[:, :, t, 4:8, 2 * t : 2 * t + 3] = 0.5
    assert motion(real, real) == {"person-motion": pytest.approx(1), "background-motion": 0}
    noisy = real.clone()
    noisy[..., ::2, 15, :] += 2 / 255
    told = motion(noisy, real)
    assert told["person-motion"] == pytest.approx(1)
    assert told["background-motion"] > 0


class Dimmed(torch.nn.Module):
    """A first stage that makes everything 0.1 darker, with every third code a 1, else a 0."""

    def __init__(self):
        super().__init__()
        self.codebook = Codebook(5, 1)
        self.unused = torch.nn.Parameter(torch.zeros(1))

    def forward(self, video):
        codes = (torch.arange(len(video) * 6) % 3 == 0).long().view(len(video), 6, 1, 1)
        return video - 0.1, Quantized(video, codes, torch.zeros(()), torch.zeros(()))


def test_scores_of_a_reconstruction_are_the_ones_of_their_definitions():
    dataset = Walks(4)
    for i, sample in enumerate(dataset.samples):  # stripes of 0.4 above and below a clip's level of grey
        frames = np.full((8, 16, 16, 3), 0.5, np.float32)
        frames[:4], frames[4:] = 0.4, 0.6
        sample.video = Video.from_array((frames * 255).round().astype(np.uint8), 8)
        sample.split = "test" if i > 1 else "train"
    clips = Clips(dataset, LMTConfig(size=16, clip_frames=8, gan_weight=0.0, still="first_slice"))
    told = reconstruction(Dimmed(), clips, LPIPS("vgg16", 2))
    assert told["psnr"] == pytest.approx(20, abs=1e-3)
    assert told["above-still"] == pytest.approx(0, abs=0.05)  # grey on grey: its own mean is 0.1 away too
    assert told["above-mean"] == pytest.approx(0, abs=0.05)
    assert told["perplexity"] == pytest.approx(np.exp(-(np.log(1 / 3) + 2 * np.log(2 / 3)) / 3))
    assert told["lpips"] > 0
    assert "hands" not in told
    assert "r-fvd" not in told


def test_a_reconstruction_is_measured_above_the_mean_of_the_training_clips():
    dataset = Walks(4)
    for i, sample in enumerate(dataset.samples):
        level = 102 if i < 2 else 153  # 0.4 in training, 0.6 held out
        sample.video = Video.from_array(np.full((8, 16, 16, 3), level, np.uint8), 8)
        sample.split = "test" if i > 1 else "train"
    clips = Clips(dataset, LMTConfig(size=16, clip_frames=8, gan_weight=0.0))
    told = reconstruction(Dimmed(), clips, LPIPS("vgg16", 2))
    assert told["above-mean"] == pytest.approx(20 * np.log10(2), abs=1e-3)  # 0.1 away, not 0.2


def test_pixels_of_hands_by_their_boxes():
    boxes = np.full((1, 2, 4), np.nan, np.float32)
    boxes[0, 0] = (0.0, 0.5, 0.5, 1.0)
    inside = in_hands(boxes, 4)
    assert inside.sum() == 4
    assert inside[0, 2:, :2].all()
