"""The dataset, the generator and the estimator, through their contracts."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from pose_format.utils.openpose import OpenPose_Components
from pydantic import ValidationError

from signcore.component import Component
from signcore.contracts import Context
from signcore.errors import InputError
from signcore.plugins.synthetic.clip import Clip, embedded_driving, embedded_source, write_rendering
from signcore.plugins.synthetic.config import DatasetConfig, GeneratorConfig, GeneratorInputs
from signcore.plugins.synthetic.dataset import Dataset
from signcore.plugins.synthetic.estimator import Estimator
from signcore.plugins.synthetic.generator import Generator
from signcore.plugins.synthetic.lexicon import GLOSSES
from signcore.plugins.synthetic.plugin import signcore_components
from signcore.plugins.synthetic.signer import TEST_SEEDS, Signer
from signcore.types import Video, read_video, write_video

SMALL = {"width": 32, "height": 32, "max_glosses": 1}


def test_declaring_and_configuring_import_nothing_heavy():
    code = (
        "import sys; import signcore.plugins.synthetic.plugin as p, signcore.plugins.synthetic.config; "
        "p.signcore_components(); print([m for m in ('torch', 'numba', 'numpy', 'av') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_components_are_declared():
    records = signcore_components()
    assert all(isinstance(record, Component) for record in records)
    assert {(r.kind, r.name) for r in records} == {
        *((k, "synthetic") for k in ("dataset", "generator", "estimator")),
        ("dataset", "hamnosys-rendered"),
        ("dataset", "synthetic-sentences"),
        ("generator", "hamnosys"),
    }


def test_a_sample_follows_from_its_index_alone():
    first, again = (
        Dataset(DatasetConfig(clips=5, **SMALL)),
        Dataset(DatasetConfig(clips=9, cache=False, **SMALL)),
    )
    again[0].video[0]
    a, b = first[3], again[3]
    assert (a.id, a.glosses, a.signer) == (b.id, b.glosses, b.signer)
    np.testing.assert_array_equal(a.video[7], b.video[7])
    np.testing.assert_array_equal(a.pose.body.confidence, b.pose.body.confidence)
    assert len(a.video) == len(a.pose.body.data) == first.frames(3)


def test_another_seed_signs_other_sentences():
    sentences = [[Dataset(DatasetConfig(), Context(seed=s))[i].glosses for i in range(6)] for s in (0, 1)]
    assert sentences[0] != sentences[1]


def test_train_and_test_have_no_signer_in_common():
    names = {
        s: {Dataset(DatasetConfig(split=s, **SMALL))[i].signer for i in range(20)} for s in ("train", "test")
    }
    assert len(names["train"]) == len(names["test"]) == 16
    assert not names["train"] & names["test"]


def test_an_index_outside_is_an_index_error():
    with pytest.raises(IndexError):
        Dataset(DatasetConfig(clips=2))[2]


def test_the_vocabulary_goes_up_to_the_whole_lexicon():
    assert DatasetConfig(vocabulary=len(GLOSSES)).vocabulary == len(GLOSSES)
    with pytest.raises(ValidationError):
        DatasetConfig(vocabulary=len(GLOSSES) + 1)


def test_settings_that_contradict_each_other_are_refused():
    with pytest.raises(ValidationError, match="max_glosses"):
        DatasetConfig(min_glosses=4, max_glosses=2)


def test_clips_can_be_cut_and_cached():
    data = Dataset(DatasetConfig(frames=3, **SMALL))
    video = data[1].video
    assert len(video) == data.frames(1) == len(data[1].pose.body.data) == 3
    assert data[1].video is video


def test_the_pose_is_openpose_137_in_pixels_at_the_videos_rate():
    pose = Clip(["HOUSE"], Signer.sample(1), 96, 80, 30.0).pose()
    assert [c.name for c in pose.header.components] == [c.name for c in OpenPose_Components]
    assert pose.body.data.shape[1:] == (1, 137, 2)
    assert (pose.header.dimensions.width, pose.header.dimensions.height, pose.body.fps) == (96, 80, 30.0)
    legs = [10, 11, 13, 14, *range(19, 25)]
    assert (pose.body.confidence[:, 0, legs] == 0).all()
    assert pose.body.data.mask[:, 0, legs].all()
    shown = pose.body.confidence[:, 0] == 1
    xy = pose.body.data.data[:, 0][shown]
    assert (xy >= -0.5).all()
    assert (xy < [95.5, 79.5]).all()


def test_the_dataset_loses_hands_but_keeps_the_truth():
    sample = Dataset(DatasetConfig(missing=0.5, min_glosses=3, width=32, height=32))[0]
    assert (sample.video.pose.body.confidence[:, 0, 95:] > 0).mean() > 0.9
    assert 0.2 < (sample.pose.body.confidence[:, 0, 95:] > 0).mean() < 0.8


def test_the_generator_signs_glosses_and_refuses_unknown_ones_in_one_line():
    generator = Generator(GeneratorConfig(width=32, height=32))
    video = generator.generate(GeneratorInputs(gloss="house Drink"))
    assert video[len(video) // 2].shape == (32, 32, 3)
    with pytest.raises(InputError, match="'TEAPOT'"):
        generator.generate(GeneratorInputs(gloss="TEAPOT"))


def test_the_embedded_example_is_one_held_out_signer():
    source, driving = embedded_source().array, embedded_driving()
    assert source.shape == (128, 128, 3)
    assert source.dtype == np.uint8
    assert 40 <= len(driving) <= 75
    assert len(driving.pose.body.data) == len(driving)
    assert abs(source.astype(int) - driving[0]).mean() < 8


@pytest.fixture(scope="module")
def rendering(tmp_path_factory):
    clip = Clip(["YES"], Signer.sample(TEST_SEEDS), 64, 64)
    return write_rendering(tmp_path_factory.mktemp("rendering"), "yes", clip.video()), clip


def test_the_estimator_knows_a_rendering_again_from_its_file(rendering):
    path, clip = rendering
    pose = Estimator().estimate(read_video(path))
    np.testing.assert_allclose(pose.body.data.filled(0), clip.pose().body.data.filled(0), atol=1e-4)


def test_the_estimator_reads_what_a_video_in_memory_carries(rendering):
    _, clip = rendering
    assert len(Estimator().estimate(clip.video()[2:9]).body.data) == 7


def test_the_estimator_refuses_any_other_video_in_one_line(rendering, tmp_path):
    path, _ = rendering
    foreign = Video.from_array(np.zeros((4, 32, 32, 3), np.uint8))
    with pytest.raises(InputError, match="its pose is not known"):
        Estimator().estimate(foreign)
    write_video(tmp_path / "yes.mp4", foreign)
    with pytest.raises(InputError, match=r"no rendering's yes\.pose"):
        Estimator().estimate(read_video(tmp_path / "yes.mp4"))
    for suffix in (".pose", ".pose.json"):
        (tmp_path / f"yes{suffix}").write_bytes(path.with_suffix(suffix).read_bytes())
    with pytest.raises(InputError, match="was not written for this video") as refusal:
        Estimator().estimate(read_video(tmp_path / "yes.mp4"))
    assert "\n" not in refusal.value.line()


def test_a_damaged_mark_refuses(rendering, tmp_path):
    path, _ = rendering
    for suffix in (".mp4", ".pose"):
        (tmp_path / f"yes{suffix}").write_bytes(path.with_suffix(suffix).read_bytes())
    (tmp_path / "yes.pose.json").write_text("[]")
    with pytest.raises(InputError, match="was not written for this video"):
        Estimator().estimate(read_video(tmp_path / "yes.mp4"))
