from __future__ import annotations

import click

from signcore.cli.output import JSON, TRACEBACK, print_json, print_table


@click.command("plugins")
@JSON
@TRACEBACK
def command(as_json: bool) -> None:
    """List the installed plugins: status (ok, failed, off), what each provides, and what went wrong."""
    from signcore.registry import registry

    if as_json:
        print_json(
            {
                "plugins": [
                    {
                        "distribution": r.distribution,
                        "entry_point": r.entry_point,
                        "version": r.version,
                        "module": r.module,
                        "status": r.status,
                        "phase": r.phase,
                        "error": r.trouble(),
                        "components": [f"{c.kind}:{c.name}" for c in r.components],
                    }
                    for r in registry.plugins
                ]
            }
        )
        return
    rows = []
    for r in registry.plugins:
        about = r.trouble() or ", ".join(f"{c.kind} {c.name}" for c in r.components)
        if r.status == "off":
            about = "left out by SIGNCORE_PLUGINS"
        rows.append([r.distribution, r.version, r.entry_point, r.status, about])
    print_table(["distribution", "version", "plugin", "status", "components or trouble"], rows)
