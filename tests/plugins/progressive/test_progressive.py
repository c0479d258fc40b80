import json

import numpy as np
import pytest
import torch

from signcore.plugins.progressive.config import ProgressiveConfig
from signcore.plugins.progressive.model import ProgressiveModel
from signcore.plugins.progressive.score import dtw_score, warp


def model(**settings):
    return ProgressiveModel(ProgressiveConfig(hidden=16, feedforward=32, **settings), 30, 5).eval()


def test_a_frame_depends_on_earlier_frames_alone():
    of = model()
    frames, tokens = torch.randn(1, 6, 11), torch.tensor([[1, 4, 9]])
    before = of.decode(frames, *of.encode(tokens))
    frames[:, 4:] += 1
    after = of.decode(frames, *of.encode(tokens))
    assert torch.allclose(before[:, :4], after[:, :4], atol=1e-6)
    assert not torch.allclose(before[:, 4:], after[:, 4:])


def test_with_the_counter_alone_frames_are_not_read():
    of = model(just_counter=True)
    frames, tokens = torch.randn(1, 6, 11), torch.tensor([[1, 4, 9]])
    before = of.decode(frames, *of.encode(tokens))
    frames[..., :-1] += 1
    assert torch.equal(before, of.decode(frames, *of.encode(tokens)))


def test_the_true_counter_gives_the_true_length_and_the_own_one_stops():
    of, first = model(max_length=30), torch.randn(5, 2)
    with torch.no_grad():
        assert of.unroll(torch.tensor([[1, 4]]), first, 13).shape == (13, 5, 2)
        of.output.bias[-1] = 5.0  # the counter is at its end at once
        assert of.unroll(torch.tensor([[1, 4]]), first, None).shape == (2, 5, 2)
        of.output.bias[-1] = -5.0
        assert of.unroll(torch.tensor([[1, 4]]), first, None).shape == (30, 5, 2)


def test_the_public_codes_score(shared):
    from safetensors.numpy import load_file

    folder = shared / "oracles" / "progressive_transformers"
    arrays, scores = load_file(folder / "io.safetensors"), json.loads((folder / "scores.json").read_text())
    for batch in scores["batches"]:
        pairs = zip(arrays[f"{batch['key']}.references"], arrays[f"{batch['key']}.hypotheses"], strict=True)
        assert [dtw_score(r, h) for r, h in pairs] == pytest.approx(batch["scores"], rel=1e-6)
    for entry in scores["dtw"]:
        key = entry["key"]
        total, path = warp(
            arrays[f"{key}.cost"],
            off_diagonal=entry.get("s", 1.0),
            window=entry.get("w"),
            reach=entry.get("warp", 1),
        )
        assert total[-1, -1] == pytest.approx(entry["distance"], rel=1e-12)
        assert np.allclose(total, arrays[f"{key}.accumulated"], rtol=1e-12)
        assert np.array_equal(path, arrays[f"{key}.path"])
