from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from signcore.cli.output import JSON, TRACEBACK, print_json, print_table

if TYPE_CHECKING:
    import numpy as np
    from pose_format import Pose

    from signcore.types.image import Image
    from signcore.types.video import Video

Check = tuple[str, str, str]  # state (ok, note, trouble), what was found, what to do


def _python() -> Check:
    import platform

    from signcore._version import __version__

    return "ok", f"signcore {__version__}, Python {platform.python_version()}, {platform.platform()}", ""


def _torch() -> Check:
    try:
        import torch
    except (ImportError, OSError) as error:
        return (
            "trouble",
            f"torch cannot be imported ({str(error).splitlines()[0]})",
            "install torch >= 2.10 for this Python",
        )
    cuda = (
        f", {torch.cuda.device_count()} CUDA device(s)" if torch.cuda.is_available() else ", no CUDA device"
    )
    if tuple(int(x) for x in torch.__version__.split(".")[:2]) < (2, 10):
        return "trouble", f"torch {torch.__version__} is older than 2.10", "pip install --upgrade torch"
    return "ok", f"torch {torch.__version__}{cuda}", ""


def _kernels() -> Check:
    try:
        from signcore.kernels import backend

        table = backend()
    except Exception as error:
        return (
            "trouble",
            f"the kernels cannot be asked ({type(error).__name__}: {error})",
            "reinstall signcore",
        )
    text = "; ".join(f"{op}: {name} ({why})" for op, (name, why) in table.items())
    if table["tcd"][0] == "torch":
        return "note", text, "install a C++ compiler and ninja for the fast kernels; everything works without"
    return "ok", text, ""


def _door() -> Check:
    from signcore.kernels import numpy as door

    if door._door is None:
        return (
            "note",
            "signcore.kernels.numpy runs on plain NumPy",
            "install a C++ compiler and pybind11, then signcore again",
        )
    return "ok", "signcore.kernels.numpy is compiled", ""


def _compiler() -> Check:
    found = shutil.which("c++") or shutil.which("g++") or shutil.which("clang++")
    if found is None:
        return "note", "no C++ compiler on PATH", "only needed to build kernels"
    return "ok", f"compiler {found}", ""


def _cache() -> Check:
    import os

    from signcore.kernels._library import cache_folder

    folder: Path = cache_folder()
    there = next(p for p in (folder, *folder.parents) if p.exists())
    if not (there.is_dir() and os.access(there, os.R_OK | os.W_OK)):
        return (
            "trouble",
            f"the cache {folder} cannot be used",
            "make it readable and writable, or set SIGNCORE_CACHE",
        )
    return "ok", f"cache {folder}", ""


def _codecs() -> Check:
    try:
        import av
    except (ImportError, OSError) as error:
        return "trouble", f"PyAV cannot be imported ({str(error).splitlines()[0]})", "pip install av"
    missing = [c for c in ("libx264", "libvpx-vp9") if c not in av.codecs_available]
    if missing:
        return (
            "trouble",
            f"PyAV {av.__version__} lacks {', '.join(missing)}",
            "install PyAV's own wheel: pip install av",
        )
    return "ok", f"PyAV {av.__version__} with H.264 and VP9", ""


def _plugins() -> Check:
    from signcore.registry import registry

    bad = [r for r in registry.plugins if r.status == "failed"]
    good = [r for r in registry.plugins if r.status == "ok"]
    if bad:
        text = "; ".join(f"{r.distribution} {r.version} ({r.trouble()})" for r in bad)
        return (
            "trouble",
            f"{len(bad)} plugin(s) failed: {text}",
            "update or uninstall them; SIGNCORE_STRICT=1 shows where",
        )
    return "ok", f"{len(good)} plugins, {sum(len(r.components) for r in good)} components", ""


def _estimators() -> Check:
    from signcore.registry import registry

    names = [n for n in registry.names("estimator") if n in ("mediapipe", "rtmlib")]
    if not names:
        return "note", "no pose estimator for real videos is installed", "pip install signcore-mediapipe"
    return "ok", f"pose estimators: {', '.join(names)}", ""


def _weights() -> Check:
    from signcore import weights

    try:
        rows = weights.shipped_names()
    except Exception as error:
        return (
            "trouble",
            f"shipped weights cannot be read ({error})",
            "pip install --force-reinstall signcore-weights",
        )
    if not rows:
        return "note", "no trained weights are installed", "pip install signcore-weights"
    return "ok", "weights: " + ", ".join(rows), ""


CHECKS: dict[str, Callable[[], Check]] = {
    "python": _python,
    "torch": _torch,
    "kernels": _kernels,
    "numpy door": _door,
    "compiler": _compiler,
    "cache": _cache,
    "video": _codecs,
    "plugins": _plugins,
    "estimators": _estimators,
    "weights": _weights,
}


def _clip(source: Path | None, driving: Path, estimator: str | None, fit: str) -> list[Check]:
    """What will go wrong when `driving` moves `source`."""

    from signcore.animation.compatibility import troubles
    from signcore.animation.frames import fit_points, person_square
    from signcore.animation.heatmaps import point_names, pose_points
    from signcore.types import read_image, read_video

    names = point_names()

    def points(of: Image | Video) -> np.ndarray:  # [T, P, 2] across the square that is cut out
        found = pose_points(_pose(of, estimator))
        place = person_square(found, names, of.height, of.width) if fit == "person" else fit
        return fit_points(found, of.height, of.width, place)

    moving = points(read_video(driving))
    still = points(read_image(source))[0] if source is not None else None
    found = troubles(still, moving, names)
    if not found:
        return [("ok", f"{len(moving)} frames, nothing in the way", "")]
    return [("trouble", *line.split("; ", 1)) if "; " in line else ("trouble", line, "") for line in found]  # type: ignore[misc]


def _pose(of: Image | Video, estimator: str | None) -> Pose:
    from signcore.errors import UsageError
    from signcore.registry import registry
    from signcore.runs.folder import native_output
    from signcore.runs.plan import ESTIMATORS, pose_file
    from signcore.types import read_pose
    from signcore.types.video import Video

    beside = pose_file(of)
    if estimator is None and beside is not None:
        return read_pose(beside)
    installed = registry.names("estimator")
    name = estimator or next((n for n in ESTIMATORS if n in installed), None)
    if name is None:
        raise UsageError(
            f"{of.path}: no .pose beside it, and no estimator is installed", "pip install signcore-mediapipe"
        )
    video = of if isinstance(of, Video) else Video.from_array(of.array[None])
    with tempfile.TemporaryDirectory() as folder, native_output(Path(folder) / "log.txt"):
        pose: Pose = registry.load("estimator", name).estimate(video)
    return pose


@click.command("doctor")
@click.option("--source", type=click.Path(path_type=Path), help="A picture that is to be moved.")
@click.option("--driving", type=click.Path(path_type=Path), help="A video that is to move it.")
@click.option(
    "--estimator", help="Makes their poses; else the .pose beside each, or the first installed one."
)
@click.option(
    "--fit",
    type=click.Choice(["crop", "pad", "person"]),
    default="crop",
    help="How frames become square. Default: crop.",
)
@JSON
@TRACEBACK
def command(
    source: Path | None, driving: Path | None, estimator: str | None, fit: str, as_json: bool
) -> None:
    """Check the installation and say what to do about each trouble; with --driving, a clip and a source picture instead."""
    rows = []
    if driving is not None:
        rows = [
            {"check": "clip", "state": state, "found": found, "cure": cure}
            for state, found, cure in _clip(source, driving, estimator, fit)
        ]
    elif source is not None:
        from signcore.errors import UsageError

        raise UsageError("--source is checked against a clip", "give --driving too")
    for name, check in (CHECKS if driving is None else {}).items():
        try:
            state, found, cure = check()
        except Exception as error:
            state, found, cure = "trouble", f"{type(error).__name__}: {error}", "please report it"
        rows.append({"check": name, "state": state, "found": found, "cure": cure})
    if as_json:
        print_json({"checks": rows})
        return
    print_table(
        ["check", "state", "found"],
        [[r["check"], r["state"], r["found"] + (f" -> {r['cure']}" if r["cure"] else "")] for r in rows],
    )
