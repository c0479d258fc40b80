from __future__ import annotations

import numpy as np
import pytest
import torch

from signcore.contracts import Context, Sample
from signcore.errors import WeightsError
from signcore.plugins.streams.config import StreamsConfig
from signcore.plugins.streams.model import StreamsModel
from signcore.plugins.streams.recognizer import PoseStreams
from signcore.plugins.streams.rocket import RandomKernels
from signcore.plugins.streams.training import StreamsTask
from signcore.recognition.judging import judge
from signcore.training import fit
from signcore.types.poses import pose_from_keypoints

TINY = {
    "width": 16,
    "batch": 8,
    "averaging": 0.0,
    "learning_rate": 1e-2,
    "frames": 24,
    "dropout": 0.1,
    "kernels": 200,
    "augmentation": 0.3,
}


def clip(glosses, seed):
    """Every gloss is its own way of the right hand."""
    random = np.random.default_rng(seed)
    points = np.full((12 * len(glosses) + 12, 137, 2), np.nan)
    points[:, [0, 2, 3, 4, 5, 6, 7]] = np.array(
        [[50, 20], [40, 40], [35, 60], [40, 80], [60, 40], [65, 60], [60, 80]]
    )
    for k, gloss in enumerate(glosses):
        t = np.sin(np.linspace(0, np.pi, 12))
        way = {"UP": (0, -50), "OUT": (-30, -10), "DOWN": (5, 15)}[gloss]
        part = slice(12 * k + 6, 12 * k + 18)
        points[part, 4] += t[:, None] * way * random.uniform(0.8, 1.2)
    points += random.normal(0, 0.5, points.shape)
    return pose_from_keypoints(points, "openpose_137", fps=25, width=100, height=100)


class Clips:
    def __init__(self, count, most=1, split="train"):
        self.count, self.most, self.split = count, most, split

    def __len__(self):
        return self.count

    def __getitem__(self, i):
        if not 0 <= i < self.count:
            raise IndexError(i)
        random = np.random.default_rng(1000 + i)
        glosses = [
            str(g) for g in random.choice(["UP", "OUT", "DOWN"], size=random.integers(1, self.most + 1))
        ]
        return Sample(
            id=str(i),
            pose=clip(glosses, i),
            glosses=glosses,
            signer=f"s{i % 2}",
            split=self.split if i % 5 else "test",
        )


def train(folder, dataset, steps, **settings):
    task = StreamsTask(StreamsConfig(**{**TINY, **settings}), Context())
    return fit(task, dataset, folder=folder, steps=steps, checkpoint_every=0, sample_every=0, seed=0)


def test_single_signs_are_learned_and_read_back(tmp_path):
    fitted = train(tmp_path, Clips(40), 80)
    assert fitted.scores["right"] >= 85
    recognizer = PoseStreams(None, Context(weights=str(fitted.weights)))
    found = recognizer.recognize(clip(["UP"], 999))
    assert found[0].glosses == ["UP"]
    assert len(found) == 3
    assert [h.score for h in found] == sorted((h.score for h in found), reverse=True)


def test_sentences_are_learned_by_ctc(tmp_path):
    fitted = train(tmp_path, Clips(40, most=3), 200, halvings=1, augmentation=0.0)
    assert fitted.scores["wer"] < 40
    recognizer = PoseStreams(None, Context(weights=str(fitted.weights)))
    assert recognizer.config.reads == "sentence"
    assert float(recognizer.model.usual.sum()) == pytest.approx(1, abs=1e-2)
    assert recognizer.follows.log_probability((1,), 2) > recognizer.follows.log_probability((), 9)
    best = recognizer.recognize(clip(["UP", "OUT"], 999))[0]
    assert len(best.times) == len(best.glosses)
    assert best.score <= 0


@pytest.mark.parametrize("most", [1, 3])
def test_it_trains_in_half_precision(tmp_path, most):
    task = StreamsTask(StreamsConfig(**TINY), Context())
    fitted = fit(
        task, Clips(10, most=most), folder=tmp_path, steps=2, checkpoint_every=0, precision="bf16-mixed"
    )
    assert all(np.isfinite(v) for v in fitted.losses.values())


@pytest.mark.parametrize(
    "settings",
    [{"kernels": 0}, {"copies": 0}, {"streams": ("joint", "turn")}, {"both_sides": False}, {"dims": 3}],
)
def test_every_switch_trains(tmp_path, settings):
    fitted = train(tmp_path, Clips(10), 2, **settings)
    assert all(np.isfinite(v) for v in fitted.losses.values())
    assert PoseStreams(StreamsConfig(**{k: v for k, v in settings.items() if k == "both_sides"}),
                       Context(weights=str(fitted.weights))).recognize(clip(["UP"], 1))  # fmt: skip


def test_steps_are_those_that_the_network_gives():
    config = StreamsConfig(reads="sentence", width=8, blocks=3, halvings=2)
    net = StreamsModel(config, ["left_wrist", "right_wrist"], 2, 5).eval()
    for frames in range(8, 30):
        given = net(torch.randn(1, frames, 2, 2))["ctc"].shape[1]
        assert int(net.steps(torch.tensor(frames))) == given


def test_mirrored_clips_read_alike_with_both_sides(tmp_path):
    from signcore.types import layouts

    fitted = train(tmp_path, Clips(20), 5)
    recognizer = PoseStreams(None, Context(weights=str(fitted.weights)))
    pose = clip(["OUT"], 5)
    one, other = recognizer.recognize(pose), recognizer.recognize(layouts.mirror(pose))
    for a, b in zip(one, other, strict=True):
        assert a.glosses == b.glosses
        assert a.score == pytest.approx(b.score, abs=1e-4)


def test_random_kernels_read_signs_without_a_step(tmp_path):
    """What a ridge regression solves for at the start is right before any network has learned."""
    fitted = train(tmp_path, Clips(40), 1, share=0.0)
    assert fitted.scores["right"] >= 85


def test_a_large_corpus_is_solved_for_in_part(tmp_path, monkeypatch):
    from signcore.plugins.streams import training

    seen = []
    fit = RandomKernels.fit
    monkeypatch.setattr(training, "ROWS", 20)
    monkeypatch.setattr(
        RandomKernels, "fit", lambda self, x, *rest: seen.append(len(x)) or fit(self, x, *rest)
    )
    for clips in (8, 40):  # 6 and 32 of them to train on
        train(tmp_path / str(clips), Clips(clips), 1)
    assert seen == [18, 20]


def test_answers_that_do_not_hold_for_another_group_are_said_less_surely():
    random = torch.Generator().manual_seed(0)
    x, labels, groups = torch.randn(60, 4, 32, generator=random), torch.arange(60) % 2, torch.arange(60) // 10
    x[labels == 1, 0, :16] += 0.7
    sure = []
    for told in (x, torch.where((groups > 2)[:, None, None], x.flip(0), x)):  # half of the groups contradict
        kernels = RandomKernels(4, 2, 32, 100)
        kernels.fit(told, labels, groups, 0.03, torch.Generator().manual_seed(1))
        sure.append(float(kernels(told).softmax(dim=-1).amax(dim=-1).mean()))
    assert sure[0] > sure[1] + 0.05


def test_the_place_of_a_mean_does_not_change_the_random_kernels():
    x, labels = torch.randn(20, 3, 32), torch.arange(20) % 2
    answers = []
    for shift in (0.0, 5.0):
        kernels = RandomKernels(3, 2, 32, 100)
        kernels.fit(x + shift, labels, labels, 0.1, torch.Generator().manual_seed(1))
        answers.append(kernels(x + shift))
    torch.testing.assert_close(*answers, atol=1e-2, rtol=1e-2)


def test_without_weights_it_is_refused():
    with pytest.raises(WeightsError, match="no weights for preset"):
        PoseStreams(StreamsConfig(preset="large"), Context())


def test_leaving_signers_out_trains_a_fold_each():
    def trained(part, seed, folder):
        return PoseStreams(None, Context(weights=str(train(folder, part, 60).weights)))

    from signcore.plugins.text_metrics.metrics import WER

    told = judge(trained, Clips(24), lambda: {"wer": WER()}, folds="signer", seeds=(0,))
    assert set(told.folds) == {"s0", "s1"}
    assert told.clips == 24
    assert told.scores["wer"] < 60
    assert sum(n for row in told.confusions.values() for n in row.values()) == 24
