from __future__ import annotations

import logging

import numpy as np
import pytest
import torch

from signcore import load
from signcore.contracts import Context, Sample
from signcore.errors import ConfigError, InputError, WeightsError
from signcore.plugins.signx.augment import filmed
from signcore.plugins.signx.config import SignXConfig
from signcore.plugins.signx.recognizer import SignX
from signcore.plugins.signx.recognizer import load as load_model
from signcore.plugins.signx.training import SignXTask
from signcore.recognition.tracks import WIDTHS
from signcore.training import fit
from signcore.types import Video
from signcore.types.tracks import Tracks

TINY = {
    "hidden": 16, "fusion_heads": 2, "width": 32, "decoder_layers": 1, "decoder_heads": 2, "feedforward": 32, "unet_width": 16,
    "image_size": 32, "patch": 16, "vit_width": 16, "vit_layers": 1, "vit_heads": 2, "temporal_layers": 1, "temporal_heads": 2,
    "temporal_blocks": 1, "batch": 8, "averaging": 0.0, "augmentation": 0.0, "mirroring": 0.0, "track_dropout": 0.0, "dropout": 0.0,
    "stem": "patches",  # the other one does not tell brightness, and the toy tells nothing else
    "video_batch": 2, "video_clip": 4, "tracks": ("dwpose", "smplerx"), "latent": 576,
}  # fmt: skip
SIGNS = {"A": 0, "B": 1, "C": 2}


class Toy:
    """Every gloss is six frames in which a third of DWPose's numbers is high; the videos' brightness tells the same."""

    def __init__(self, count=16, split="train", words="ABC"):
        self.count, self.split, self.words = count, split, words

    def __len__(self):
        return self.count

    def __getitem__(self, i):
        random = np.random.default_rng(i)
        glosses = [str(g) for g in random.choice(list(self.words), size=int(random.integers(1, 4)))]
        values = random.normal(0, 0.05, (10 * len(glosses) + 4, 384)).astype(np.float32)
        frames = np.full((len(values), 32, 32, 3), 10, np.uint8)
        for k, gloss in enumerate(glosses):
            part = slice(10 * k + 4, 10 * k + 10)
            number = SIGNS.get(gloss, 0)
            values[part, number * 128 : (number + 1) * 128] += 2
            frames[part] = 80 + 60 * number
        return Sample(
            id=f"toy-{i}",
            video=Video.from_array(frames, 12.5),
            tracks=Tracks({"dwpose": values}, 12.5),
            glosses=glosses,
            split=self.split if i % 4 else "test",
        )


def train(folder, dataset, steps, context=None, **settings):
    task = SignXTask(SignXConfig(**{**TINY, **settings}), context or Context())
    return fit(
        task,
        dataset,
        folder=folder,
        steps=steps,
        checkpoint_every=5,
        sample_every=0,
        evaluate_every=0,
        seed=0,
    )


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    return train(tmp_path_factory.mktemp("pose"), Toy(), 100, learning_rate=5e-3)


def test_a_toy_language_is_learned(learned):
    assert learned.scores["wer"] <= 10


def test_its_weights_read_tracks_with_times(learned):
    recognizer = SignX(None, Context(weights=str(learned.weights)))
    sample = Toy()[4]
    found = recognizer.recognize(sample.tracks)
    assert found[0].glosses == sample.glosses
    assert recognizer.config.width == 32
    for k, (start, end) in enumerate(found[0].times):
        middle = (10 * k + 7) / 12.5
        assert start - 0.5 < middle < end + 0.5


def test_another_rate_reads_the_same(learned):
    recognizer = SignX(None, Context(weights=str(learned.weights)))
    sample = Toy()[4]
    twice = Tracks({"dwpose": sample.tracks.features["dwpose"].repeat(2, axis=0)}, 25.0)
    assert recognizer.recognize(twice)[0].glosses == sample.glosses


def test_video_to_gloss_chains_both_stages(learned, tmp_path):
    context = Context(weights=str(learned.weights))
    seen = train(tmp_path, Toy(), 60, context, stage="video", learning_rate=1e-2)
    pose, video = (SignX(None, Context(weights=str(f.weights))) for f in (learned, seen))
    for name, value in pose.model.pose2gloss.state_dict().items():
        assert torch.equal(video.model.pose2gloss.state_dict()[name], value), "Pose2Gloss is frozen"
    assert seen.losses["dwpose"] < 1.0  # the mean square of the truth is about 0.8 of it
    assert SignX(SignXConfig(see="pixels"), Context(weights=str(seen.weights))).takes == ("video",)
    assert video.takes == ("tracks", "pose", "video")
    room = np.random.default_rng(0).normal(120, 3, (20, 32, 32, 3)).clip(0, 255).astype(np.uint8)
    assert video.recognize(Video.from_array(room, 12.5))[0].glosses == []  # nothing but a camera's noise
    found = video.recognize(Toy()[4].video)
    assert found[0].score <= 0
    with pytest.raises(WeightsError, match="no Video2Pose"):
        pose.seen(Toy()[4].video)


def person(
    column,
):  # frames [2, 48, 48, 3] and a depth grid [2, 24 * 24] of somebody who stands at a column of the grid
    frames, depth = np.full((2, 48, 48, 3), 60, np.uint8), np.zeros((2, 24, 24), np.float32)
    frames[:, 12:, 2 * column : 2 * column + 8], depth[:, 6:, column : column + 4] = 200, 1
    return frames, Tracks({"depth": depth.reshape(2, -1)}, 12.5)


def test_another_camera_moves_the_grids_with_the_pictures_and_mirrors_both():
    frames, tracks = person(8)
    same, kept = filmed(frames, tracks, np.random.default_rng(0), 0.0, 0.0)
    np.testing.assert_array_equal(same, frames)
    assert kept is tracks
    flipped, back = filmed(frames, tracks, np.random.default_rng(0), 0.0, 1.0)
    np.testing.assert_array_equal(flipped, frames[:, :, ::-1])
    assert back.features["depth"].reshape(2, 24, 24)[0, 12].argmax() == 24 - 8 - 4
    moved = set()
    for seed in range(12):
        lit, seen = filmed(frames, tracks, np.random.default_rng(seed), 1.0, 0.0)
        assert lit.shape == frames.shape
        assert 0 <= lit.min() < lit.max() <= 255
        row = lit[0, 40].sum(axis=-1)
        shown = np.flatnonzero(row > (row.max() + row.min()) / 2).mean() / 2  # in columns of the grid
        told = np.flatnonzero(seen.features["depth"].reshape(2, 24, 24)[0, 20]).mean()
        assert abs(shown - told) < 1.5  # zoom is not told to the grids
        moved.add(round(float(told)))
    assert len(moved) > 1


def test_weights_without_eyes_leave_their_shape_to_the_settings(learned):
    """The settings of a Video2Pose that weights do not hold are not carried along."""
    model, config, _ = load_model(SignXConfig(vit_width=48, video_clip=9), str(learned.weights), video=True)
    assert (config.vit_width, config.vit_heads, config.video_clip) == (48, 2, 9)
    assert config.width == 32  # of Pose2Gloss, which they do hold
    assert model.video2pose.gather.out_features == 48


def test_the_frozen_reader_teaches_the_eyes_what_matters(learned, tmp_path):
    """With `reading_weight` what Pose2Gloss reads of the seen tracks comes closer to what it reads of the true ones."""
    context = Context(weights=str(learned.weights))
    far = {}
    for weight in (0.0, 1.0):
        task = SignXTask(
            SignXConfig(**TINY, stage="video", learning_rate=1e-2, reading_weight=weight), context
        )
        fit(task, Toy(), folder=tmp_path / str(weight), steps=40, sample_every=0, seed=0)
        batch = next(task.stages()[0].batches(Toy(), "train"))
        net = task.stages()[0].model.eval()
        with torch.no_grad():
            said = net.video2pose(batch.frames)
            shown = dict.fromkeys(said, ~batch.absent)
            found, truth = (
                net.pose2gloss.read(t, p, batch.absent).memory
                for t, p in ((said, shown), (batch.tracks, batch.present))
            )
            assert {"reading", "answers"} <= set(task.stages()[0].losses(batch)) or weight == 0
        far[weight] = float(((found - truth) ** 2).mean())
    assert far[1.0] < 0.7 * far[0.0]


def test_a_killed_run_resumed_is_the_same_run(tmp_path):
    settings = {"averaging": 0.9, "augmentation": 1.0, "mirroring": 0.5, "track_dropout": 0.3, "dropout": 0.1}
    whole = train(tmp_path / "a", Toy(), 10, **settings)

    class Stop(Exception): ...

    def stop(step, steps, losses):
        if step == 7:
            raise Stop

    task = SignXTask(SignXConfig(**{**TINY, **settings}), Context())
    options = {"steps": 10, "checkpoint_every": 5, "sample_every": 0, "seed": 0}
    with pytest.raises(Stop):
        fit(task, Toy(), folder=tmp_path / "c", progress=stop, **options)
    task = SignXTask(SignXConfig(**{**TINY, **settings}), Context())
    resumed = fit(task, Toy(), folder=tmp_path / "c", **options)
    assert resumed.resumed == 5
    assert (whole.weights / "model.safetensors").read_bytes() == (
        resumed.weights / "model.safetensors"
    ).read_bytes()


@pytest.mark.parametrize(
    "settings",
    [
        {"noise_weight": 1.0, "noise_gradient": True},
        {"ngram_weight": 0.6},
        {"contrast_weight": 0.0, "word_weight": 0.0},
        {"text_weight": 0.0, "word_weight": 0.0, "contrast_weight": 0.0, "noise_weight": 0.0},
        {"learned_weights": True},
        {"teacher_forcing": (0.5, 0.0)},
        {"bottleneck": "vq", "codes": 16},
        {"stage": "both"},
    ],
    ids=str,
)
def test_every_switch_trains(tmp_path, settings):
    fitted = train(tmp_path, Toy(8), 3, **settings)
    assert all(np.isfinite(v) for v in fitted.losses.values())
    assert SignX(None, Context(weights=str(fitted.weights))).recognize(Toy()[1].tracks)


def test_a_loss_of_weight_zero_is_not_computed(tmp_path):
    fitted = train(tmp_path, Toy(8), 2, ngram_weight=0.0, word_weight=0.0, noise_weight=0.0)
    assert set(fitted.losses) == {"text", "contrast", "ctc"}


def test_labels_outside_the_vocabulary_are_counted_and_named(tmp_path, caplog):
    class Other(Toy):
        def __getitem__(self, i):
            sample = super().__getitem__(i)
            if sample.split == "test":
                sample.glosses = ["NEW", *sample.glosses]
            return sample

    with caplog.at_level(logging.WARNING, "signcore"):
        train(tmp_path, Other(8), 1)
    assert "2 glosses are outside the vocabulary: NEW (2)" in caplog.text


def test_bad_samples_are_left_out_and_told(tmp_path, caplog):
    class Bad(Toy):
        def __getitem__(self, i):
            sample = super().__getitem__(i)
            if i == 1:
                return Sample(
                    id="bad", glosses=["A"], tracks=Tracks({"dwpose": np.zeros((3, 7), np.float32)}, 25.0)
                )
            if i == 2:
                return Sample(id="mute", tracks=sample.tracks)
            return sample

    with caplog.at_level(logging.WARNING, "signcore"):
        train(tmp_path, Bad(8), 1)
    assert "2 of 8 samples left out; the first: bad: tracks: dwpose has 7 numbers" in caplog.text


def test_nothing_to_train_on_is_one_line(tmp_path):
    class Mute(Toy):
        def __getitem__(self, i):
            return Sample(id="mute", tracks=super().__getitem__(i).tracks)

    with pytest.raises(InputError, match="holds no sample with glosses to train on"):
        train(tmp_path, Mute(3), 1)


def test_stage_two_needs_stage_one():
    with pytest.raises(ConfigError, match="needs a trained Pose2Gloss"):
        SignXTask(SignXConfig(**TINY, stage="video"))


def test_a_missing_track_at_test_that_was_there_in_training(tmp_path):
    class Two(Toy):
        def __getitem__(self, i):
            sample = super().__getitem__(i)
            more = np.ones((len(sample.tracks), WIDTHS["smplerx"]), np.float32)
            sample._lazy["tracks"] = Tracks({**sample.tracks.features, "smplerx": more}, 12.5)
            return sample

    fitted = train(tmp_path, Two(8), 2)
    found = SignX(None, Context(weights=str(fitted.weights))).recognize(Toy()[1].tracks)
    assert len(found) >= 1


def test_the_synthetic_signer_has_what_training_reads(tmp_path):
    data = load("dataset", "synthetic-sentences", clips=2, test_clips=1, min_glosses=1, max_glosses=1)
    fitted = train(tmp_path, data, 1, batch=2)
    assert fitted.scores["wer"] > 0
