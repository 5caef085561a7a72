"""Writes the generated pages of `docs/` from the program itself: commands, settings, connectors, API.

`python -m kartoteka.reference` writes them; a test compares them with what would be written.
"""

import inspect
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

from connectors import registry
from console.api.endpoints import ENDPOINTS
from foundation.settings import SECRETS, Settings, variable
from kartoteka import segment_reference, trigger_reference
from kartoteka.cli import COMMANDS, main
from kartoteka.segment_reference import cell

DOCS = Path(__file__).parents[1] / "docs"
NOTE = "<!-- Written by `make docs` from the program; change the program, not this page. -->"


def cli() -> Iterator[str]:
    """Every command with its options."""
    yield "# Commands"
    yield "Generated from `kartoteka --help`. Exit status: 0 done, 1 failed, 2 wrong use, 3 done but with"
    yield "problems. `--json` answers one JSON object; `--data` or `KARTOTEKA_DATA` names the installation."
    context = click.Context(main, info_name="kartoteka")
    for name in COMMANDS:
        command = main.get_command(context, name)
        assert command is not None
        yield from command_page(command, f"kartoteka {name}", "##")


def command_page(command: click.Command, name: str, level: str) -> Iterator[str]:
    """One command, and below it those of a group."""
    own = [one for one in command.params if not getattr(one, "hidden", False)]
    arguments = " ".join(
        one.make_metavar(click.Context(command)) for one in own if isinstance(one, click.Argument)
    )
    yield f"\n{level} `{name}{' ' if arguments else ''}{arguments}`\n"
    yield inspect.cleandoc(command.help or "")
    options = [one for one in own if isinstance(one, click.Option)]
    if options:
        yield "\n| option | what |\n|---|---|"
        for one in options:
            yield f"| `{', '.join([*one.opts, *one.secondary_opts])}` | {cell(one.help or '')} |"
    if isinstance(command, click.Group):
        for below in command.commands.values():
            yield from command_page(below, f"{name} {below.name}", level + "#")


def settings() -> Iterator[str]:
    """Every setting with its default."""
    yield "# Settings"
    yield "Read once from the environment when a process starts; a bad value refuses to start and is named."
    yield "Those marked *file* may be given as a file: `NAME_FILE=/path`.\n"
    yield "| variable | default | what |\n|---|---|---|"
    for name, field in Settings.model_fields.items():
        default = "–" if field.default in (None, "") else f"`{field.default}`"
        mark = " *file*" if name in SECRETS else ""
        yield f"| `{variable(name)}`{mark} | {default} | {cell(field.description)} |"


def connectors() -> Iterator[str]:
    """Every kind of outside system with its settings and streams."""
    yield "# Connectors"
    yield "Each is one place under `connectors/`; `kartoteka connect KIND --name N --set key=value …`."
    for kind, cls in sorted(registry.all_connectors().items()):
        yield f"\n## {cls.title} (`{kind}`)\n"
        yield f"{cls.summary} Role: {cls.role}. Webhooks: {'yes' if cls.hooks else 'no'}.\n"
        yield "| setting | what |\n|---|---|"
        for field in registry.form_fields(cls):
            marks = ("" if field.required else " (optional)") + (" *secret*" if field.secret else "")
            yield f"| `{field.name}`{marks} | {cell(f'{field.label}. {field.help}')} |"
        yield "\n| stream | of | read anew while | reconciled |\n|---|---|---|---|"
        for stream in cls.streams:
            again = "each time" if stream.full else ", ".join(stream.revisit) or "–"
            yield f"| {stream.name} | {stream.what} | {again} | {'yes' if stream.listable else 'no'} |"


def api() -> Iterator[str]:
    """Every endpoint of the API."""
    yield "# The JSON API"
    yield "Under `/api/v1`; described for machines by `/api/v1/openapi.json`. Send `Authorization: Bearer …`"
    yield 'with a token of `kartoteka token create`. Lists answer `{"data": […], "next": cursor or null}`;'
    yield "errors are `application/problem+json`; a POST with an `Idempotency-Key` happens once a day. What"
    yield "goes on in the background answers 202, and its `Location` says where to look for the end.\n"
    yield "| | path | scope | what | query |\n|---|---|---|---|---|"
    for one in ENDPOINTS:
        query = ", ".join(f"`{param.name}`" for param in one.params) or "–"
        yield f"| {one.method} | `{one.path}` | {one.scope} | {cell(one.summary)} | {query} |"


PAGES: dict[str, Callable[[], Iterator[str]]] = {
    "cli.md": cli, "settings.md": settings, "connectors.md": connectors, "api.md": api,
    "segments.md": segment_reference.page, "triggers.md": trigger_reference.page,
}  # fmt: skip


def render(name: str) -> str:
    """The text of one page."""
    lines: list[Any] = [NOTE, "", *PAGES[name]()]
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    DOCS.mkdir(exist_ok=True)
    for page in PAGES:
        (DOCS / page).write_text(render(page), encoding="utf-8")
        sys.stdout.write(f"docs/{page}\n")
