from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from signcore.errors import InputError, WeightsError
from signcore.plugins.signx import losses
from signcore.plugins.signx.config import SignXConfig
from signcore.plugins.signx.diffusion import UNet, alpha_bar, estimate, noised
from signcore.plugins.signx.model import Pose2Gloss, VectorQuantiser
from signcore.plugins.signx.recognizer import batch_of, hypotheses
from signcore.plugins.signx.video import Video2Pose, pose_losses
from signcore.plugins.signx.vit import VisionTransformer
from signcore.recognition.tracks import WIDTHS
from signcore.recognition.vocabulary import EOS, PAD, Vocabulary
from signcore.types.tracks import Tracks

TINY = {
    "hidden": 16, "fusion_heads": 2, "width": 16, "decoder_layers": 1, "decoder_heads": 2, "feedforward": 32, "unet_width": 16,
    "image_size": 32, "patch": 16, "vit_width": 16, "vit_layers": 1, "vit_heads": 2, "temporal_layers": 1, "temporal_heads": 2,
}  # fmt: skip
WORDS = Vocabulary(["A", "B", "C"])


def tracks(random, frames=20, names=tuple(WIDTHS)):
    return Tracks({n: random.normal(size=(frames, WIDTHS[n])).astype(np.float32) for n in names}, 12.5)


@pytest.fixture
def net():
    return Pose2Gloss(SignXConfig(**TINY), len(WORDS)).eval()


def test_pad_match_puts_89_zeros_behind_and_can_be_undone(net):
    x = torch.randn(2, 5, 1959)
    z = net.match(x)
    assert z.shape == (2, 5, 2048)
    assert z[..., 1959:].abs().max() == 0
    assert torch.equal(net.match.inverse(z), x)


def test_noise_keeps_the_variance_and_its_estimate_undoes_it():
    alphas = alpha_bar(1000)
    assert alphas[0] == pytest.approx(1 - 1e-4)
    assert alphas[-1] < 1e-4
    z, noise = torch.randn(64, 30, 16), torch.randn(64, 30, 16)
    for t in (0, 300, 999):
        mixed = noised(z, noise, alphas[t].expand(64))
        assert mixed.var() == pytest.approx(1, abs=0.05)
        if t < 999:
            torch.testing.assert_close(estimate(mixed, noise, alphas[t].expand(64)), z, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("frames", [1, 2, 7, 16])
def test_the_u_net_takes_any_length(frames):
    net = UNet(24, 16)
    absent = torch.zeros(2, frames, dtype=torch.bool)
    assert net(torch.randn(2, frames, 24), torch.tensor([3, 700]), absent).shape == (2, frames, 24)


def test_padding_does_not_change_what_is_read(net, random):
    short, long = tracks(random, 13), tracks(random, 24)
    alone = net.read(*batch_of([short], net.config.tracks))
    both = net.read(*batch_of([short, long], net.config.tracks))
    steps = int((~both.absent[0]).sum())
    torch.testing.assert_close(both.memory[:1, :steps], alone.memory, atol=1e-5, rtol=1e-4)


def test_an_absent_track_is_not_looked_at(net, random):
    whole = tracks(random)
    without = {n: v for n, v in whole.features.items() if n != "dwpose"}
    other = Tracks(
        {**whole.features, "dwpose": whole.features["dwpose"] + 9}, 12.5, {"dwpose": np.zeros(20, bool)}
    )
    a = net.read(*batch_of([Tracks(without, 12.5)], net.config.tracks)).memory
    b = net.read(*batch_of([other], net.config.tracks)).memory
    c = net.read(*batch_of([whole], net.config.tracks)).memory
    torch.testing.assert_close(a, b)
    assert (a - c).abs().max() > 1e-3


def test_nobody_gives_one_empty_hypothesis(net):
    empty = Tracks({"dwpose": np.zeros((9, 384), np.float32)}, 12.5, {"dwpose": np.zeros(9, bool)})
    (found,) = hypotheses(net, empty, WORDS, net.config)
    assert (found.glosses, found.times) == ([], [])


@pytest.mark.parametrize(
    "settings",
    [
        {"decoder": "beam"},
        {"decoder": "beam", "ctc_share": 0.0},
        {"decoder": "sample"},
        {"decoder": "ctc"},
        {"read_latent": "estimate"},
        {"read_latent": "ddim", "ddim_steps": 3},
        {"bottleneck": "vq", "codes": 8},
        {"pad": "linear"},
        {"temporal_blocks": 0},
        {"tracks": ("dwpose", "mediapipe")},
    ],
    ids=str,
)
def test_every_way_of_reading_answers_best_first_with_times(settings, random):
    config = SignXConfig(**TINY, **settings)
    net = Pose2Gloss(config, len(WORDS)).eval()
    found = hypotheses(net, tracks(random, 30), WORDS, config)
    assert 1 <= len(found) <= config.hypotheses
    assert [h.score for h in found] == sorted((h.score for h in found), reverse=True)
    for h in found:
        assert set(h.glosses) <= {"A", "B", "C"}
        if h.times is not None:
            assert len(h.times) == len(h.glosses)
            assert all(0 <= a < b <= 30 / 12.5 + 1e-6 for a, b in h.times)
            assert h.times == sorted(h.times)


def test_the_text_and_word_losses_are_least_for_the_truth():
    codebook = F.normalize(torch.randn(7, 16), dim=-1)
    truth = torch.tensor([[4, 5, EOS], [6, EOS, PAD]])
    right = 20 * F.one_hot(truth, 7).float()
    wrong = 20 * F.one_hot((truth + 1) % 7, 7).float()
    assert losses.text_loss(right, truth, 0.0) < 1e-3 < losses.text_loss(wrong, truth, 0.0)
    assert losses.word_loss(right, truth, codebook) < 1e-3 < losses.word_loss(wrong, truth, codebook)
    padded = right.clone()
    padded[1, 2] = 50
    assert losses.text_loss(padded, truth, 0.0) == losses.text_loss(right, truth, 0.0)


def test_the_ngram_loss_is_one_minus_f1():
    truth = torch.tensor([[4, 5, 6, EOS]])
    right = 50 * F.one_hot(truth, 7).float()
    assert losses.ngram_loss(right, truth) == pytest.approx(0, abs=1e-4)
    said = 50 * F.one_hot(torch.tensor([[4, 5, 4, EOS]]), 7).float()
    # single glosses: 2 of 3 on both sides; pairs: 1 of 2
    assert float(losses.ngram_loss(said, truth)) == pytest.approx(((1 - 2 / 3) + (1 - 1 / 2)) / 2, abs=1e-4)


def test_the_contrast_loss_is_the_cross_entropy_of_cosines():
    pose, text = torch.randn(4, 8), torch.randn(4, 8)
    alike = F.cosine_similarity(pose[:, None], text[None], dim=-1) / 0.07
    wanted = -alike.log_softmax(dim=1).diagonal().mean()
    torch.testing.assert_close(losses.contrast_loss(pose, text, 0.07, False), wanted)
    swapped = losses.contrast_loss(text, pose, 0.07, True)
    torch.testing.assert_close(losses.contrast_loss(pose, text, 0.07, True), swapped)


def test_learned_weights_balance_a_loss_against_its_uncertainty():
    found = losses.weighted({"text": torch.tensor(2.0)}, {"text": 1.0}, {"text": torch.tensor(2.0).log()})
    assert float(found["text"]) == pytest.approx(1 + np.log(2))
    assert losses.weighted({"text": torch.tensor(2.0)}, {"text": 0.5}, None)["text"] == 1


def test_the_quantiser_moves_its_codes_to_what_it_sees():
    net = VectorQuantiser(2, 2).train()
    net.codes.copy_(torch.tensor([[1.0, 0.0], [-1.0, 0.0]]))
    net.total.copy_(net.codes)
    x = torch.tensor([[[2.0, 0.0], [-1.0, 0.0]]], requires_grad=True)
    out, _ = net(x, torch.zeros(1, 2, dtype=torch.bool))
    torch.testing.assert_close(net.codes, torch.tensor([[1.01, 0.0], [-1.0, 0.0]]))
    out.sum().backward()
    torch.testing.assert_close(x.grad, torch.ones_like(x))


def test_the_pose_loss_is_eq_13_over_frames_that_are_there():
    said, truth = {"a": torch.zeros(1, 2, 3)}, {"a": torch.ones(1, 2, 3)}
    there = {"a": torch.tensor([[True, False]])}
    truth["a"][0, 1] = 99
    assert pose_losses(said, truth, there, summed=False)["a"] == 1
    assert pose_losses(said, truth, there, summed=True)["a"] == 3


def test_the_five_heads_have_the_tracks_widths():
    net = Video2Pose(SignXConfig(**TINY))
    said = net(torch.randn(2, 3, 3, 32, 32))
    assert {n: v.shape for n, v in said.items()} == {n: (2, 3, w) for n, w in WIDTHS.items()}


@pytest.mark.parametrize("settings", [{}, {"stem": "patches", "readout": "class"}])
def test_what_is_told_of_a_frame_depends_on_where_things_are(settings):
    """Both ways of reading a picture see the same hand at another place as another one."""
    net = Video2Pose(SignXConfig(**TINY, **settings)).eval()
    frames = torch.zeros(2, 3, 32, 32)
    frames[0, :, 4:12, 4:12] = 1
    frames[1, :, 20:28, 20:28] = 1
    left, right = net.seen(frames)
    assert (left - right).abs().max() > 1e-3
    assert hasattr(net, "gather") == (not settings)


def test_a_long_video_is_told_in_windows_as_long_as_the_clips_of_the_training():
    """Every frame by the window in whose middle it lies; as far from an edge as it can be, each says what it says alone."""
    net = Video2Pose(SignXConfig(**TINY, video_clip=8)).eval()
    seen = torch.randn(1, 21, 16)
    whole = net.told(seen)["depth"]
    assert whole.shape == (1, 21, WIDTHS["depth"])
    for start, first, last in ((0, 0, 5), (4, 6, 9), (8, 10, 13), (13, 17, 20)):
        window = net.told(seen[:, start : start + 8])["depth"]
        torch.testing.assert_close(whole[:, first : last + 1], window[:, first - start : last + 1 - start])
    for length in (1, 8, 9, 16, 17):
        assert net.told(seen[:, :length])["depth"].shape[1] == length


def test_the_vision_transformer_has_the_public_names_and_sizes():
    with torch.device("meta"):
        net = VisionTransformer(224, 16, 768, 12, 12)
    state = net.state_dict()
    assert sum(v.numel() for v in state.values()) == 85_798_656  # ViT-B/16 without its head
    for name, shape in {
        "cls_token": (1, 1, 768),
        "pos_embed": (1, 197, 768),
        "patch_embed.proj.weight": (768, 3, 16, 16),
        "blocks.11.attn.qkv.bias": (2304,),
        "blocks.0.mlp.fc1.weight": (3072, 768),
        "norm.weight": (768,),
    }.items():
        assert state[name].shape == shape


def test_attention_with_and_without_gradients_is_the_same():
    net, frames = VisionTransformer(32, 8, 16, 2, 2), torch.randn(3, 3, 32, 32)
    with_gradients = net(frames)
    with torch.no_grad():
        torch.testing.assert_close(net(frames), with_gradients)


def test_public_weights_are_fitted_to_another_size_and_checked():
    big, small = VisionTransformer(64, 16, 16, 1, 2), VisionTransformer(32, 16, 16, 1, 2)
    public = {**big.state_dict(), "head.weight": torch.zeros(10, 16)}
    small.load_public(public, "file")
    assert torch.equal(small.blocks[0].attn.qkv.weight, big.blocks[0].attn.qkv.weight)
    assert small.pos_embed.shape == (1, 5, 16)
    with pytest.raises(WeightsError, match="no vision transformer"):
        small.load_public({"a": torch.zeros(1)}, "file")
    with pytest.raises(WeightsError, match="another architecture"):
        VisionTransformer(32, 16, 32, 1, 2).load_public(public, "file")


def test_settings_that_do_not_fit_are_refused():
    for settings, words in (
        ({"latent": 1000}, "less than the tracks'"),
        ({"image_size": 70}, "no multiple of patch"),
        ({"image_size": 72, "patch": 12}, "power of two"),
        ({"vit_weights": "vit.safetensors"}, "public weights are of patches"),
        ({"tracks": ("dwpose", "dwpose")}, "name each once"),
        ({"decoder": "ctc", "ctc_weight": 0}, "has not learned"),
        ({"width": 30}, "no multiple of"),
    ):
        with pytest.raises(ValueError, match=words):
            SignXConfig(**settings)


def test_the_paper_preset_is_table_2():
    config = SignXConfig(preset="paper")
    assert (config.learning_rate, config.weight_decay, config.batch, config.clip_gradient) == (
        1e-3,
        0.01,
        32,
        7,
    )
    assert (config.beam, config.length_penalty, config.temperature, config.repetition_penalty) == (
        5,
        0.7,
        0.7,
        2.5,
    )
    assert (config.top_k, config.top_p, config.max_glosses, config.label_smoothing) == (50, 0.92, 64, 0.1)
    assert config.teacher_forcing == (0.5, 0.0)


def test_wrong_tracks_are_one_line(random):
    from signcore.plugins.signx.recognizer import SignX

    class Bare(SignX):
        def __init__(self):
            self.config = SignXConfig(**TINY)

    with pytest.raises(InputError, match="dwpose has 2 numbers a frame, it must have 384"):
        Bare().tracks_of(Tracks({"dwpose": np.zeros((4, 2), np.float32)}, 25.0))
    with pytest.raises(InputError, match="none of mine is known"):
        Bare().tracks_of(Tracks({"mine": np.zeros((4, 2), np.float32)}, 25.0))
