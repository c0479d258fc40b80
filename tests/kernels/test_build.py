"""The build recipe as plugins use it; plugins/signcore-jerk is a whole package on it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from signcore.errors import ArgumentError
from signcore.kernels import build, use_backend

ROOT = Path(__file__).parents[2]


def test_the_flags_are_those_that_signcore_itself_is_installed_with():
    setup = (ROOT / "setup.py").read_text(encoding="utf-8")
    flags = re.search(r"CORE = \[(.*?)\]", setup, flags=re.S)[1]
    assert set(build.FLAGS) <= set(re.findall(r'"(-[^"]+)"', flags))
    assert f'TARGET = "{build.TARGET}"' in setup


@pytest.mark.parametrize("package", ["no_such_package_at_all", "this"])  # `this` is a module, not a package
def test_a_package_that_is_none_is_told(package):
    with pytest.raises(ArgumentError, match=f"package: '{package}' is not a package"):
        build.Kernels(package, f"{package}::op")


@pytest.fixture
def bare(tmp_path, monkeypatch):
    """A package without C++ sources."""
    (tmp_path / "bare_lab").mkdir()
    (tmp_path / "bare_lab" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    return build.Kernels("bare_lab", "bare_lab::op")


def test_without_sources_the_reference_does_the_work_and_says_so_once(bare, capsys):
    assert [bare.pick(False), bare.pick(False), bare.pick(True)] == ["torch"] * 3
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "bare_lab: runs on plain torch" in said
    assert "C++ sources are not installed" in said
    assert bare.backend() == ("torch", bare.library.reason)


def test_a_chosen_backend_is_obeyed(bare, monkeypatch):
    with use_backend("cpp"):
        assert bare.pick(False) == "cpp"  # torch itself then says that the op has no such implementation
    with (
        use_backend("numba"),
        pytest.raises(ArgumentError, match="bare_lab::op has no 'numba' implementation"),
    ):
        bare.pick(False)
    assert (
        torch.compile(lambda x: x + len(bare.pick(False)), backend="eager", fullgraph=True)(torch.zeros(1))
        == 5
    )


def test_importing_the_recipe_imports_no_torch():
    program = "import sys; import signcore.kernels.build; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_setup_without_torch_gets_no_extension(tmp_path):
    (tmp_path / "torch.py").write_text("raise ImportError('no torch')")
    program = "from signcore.kernels.build import extensions; print(extensions('my_lab'))"
    environment = os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)  # fmt: skip
    assert done.stdout.strip() == "{}"
    assert done.stderr.strip() == "my_lab: torch is not there, its kernels are built at first use"
