from __future__ import annotations

from typing import Any

import click

from signcore.cli.output import JSON, TRACEBACK, ComponentName, Kind, print_json, print_table


@click.command("show")
@click.argument("kind", type=Kind())
@click.argument("name", type=ComponentName())
@JSON
@TRACEBACK
def command(kind: str, name: str, as_json: bool) -> None:
    """Show a component: where it comes from, its inputs, and its settings with type, unit, bounds and default."""
    from signcore.registry import registry, resolve
    from signcore.runs.inputs import slots
    from signcore.runs.request import Chosen

    record, component = registry.find(kind, name)
    model = resolve(record, component, component.config) if component.config else None
    inputs = (
        slots(Chosen(kind, name, record, component))
        if kind in ("estimator", "generator", "recognizer")
        else []
    )
    if as_json:
        about: dict[str, Any] = {
            "kind": kind,
            "name": component.name,
            "summary": component.summary,
            "distribution": record.distribution,
            "version": record.version,
            "target": component.target,
            "output": component.output,
            "trainable": component.task is not None,
            "inputs": [s.__dict__ for s in inputs],
            "settings": model.model_json_schema() if model else None,
        }
        print_json(about)
        return
    print(f"{kind} {component.name}: {component.summary}")
    print(
        f"from {record.distribution} {record.version} ({component.target}); makes or judges: {component.output}"
    )
    if component.task:
        print(f"trained by: signcore train --{kind} {component.name}")
    if inputs:
        print("\ninputs")
        print_table(
            ["option", "type", "needed", "meaning"],
            [
                [f"--{s.name.replace('_', '-')}", s.type, "yes" if s.required else "no", s.help]
                for s in inputs
            ],
        )
    if model is not None:
        print("\nsettings (--set name=value)")
        print_table(["name", "type", "unit", "bounds", "default", "meaning"], setting_rows(model))


def setting_rows(model: Any) -> list[list[str]]:
    from signcore.config import settings

    return [
        [s.name, s.type, s.unit, s.bounds, "(needed)" if s.required else str(s.default), s.help]
        for s in settings(model)
    ]
