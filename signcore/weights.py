"""Weights on disk: safetensors with a config beside or inside, never a pickle.

A set of weights is a folder (`config.json` + `model.safetensors`), one `.safetensors` file (its config in the
metadata, or in `config.json` beside it), or a name on the Hugging Face hub. Distributions that ship weights name a
function in the entry-point group `signcore.weights`; it returns records of what they hold (`shipped`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from signcore.errors import WeightsError, WorkError
from signcore.types import files

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

GROUP = "signcore.weights"
CONFIG, MODEL = "config.json", "model.safetensors"


def read(source: str | Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """(config, tensors by name) of a file, a folder, or a hub name. Raises WeightsError."""
    path = Path(source)
    if not path.exists():
        path = _from_hub(str(source))
    file = path / MODEL if path.is_dir() else path
    if not file.is_file():
        raise WeightsError(f"{path}: holds no {MODEL}")
    if file.suffix != ".safetensors":
        raise WeightsError(
            f"{file}: not a .safetensors file",
            "pickled weights are not loaded; `signcore convert-weights IN OUT.safetensors` makes them safe",
        )
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, "pt") as opened:
            metadata = opened.metadata() or {}
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 - no mapping
    except (SafetensorError, OSError, ValueError) as error:
        raise WeightsError(
            f"{file}: not readable as safetensors ({error})", "it may be damaged or truncated"
        ) from error
    config = _config(file, metadata)
    if "base" in config:
        tensors |= _borrowed(file, config["base"])
    return config, tensors


def _borrowed(file: Path, base: dict[str, Any]) -> dict[str, Tensor]:
    """Tensors that a file shares with shipped weights and so does not hold itself."""
    kind, _, name = str(base["component"]).partition(":")
    path = shipped(kind, name, str(base["preset"]))
    wanted = f"{file}: builds on the shipped weights of {base['component']}, preset {base['preset']}"
    if path is None:
        raise WeightsError(f"{wanted}, which are not installed", "pip install signcore-weights")
    if files.sha256(path) != base["sha256"]:
        raise WeightsError(f"{wanted}, of another version than those installed", "install that version")
    _, tensors = read(path)
    return {name: tensors[name] for name in base["tensors"]}


def _config(file: Path, metadata: dict[str, str]) -> dict[str, Any]:
    beside = file.parent / CONFIG
    try:
        if "config" in metadata:
            found = json.loads(metadata["config"])
        elif beside.is_file():
            found = json.loads(beside.read_text(encoding="utf-8"))
        else:
            return {}
    except (ValueError, OSError) as error:
        raise WeightsError(f"{file}: its config is not readable JSON ({error})") from error
    if not isinstance(found, dict):
        raise WeightsError(f"{file}: its config is no table of settings")
    return found


def _from_hub(name: str) -> Path:
    if name.count("/") != 1 or name.startswith((".", "/", "~")) or name.endswith((".safetensors", "/")):
        raise WeightsError(f"{name}: no such file or folder")
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, allow_patterns=[CONFIG, MODEL]))
    except Exception as error:  # the hub's client raises a dozen unrelated classes
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise WeightsError(
            f"{name}: no such file or folder, and not to be had from the hub ({reason})"
        ) from error


def load_into(module: nn.Module, tensors: Mapping[str, Tensor], source: str | Path) -> None:
    """Copy tensors into a module; half precision is widened.

    Raises WeightsError that lists missing, unexpected and wrongly shaped tensors, or names one that is not finite.
    """
    import torch

    wanted = module.state_dict()
    faults = {
        "missing": [name for name in wanted if name not in tensors],
        "unexpected": [name for name in tensors if name not in wanted],
        "of another shape": [
            f"{name} {list(tensors[name].shape)} for {list(value.shape)}"
            for name, value in wanted.items()
            if name in tensors and tensors[name].shape != value.shape
        ],
    }
    told = [f"{len(names)} {kind} ({_few(names)})" for kind, names in faults.items() if names]
    if told:
        raise WeightsError(
            f"{source}: weights of another architecture: {'; '.join(told)}",
            "check the preset and the settings",
        )
    for name, value in tensors.items():
        if value.is_floating_point() and not torch.isfinite(value).all():
            raise WeightsError(
                f"{source}: {name} holds a NaN or an infinity", "the file is damaged, or its training failed"
            )
    module.load_state_dict({name: value.to(wanted[name].dtype) for name, value in tensors.items()})


def _few(names: list[str], most: int = 3) -> str:
    return ", ".join(names[:most]) + (", ..." if len(names) > most else "")


def save(
    folder: str | Path,
    config: Mapping[str, Any],
    tensors: Mapping[str, Tensor],
    *,
    half: bool = True,
    base: str | Path | None = None,
) -> Path:
    """Write `config.json` and `model.safetensors`, each whole or not at all; half: store floats in 16 bits.

    base: weights that training began from; where they are shipped ones, tensors that did not change are named, and not stored again.

    Raises WorkError where they cannot be written, WeightsError where a tensor does not fit into half precision.
    """
    from safetensors.torch import save as to_bytes

    stored = {name: _halved(name, value) if half else value for name, value in tensors.items()}
    record = None
    if base is not None and Path(base).is_file():
        digest = files.sha256(Path(base))
        record = next((r for r in _records() if r["sha256"] == digest), None)
    if record is not None:
        stored, shared = _changed(stored, record)
        config = {**config, "base": shared}
    folder, text = Path(folder), json.dumps(dict(config), indent=2, sort_keys=True)
    contents = to_bytes(
        {name: value.contiguous().cpu() for name, value in stored.items()}, metadata={"config": text}
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in ((MODEL, contents), (CONFIG, text.encode() + b"\n")):
            with files.replacing(folder / name) as temporary:
                temporary.write_bytes(data)
    except OSError as error:
        raise WorkError(f"{folder}: weights cannot be written ({error.strerror or error})") from error
    return folder / MODEL


def _changed(
    stored: dict[str, Tensor], record: Mapping[str, Any]
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """What `stored` holds beside the shipped weights of a record, and what it shares with them."""
    import torch

    there = read(record["file"])[1]
    shared = sorted(n for n, value in stored.items() if n in there and torch.equal(there[n], value))
    about = {name: record[name] for name in ("component", "preset", "sha256")}
    return {n: value for n, value in stored.items() if n not in shared}, {**about, "tensors": shared}


def convert(source: str | Path, target: str | Path, *, under: str = "") -> tuple[int, str]:
    """Tensors of somebody's .pth, .pt, .ckpt, .tar or .bin into a .safetensors file: (how many, the source's sha256).

    Read by torch's own reader of tensors alone, so that nothing of the file is run. Nested state dicts are flattened with
    dots; `under` takes only what lies under that name, without it. DataParallel's "module." is taken off, optimisers are left out.
    Raises WeightsError where the file holds more than tensors, none, or none under that name.
    """
    import pickle

    import torch
    from safetensors.torch import save_file

    from signcore.types.files import replacing, sha256

    source, target = Path(source), Path(target)
    if not source.is_file():
        raise WeightsError(f"{source}: no such file")
    if target.suffix != ".safetensors":
        raise WeightsError(f"{target}: expected a name that ends in .safetensors")
    try:
        found = torch.load(source, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, AttributeError) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise WeightsError(
            f"{source}: cannot be read as tensors alone ({reason[:160]})",
            "it holds code or is damaged; ask its author for a state dict",
        ) from error
    tensors: dict[str, Tensor] = {}

    def flatten(value: Any, name: str) -> None:
        if isinstance(value, torch.Tensor):
            tensors[name] = value
        elif isinstance(value, dict):
            for key, inner in value.items():
                if not str(key).startswith("optimizer"):
                    flatten(inner, f"{name}.{key}" if name else str(key))

    flatten(found, "")
    if under:
        tensors = {k.removeprefix(f"{under}."): v for k, v in tensors.items() if k.startswith(f"{under}.")}
    tensors = {k.removeprefix("module."): v for k, v in tensors.items()}
    if not tensors:
        raise WeightsError(f"{source}: holds no tensors{f' under {under!r}' if under else ''}")
    digest = sha256(source)
    about = {"converted_from": source.name, "sha256": digest}
    with replacing(target) as temporary:
        save_file({k: v.contiguous().clone() for k, v in tensors.items()}, temporary, metadata=about)
    return len(tensors), digest


def _halved(name: str, value: Tensor) -> torch.Tensor:
    import torch

    if not value.is_floating_point():
        return value
    if not torch.isfinite(value).all():
        raise WeightsError(f"{name} holds a NaN or an infinity", "the training failed; nothing was written")
    most = torch.finfo(torch.float16).max
    return value.clamp(-most, most).half()


def shipped(kind: str, name: str, preset: str) -> Path | None:
    """The weights that an installed distribution ships for a component's preset, checked against their sha256; or None.

    Raises WeightsError where a file is absent or not the one that was shipped.
    """
    for record in _records():
        if (record["component"], record["preset"]) == (f"{kind}:{name}", preset):
            return _checked(Path(record["file"]), record["sha256"])
    return None


def shipped_names() -> list[str]:
    """`kind:name preset` of every file that installed distributions ship."""
    return [f"{r['component']} {r['preset']}" for r in _records()]


def _records() -> Iterator[dict[str, Any]]:
    from importlib.metadata import entry_points

    for point in sorted(entry_points(group=GROUP), key=lambda p: (p.dist.name if p.dist else "", p.name)):
        try:
            yield from point.load()()
        except Exception as error:  # somebody else's package; the run goes on to say that weights are wanting
            raise WeightsError(f"{point.value}: its list of weights cannot be read ({error})") from error


def _checked(file: Path, sha256: str) -> Path:
    if not file.is_file():
        raise WeightsError(f"{file}: shipped weights are gone", "install signcore-weights again")
    if files.sha256(file) != sha256:
        raise WeightsError(
            f"{file}: not the file that was shipped (its sha256 differs)", "install signcore-weights again"
        )
    return file


def find(chosen: str | None, kind: str, name: str, preset: str) -> str | Path:
    """The weights that were chosen, else the shipped ones. Raises WeightsError where there are none: random weights are refused."""
    found = chosen or shipped(kind, name, preset)
    if found is None:
        raise WeightsError(
            f"{name}: no weights for preset {preset!r}",
            f"give --weights FILE, or `pip install signcore-weights`, or make some with `signcore train --{kind} {name}`",
        )
    return found
