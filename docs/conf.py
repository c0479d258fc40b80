"""`make docs`: the pages of this folder, and reference pages made from docstrings, settings and --help, strictly."""

import re
import sys
from importlib import import_module
from pathlib import Path

from sphinx.util.docutils import SphinxDirective

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

project = "signcore"
author = "the signcore authors"
extensions = ["myst_parser", "sphinx.ext.autodoc"]
html_theme = "furo"
html_title = "signcore"
html_show_copyright = False
myst_heading_anchors = 3
nitpicky = False
autodoc_member_order = "bysource"
autodoc_typehints_format = "fully-qualified"

KINDS = ("estimator", "generator", "recognizer", "metric", "dataset")


def markdown_to_rst(app, what, name, obj, options, lines):
    """Docstrings are plain text: `code`, and lines that begin with a word and a colon, which are paragraphs of their own."""
    if not str(getattr(obj, "__module__", "")).startswith("signcore"):
        return  # somebody else's, in reStructuredText
    if any("├" in line for line in lines):
        lines[:] = ["::", "", *("   " + line for line in lines), ""]
        return
    made = []
    for line in lines:
        item = re.match(r"[A-Za-z_][\w, ]*: \S|Raises |It may |A field ", line)
        if made and made[-1] and (item or (line.startswith("`") and made[-1].endswith((".", ";")))):
            made.append("")
        parts = line.split("`")
        parts[::2] = [re.sub(r"([*|_\\])", r"\\\1", part) for part in parts[::2]]
        parts[1::2] = [f"``{part}``" if part else "" for part in parts[1::2]]
        made.append("".join(parts) if len(parts) % 2 else line)
    lines[:] = made


class FromSource(SphinxDirective):
    """A page's text, made by a function: `{made} NAME`."""

    required_arguments = 1

    def run(self):
        return self.parse_text_to_nodes("\n".join(MAKERS[self.arguments[0]]()), allow_section_headings=True)


def public_names():
    """Every name of tests/public_api.txt, module by module."""
    module = ""
    for line in (ROOT / "tests" / "public_api.txt").read_text().splitlines():
        where, _, name = line.partition("(")[0].rpartition(".")
        if where != module:
            module = where
            yield from ("", f"## {module}", "", first_lines(module), "")
        if name.startswith("__"):
            continue
        value = getattr(import_module(where), name)
        yield from (f"(api-{where}-{name})=", f"### {name}", "")
        if isinstance(value, type(sys)):
            public = ", ".join(f"`{n}`" for n in getattr(value, "__all__", ()))
            yield from (first_lines(value.__name__), "", public, "")
            continue
        kind = "autoclass" if isinstance(value, type) else "autofunction" if callable(value) else "autodata"
        options = (
            [":members:", ":no-index:"]
            if kind == "autoclass" and value.__module__.startswith("signcore")
            else [":no-index:"]
        )
        yield from ("```{eval-rst}", f".. {kind}:: {where}.{name}", *(f"   {o}" for o in options), "```", "")


def first_lines(module):
    return (import_module(module).__doc__ or "").strip().partition("\n\n")[0]


def components():
    """Every built-in component with its inputs and settings."""
    from signcore.cli.show import setting_rows
    from signcore.component import Component
    from signcore.registry import registry, resolve
    from signcore.runs.inputs import slots
    from signcore.runs.request import Chosen

    for kind in KINDS:
        yield from ("", f"## {kind.capitalize()}s", "")
        for name in registry.names(kind):
            record, component = registry.find(kind, name)
            assert isinstance(component, Component)
            if record.distribution != "signcore":
                continue
            yield from (f"### {name}", "", component.summary, "")
            inputs = slots(Chosen(kind, name, record, component)) if kind not in ("metric", "dataset") else []
            yield from table(
                ["input", "type", "needed", "meaning"],
                [
                    [f"`--{s.name.replace('_', '-')}`", s.type, "yes" if s.required else "no", s.help]
                    for s in inputs
                ],
            )
            model = resolve(record, component, component.config) if component.config else None
            rows = setting_rows(model) if model is not None else []
            yield from table(
                ["setting", "type", "unit", "bounds", "default", "meaning"],
                [[f"`{r[0]}`", *r[1:4], f"`{r[4]}`" if r[4] else "", r[5]] for r in rows],
            )


def table(head, rows):
    if not rows:
        return
    yield from ("| " + " | ".join(head) + " |", "| " + " | ".join("---" for _ in head) + " |")
    for row in rows:
        cells = (
            re.sub(r"([|*<])", r"\\\1", str(cell))
            if not str(cell).startswith("`")
            else str(cell).replace("|", "\\|")
            for cell in row
        )
        yield "| " + " | ".join(cells) + " |"
    yield ""


def verbs():
    """What `signcore VERB --help` prints."""
    import click

    from signcore.cli import VERBS, cli

    context = click.Context(cli, info_name="signcore")
    for verb in VERBS:
        command = cli.get_command(context, verb)
        inner = click.Context(
            command, info_name=verb, parent=context, max_content_width=100, terminal_width=100
        )
        yield from ("", f"## {verb}", "", "```text", command.get_help(inner), "```", "")


MAKERS = {"public-names": public_names, "components": components, "verbs": verbs}


def setup(app):
    app.add_directive("made", FromSource)
    app.connect("autodoc-process-docstring", markdown_to_rst)
    return {"parallel_read_safe": True}
