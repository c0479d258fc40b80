from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from importlib import import_module
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


# What a broken import names where a library of the system is missing or too old, and Debian's name for it.
_SYSTEM = {"libstdc++.so.6": "libstdc++6", "libgcc_s.so.1": "libgcc-s1", "libgomp.so.1": "libgomp1"}


def _cure(error: BaseException, otherwise: str) -> str:
    """What to do about an import that failed: a system's library by its name, else `otherwise`."""
    for name, package in _SYSTEM.items():
        if name in str(error):
            return f"install or update the system's {name} (Debian: apt-get install {package})"
    return otherwise


def _line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _torch() -> Check:
    try:
        import torch
    except ModuleNotFoundError as error:
        if error.name == "torch":
            return "trouble", "torch is not installed", 'pip install "torch>=2.10"'
        return "trouble", f"torch cannot be imported ({_line(error)})", f"pip install {error.name}"
    except (ImportError, OSError) as error:
        cure = _cure(error, 'pip install --force-reinstall "torch>=2.10"')
        return "trouble", f"torch cannot be imported ({_line(error)})", cure
    if tuple(int(x) for x in torch.__version__.split(".")[:2]) < (2, 10):
        return (
            "trouble",
            f"torch {torch.__version__} is older than 2.10",
            'pip install --upgrade "torch>=2.10"',
        )
    cuda = (
        f", {torch.cuda.device_count()} CUDA device(s)" if torch.cuda.is_available() else ", no CUDA device"
    )
    return "ok", f"torch {torch.__version__}{cuda}", ""


def _kernels() -> Check:
    try:
        import torch
    except (ImportError, OSError):
        return (
            "trouble",
            "signcore.kernels needs torch",
            "mend torch first; signcore.kernels.numpy works without it",
        )
    try:
        from signcore.kernels import _library, backend, build

        table, library = backend(), _library.load()
    except Exception as error:
        found = f"the kernels cannot be asked ({type(error).__name__}: {_line(error)})"
        return "trouble", found, _cure(error, "pip install --force-reinstall --no-deps signcore")
    text = "; ".join(f"{op}: {name} ({why})" for op, (name, why) in table.items())
    installed = build._installed(Path(_library.__file__).parent)
    if installed is not None and library.path != installed:
        return (
            "trouble",
            f"{installed.name}, compiled at installation, does not load with torch {torch.__version__}; {text}",
            "install signcore again beside this torch: pip install --force-reinstall --no-deps signcore",
        )
    if "cannot be loaded" in library.reason:
        return "trouble", text, f"remove {build.cache_folder()}: what was compiled there is damaged"
    if library.path is None:
        return "note", text, "install a C++ compiler and ninja for the fast kernels; everything works without"
    return "ok", text, ""


def _door() -> Check:
    import sysconfig

    try:
        from signcore.kernels import numpy as door
    except (ImportError, OSError) as error:
        found = f"signcore.kernels.numpy cannot be imported ({_line(error)})"
        return "trouble", found, _cure(error, "pip install --force-reinstall numpy")
    if door._door is not None:
        return "ok", "signcore.kernels.numpy is compiled", ""
    built = Path(door.__file__).with_name("_door" + sysconfig.get_config_var("EXT_SUFFIX"))
    if built.is_file():
        try:
            import_module("signcore.kernels._door")
        except (ImportError, OSError) as error:
            cure = _cure(error, "pip install --force-reinstall --no-deps signcore")
            return "trouble", f"{built.name} cannot be loaded ({_line(error)})", cure
    return (
        "note",
        "signcore.kernels.numpy runs on plain NumPy",
        "install a C++ compiler and pybind11, then signcore again",
    )


def _compiler() -> Check:
    found = shutil.which("c++") or shutil.which("g++") or shutil.which("clang++")
    if found is None:
        return "note", "no C++ compiler on PATH", "only needed to build kernels"
    return "ok", f"compiler {found}", ""


def _cache() -> Check:
    from signcore.kernels._library import cache_folder

    folder: Path = cache_folder()
    there = folder
    try:
        there = next(p for p in (folder, *folder.parents) if p.exists())
        with tempfile.TemporaryFile(dir=there):
            pass
        for file in folder.rglob("*_ops.so"):
            with file.open("rb") as stream:
                stream.read(1)
    except OSError as error:
        found = f"the cache {folder} cannot be used ({error.strerror}: {error.filename or there})"
        return "trouble", found, "make it readable and writable, or set SIGNCORE_CACHE"
    return "ok", f"cache {folder}", ""


def _codecs() -> Check:
    try:
        import av
    except (ImportError, OSError) as error:
        cure = _cure(error, "pip install --force-reinstall av")
        return "trouble", f"PyAV cannot be imported ({_line(error)})", cure
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
        text = "; ".join(f"{r.distribution} {r.version} ({_half(r.distribution)}{r.trouble()})" for r in bad)
        names = " ".join(dict.fromkeys(r.distribution for r in bad))
        cure = (
            f"pip install --force-reinstall {names}, or pip uninstall {names}; SIGNCORE_STRICT=1 shows where"
        )
        return "trouble", f"{len(bad)} plugin(s) failed: {text}", cure
    return "ok", f"{len(good)} plugins, {sum(len(r.components) for r in good)} components", ""


def _half(distribution: str) -> str:
    """How much of a distribution is missing on the disk, by its own list of files."""
    from importlib.metadata import PackageNotFoundError, files

    try:
        listed = files(distribution) or []
    except PackageNotFoundError:
        return ""
    absent = [f for f in listed if f.suffix == ".py" and not Path(str(f.locate())).exists()]
    return f"half installed, {len(absent)} of its files are missing, {absent[0]} is one: " if absent else ""


def _dependencies() -> Check:
    """`pip check` of signcore and its plugins alone: others' quarrels are not ours."""
    from importlib.metadata import PackageNotFoundError, requires, version

    from packaging.requirements import Requirement

    from signcore.registry import registry

    unmet = {}
    for distribution in dict.fromkeys(["signcore", *(r.distribution for r in registry.plugins)]):
        try:
            wanted = [Requirement(text) for text in requires(distribution) or []]
        except PackageNotFoundError:
            continue  # run from the sources, without an installation
        for one in wanted:
            if one.marker is not None and not one.marker.evaluate({"extra": ""}):
                continue
            try:
                there = version(one.name)
            except PackageNotFoundError:
                there = "none"
            if there == "none" or not one.specifier.contains(there, prereleases=True):
                unmet[f"{one.name}{one.specifier}"] = (
                    f"{distribution} needs {one.name}{one.specifier}, there is {there}"
                )
    if unmet:
        return "trouble", "; ".join(unmet.values()), "pip install " + " ".join(f'"{u}"' for u in unmet)
    return "ok", "what signcore and its plugins need is installed", ""


def _estimators() -> Check:
    from signcore.registry import registry
    from signcore.runs.plan import ESTIMATORS

    names = [n for n in registry.names("estimator") if n in ESTIMATORS]
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
    "dependencies": _dependencies,
    "estimators": _estimators,
    "weights": _weights,
}


def _clip(source: Path | None, driving: Path, estimator: str | None, fit: str) -> list[Check]:
    """What will go wrong when `driving` moves `source`."""
    from pose_format import Pose

    from signcore.animation.compatibility import troubles
    from signcore.animation.frames import fit_points, person_square
    from signcore.animation.heatmaps import point_names, pose_points
    from signcore.types import read_image, read_pose, read_video

    names = point_names()

    def points(of: Image | Video | Pose) -> np.ndarray:  # [T, P, 2] across the square that is cut out
        pose, size = (of, of.header.dimensions) if isinstance(of, Pose) else (_pose(of, estimator), of)
        found = pose_points(pose)
        place = person_square(found, names, size.height, size.width) if fit == "person" else fit
        return fit_points(found, size.height, size.width, place)

    moving = points(read_pose(driving) if driving.suffix == ".pose" else read_video(driving))
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
@click.option("--driving", type=click.Path(path_type=Path), help="A video, or a pose, that is to move it.")
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
