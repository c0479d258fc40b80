"""Every CUDA source compiles for the cards that we name, also where there is no card."""

import shutil
import subprocess
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parents[2]
SOURCES = sorted(ROOT.glob("csrc/*/*_cuda.cu"))


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("nvcc") is None, reason="nvcc is not installed")
@pytest.mark.parametrize("source", SOURCES, ids=lambda p: p.stem)
def test_it_compiles_for_sm_80_90_and_120(source, tmp_path):
    include = Path(torch.__file__).parent / "include"
    targets = [x for a in (80, 90, 120) for x in ("-gencode", f"arch=compute_{a},code=sm_{a}")]
    command = [
        "nvcc",
        "-std=c++20",
        "-O1",
        "-DUSE_CUDA",
        "-DTORCH_TARGET_VERSION=0x020a000000000000",
        "--expt-relaxed-constexpr",
    ]
    command += ["-Xcompiler", "-fPIC", *targets, f"-I{include}", f"-I{include}/torch/csrc/api/include"]
    done = subprocess.run(
        [*command, "-c", str(source), "-o", str(tmp_path / "x.o")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
