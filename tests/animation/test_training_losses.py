"""What the training of all motion networks shares: clipping, the perceptual loss, clips that cannot be used."""

import contextlib
import json

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from signcore.cli.train import _Lines
from signcore.contracts import Context, Sample
from signcore.errors import WeightsError
from signcore.nn.vgg import LEAST_SIDE, VGG19
from signcore.plugins.tpsmm.config import TPSMMConfig
from signcore.plugins.tpsmm.training import TPSMMTask
from signcore.training import fit
from signcore.types.video import Video

TINY = {
    "width": 4,
    "max_width": 8,
    "keypoint_width": 4,
    "motion_width": 4,
    "motion_max_width": 8,
    "transforms": 2,
    "size": 64,
    "batch": 2,
    "nearest_clips": 1,
}


def task(**settings) -> TPSMMTask:
    return TPSMMTask(TPSMMConfig(**{**TINY, **settings}), Context(seed=1))


class Clips:
    """Random clips of so many frames each, the last of them held out."""

    def __init__(self, *lengths: int) -> None:
        random = np.random.default_rng(0)
        self.videos = [
            Video.from_array(random.integers(0, 255, (n, 64, 64, 3)).astype(np.uint8), 10) for n in lengths
        ]

    def __len__(self) -> int:
        return len(self.videos)

    def __getitem__(self, index: int) -> Sample:
        split = "test" if index == len(self) - 1 else "train"
        return Sample(id=f"clip-{index}", video=self.videos[index], split=split)


def test_gradients_of_the_motion_networks_are_clipped_by_their_largest_component():
    made = task(clip=10.0, background=True)
    model = made.model
    for parameter in model.parameters():
        parameter.grad = torch.full_like(parameter, 2.0)
    motion = next(p.grad for p in model.motion.parameters() if p.ndim == 1)
    drawn = next(p.grad for n, p in model.named_parameters() if n.startswith("inpainting") and p.ndim == 1)
    motion[0] = drawn[0] = -1000.0
    made.clip("adam")
    assert motion[:2].tolist() == pytest.approx([-10, 0.02], rel=1e-4), "in proportion: the direction stays"
    assert drawn[:2].tolist() == [-1000, 2], "the generator's are left"
    for network in (model.keypoint_detector, model.background):  # each network by itself
        assert all((p.grad == 2).all() for p in network.parameters())
    motion[0] = -1000.0
    made.config = made.config.model_copy(update={"clip": 0.0})
    made.clip("adam")
    assert float(motion[0]) == -1000, "0 clips nothing"


def test_the_perceptual_loss_looks_at_the_scales_that_vgg_can_see():
    made = task(perceptual_weight=1.0, vgg_width=4)
    told = made.step(next(made.batches(Clips(3, 3), "train")), "adam")  # an eighth of 64 is 8 pixels
    assert 0 < float(told["perceptual"].detach()) < float("inf")
    assert len(VGG19(4)(torch.rand(1, 3, LEAST_SIDE, LEAST_SIDE))) == 5
    with pytest.raises(RuntimeError):
        VGG19(4)(torch.rand(1, 3, LEAST_SIDE - 1, LEAST_SIDE - 1))


def test_vgg_takes_torchvision_s_names(tmp_path):
    wanted, made = VGG19(4, seed=1), VGG19(4)
    assert made.source == "random features, seed 0"
    own = {k: v for k, v in wanted.state_dict().items() if k.startswith("slice")}
    tensors = {f"features.{k.partition('.')[2]}": v.contiguous() for k, v in own.items()}
    tensors |= {"features.30.weight": torch.zeros(2), "classifier.0.weight": torch.zeros(2)}  # unused there
    save_file(tensors, tmp_path / "vgg19.safetensors")
    made.load(tmp_path / "vgg19.safetensors")
    image = torch.rand(1, 3, 32, 32)
    assert all(torch.equal(a, b) for a, b in zip(made(image), wanted(image), strict=True))
    assert made.source.startswith("vgg19.safetensors, sha256 ")
    del tensors["features.28.bias"]
    tensors["features.0.weight"] = torch.zeros(8, 3, 3, 3)
    save_file(tensors, tmp_path / "wide.safetensors")
    with pytest.raises(WeightsError, match="another shape"):
        made.load(tmp_path / "wide.safetensors")
    save_file({"classifier.0.weight": torch.zeros(2)}, tmp_path / "none.safetensors")
    with pytest.raises(WeightsError, match="holds no VGG-19"):
        made.load(tmp_path / "none.safetensors")


def test_clips_of_one_frame_are_named_and_counted(tmp_path, caplog):
    dataset = Clips(1, 3, 3)
    fit(task(schedule="constant"), dataset, folder=tmp_path, steps=4, checkpoint_every=0, sample_every=0)
    reason = "clip-0: has a single frame, motion needs two"
    assert f"clip 0 of 3 left out: {reason}" in caplog.text
    assert f"1 of 3 samples left out; the first: {reason}" in caplog.text
    assert json.loads((tmp_path / "train.json").read_text())["left_out"] == [reason]


def test_nothing_held_out_is_said(capsys):
    made = task()
    scores = made.evaluate(Clips(3, 1))
    assert scores == {}
    _Lines().scores(2, 4, scores)
    assert capsys.readouterr().err == "step 2/4  nothing held out could be scored\n"


def test_what_an_estimator_s_libraries_print_is_kept_off_the_terminal(tmp_path, monkeypatch):
    from signcore.plugins.datasets.config import VideoFolderConfig
    from signcore.plugins.datasets.video_folder import VideoFolder
    from signcore.runs import folder
    from signcore.types import write_video

    quiet = []

    class Estimator:
        def estimate(self, video):
            return quiet[-1]

    @contextlib.contextmanager
    def native_output(log):
        quiet.append("inside")
        yield
        quiet.append("outside")

    monkeypatch.setattr(folder, "native_output", native_output)
    write_video(tmp_path / "a.mp4", Clips(3).videos[0])
    dataset = VideoFolder(VideoFolderConfig(path=tmp_path, estimator="noisy"), Context())
    dataset.estimated.__dict__["_estimator"] = Estimator()
    assert dataset[0].pose == "inside"
    assert quiet == ["inside", "outside"]
