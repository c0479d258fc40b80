from __future__ import annotations

import json
import zlib

import numpy as np
import pytest
import torch
from safetensors import safe_open

from signcore.plugins.spoter import skeletons
from signcore.plugins.spoter.model import SpoterModel

MASK = (1 << 64) - 1


def recorded(shared, name):
    with safe_open(shared / "oracles/spoter" / f"{name}.safetensors", "pt") as file:
        return file.metadata() or {}, {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118


def formula(name, shape, seed):
    """The recorded networks' weights: splitmix64 of the entry's name."""
    start = (seed * 2**32 + zlib.crc32(name.encode())) & MASK
    i = np.arange(1, int(np.prod(shape)) + 1, dtype=np.uint64)
    with np.errstate(over="ignore"):
        z = np.uint64(start) + i * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    u = (z >> np.uint64(11)).astype(np.float64) / 2**53
    if "norm" in name and name.endswith("weight"):
        values = 0.8 + 0.4 * u
    elif len(shape) >= 2:
        values = (2 * u - 1) * np.sqrt(3 / shape[-1])
    else:
        values = 0.2 * (u - 0.5)
    return torch.from_numpy(values.reshape(shape)).float()


@pytest.mark.parametrize("name", ["model_narrow", "model_108"])
def test_the_network_answers_as_recorded(shared, name):
    about, wanted = recorded(shared, f"{name}.io")
    model = SpoterModel(int(about["num_classes"]), int(about["hidden_dim"]), 9, 6, 2048).eval()
    if name == "model_narrow":
        model.load_state_dict(recorded(shared, f"{name}.weights")[1])
    else:
        model.load_state_dict({n: formula(n, v.shape, 11) for n, v in model.state_dict().items()})
        probe = wanted["probe.transformer.encoder.layers.0.linear1.weight[0,:8]"]
        assert torch.equal(model.transformer.encoder.layers[0].linear1.weight[0, :8], probe)
    for i in range(2):
        x = wanted[f"x{i}"].clone().requires_grad_()
        model.zero_grad()
        logits = model(x.flatten(1)[:, None].float())
        torch.testing.assert_close(logits[None], wanted[f"logits{i}"], atol=2e-5, rtol=0)
        loss = torch.nn.functional.cross_entropy(logits, wanted[f"ce_label{i}"])
        loss.backward()
        torch.testing.assert_close(loss, wanted[f"ce_loss{i}"], atol=2e-5, rtol=0)
        torch.testing.assert_close(x.grad, wanted[f"grad_x{i}"], atol=2e-5, rtol=0)
        torch.testing.assert_close(model.pos.grad, wanted[f"grad_pos{i}"], atol=2e-5, rtol=0)
        torch.testing.assert_close(model.class_query.grad, wanted[f"grad_class_query{i}"], atol=2e-5, rtol=0)


@pytest.mark.parametrize("name", ["normalization_y_down", "normalization_y_up"])
def test_normalisation_is_the_recorded_one(shared, name):
    _, wanted = recorded(shared, f"{name}.io")
    body, hands = wanted["body_in"].numpy(), wanted["hand_in"].numpy()
    np.testing.assert_allclose(skeletons.normalised_body(body), wanted["body_normalized"], atol=1e-12)
    np.testing.assert_allclose(skeletons.normalised_hands(hands), wanted["hand_normalized"], atol=1e-12)


def test_a_frame_without_a_box_takes_the_one_before_it():
    random = np.random.default_rng(0)
    body = random.uniform(0.3, 0.9, (4, 12, 2))
    shoulders = [skeletons.BODY.index(n) for n in ("left_shoulder", "right_shoulder", "neck")]
    body[[0, 2]] = body[1]
    body[[0, 2], shoulders[0]] = body[[0, 2], shoulders[2]] = 0
    found = skeletons.normalised_body(body)
    np.testing.assert_array_equal(found[0], body[0])  # there is none before the first
    wrist = skeletons.BODY.index("left_wrist")
    np.testing.assert_allclose(found[2, wrist], found[1, wrist])
    assert (found[2, shoulders[0]] == 0).all()


def test_augmentations_are_the_recorded_ones(shared):
    _, wanted = recorded(shared, "augmentation.io")
    body, hands = wanted["body_in"].numpy(), wanted["hand_in"].numpy()
    np.testing.assert_allclose(skeletons.rotated(body, 9), wanted["rotate_9deg.body"], atol=1e-12)
    np.testing.assert_allclose(skeletons.rotated(hands, 9), wanted["rotate_9deg.hand"], atol=1e-12)
    np.testing.assert_allclose(skeletons.squeezed(body, 0.1, 0.1), wanted["squeeze_0.1.body"], atol=1e-6)
    for branch in ("first", "second"):
        found = skeletons.tilted(body, 0.08, branch == "first")
        np.testing.assert_allclose(found, wanted[f"perspective_0.08_{branch}_branch.body"], atol=1e-6)
    arms = skeletons.turned_arms(body, {"left": [3.0] * 3, "right": [3.0] * 3})
    np.testing.assert_allclose(arms, wanted["arm_rotate_all_3deg.body"], atol=1e-12)


def test_the_points_are_in_the_recorded_order(shared):
    about, _ = recorded(shared, "augmentation.io")
    theirs = json.loads(about["hand_identifiers"])
    names = {"Tip": 3, "DIP": 2, "PIP": 1, "MCP": 0}
    roots = {"index": 5, "middle": 9, "ring": 13, "little": 17}
    for place, name in enumerate(theirs):
        part, side = name.split("_")
        number = {"wrist": 0, "thumbTip": 4, "thumbIP": 3, "thumbMP": 2, "thumbCMC": 1}.get(part)
        if number is None:
            finger = next(f for f in roots if part.startswith(f))
            number = roots[finger] + names[part.removeprefix(finger)]
        assert skeletons.HANDS[place] == f"{('left', 'right')[int(side)]}_hand_{number}"
