from __future__ import annotations

import numpy as np
import pytest

from signcore import load
from signcore.errors import InputError
from signcore.types.tracks import Tracks, write_tracks


def test_a_row_gives_tracks_glosses_and_split(tmp_path):
    write_tracks(tmp_path / "a.safetensors", Tracks({"dwpose": np.ones((5, 384), np.float32)}, 25.0))
    (tmp_path / "t.tsv").write_text("tracks\tglosses\tsplit\tsigner\na.safetensors\tA B\ttest\ts1\n")
    sample = load("dataset", "tracks-table", path=tmp_path / "t.tsv")[0]
    assert (sample.id, sample.glosses, sample.split, sample.signer) == (
        "a.safetensors",
        ["A", "B"],
        "test",
        "s1",
    )
    assert len(sample.tracks) == 5
    assert sample.pose is None
    assert sample.video is None


def test_a_row_without_a_file_and_a_missing_file_name_their_line(tmp_path):
    (tmp_path / "t.csv").write_text("tracks,glosses\na.safetensors,A\n,B\n")
    with pytest.raises(InputError, match=r"t\.csv:3: names none of tracks, pose, video"):
        load("dataset", "tracks-table", path=tmp_path / "t.csv")
    (tmp_path / "t.csv").write_text("tracks,glosses\na.safetensors,A\n")
    with pytest.raises(InputError, match=r"t\.csv:2: .*no such tracks file"):
        _ = load("dataset", "tracks-table", path=tmp_path / "t.csv")[0].tracks
