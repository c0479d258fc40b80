from __future__ import annotations

import click

from signcore.cli.output import JSON, TRACEBACK, Kind, note, print_json, print_table


@click.command("list")
@click.argument("kind", required=False, type=Kind())
@JSON
@TRACEBACK
def command(kind: str | None, as_json: bool) -> None:
    """List the installed components, of one KIND or of all."""
    from signcore.registry import registry

    rows = registry.listing(kind)
    bad = [r for r in registry.plugins if r.status == "failed"]
    if as_json:
        components = [
            {
                "kind": c.kind,
                "name": name,
                "summary": c.summary,
                "distribution": r.distribution,
                "version": r.version,
            }
            for name, r, c in rows
        ]
        print_json({"components": components, "failed": [r.distribution for r in bad]})
        return
    ours = {(c.kind, c.name) for r in registry.built_in for c in r.components}
    table = []
    for name, r, c in rows:
        twin = r.distribution != "signcore" and (c.kind, c.name) in ours
        summary = c.summary + (f" (the bare name {c.name!r} means the built-in)" if twin else "")
        table.append(
            [
                c.kind,
                name,
                "built in" if r.distribution == "signcore" else f"{r.distribution} {r.version}",
                summary,
            ]
        )
    print_table(["kind", "name", "from", "summary"], table)
    if bad:
        note(
            f"{len(bad)} plugin(s) failed to load: {', '.join(r.distribution for r in bad)}; see `signcore plugins`"
        )
