"""The networks: sizes, the schedule, and the public code's numbers."""

import itertools
import math

import numpy as np
import pytest
import torch

from signcore.plugins.ham2pose.config import Ham2PoseConfig
from signcore.plugins.ham2pose.model import Ham2PoseModel
from signcore.plugins.ham2pose.schedule import loss_scale, schedule


@pytest.mark.parametrize(
    ("settings", "count"),
    [
        ({"preset": "paper"}, 3_774_483),
        ({"preset": "upstream"}, 3_757_971),
        ({"preset": "upstream", "separate_positions": False}, 3_732_373),
        ({"preset": "paper", "separate_positions": False}, 3_748_885),
    ],
)
def test_parameters_are_counted(settings, count):
    model = Ham2PoseModel(Ham2PoseConfig(**settings), 212, 137)
    assert sum(p.numel() for p in model.parameters()) == count


def test_schedules():
    delta, alpha = schedule(10, "upstream")
    assert sum(alpha) == pytest.approx(1)
    assert delta[-1] == 1
    assert delta[0] == 0.1
    assert all(a > b for a, b in itertools.pairwise(alpha[1:]))
    paper = schedule(10, "paper")[1]
    assert paper[1] == pytest.approx(math.log(2) / math.log(10))
    assert paper[0] == 0.1
    assert paper[2:] == alpha[2:]
    assert loss_scale(10) == pytest.approx(5.3019, abs=1e-4)
    assert schedule(1) == ([1.0], [1.0])
    assert loss_scale(1) == 1


def test_padding_changes_nothing_in_the_papers_reading():
    model = Ham2PoseModel(Ham2PoseConfig(hidden=16, feedforward=32), 30, 5).eval()
    tokens, longer = torch.tensor([[1, 5, 9]]), torch.tensor([[1, 5, 9, 0, 0]])
    assert torch.allclose(model.read(tokens).length, model.read(longer).length, atol=1e-6)
    first = torch.randn(1, 5, 2)
    both = list(
        model.unroll(
            torch.cat([longer, torch.tensor([[1, 5, 9, 7, 2]])]),
            first.expand(2, -1, -1),
            torch.tensor([4, 9]),
        )
    )
    (*_, alone) = model.unroll(tokens, first, torch.tensor([4]))
    assert torch.allclose(both[-1][0, :4], alone[0], atol=1e-5)


def test_a_model_of_one_step_gives_its_prediction():
    model = Ham2PoseModel(Ham2PoseConfig(hidden=16, feedforward=32, steps=1), 30, 5).eval()
    first, made = model.unroll(torch.tensor([[1, 4]]), torch.randn(1, 5, 2), torch.tensor([3]))
    text = model.read(torch.tensor([[1, 4]]))
    assert torch.allclose(made, model.refine(0, first, torch.zeros(1, 3, dtype=torch.bool), text))


@pytest.mark.parametrize("name", ["sep1_blend", "sep2_blend_T5", "shared1_add"])
@pytest.mark.parametrize("prefix", ["", "f64."])
def test_the_public_code_from_its_weights(shared, name, prefix):
    from safetensors import safe_open
    from safetensors.torch import load_file

    folder = shared / "oracles" / "ham2pose_model"
    with safe_open(folder / f"{name}.io.safetensors", "pt") as opened:
        about = opened.metadata()
        io = {key: opened.get_tensor(key) for key in opened.keys()}  # noqa: SIM118 - no mapping
    config = Ham2PoseConfig(
        preset="upstream",
        hidden=16,
        feedforward=40,
        pose_layers=3,
        max_length=50,
        min_length=4,
        steps=int(about["num_steps"]),
        blend=about["blend"] == "True",
        separate_positions=about["separate_positional_embedding"] == "True",
        pose_projection_layers=int(about["num_pose_projection_layers"]),
    )
    kind = torch.float64 if prefix else torch.float32
    model = Ham2PoseModel(config, 28, 6)
    model.load_state_dict(load_file(folder / f"{name}.weights.safetensors"))
    model.to(kind).eval()
    near = {"rtol": 0, "atol": 1e-10 if prefix else 1e-5}

    def same(found, key, **over):
        torch.testing.assert_close(found, io[prefix + key], **(over or near), check_dtype=False)

    tokens, pose, absent = io["text.tokens_ids"], io["pose"].to(kind), io["inverse_mask"] == 0
    text = model.read(tokens)
    same(text.encoding, "text_encoding")
    same(text.length[:, None], "seq_length_pred")
    still = pose[:, :1].expand_as(pose)
    same(model.embed(still, absent), "embed_pose")
    for step in (0, 1, 4, 9):
        if f"{prefix}refine_step{step}.pred" in io:
            same(
                model.blended(step, still, model.refine(step, still, absent, text)), f"refine_step{step}.pred"
            )
    assert np.allclose([0.1, *model.delta], io["step_sizes_0_to_T"])
    for found, truth in zip(
        model.unroll(tokens[:1], pose[:1, 0], torch.tensor([7])), io[f"{prefix}generate_len7"], strict=False
    ):
        torch.testing.assert_close(found[0], truth, **near)
    assert len(next(model.unroll(tokens[:1], pose[:1, 0]))[0]) == io["generate_auto_first2"].shape[1]

    def check(losses, of):
        same(sum(losses.values()), f"{of}.loss", rtol=1e-5, atol=1e-7)
        model.zero_grad()
        sum(losses.values()).backward()
        for parameter, value in model.named_parameters():
            if f"{prefix}{of}.grad.{parameter}" in io:
                truth = io[f"{prefix}{of}.grad.{parameter}"]
                assert (value.grad - truth).abs().max() <= (1e-10 if prefix else 1e-5) * truth.abs().max()

    sure = io["confidence"].to(kind)
    check(model.losses(tokens, pose, sure, absent, teacher=[True] * config.steps), "val")
    if not prefix:
        teacher = [bool(u < 0.5) for u in io["train.teacher_forcing_uniform"]]
        noise = [1e-4 * n for n in io["train.noise"]]
        check(model.losses(tokens, pose, sure, absent, teacher=teacher, noise=noise), "train")


def losses_of(made, tokens, pose, **more):
    present = torch.ones(pose.shape[:3])
    absent = torch.zeros(pose.shape[:2], dtype=torch.bool)
    steps = made.config.steps
    return made.losses(tokens, pose, present, absent, teacher=[True] * steps, **more)


def small(seed=0, wrists=None, **settings):
    torch.manual_seed(seed)
    config = Ham2PoseConfig(
        hidden=16, feedforward=32, **{"even_steps": False, "hand_weight": 0.0, **settings}
    )
    return Ham2PoseModel(config, 30, 5, wrists).eval()


@torch.no_grad()
def test_every_refinement_counts_alike():
    """Where nothing changes and the truth is one away, step i misses its target by delta_i: even steps make each of them 1."""
    tokens, still = torch.tensor([[3, 4]]), torch.zeros(1, 4, 5, 2)
    truth = still.clone()
    truth[:, 1:] = 1.0  # the first frame is where refinement starts
    for even in (False, True):
        made = small(even_steps=even, blend=False)
        for parameter in made.pose_diff_projection.parameters():
            parameter.zero_()
        present, absent = torch.ones(1, 4, 5), torch.zeros(1, 4, dtype=torch.bool)
        found = made.losses(tokens, truth, present, absent, teacher=[False] * made.config.steps)["refinement"]
        each = [d**2 / (d**2 if even else 1) for d in made.delta]
        wanted = math.log(made.config.steps) ** 2 * sum(each) * 2 * 3 / 4
        assert float(found) == pytest.approx(wanted, rel=1e-5)


@torch.no_grad()
def test_handshapes_count_wherever_the_hand_is():
    """Point 0 is a wrist, 1 and 2 its hand: an error that all three share is no handshape's, one of a finger is."""
    tokens, truth = torch.tensor([[3, 4]]), torch.zeros(1, 3, 5, 2)
    both = [small(wrists=[0, 0, 0, 3, 4], hand_weight=w, steps=1) for w in (0.0, 3.0)]
    for moved, more in (([0, 1, 2], 0.0), ([1], 3.0), ([3], 0.0)):
        found = []
        for made in both:
            for parameter in made.pose_diff_projection.parameters():
                parameter.zero_()
            made.pose_diff_projection[-1].bias.view(5, 2)[moved] = 1.0
            found.append(float(losses_of(made, tokens, truth)["refinement"]))
        assert found[1] == pytest.approx(found[0] * (1 + more), rel=1e-5), moved


@torch.no_grad()
def test_frames_are_told_their_share_of_the_length():
    made = small(progress_waves=4)
    for table in (made.pos_positional_embeddings, made.pose_projection[0], made.pose_projection[2]):
        for parameter in table.parameters():
            parameter.zero_()
    pose = torch.zeros(2, 9, 5, 2)
    absent = torch.tensor([[False] * 9, [False] * 5 + [True] * 4])  # nine frames, and five
    found = made.embed(pose, absent)
    assert torch.allclose(found[0, [0, 4, 8]], found[1, [0, 2, 4]], atol=1e-6)  # begin, middle, end
    assert not torch.allclose(found[0, 2], found[1, 2], atol=1e-3)
    assert "progress_projection.weight" not in small(progress_waves=0).state_dict()


def test_lengths_are_learned_from_the_other_signs():
    made, tokens, pose = small(), torch.tensor([[3, 4]]), torch.zeros(1, 4, 5, 2)
    others = (torch.tensor([[5, 6, 7], [8, 0, 0]]), torch.tensor([40.0, 10.0]))
    found = losses_of(made, tokens, pose, others=others)["length"]
    wanted = made.config.length_weight * ((made.read(others[0]).length - others[1]) ** 2).mean()
    assert torch.allclose(found, wanted)
    assert not torch.allclose(found, losses_of(made, tokens, pose)["length"])
