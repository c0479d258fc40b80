"""run.json: what ran, on what, with what; enough to make it again."""

from __future__ import annotations

import hashlib
import json
import math
import os
import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from signcore._version import __version__
from signcore.errors import InputError
from signcore.runs.execute import Outcome
from signcore.runs.inputs import type_of
from signcore.runs.plan import Plan
from signcore.runs.request import Chosen, Request
from signcore.types.files import sha256

_VERSIONS = ("torch", "numpy", "numba", "pose-format", "av", "pluggy")


def manifest(
    plan: Plan, request: Request, outcome: Outcome, device: str, files: dict[str, str]
) -> dict[str, Any]:
    return {
        "command": request.command,
        **asked(plan, request, outcome.metrics, device),
        **made_with(),
        "timings": outcome.timings,
        "scores": [{**s.__dict__, "value": _number(s.value)} for s in outcome.scores],
        "series": outcome.series,
        "notes": plan.notes,
        "files": files,
    }


def made_with() -> dict[str, Any]:
    """When, on what and with which versions something is made; of train.json too."""
    return {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "kernels": _kernels(),
        "machine": {
            "system": platform.platform(),
            "python": platform.python_version(),
            "cores": os.cpu_count(),
        },
        "versions": {name: found for name in _VERSIONS if (found := _version(name))},
    }


def made_of(chosen: list[Chosen]) -> dict[str, Any]:
    """Components with all their settings; of train.json too."""
    return {
        "signcore": __version__,
        "components": [_component(c) for c in chosen],
        "config": {f"{c.kind}:{c.name}": settings_of(c) for c in chosen},
    }


def asked(plan: Plan, request: Request, metrics: list[Chosen], device: str) -> dict[str, Any]:
    """What the result follows from."""
    return {
        **made_of([s.chosen for s in plan.stages] + metrics),
        "request": {
            "components": request.components,
            "settings": request.settings,
            "weights": request.weights,
            "mark": request.mark,
            "inputs": {k: _portable(v) for k, v in request.inputs.items() if v is not None},
        },
        "inputs": _inputs(plan, request),
        "seed": request.seed,
        "device": device,
    }


def _component(c: Chosen) -> dict[str, Any]:
    about: dict[str, Any] = {
        "kind": c.kind,
        "name": c.name,
        "distribution": c.record.distribution,
        "version": c.record.version,
    }
    if c.weights:
        path = Path(c.weights)
        about["weights"] = {"path": c.weights, "sha256": sha256(path) if path.exists() else None}
    return about


def settings_of(c: Chosen) -> dict[str, Any]:
    return {} if c.config is None else c.config.model_dump(mode="json")


def _inputs(plan: Plan, request: Request) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    files = dict(plan.files)
    reference = request.inputs.get("reference")
    if isinstance(reference, (str, Path)) and Path(reference).exists():
        files["reference"] = Path(reference)
    for name, path in files.items():
        rows.append({"name": name, "path": str(path), "sha256": sha256(path)})
    for stage in plan.stages:
        for name, value in stage.inputs.items():
            if name in files or any(r["name"] == name for r in rows):
                continue
            if isinstance(value, str):
                rows.append(
                    {
                        "name": name,
                        "path": None,
                        "value": value,
                        "sha256": hashlib.sha256(value.encode()).hexdigest(),
                    }
                )
            else:
                rows.append(
                    {
                        "name": name,
                        "path": None,
                        "embedded": name in plan.embedded,
                        "type": type_of(value),
                        "sha256": None,
                    }
                )
    return rows


def _portable(value: Any) -> Any:
    return (
        value
        if isinstance(value, (str, int, float, bool))
        else str(value)
        if isinstance(value, Path)
        else f"<{type_of(value)}>"
    )


def _kernels() -> dict[str, Any]:
    from signcore.kernels import backend

    return {op: list(choice) for op, choice in backend().items()}


def _number(value: float) -> float | str:
    """JSON has no infinity: the PSNR of a perfect copy is "inf"."""
    return value if math.isfinite(value) else str(value)


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def read_request(path: Path) -> Request:
    """The request of an earlier run, from its run.json (or its folder); inputs that have changed since are refused."""
    path = path / "run.json" if path.is_dir() else path
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        asked = data["request"]
        request = Request(
            components=asked["components"],
            inputs=dict(asked["inputs"]),
            settings=asked["settings"],
            weights=asked["weights"],
            mark=asked.get("mark", ""),
            seed=data["seed"],
            device=data["device"],
        )
        recorded = {row["name"]: row for row in data["inputs"]}
    except FileNotFoundError:
        raise InputError(f"{path}: no such run") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: not a run.json of signcore ({error})") from error
    for name, value in request.inputs.items():
        if isinstance(value, str) and value.startswith("<"):
            raise InputError(
                f"{path}: input {name} was given from Python and is not on disk", f"give --{name} again"
            )
        row = recorded.get(name, {})
        if row.get("path") and row.get("sha256"):
            file = Path(row["path"])
            if not file.exists():
                raise InputError(f"{path}: its input {name} is gone ({file})")
            if sha256(file) != row["sha256"]:
                raise InputError(
                    f"{path}: its input {name} has changed since ({file})", "run it as a new command"
                )
    return request
