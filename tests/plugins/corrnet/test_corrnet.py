from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch.nn import functional as F

from signcore.contracts import Context, Sample
from signcore.errors import InputError, WeightsError
from signcore.plugins.corrnet.config import CorrNetConfig
from signcore.plugins.corrnet.model import BiLSTM, Correlation, CorrNetModel, TemporalConv, distilled, padded
from signcore.plugins.corrnet.recognizer import CorrNet
from signcore.plugins.corrnet.training import CorrNetTask
from signcore.training import fit
from signcore.types import Video

TINY = {"channels": 2, "hidden": 16, "size": 32, "fps": 25.0, "batch": 2, "averaging": 0.0}


def test_the_public_names_and_shapes_are_there():
    with torch.device("meta"):
        state = CorrNetModel(CorrNetConfig(preset="paper"), 1296).state_dict()
    for name, shape in {
        "conv2d.conv1.weight": (64, 3, 1, 7, 7),
        "conv2d.layer1.0.bn1.running_mean": (64,),
        "conv2d.layer2.0.downsample.0.weight": (128, 64, 1, 1, 1),
        "conv2d.corr1.down_conv.weight": (8, 128, 1, 1, 1),
        "conv2d.corr2.spatial_aggregation3.weight": (16, 1, 9, 3, 3),
        "conv2d.corr3.conv_back.weight": (512, 32, 1, 1, 1),
        "conv2d.corr3.weights2": (2,),
        "conv2d.alpha": (3,),
        "conv1d.temporal_conv.0.weight": (1024, 512, 5),
        "conv1d.temporal_conv.5.running_var": (1024,),
        "conv1d.fc.weight": (1024, 1296),
        "temporal_model.rnn.weight_hh_l1_reverse": (2048, 512),
        "classifier.weight": (1024, 1296),
    }.items():
        assert tuple(state[name].shape) == shape, name


def test_the_correlation_is_its_definition(random):
    net = Correlation(16).eval()
    x = torch.from_numpy(random.normal(size=(1, 16, 3, 4, 5))).float()
    y = net.down_conv2(x)
    total = torch.zeros_like(x)
    for weight, step in zip(net.weights2, (1, -1), strict=True):
        for t in range(3):
            other = y[:, :, min(max(t + step, 0), 2)]
            affinity = torch.einsum("bchw,bcsd->bhwsd", x[:, :, t], other).sigmoid() - 0.5
            total[:, :, t] += weight * torch.einsum("bcsd,bhwsd->bchw", other, affinity)
    few = net.down_conv(x)
    parts = (net.spatial_aggregation1, net.spatial_aggregation2, net.spatial_aggregation3)
    gate = net.conv_back(sum(w * p(few) for w, p in zip(net.weights, parts, strict=True))).sigmoid() - 0.5
    torch.testing.assert_close(net(x), total * gate, atol=1e-5, rtol=1e-4)


def test_new_correlations_change_nothing_before_they_have_learned():
    net = CorrNetModel(CorrNetConfig(**TINY), 4).eval()
    x = torch.randn(1, 3, 20, 32, 32)
    before = net.conv2d(x)
    for part in (net.conv2d.corr1, net.conv2d.corr2, net.conv2d.corr3):
        torch.nn.init.normal_(part.conv_back.weight)
    torch.testing.assert_close(net.conv2d(x), before)


@pytest.mark.parametrize("frames", [1, 4, 17, 30])
def test_padding_gives_a_step_for_every_four_frames(frames):
    shown = padded(torch.zeros(frames, 3, 2, 2))
    steps = int(TemporalConv.steps(torch.tensor(len(shown))))
    assert steps == int(TemporalConv(3, 4).eval()(torch.zeros(1, 3, len(shown))).shape[2])
    assert steps == -(-frames // 4)


def test_padding_of_a_batch_does_not_reach_the_lstm():
    net = BiLSTM(8).eval()
    x = torch.randn(6, 2, 8)
    alone = net(x[:4, :1], torch.tensor([4]))
    both = net(x, torch.tensor([4, 6]))
    torch.testing.assert_close(both[:4, :1], alone)


def test_distillation_leaves_the_blank_out_and_the_teacher_alone():
    student, teacher = torch.randn(3, 1, 5, requires_grad=True), torch.randn(3, 1, 5, requires_grad=True)
    lost = distilled(student, teacher, 8.0)
    p = F.softmax(teacher.detach()[:, 0, 1:] / 8, dim=-1)
    wanted = 64 * (p * (p.log() - F.log_softmax(student[:, 0, 1:] / 8, dim=-1))).sum() / 3
    torch.testing.assert_close(lost, wanted)
    lost.backward()
    assert teacher.grad is None
    assert student.grad[..., 0].abs().max() == 0
    torch.testing.assert_close(distilled(teacher, teacher, 8.0), torch.tensor(0.0), atol=1e-6, rtol=0)


class Toy:
    def __len__(self):
        return 4

    def __getitem__(self, i):
        frames = np.full((24, 32, 32, 3), 20, np.uint8)
        frames[8:16] = 220 if i % 2 else 120
        return Sample(
            id=str(i), video=Video.from_array(frames, 25.0), glosses=["A" if i % 2 else "B"], split="train"
        )


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    task = CorrNetTask(CorrNetConfig(**TINY), Context())
    return fit(
        task, Toy(), folder=tmp_path_factory.mktemp("c"), steps=2, checkpoint_every=0, sample_every=0, seed=0
    )


def test_it_trains_saves_and_reads_a_video(fitted):
    assert set(fitted.losses) == {"sequence", "convolution", "distillation"}
    assert all(np.isfinite(v) for v in fitted.losses.values())
    found = CorrNet(None, Context(weights=str(fitted.weights))).recognize(Toy()[0].video)
    assert len(found) >= 1
    assert [h.score for h in found] == sorted((h.score for h in found), reverse=True)
    with pytest.raises(InputError, match="reads videos only"):
        CorrNet(None, Context(weights=str(fitted.weights))).recognize(None)


def test_public_weights_without_a_vocabulary_need_one(tmp_path, fitted):
    net = CorrNetModel(CorrNetConfig(**TINY), 3)
    public = {n: v for n, v in net.state_dict().items() if n != "conv1d.fc.weight"}
    save_file({f"module.{n}": v.contiguous() for n, v in public.items()}, tmp_path / "public.safetensors")
    context = Context(weights=str(tmp_path / "public.safetensors"))
    with pytest.raises(WeightsError, match="names no glosses"):
        CorrNet(CorrNetConfig(**TINY), context)
    read = CorrNet(CorrNetConfig(**TINY, glosses=("X", "Y")), context)
    for name, value in public.items():
        assert torch.equal(read.model.state_dict()[name], value)
