"""report.html: one self-contained page, readable offline."""

from __future__ import annotations

import base64
import html
import io
import json
import re
import shlex
import tempfile
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from signcore.runs.execute import Outcome
from signcore.runs.inputs import type_of
from signcore.runs.plan import Plan

PREVIEW_SIDE = 512  # pixels; the page embeds previews, the run's folder holds the result itself
WIDE_SIDE = 1600  # of pictures that are a page wide
PREVIEW_FRAMES = 1500
FOREVER = 1e9  # seconds


def write_report(path: Path, manifest: dict[str, Any], plan: Plan, outcome: Outcome) -> None:
    """Panels in step (inputs, result), pose overlay, score table and curves, and the command that makes it again."""
    panels = _panels(plan, outcome)
    command = manifest["command"] or ["python", "-c", "import signcore; signcore.run(...)"]
    data = {
        "panels": panels,
        "series": {k: [x if np.isfinite(x) else None for x in v] for k, v in outcome.series.items()},
        "scores": manifest["scores"],
        "text": _text(plan, outcome),
        "captions": _captions(plan, outcome),
        "command": shlex.join(command),
        "about": {
            k: manifest[k] for k in ("signcore", "created", "seed", "device", "timings", "notes", "kernels")
        },
        "components": manifest["components"],
    }
    title = " + ".join(c["name"] for c in manifest["components"] if c["kind"] != "metric")
    _write(path, title, data)


def write_view(path: Path, value: Any, title: str, pose: Any = None, captions: Path | None = None) -> None:
    """The same page of one video (with its pose, where there is one), pose or image. captions: a .vtt of its subtitles."""
    from signcore._version import __version__

    kind = type_of(value)
    if kind == "image":
        panel = {**_image_panel(title, value.array, WIDE_SIDE), "wide": True}
    else:
        panel = _video_panel(title, value, pose) if kind == "video" else _pose_panel(title, value)
    about = {"signcore": __version__, "created": "", "device": "", "notes": [], "timings": {}}
    rest: dict[str, Any] = {k: [] for k in ("scores", "text", "captions", "components")}
    if captions is not None:
        rest["captions"] = [_caption(captions.name, read_cues(captions), timed=True)]
    _write(path, title, {**rest, "panels": [panel], "series": {}, "command": "", "about": about})


def _write(path: Path, title: str, data: dict[str, Any]) -> None:
    page = files("signcore.runs").joinpath("report.html").read_text(encoding="utf-8")
    page = page.replace("{{title}}", html.escape(title))
    page = page.replace("{{data}}", json.dumps(data, ensure_ascii=False).replace("</", "<\\/"))
    path.write_text(page, encoding="utf-8")


def _panels(plan: Plan, outcome: Outcome) -> list[dict[str, Any]]:
    panels: list[dict[str, Any]] = []
    shown: set[int] = set()
    # A driving video is an estimator's "video" first: the last stage's name for it says more.
    titles = {id(value): name for stage in plan.stages for name, value in stage.inputs.items()}
    makers = {id(outcome.products[i]): s.chosen.name for i, s in enumerate(plan.stages[:-1])}
    for i, stage in enumerate(plan.stages):
        given = {**stage.inputs, **{name: outcome.products[j] for name, j in stage.pending.items()}}
        pictures = {f"{name}_pose" for name, value in given.items() if type_of(value) == "image"}
        poses = [v for name, v in given.items() if type_of(v) == "pose" and name not in pictures]
        for value in given.values():
            kind = type_of(value)
            if id(value) in shown or kind not in ("image", "video"):
                continue
            shown.add(id(value))
            title = titles.get(id(value)) or makers[id(value)]
            if kind == "image":
                panels.append(_image_panel(title, value.array))
                continue
            made = [outcome.products[i]] if stage.output == "pose" else [*poses, value.pose]
            pose = next((p for p in made if p is not None and len(p.body.data) == len(value)), None)
            shown.add(id(pose))
            panels.append(_video_panel(title, value, pose))
        for pose in poses:
            if id(pose) not in shown:
                shown.add(id(pose))
                panels.append(_pose_panel(makers.get(id(pose), "pose"), pose))
    result = outcome.result
    if type_of(result) == "video":
        panels.append(_video_panel("result", result, result.pose))
    elif type_of(result) == "pose" and id(result) not in shown:
        panels.append(_pose_panel("result", result))
    for title, view in outcome.views.items():
        if type_of(view) == "image":
            panels.append({**_image_panel(title, view.array, WIDE_SIDE), "wide": True})
        else:
            panels.append(_video_panel(title, view, None))
    return panels


def _captions(plan: Plan, outcome: Outcome) -> list[dict[str, Any]]:
    """Subtitles: [start, end, text] in seconds. What was asked for stands all the time, what was read has times."""
    captions: list[dict[str, Any]] = []
    for stage in plan.stages:
        for name, value in stage.inputs.items():
            if name == "notation":
                from signcore.types.hamnosys import read_symbols, split_signs

                signs = [
                    " ".join(s.name.removeprefix("ham") for s in read_symbols(t)) for t in split_signs(value)
                ]
                captions.append(_caption(name, [[0, FOREVER, " · ".join(signs)]]))
            elif name == "gloss":
                captions.append(_caption(name, [[0, FOREVER, value]]))
    if type_of(outcome.result) == "glosses" and outcome.result:
        best = outcome.result[0]
        if best.times is None:
            captions.append(_caption("recognised", [[0, FOREVER, " ".join(best.glosses)]]))
        else:
            cues = [[round(a, 3), round(b, 3), g] for g, (a, b) in zip(best.glosses, best.times, strict=True)]
            captions.append(_caption("recognised", cues, timed=True))
    return [c for i, c in enumerate(captions) if c["cues"] and c not in captions[:i]]


def read_cues(path: Path) -> list[list[Any]]:
    """[start, end, text] in seconds of every cue of a WebVTT file. Raises InputError where it is none."""
    from signcore.errors import InputError
    from signcore.types import read_text

    text = read_text(path)
    if not text.startswith("WEBVTT"):
        raise InputError(f"{path}: is no WebVTT file, it does not begin with WEBVTT")

    def seconds(clock: str) -> float:
        return sum(float(part) * 60**i for i, part in enumerate(reversed(clock.split(":"))))

    cues = re.findall(r"^([\d:.]+)[ \t]+-->[ \t]+([\d:.]+).*\n((?:.+\n?)*)", text, flags=re.M)
    plain = [(a, b, html.unescape(re.sub(r"<[^>]*>", "", words)).strip()) for a, b, words in cues]
    return [[seconds(a), seconds(b), words] for a, b, words in plain if words]


def _caption(label: str, cues: list[list[Any]], timed: bool = False) -> dict[str, Any]:
    return {"label": label, "cues": cues, "timed": timed}


def _image_panel(title: str, array: np.ndarray, side: int = PREVIEW_SIDE) -> dict[str, Any]:
    size = {"width": array.shape[1], "height": array.shape[0]}
    return {"kind": "image", "title": title, "src": _png(array, side), **size}


def _video_panel(title: str, video: Any, pose: Any) -> dict[str, Any]:
    from signcore.types import write_video
    from signcore.types.resize import fit_video

    scale = min(1.0, PREVIEW_SIDE / max(video.height, video.width))
    height, width = (max(2, round(s * scale / 2) * 2) for s in (video.height, video.width))
    preview = fit_video(video[:PREVIEW_FRAMES], height, width)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "preview.mp4"
        write_video(file, preview)
        source = base64.b64encode(file.read_bytes()).decode()
    panel = {
        "kind": "video",
        "title": title,
        "src": f"data:video/mp4;base64,{source}",
        "fps": video.fps,
        "frames": len(preview),
        "of": len(video),
        "width": width,
        "height": height,
    }
    if pose is not None:
        panel["pose"] = _pose_data(pose)
    return panel


def _pose_panel(title: str, pose: Any) -> dict[str, Any]:
    data = _pose_data(pose)
    return {
        "kind": "pose", "title": title, "fps": float(pose.body.fps), "frames": len(data["frames"]), "of": len(pose.body.data),
        "width": data["width"], "height": data["height"], "pose": data,
    }  # fmt: skip


def _pose_data(pose: Any) -> dict[str, Any]:
    """Points of every previewed frame as [x, y] or null, in pixels of (width, height), and limbs with colours."""
    from signcore.types.draw import placed, shown

    points, width, height = placed(pose)
    limbs, keep = shown(pose)
    frames = [
        [None if np.isnan(p).any() else [round(float(p[0]), 1), round(float(p[1]), 1)] for p in f]
        for f in points[:PREVIEW_FRAMES]
    ]
    return {"width": width, "height": height, "points": keep, "limbs": limbs, "frames": frames}


def _png(array: np.ndarray, side: int = PREVIEW_SIDE) -> str:
    import PIL.Image

    from signcore.types.resize import fit_image

    scale = min(1.0, side / max(array.shape[:2]))
    height, width = (max(1, round(s * scale)) for s in array.shape[:2])
    buffer = io.BytesIO()
    PIL.Image.fromarray(fit_image(array, height, width)).save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def _text(plan: Plan, outcome: Outcome) -> list[list[str]]:
    texts = [(name, value) for s in plan.stages for name, value in s.inputs.items() if isinstance(value, str)]
    rows = [[name, value] for name, value in texts]
    for notation in dict.fromkeys(value for name, value in texts if name == "notation"):
        from signcore.types.hamnosys import reading_rows

        rows += [list(row) for row in reading_rows(notation)]
    if type_of(outcome.result) == "glosses":
        rows += [
            [f"reading {i + 1}", f"{' '.join(h.glosses)} ({h.score:.2f})"]
            for i, h in enumerate(outcome.result[:10])
        ]
    return rows
