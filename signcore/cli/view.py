from __future__ import annotations

import tempfile
import webbrowser
from pathlib import Path

import click

from signcore.cli.output import JSON, TRACEBACK, note, print_json


@click.command("view")
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--output", "-o", type=click.Path(path_type=Path), help="Write the page to this file, and open nothing."
)
@JSON
@TRACEBACK
def command(path: Path, output: Path | None, as_json: bool) -> None:
    """Show a .pose, a video (with the .pose and the .vtt beside it), a picture or a run's folder as a page that asks nobody for anything."""
    page = _page(path, output)
    if as_json:
        print_json({"page": str(page)})
    else:
        print(page)
    if output is None and not webbrowser.open(page.resolve().as_uri()):
        note("no browser was found; open the page yourself")


def _page(path: Path, output: Path | None) -> Path:
    """The page's file: a run has one, everything else gets one. Raises InputError."""
    from signcore.errors import InputError
    from signcore.runs.plan import pose_file
    from signcore.runs.report import write_view
    from signcore.types import image, read_image, read_pose, read_video

    run = path.parent if path.name == "run.json" else path
    if run.is_dir():
        report = run / "report.html"
        if not report.is_file():
            raise InputError(f"{path}: holds no report.html, so it is no run's folder")
        if output is None:
            return report
        output.write_bytes(report.read_bytes())
        return output
    captions = path.with_suffix(".vtt") if path.with_suffix(".vtt").is_file() else None
    target = output or Path(tempfile.mkdtemp(prefix="signcore-")) / f"{path.stem}.html"
    if path.suffix == ".pose":
        write_view(target, read_pose(path), path.name, captions=captions)
    elif path.suffix.lower() in image.SUFFIXES:
        write_view(target, read_image(path), path.name)
    else:
        video = read_video(path)
        beside = pose_file(video)
        pose = read_pose(beside) if beside is not None else None
        if pose is not None and len(pose.body.data) != len(video):
            note(f"{beside} has {len(pose.body.data)} frames, the video {len(video)}: it is not shown")
            pose = None
        write_view(target, video, path.name, pose, captions)
    return target
