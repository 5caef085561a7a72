"""Connections from the terminal: connect, list, pause, resume, remove, webhooks."""

from pathlib import Path
from typing import Any

import click

from foundation.errors import BadInput
from kartoteka.terminal import data_option, json_option, say, table


def read_pairs(pairs: tuple[str, ...]) -> dict[str, str]:
    """`key=value` words as a mapping; `key=@FILE` reads the value from a file, so that no secret is typed."""
    values = {}
    for pair in pairs:
        key, sign, value = pair.partition("=")
        if not sign or not key:
            raise BadInput(f"“{pair}” is not key=value.", "--set")
        if value.startswith("@"):
            try:
                value = Path(value[1:]).read_text("utf-8").strip()
            except OSError as error:
                raise BadInput(f"{value[1:]}: {error.strerror}", f"--set {key}") from error
        values[key.strip()] = value
    return values


@click.command("connect")
@click.argument("kind", required=False)
@click.option("--name", help="What this connection is called; the kind when not given.")
@click.option(
    "--set", "pairs", multiple=True, metavar="KEY=VALUE", help="A setting; KEY=@FILE reads it from a file."
)
@click.option("--no-test", is_flag=True, help="Don't try the sign-in first.")
@click.option("--hooks/--no-hooks", default=False, help="Ask the other side to send webhooks here.")
@data_option
@json_option
def connect_command(
    kind: str | None, name: str | None, pairs: tuple[str, ...], no_test: bool, hooks: bool, data: Path | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Connect an outside system of a KIND and answer its webhook address and secret.

    Without KIND: list the kinds and their settings.
    """
    if kind is None:
        list_kinds(as_json)
        return
    from foundation.database import transaction
    from kartoteka import installation
    from sync import connections
    from sync.exchange import partners

    with installation.opened(data, begins=True) as found:
        settings, sealer = found.settings, found.context.sealer
        typed = read_pairs(pairs)
        reached = "" if no_test else connections.try_settings(kind, typed, settings)
        with transaction(found.engine) as session:
            made = connections.create(session, sealer, kind, name or kind, typed)
            answer: dict[str, Any] = {"id": made.id, "name": name or kind, "kind": kind, "state": made.state}
            answer["reached"] = reached or None
            secrets = connections.hook_secrets(sealer, made)
            if secrets:
                answer["webhook"] = {
                    "address": connections.hook_address(settings, made.id),
                    "secret": secrets[0],
                }
            answer |= partners.shown(session, sealer, settings, made.id)
        if hooks:
            with transaction(found.engine) as session:
                made, _ = connections.find(session, str(answer["id"]))
                answer["hooks"] = connections.install_hooks(session, sealer, settings, made)
    lines = [f"Connected {answer['name']} ({kind}). {reached}".strip()]
    if "webhook" in answer:
        lines += [
            f"Webhook address: {answer['webhook']['address']}",
            f"Webhook secret:  {answer['webhook']['secret']}",
        ]
    lines += [str(answer["hooks"])] if hooks else []
    lines += partners.in_words(answer)
    say(answer, as_json, "\n".join(lines))


def list_kinds(as_json: bool) -> None:
    """Every kind of outside system with its settings."""
    from connectors import registry

    kinds = {
        kind: {
            "title": cls.title,
            "summary": cls.summary,
            "settings": [
                {"name": field.name, "help": field.help, "required": field.required, "secret": field.secret}
                for field in registry.form_fields(cls)
            ],
        }
        for kind, cls in sorted(registry.all_connectors().items())
    }
    lines = []
    for kind, about in kinds.items():
        lines.append(f"{kind}: {about['summary']}")
        for field in about["settings"]:
            assert isinstance(field, dict)
            lines.append(
                f"    --set {field['name']}=…  {'' if field['required'] else '(optional) '}{field['help']}"
            )
    say({"data": kinds}, as_json, "\n".join(lines))


@click.command("connections")
@data_option
@json_option
def connections_command(data: Path | None, as_json: bool) -> None:
    """List the connections and how they are."""
    from sqlalchemy import select

    from customers.tables import Source
    from foundation.database import transaction
    from kartoteka import installation
    from sync.tables import Connection

    with installation.opened(data) as found, transaction(found.engine) as session:
        query = select(Connection, Source).join(Source, Source.id == Connection.id).order_by(Source.name)
        rows = [
            {"id": row.id, "name": source.name, "kind": source.kind, "state": row.state,
             "last_success_at": row.last_success_at, "last_error": row.last_error}
            for row, source in session.execute(query)
        ]  # fmt: skip
    shown = [
        (row["name"], row["kind"], row["state"], row["last_success_at"], row["last_error"]) for row in rows
    ]
    headers = ("NAME", "KIND", "STATE", "LAST SUCCESS", "LAST ERROR")
    say({"data": rows, "next": None}, as_json, table(headers, shown, "No connections yet: kartoteka connect"))


def _change(data: Path | None, name: str, as_json: bool, how: str) -> None:
    from foundation.database import transaction
    from kartoteka import installation
    from sync import connections

    with installation.opened(data) as found, transaction(found.engine) as session:
        row, source = connections.find(session, name)
        getattr(connections, how)(session, row)
        answer = {"id": row.id, "name": source.name, "state": row.state}
    say(answer, as_json, f"{answer['name']} is {answer['state']}.")


@click.command("pause")
@click.argument("name")
@data_option
@json_option
def pause_command(name: str, data: Path | None, as_json: bool) -> None:
    """Stop pulling from a connection; its webhooks still land."""
    _change(data, name, as_json, "pause")


@click.command("resume")
@click.argument("name")
@data_option
@json_option
def resume_command(name: str, data: Path | None, as_json: bool) -> None:
    """Pull from a connection again, beginning now."""
    _change(data, name, as_json, "resume")


@click.command("hooks")
@click.argument("name")
@click.option("--install", is_flag=True, help="Ask the other side to send webhooks here.")
@click.option("--renew", is_flag=True, help="Make a new secret; the old one is accepted for 24 hours.")
@data_option
@json_option
def hooks_command(name: str, install: bool, renew: bool, data: Path | None, as_json: bool) -> None:
    """Show, install or renew the webhooks of a connection."""
    from foundation.database import transaction
    from kartoteka import installation
    from sync import connections

    with installation.opened(data) as found, transaction(found.engine) as session:
        row, source = connections.find(session, name)
        sealer = found.context.sealer
        if renew:
            connections.rotate_hook_secret(session, sealer, row)
        done = connections.install_hooks(session, sealer, found.settings, row) if install else None
        secrets = connections.hook_secrets(sealer, row)
        answer = {
            "connection": source.name,
            "address": connections.hook_address(found.settings, row.id) if secrets else None,
            "secret": secrets[0] if secrets else None,
            "installed": done,
        }
    text = (
        f"Address: {answer['address']}\nSecret:  {answer['secret']}" if secrets else "It sends no webhooks."
    )
    say(answer, as_json, f"{done}\n{text}" if done else text)


@click.command("remove")
@click.argument("name")
@click.option(
    "--with-data", is_flag=True, help="Remove what it brought, too; cards without anything left go."
)
@click.option("--yes", is_flag=True, help="Don't ask. This can't be undone.")
@data_option
@json_option
def remove_command(name: str, with_data: bool, yes: bool, data: Path | None, as_json: bool) -> None:
    """Remove a connection, with or without what it brought. This can't be undone."""
    from foundation.database import transaction
    from kartoteka import installation
    from kartoteka.following import settled
    from sync import connections, removal

    if not yes and click.prompt(f"Type {name} to remove it") != name:
        raise BadInput("That was another name; nothing was removed.", "name")
    with installation.opened(data) as found:
        with transaction(found.engine) as session:
            row, _ = connections.find(session, name)
            operation = removal.start(session, row.id, "terminal", with_data=with_data).id
        ended = settled(found, operation)
        answer = {"name": name, "operation": operation, "state": ended.state, **ended.result}
    say(answer, as_json, f"{name} is removed{' with its data' if with_data else '; its data stays'}.")
