from __future__ import annotations

import numpy as np
import pytest

from signcore import load
from signcore.errors import ConfigError, InputError
from signcore.types import Video, write_image, write_video

CLIP = Video.from_array(np.zeros((4, 32, 32, 3), np.uint8), 25.0)
HEAD = (
    "Video ID number,Main entry gloss label,Entry/variant gloss label,Occurrence label,Start frame of the sign video,"
    "Utterance video filename,Source collection,Hidden\n"
)


def asllrp(folder):
    rows = [
        "1,HOUSE,HOUSE,HOUSE+,120,u1.mp4,Cory_1,F",
        "1,IX,IX,IX,100,u1.mp4,Cory_1,F",
        '1,"(1h)GO OUT",GO,GO,140,u1.mp4,Cory_1,F',
        "1,fs-JOHN,fs-JOHN,fs-JOHN,140,u1.mp4,Cory_1,F",
        "1,SECRET,SECRET,SECRET,150,u1.mp4,Cory_1,T",
        "2,BOOK,BOOK,BOOK,10,u2.mp4,Rachel_2,F",
    ]
    (folder / "asllrp_sentence_signs_2024.csv").write_text(HEAD + "\n".join(rows) + "\n")
    write_video(folder / "u1.mp4", CLIP)


def test_asllrp_orders_the_signs_of_an_utterance(tmp_path):
    asllrp(tmp_path)
    data = load("dataset", "asllrp", path=tmp_path)
    assert [data[i].glosses for i in range(len(data))] == [["IX", "HOUSE", "(1h)GO-OUT"], ["BOOK"]]
    assert (data[0].id, data[0].signer, data[0].split) == ("u1", "Cory", "train")
    assert len(data[0].video) == 4
    assert data[1].video is None


def test_asllrp_names_the_line_of_a_bad_frame(tmp_path):
    asllrp(tmp_path)
    table = tmp_path / "asllrp_sentence_signs_2024.csv"
    table.write_text(table.read_text().replace(",120,", ",soon,"))
    with pytest.raises(InputError, match="csv:2: Start frame of the sign video is no number"):
        load("dataset", "asllrp", path=tmp_path)


def test_asllrp_wants_exactly_one_table(tmp_path):
    with pytest.raises(InputError, match="holds 0 tables"):
        load("dataset", "asllrp", path=tmp_path)


def test_autsl_reads_labels_words_and_signers(tmp_path):
    (tmp_path / "train").mkdir()
    (tmp_path / "train_labels.csv").write_text("signer0_sample1,1\nsigner3_sample2,0\n")
    (tmp_path / "test_labels.csv").write_text("signer6_sample9,1\n")
    (tmp_path / "SignList_ClassId_TR_EN.csv").write_text(
        "ClassId,TR,EN\n0,abla,sister\n1,acele etmek,hurry\n"
    )
    write_video(tmp_path / "train" / "signer0_sample1_color.mp4", CLIP)
    data = load("dataset", "autsl", path=tmp_path)
    told = [(s.glosses, s.signer, s.split) for s in (data[i] for i in range(3))]
    assert told == [
        (["acele-etmek"], "signer0", "train"),
        (["abla"], "signer3", "train"),
        (["acele-etmek"], "signer6", "test"),
    ]
    assert len(data[0].video) == 4
    (tmp_path / "test_labels.csv").write_text("signer6_sample9,7\n")
    with pytest.raises(InputError, match="class 7 is not in"):
        load("dataset", "autsl", path=tmp_path)


def test_phoenix_reads_its_annotation_and_frames(tmp_path):
    notes = tmp_path / "annotations" / "manual"
    notes.mkdir(parents=True)
    head = "name|video|start|end|speaker|orth|translation\n"
    (notes / "PHOENIX-2014-T.train.corpus.csv").write_text(
        head + 'a-1|a-1/1/*.png|-1|-1|Signer08|JETZT WETTER|und nun "das wetter\n'
    )
    (notes / "PHOENIX-2014-T.dev.corpus.csv").write_text(head + "b-1|x|-1|-1|Signer01|REGEN|regen\n")
    frames = tmp_path / "features/fullFrame-210x260px/train/a-1"
    frames.mkdir(parents=True)
    for i in range(3):
        write_image(frames / f"images{i:04d}.png", np.zeros((26, 21, 3), np.uint8))
    data = load("dataset", "phoenix-2014t", path=tmp_path)
    assert [(s.glosses, s.signer, s.split) for s in (data[0], data[1])] == [
        (["JETZT", "WETTER"], "Signer08", "train"),
        (["REGEN"], "Signer01", "validation"),
    ]
    assert (len(data[0].video), data[0].video.fps) == (3, 25.0)


def test_csl_daily_reads_its_map_and_splits(tmp_path):
    labels = tmp_path / "sentence_label"
    labels.mkdir()
    (labels / "video_map.txt").write_text(
        "index|name|length|gloss|char|word|postag\n0|S000_P000_T00|70|我 书|我 的 书|我 的 书|r\n",
        encoding="utf-8",
    )
    (labels / "split_1.txt").write_text("name|split\nS000_P000_T00|dev\n")
    data = load("dataset", "csl-daily", path=tmp_path)
    assert (data[0].glosses, data[0].signer, data[0].split) == (["我", "书"], "P000", "validation")
    (labels / "split_1.txt").write_text("name|split\nother|dev\n")
    with pytest.raises(InputError, match="S000_P000_T00 is not in split_1.txt"):
        load("dataset", "csl-daily", path=tmp_path)


@pytest.mark.parametrize("name", ["asllrp", "autsl", "phoenix-2014t", "csl-daily"])
def test_a_missing_folder_or_path_is_one_line(tmp_path, name):
    with pytest.raises(InputError, match="no such folder"):
        load("dataset", name, path=tmp_path / "nowhere")
    with pytest.raises(ConfigError, match="path"):
        load("dataset", name)


def test_the_words_of_a_sentence_come_in_their_order(tmp_path):
    np.savez(
        tmp_path / "s.npz",
        frames=np.zeros((20, 3, 2), np.float32),
        offsets=np.array([0, 8, 20]),
        class_names=np.array(["A", "B"]),
        word_sentence=np.array([1, 0, 1]),
        word_label=np.array([1, 0, 0]),
        word_start=np.array([5, 0, 1]),
        keypoint_names=np.array(["left_hand", "right_hand", "nose"]),
    )
    data = load("dataset", "keypoint-arrays", path=tmp_path / "s.npz")
    assert [data[i].glosses for i in range(2)] == [["A"], ["A", "B"]]
