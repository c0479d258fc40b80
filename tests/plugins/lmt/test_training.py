"""Both stages on a few squares that walk: losses, schedules, resuming, and what is refused."""

from __future__ import annotations

import csv

import numpy as np
import PIL.Image
import pytest
import torch

from signcore import weights
from signcore.contracts import Context, Sample
from signcore.errors import InputError, WeightsError, WorkError
from signcore.evaluation import evaluate
from signcore.plugins.lmt import sampling
from signcore.plugins.lmt.clips import (
    Clips,
    as_frames,
    as_tensor,
    label_of,
    parted,
    places,
    read,
    same_vocabulary,
)
from signcore.plugins.lmt.config import LMTConfig, LMTInputs, VideoGPTConfig
from signcore.plugins.lmt.generator import LMT, VideoGPT
from signcore.plugins.lmt.model import make_autoencoder, make_prior
from signcore.plugins.lmt.training import LMTTask, VideoGPTTask, reconstruction_loss
from signcore.training import fit
from signcore.types import Image, read_image
from signcore.types.video import Video
from tests.plugins.lmt.walks import GLOSSES, Walks, walking

TINY = {
    "size": 16, "clip_frames": 8, "hidden": 8, "fine_hidden": 4, "codes": 12, "dim": 4, "batch": 2, "gan_width": 2, "lpips_width": 2,
    "gan_start": 0.25, "width": 12, "layers": 1, "prior_heads": 2, "prior_batch": 3, "held_out": 0.3, "evaluate_clips": 4,
}  # fmt: skip


def config(**settings) -> LMTConfig:
    return LMTConfig(**{**TINY, **settings})


def task(**settings) -> LMTTask:
    return LMTTask(config(**settings), Context(seed=1))


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    return fit(task(), Walks(), folder=tmp_path_factory.mktemp("lmt"), steps=4, log_every=1)


def test_one_config_trains_both_stages_and_writes_samples(fitted):
    folder = fitted.weights.parent
    with (folder / "metrics.csv").open(newline="") as file:
        names = {(row[0], row[3]) for row in csv.reader(file)}
    assert {
        ("0", n) for n in ("reconstruction", "perceptual", "commitment", "adversarial", "discriminator")
    } <= names
    assert {
        ("0", "psnr"),
        ("0", "perplexity"),
        ("1", "cross-entropy"),
        ("1", "perceptual"),
        ("1", "person-motion"),
    } <= names
    assert sorted(p.name.split("-")[0] for p in (folder / "samples").iterdir()) == ["stage0", "stage1"]
    about, tensors = weights.read(fitted.weights)
    assert about["component"] == "generator:lmt"
    assert about["vocabulary"] == sorted(GLOSSES)
    assert {name.partition(".")[0] for name in tensors} == {"autoencoder", "prior"}


@pytest.mark.parametrize("stopped", [(0, 2), (1, 2)], ids=["in the first stage", "in the second"])
def test_a_stopped_run_goes_on_as_if_it_had_not_been(fitted, tmp_path, stopped):
    class Stopped(Exception): ...

    def stop(step, steps, losses):
        where = 1 if "cross-entropy" in losses else 0
        if (where, step) == stopped:
            raise Stopped

    options = {"folder": tmp_path, "steps": 4, "checkpoint_every": 1}
    with pytest.raises(Stopped):
        fit(task(), Walks(), **options, progress=stop)
    fit(task(), Walks(), **options)
    whole, again = weights.read(fitted.weights)[1], weights.read(tmp_path / "weights")[1]
    assert all(torch.equal(whole[name], again[name]) for name in whole)


def test_the_second_stage_alone_takes_a_frozen_first(fitted, tmp_path):
    made = task(stages="second", stage_one=str(fitted.weights), layers=2)
    fit(made, Walks(), folder=tmp_path, steps=2)
    before, after = weights.read(fitted.weights)[1], weights.read(tmp_path / "weights")[1]
    first = [name for name in before if name.startswith("autoencoder.")]
    assert all(torch.equal(before[name], after[name]) for name in first)
    assert any(name.startswith("prior.blocks.1.") for name in after)


def test_a_second_stage_of_another_first_is_refused(fitted, tmp_path):
    one = fit(task(stages="first", codes=12), Walks(), folder=tmp_path / "one", steps=1).weights
    made = task(stages="second", stage_one=str(fitted.weights))
    fit(made, Walks(), folder=tmp_path / "two", steps=1)
    other = task(stages="second", stage_one=str(one))
    with pytest.raises(WeightsError, match="another stage 1"):
        fit(other, Walks(), folder=tmp_path / "two", steps=2)
    about, tensors = weights.read(fitted.weights)
    tensors |= {n: v for n, v in weights.read(one)[1].items() if n.startswith("autoencoder.")}
    mixed = weights.save(tmp_path / "mixed", about, tensors)
    with pytest.raises(WeightsError, match="another stage 1"):
        LMT.from_pretrained(mixed)


def test_weights_of_other_glosses_are_not_trained_on(fitted):
    class Others(Walks):
        def __init__(self) -> None:
            super().__init__()
            for sample in self.samples:
                sample.glosses = [sample.glosses[0].replace("LEFT", "UP")]

    made = LMTTask(config(), Context(weights=str(fitted.weights)))
    with pytest.raises(
        WeightsError, match=r"another vocabulary: 1 only in the data \(UP\); 1 only in the weights \(LEFT\)"
    ):
        made.first.begin(Others())  # before hours of the first stage, not after them
    same_vocabulary(sorted(GLOSSES), fitted.weights)


def test_both_stages_go_on_from_weights(fitted, tmp_path):
    made = LMTTask(config(), Context(weights=str(fitted.weights)))
    fit(made, Walks(), folder=tmp_path, steps=1)
    assert LMT.from_pretrained(tmp_path / "weights").vocabulary == sorted(GLOSSES)
    other = fit(task(stages="first", codes=12), Walks(), folder=tmp_path / "one", steps=3).weights
    made = LMTTask(config(stages="second", stage_one=str(other)), Context(weights=str(fitted.weights)))
    with pytest.raises(WeightsError, match="another stage 1 than stage_one gives"):
        made.second.begin(Walks())


def test_a_loss_that_is_not_finite_stops_at_the_last_good_checkpoint(tmp_path):
    made = task(stages="first", gan_weight=0.0)
    original, calls = made.first.step, []

    def broken(batch, optimizer):
        calls.append(1)
        told = original(batch, optimizer)
        return told if len(calls) < 3 else {**told, "reconstruction": told["reconstruction"] * torch.nan}

    made.first.step = broken
    with pytest.raises(WorkError, match="step 3: the loss reconstruction is nan"):
        fit(made, Walks(), folder=tmp_path, steps=4, checkpoint_every=1)
    assert torch.load(tmp_path / "checkpoint.pt", weights_only=True)["step"] == 2


def test_videogpt_trains_in_the_same_frame(tmp_path):
    settings = VideoGPTConfig(**TINY)
    assert (settings.attention, settings.prior, settings.gan_weight) == ("axial", "videogpt", 0)
    done = fit(VideoGPTTask(settings, Context()), Walks(), folder=tmp_path, steps=2)
    made = VideoGPT.from_pretrained(done.weights).generate(source(gloss="LEFT"))
    assert made.shape == (8, 16, 16, 3)


@pytest.mark.parametrize("attention", ["trajectory", "orthoformer", "axial", "none"])
def test_every_attention_and_down_sampling_learns(attention):
    for downsample in ((4, 4, 4), (2, 4, 4), (4, 8, 8), (4, 2, 2), (1, 4, 4)):
        made = task(
            attention=attention, downsample=downsample, prototypes=4, gan_weight=0.0, still="first_slice"
        )
        losses = made.first.step(next(made.first.batches(Walks(), "train")), "autoencoder")
        sum(losses.values()).backward()
        assert all(p.grad is not None for p in made.first.model.encoder.parameters())
        grid = made.first.model.encode(torch.zeros(1, 3, 8, 16, 16)).shape[1:]
        assert tuple(grid) == made.config.grid


def test_the_adversarial_loss_waits_for_its_start_and_then_rises():
    made = task(gan_start=0.5, gan_rise=0.25).first
    shares = []
    for step in (0, 49, 50, 60, 75, 99):
        made.schedule(step, 100)
        shares.append(made.adversarial)
    assert shares == pytest.approx([0, 0, 0, 0.4, 1, 1])


def test_moving_pixels_count_more():
    video = torch.zeros(1, 3, 2, 4, 4)
    video[:, :, 1, 0] = 0.5
    still, moved = (video.clone() for _ in range(2))
    still[:, :, :, 3] += 0.1
    moved[:, :, 1:, 0] += 0.1
    plain, weighted = config(moving_weight=0.0), config(moving_weight=9.0)
    assert reconstruction_loss(still, video, plain) > reconstruction_loss(moved, video, plain)
    assert reconstruction_loss(still, video, weighted) < reconstruction_loss(moved, video, weighted)


def test_the_second_stages_pictures_teach_the_prior_and_leave_the_decoder(fitted):
    made = task(stages="second", stage_one=str(fitted.weights))
    made.second.begin(Walks())
    statistics = {n: v.clone() for n, v in made.second.model.state_dict().items()}
    told = made.second.step(next(made.second.batches(Walks(), "train")), "prior")
    (told["reconstruction"] + told["perceptual"]).backward()
    assert made.second.prior.head.weight.grad.abs().sum() > 0
    assert all(torch.equal(v, statistics[n]) for n, v in made.second.model.state_dict().items())
    assert all(p.grad is None for p in made.second.model.parameters())


# the clips


def test_frames_are_spread_or_of_the_middle_and_begin_with_the_still_one():
    whole = config(clip_frames=16, still="first_slice")
    assert places(16, whole).tolist() == list(range(16))
    centre = config(clip_frames=16, sampling="centre", still="first_slice")
    assert places(100, centre)[[0, -1]].tolist() == [26, 73]
    assert places(10, centre)[[0, -1]].tolist() == [0, 9]
    held = places(40, config(clip_frames=16))
    assert held[:5].tolist() == [0, 0, 0, 0, 3]
    assert held[-1] == 39


def test_a_clip_is_square_and_comes_back_from_a_tensor():
    clip = read(walking(1), config(fit="pad"))
    assert clip.frames.shape == (8, 16, 16, 3)
    assert (as_frames(as_tensor(clip.frames)) == clip.frames).all()
    assert as_tensor(clip.frames).abs().max() <= 0.5


def test_clips_without_exactly_one_gloss_are_left_out():
    dataset = Walks()
    dataset.samples[0].glosses, dataset.samples[1].glosses = None, ["A", "B"]
    assert sorted(Clips(dataset, config()).glosses) == [2, 3, 4, 5]
    for sample in dataset.samples:
        sample.glosses = ["A", "B"]
    with pytest.raises(InputError, match="no clip of exactly one gloss"):
        Clips(dataset, config())


def dataset(*clips):
    """Of (gloss, signer, split) each."""
    made = Walks(len(clips))
    for sample, (gloss, signer, split) in zip(made.samples, clips, strict=True):
        sample.glosses, sample.signer, sample.split = [gloss], signer, split
    return made


def held(clips, share=0.05):
    made = dataset(*clips)
    return parted(made, {i: clip[0] for i, clip in enumerate(clips)}, share)["held-out"]


def test_held_out_are_signers_or_clips_of_many_glosses():
    unknown = [(gloss, None, None) for gloss in ("A", "B", "C", "D") for _ in range(5)]
    assert held(unknown, 0.2) == [4, 9, 14, 19]
    assert held(unknown, 0.3) == [3, 4, 8, 9, 14, 19]
    assert held([("A", "x", None)] * 3 + [("B", "x", None)]) == [2]
    one_each = [(gloss, f"signer of {gloss}", None) for gloss in ("A", "B") for _ in range(3)]
    assert held(one_each) == [2]
    shared = [(gloss, signer, None) for signer in ("x", "y") for gloss in ("A", "B")]
    assert held(shared) == [2, 3]
    assert held([("A", None, "train"), ("A", None, "train"), ("A", None, "test")]) == [2]
    assert held([("A", None, None), ("B", None, None)]) == []
    assert held(unknown, 0.0) == []


def test_where_no_held_out_gloss_is_known_training_clips_judge(tmp_path, caplog):
    clips = dataset(*[("A", None, "train")] * 2, *[("B", None, "train")] * 2, ("C", None, "test"))
    done = fit(task(), clips, folder=tmp_path, steps=1)
    assert {"psnr", "cross-entropy"} <= set(done.scores)
    assert (
        caplog.messages.count("no held-out clip shows a gloss that is trained: scores are of training clips")
        == 1
    )


def test_every_row_of_a_table_is_judged_by_lpips_and_tells_both_stages(tmp_path):
    made = task(perceptual_weight=0.0, prior_perceptual_weight=0.0, gan_weight=0.0)
    done = fit(made, Walks(), folder=tmp_path, steps=1)
    assert {"psnr", "lpips", "perplexity", "cross-entropy", "person-motion"} <= set(done.scores)


def test_what_may_surprise_is_told_once(tmp_path, caplog):
    clips = Walks()
    clips.samples[0].glosses = ["LEFT", "RIGHT"]
    for sample in clips.samples[1:]:
        sample.glosses = ["LEFT"]
    fit(task(), clips, folder=tmp_path, steps=1)
    assert [m for m in caplog.messages if "samples without" in m or "all clips" in m] == [
        "1 samples without exactly one gloss are left out",
        "all clips show LEFT: nothing is learned of what a gloss changes",
    ]


def test_networks_that_are_not_trained_go_to_the_device_too(fitted, monkeypatch):
    moved = {}
    monkeypatch.setattr(torch.nn.Module, "to", lambda self, device: moved.update({id(self): device}) or self)
    made = LMTTask(config(stages="second", stage_one=str(fitted.weights)), Context(device="cuda:7"))
    for stage in (made.first, made.second):
        moved.clear()
        stage.begin(Walks())
        trained = {id(module) for module in stage.modules().values()}  # the loop moves these
        others = [v for v in vars(stage).values() if isinstance(v, torch.nn.Module) and id(v) not in trained]
        assert others
        assert all(moved.get(id(network)) == "cuda:7" for network in others)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_both_stages_train_and_resume_on_a_gpu(tmp_path):
    for steps in (2, 3):
        made = LMTTask(config(visual_clips=1), Context(device="cuda"))
        done = fit(made, Walks(), folder=tmp_path, steps=steps, accelerator="cuda")
        assert "cross-entropy" in done.scores


@pytest.mark.parametrize("downsample", [(8, 4, 4), (8, 8, 8), (2, 8, 8), (4, 16, 16)])
def test_the_paper_s_other_down_samplings_code_and_draw(downsample):
    settings = config(size=32, clip_frames=16, downsample=downsample)
    model = make_autoencoder(settings).eval()
    codes = model.encode(torch.zeros(2, 3, 16, 32, 32))
    assert (
        tuple(codes.shape[1:])
        == settings.grid
        == tuple(n // d for n, d in zip((16, 32, 32), downsample, strict=True))
    )
    assert model.decode(codes).shape == (2, 3, 16, 32, 32)
    prior = make_prior(settings, model.codebook.embeddings, 2).eval()
    assert sampling.sample(prior, codes[:, 0], torch.tensor([0, 1])).shape == codes.shape


def test_the_discriminator_s_start_does_not_undo_the_reconstruction(tmp_path):
    made = task(stages="first", gan_start=0.5, gan_rise=0.1, clip_gradient=1.0, batch=4, gan_width=4)
    told = []
    fit(made, Walks(), folder=tmp_path, steps=80, progress=lambda step, steps, losses: told.append(losses))
    found = [losses["reconstruction"] for losses in told]
    assert not any("adversarial" in losses for losses in told[:40])
    assert all(losses["adversarial"] != 0 for losses in told[41:])
    assert np.mean(found[-20:]) < np.mean(found[20:40])


# the generator


def source(gloss="RIGHT", height=20, width=24, channels=3):
    picture = np.random.default_rng(0).integers(0, 255, (height, width, channels)).astype(np.uint8)
    return LMTInputs(gloss=gloss, source=Image(picture))


def test_a_gloss_and_a_picture_become_a_video(fitted):
    made = LMT.from_pretrained(fitted.weights, context=Context(seed=3)).generate(source())
    assert made.shape == (8, 16, 16, 3)
    assert made.fps == pytest.approx(4 * 10 / 11, abs=0.01)


@pytest.mark.parametrize("mode", ["L", "LA", "RGBA", "P"])
def test_a_grey_or_transparent_picture_is_taken(fitted, tmp_path, mode):
    PIL.Image.new(mode, (30, 20), 128 if mode in "LP" else (90,) * len(mode)).save(tmp_path / "source.png")
    inputs = LMTInputs(gloss="LEFT", source=read_image(tmp_path / "source.png"))
    assert LMT.from_pretrained(fitted.weights).generate(inputs).shape == (8, 16, 16, 3)


@pytest.mark.parametrize("size", [(5, 90), (300, 40), (16, 16)])
def test_a_source_of_any_size_is_taken(fitted, size):
    for fit_ in ("crop", "pad"):
        made = LMT.from_pretrained(fitted.weights, LMTConfig(fit=fit_)).generate(source("LEFT", *size))
        assert made.shape == (8, 16, 16, 3)


def test_several_samples_differ_and_a_seed_repeats_them(fitted):
    def draw(seed):
        made = LMT.from_pretrained(fitted.weights, LMTConfig(num_samples=3), Context(seed=seed))
        videos = made.samples(source())
        assert set(made.views(videos[0])) == {"sample 2", "sample 3", "frames"}
        return [video.numpy() for video in videos]

    first, again = draw(0), draw(0)
    assert all((a == b).all() for a, b in zip(first, again, strict=True))
    assert (first[0] != first[1]).any()
    assert any((a != b).any() for a, b in zip(first, draw(1), strict=True))


@pytest.mark.parametrize("frames", [4, 8, 12, 20])
def test_a_longer_video_slides_the_window(fitted, frames):
    made = LMT.from_pretrained(fitted.weights, LMTConfig(frames=frames)).generate(source())
    assert len(made) == frames


def test_each_window_begins_with_the_last_slice_of_the_one_before(fitted, monkeypatch):
    given, drawn = [], []

    def recorded(prior, still, labels, **settings):
        given.append(still.clone())
        drawn.append(sampling.sample(prior, still, labels, **settings))
        return drawn[-1]

    monkeypatch.setattr("signcore.plugins.lmt.generator.sample", recorded)
    LMT.from_pretrained(fitted.weights, LMTConfig(frames=16)).generate(source())
    assert len(given) == 3  # two slices a window, of which one is new
    assert all(torch.equal(still, before[:, -1]) for still, before in zip(given[1:], drawn, strict=False))


def test_settings_of_the_draws_reach_them(fitted, monkeypatch):
    wanted = {"temperature": 0.5, "top_k": 3, "top_p": 0.7, "guidance": 2.5}
    seen = []

    def recorded(prior, still, labels, **settings):
        seen.append({name: settings[name] for name in wanted})
        return sampling.sample(prior, still, labels, **settings)

    for where in ("generator", "evaluation"):
        monkeypatch.setattr(f"signcore.plugins.lmt.{where}.sample", recorded)
    LMT.from_pretrained(fitted.weights, LMTConfig(**wanted)).generate(source())
    made = task(stages="second", stage_one=str(fitted.weights), **wanted).second
    made.begin(Walks())
    made.samples(Walks())
    assert seen == [wanted, wanted]


def test_a_letterbox_keeps_the_sides_that_a_crop_cuts():
    frames = np.full((8, 16, 32, 3), 100, np.uint8)
    frames[:, :, :4] = (200, 0, 0)
    wide = Sample(id="wide", video=Video.from_array(frames, 8), glosses=["A"])
    cut, kept = (read(wide, config(fit=fit_)).frames for fit_ in ("crop", "pad"))
    assert (cut == 100).all()
    assert (kept[:, 8, 0, 0] > 150).all()
    assert (kept[:, 8, 0, 1] < 50).all()


def test_frames_that_do_not_fit_the_grid_are_refused(fitted):
    with pytest.raises(Exception, match="frames: 10 is not a multiple of 4"):
        LMT.from_pretrained(fitted.weights, LMTConfig(frames=10))
    with pytest.raises(ValueError, match="clip_frames: 10 is not a multiple of downsample's 4"):
        LMTConfig(clip_frames=10)
    with pytest.raises(ValueError, match="size: 66 is not a multiple"):
        LMTConfig(size=66)


def test_an_unknown_gloss_names_the_nearest_ones(fitted):
    with pytest.raises(InputError, match="'RIGHTS' is not in the vocabulary of 2") as caught:
        LMT.from_pretrained(fitted.weights).generate(source("RIGHTS"))
    assert caught.value.hint.startswith("nearest: RIGHT")
    assert label_of("left", ["LEFT", "RIGHT"]) == 0


def test_an_evaluation_names_the_nearest_glosses(fitted):
    others = dataset(("RIGHTS", None, "test"))
    with pytest.raises(InputError, match="'RIGHTS' is not in the vocabulary of 2; nearest: RIGHT"):
        evaluate(LMT.from_pretrained(fitted.weights), others, {}, output="video")


def test_settings_that_the_weights_do_not_fit_are_named(fitted, tmp_path):
    with pytest.raises(WeightsError, match="makes 16 pixels a side, not size=128"):
        LMT.from_pretrained(fitted.weights, LMTConfig(size=128))
    done = fit(task(label_dropout=0.0), Walks(), folder=tmp_path, steps=1)
    with pytest.raises(
        WeightsError, match=r"\(guidance: needs a prior that was trained with label_dropout\)"
    ):
        LMT.from_pretrained(done.weights, LMTConfig(guidance=2.0))


def test_weights_without_a_second_stage_are_refused(tmp_path):
    done = fit(task(stages="first"), Walks(), folder=tmp_path, steps=1)
    with pytest.raises(WeightsError, match="holds stage 1 alone"):
        LMT.from_pretrained(done.weights)


def test_saved_weights_make_the_same_video(fitted, tmp_path):
    one = LMT.from_pretrained(fitted.weights)
    again = LMT.from_pretrained(one.save_pretrained(tmp_path).parent)
    assert (one.generate(source()).numpy() == again.generate(source()).numpy()).all()


def test_guidance_needs_label_dropout():
    with pytest.raises(ValueError, match="guidance: needs a prior that was trained with label_dropout"):
        LMTConfig(guidance=2.0, label_dropout=0.0)


# the paper's size


def test_presets_have_the_papers_sizes():
    paper, rival = LMTConfig(preset="paper"), VideoGPTConfig(preset="paper")
    assert (paper.size, paper.clip_frames, paper.downsample, paper.codes) == (128, 16, (4, 4, 4), 1024)
    assert paper.grid == (4, 32, 32)
    assert (rival.attention, rival.codes, rival.gan_weight, rival.perceptual_weight) == ("axial", 2048, 0, 0)
    with torch.device("meta"):
        stages = [make_autoencoder(paper), make_autoencoder(rival)]
    priors = [make_prior(c, torch.zeros(c.codes, c.dim), 100) for c in (paper, rival)]
    counts = [sum(p.numel() for p in network.parameters()) for network in (*stages, *priors)]
    assert counts == [18_845_299, 21_141_619, 40_607_744, 46_868_352]
    assert priors[0].generated == 3072


@pytest.mark.slow
def test_the_papers_first_stage_goes_forward_and_backward():
    config = LMTConfig(preset="paper", batch=1, perceptual_frames=1, gan_start=0.0)
    made = LMTTask(config, Context()).first
    made.schedule(1, 2)
    batch = {"video": torch.rand(1, 3, 16, 128, 128) - 0.5, "position": 0}
    for name, optimizer in made.optimizers().items():
        losses = made.step(batch, name)
        sum(losses.values()).backward()
        optimizer.step()
    assert made.model.encode(batch["video"]).shape == (1, 4, 32, 32)
    assert all(p.grad is not None for p in made.model.parameters())
