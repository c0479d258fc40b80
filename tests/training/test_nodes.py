"""`signcore train --nodes`: two processes that share no memory, as two machines would, are one training."""

import os
import socket
import subprocess
import sys

import pytest
from safetensors.torch import load_file


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


HEATMAPS = (
    "--estimator", "heatmaps", "--set", "estimator.size=64", "--set", "estimator.batch=2", "--set", "estimator.width=8",
)  # fmt: skip
LMT = (
    "--generator", "lmt", "--set", "dataset.max_glosses=1", "--set", "generator.stages=first", "--set", "generator.size=16",
    "--set", "generator.clip_frames=8", "--set", "generator.hidden=8", "--set", "generator.codes=12", "--set", "generator.batch=2",
)  # fmt: skip


def train(what: tuple[str, ...], folder, nodes: int, rank: int, port: int) -> subprocess.Popen:
    where = {
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "NODE_RANK": str(rank),
        "OMP_NUM_THREADS": "1",
    }
    command = [
        sys.executable, "-m", "signcore", "train", *what, "--dataset", "synthetic", "--device", "cpu",
        "--set", "dataset.clips=3", "--set", "dataset.signers=3", "--set", "dataset.width=64", "--set", "dataset.height=64",
        "--set", "dataset.frames=6",
        "--steps", "3", "--sample-every", "0", "--checkpoint-every", "0", "--nodes", str(nodes), "--output", str(folder),
    ]  # fmt: skip
    return subprocess.Popen(
        command, env={**os.environ, **where}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def weights(folder):
    return load_file(folder / "weights" / "model.safetensors")


@pytest.mark.slow
@pytest.mark.parametrize("what", [HEATMAPS, LMT], ids=["heatmaps", "lmt"])
def test_two_nodes_have_the_same_weights_in_the_end(tmp_path, what):
    port = free_port()
    both = [train(what, tmp_path / str(rank), 2, rank, port) for rank in (0, 1)]
    told = [process.communicate(timeout=300)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], told
    a, b = (weights(tmp_path / str(rank)) for rank in (0, 1))
    assert all((a[name] == b[name]).all() for name in a), "gradients are shared"
    assert (tmp_path / "0" / "metrics.csv").is_file()
    assert not (tmp_path / "1" / "metrics.csv").exists(), "the first node alone keeps the logs"

    alone = train(what, tmp_path / "alone", 1, 0, port)
    assert alone.wait(300) == 0
    assert any((a[name] != value).any() for name, value in weights(tmp_path / "alone").items()), (
        "each saw data of its own"
    )
