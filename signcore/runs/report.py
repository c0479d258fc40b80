"""report.html: one self-contained page, readable offline."""

from __future__ import annotations

import base64
import html
import io
import json
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
PREVIEW_FRAMES = 1500
_MAX_LIMBS = 400  # face meshes have thousands, which only smear


def write_report(path: Path, manifest: dict[str, Any], plan: Plan, outcome: Outcome) -> None:
    """Panels in step (inputs, result), pose overlay, score table and curves, and the command that makes it again."""
    panels = _panels(plan, outcome)
    command = manifest["command"] or ["python", "-c", "import signcore; signcore.run(...)"]
    data = {
        "panels": panels,
        "series": {k: [None if np.isnan(x) else x for x in v] for k, v in outcome.series.items()},
        "scores": manifest["scores"],
        "text": _text(plan, outcome),
        "command": shlex.join(command),
        "about": {
            k: manifest[k] for k in ("signcore", "created", "seed", "device", "timings", "notes", "kernels")
        },
        "components": manifest["components"],
    }
    title = " + ".join(c["name"] for c in manifest["components"] if c["kind"] != "metric")
    page = files("signcore.runs").joinpath("report.html").read_text(encoding="utf-8")
    page = page.replace("{{title}}", html.escape(title))
    page = page.replace("{{data}}", json.dumps(data, ensure_ascii=False).replace("</", "<\\/"))
    path.write_text(page, encoding="utf-8")


def _panels(plan: Plan, outcome: Outcome) -> list[dict[str, Any]]:
    panels: list[dict[str, Any]] = []
    shown: set[int] = set()
    # A driving video is an estimator's "video" first: the last stage's name for it says more.
    titles = {id(value): name for stage in plan.stages for name, value in stage.inputs.items()}
    for i, stage in enumerate(plan.stages):
        poses = [v for v in stage.inputs.values() if type_of(v) == "pose"]
        poses += [
            outcome.products[j] for j in stage.pending.values() if type_of(outcome.products[j]) == "pose"
        ]
        for value in stage.inputs.values():
            if id(value) in shown:
                continue
            shown.add(id(value))
            kind = type_of(value)
            if kind == "image":
                panels.append({"kind": "image", "title": titles[id(value)], "src": _png(value.array)})
            elif kind == "video":
                made = outcome.products[i] if stage.output == "pose" else None
                pose = (
                    made
                    if made is not None
                    else next((p for p in poses if len(p.body.data) == len(value)), None)
                )
                if pose is not None:
                    shown.add(id(pose))
                panels.append(_video_panel(titles[id(value)], value, pose))
        for pose in poses:
            if id(pose) not in shown:
                shown.add(id(pose))
                panels.append(_pose_panel("pose", pose))
    result = outcome.result
    if type_of(result) == "video":
        panels.append(_video_panel("result", result, None))
    elif type_of(result) == "pose" and id(result) not in shown:
        panels.append(_pose_panel("result", result))
    return panels


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
    from signcore.types.poses import keypoints

    points = keypoints(pose)[:PREVIEW_FRAMES]
    width, height = pose.header.dimensions.width, pose.header.dimensions.height
    seen = points[np.isfinite(points).all(-1)]
    if len(seen) and (
        width <= 1 or height <= 1 or np.abs(seen).max() < 8
    ):  # normalised: no pixels to draw in
        low, high = seen.min(axis=0), seen.max(axis=0)
        points = (points - low) / max(float((high - low).max()), 1e-6) * 480 + 16
        width = height = 512
    offset = 0
    keep: list[int] = []
    limbs: list[list[Any]] = []
    for component in pose.header.components:
        if "WORLD" not in component.name:
            keep += range(offset, offset + len(component.points))
            if len(component.limbs) <= _MAX_LIMBS:
                colours = [tuple(int(x) for x in c) for c in component.colors] or [(128, 128, 128)]
                limbs += [
                    [int(a) + offset, int(b) + offset, colours[i % len(colours)]]
                    for i, (a, b) in enumerate(component.limbs)
                ]
        offset += len(component.points)
    frames = [
        [None if np.isnan(p).any() else [round(float(p[0]), 1), round(float(p[1]), 1)] for p in f]
        for f in points
    ]
    return {"width": int(width), "height": int(height), "points": keep, "limbs": limbs, "frames": frames}


def _png(array: np.ndarray) -> str:
    import PIL.Image

    from signcore.types.resize import fit_image

    scale = min(1.0, PREVIEW_SIDE / max(array.shape[:2]))
    height, width = (max(1, round(s * scale)) for s in array.shape[:2])
    buffer = io.BytesIO()
    PIL.Image.fromarray(fit_image(array, height, width)).save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def _text(plan: Plan, outcome: Outcome) -> list[list[str]]:
    rows = [[name, value] for s in plan.stages for name, value in s.inputs.items() if isinstance(value, str)]
    if type_of(outcome.result) == "glosses":
        rows += [
            ["glosses" if i == 0 else "", f"{' '.join(h.glosses)}  ({h.score:.2f})"]
            for i, h in enumerate(outcome.result[:10])
        ]
    return rows
