"""The ways letters leave by, and who they are from."""

from pathlib import Path
from typing import Any

import click

from kartoteka.terminal import data_option, json_option, say, table

KINDS = ("smtp", "ses", "mailgun", "postmark", "sendgrid", "brevo", "file")


@click.group("transport")
def transport_group() -> None:
    """The ways letters leave by."""


@transport_group.command("add")
@click.argument("name")
@click.option(
    "--kind", type=click.Choice(KINDS), default="smtp", help="An SMTP server, a provider, or a folder."
)
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE",
              help="host, port, user …; or what the provider needs: key, domain, region …")  # fmt: skip
@click.option("--per-hour", type=int, help="Letters an hour at most.")
@click.option("--warm-up", is_flag=True, help="Begin with 200 letters a day and double.")
@data_option
@json_option
def transport_add(
    name: str, kind: str, settings: tuple[str, ...], per_hour: int | None, warm_up: bool, data: Path | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Add a way out; a password or key that isn't given is asked for."""
    from email_campaigns.delivery import senders
    from email_campaigns.delivery.transports import kinds
    from foundation.database import transaction
    from kartoteka import installation

    values = _values(settings)
    if values.get("user") and not values.get("password") and not values.get("sign_in"):
        values["password"] = click.prompt("Password", hide_input=True)
    for one in kinds.kinds()[kind].settings:
        if one.secret and one.required and not values.get(one.name):
            values[one.name] = click.prompt(one.label, hide_input=True)
    with installation.opened(data) as found, transaction(found.engine) as session:
        row = senders.add_transport(
            session, found.context.sealer, name, kind, values, per_hour=per_hour, warm_up=warm_up
        )
        result = {"id": row.id, "name": row.name, "kind": row.kind, "state": row.state}
    say(result, as_json, f"{result['name']} is there. Try it out: kartoteka mail transport test “{name}”")


def _values(settings: tuple[str, ...]) -> dict[str, str]:
    from foundation.errors import BadInput

    found = {}
    for one in settings:
        name, equals, value = one.partition("=")
        if not equals:
            raise BadInput(f"“{one}” is no NAME=VALUE", "set")
        found[name.strip()] = value
    return found


@transport_group.command("list")
@data_option
@json_option
def transport_list(data: Path | None, as_json: bool) -> None:
    """List the ways out and when each took a letter last."""
    from email_campaigns.delivery import senders
    from foundation.database import transaction
    from kartoteka import installation

    with installation.opened(data) as found, transaction(found.engine) as session:
        used = senders.last_used(session)
        rows: list[dict[str, Any]] = [
            {"id": one.id, "name": one.name, "kind": one.kind, "state": one.state, "reason": one.reason,
             "per_hour": one.per_hour, "last_letter_at": used.get(one.id)}
            for one in senders.transports(session)
        ]  # fmt: skip
    shown = [
        (one["name"], one["kind"], one["state"], one["last_letter_at"], one["reason"][:60]) for one in rows
    ]
    headers = ("NAME", "KIND", "STATE", "LAST LETTER", "WHY")
    say(
        {"data": rows, "next": None}, as_json, table(headers, shown, "None yet: kartoteka mail transport add")
    )


@transport_group.command("test")
@click.argument("name")
@data_option
@json_option
def transport_test(name: str, data: Path | None, as_json: bool) -> None:
    """Connect and sign in, send nothing; leaves with 1 when it doesn't work."""
    from email_campaigns.delivery import senders
    from foundation.database import transaction
    from kartoteka import installation
    from kartoteka.terminal import FAILED

    with installation.opened(data) as found, transaction(found.engine) as session:
        works, said = senders.trial(found.context.sealer, senders.transport(session, name))
    say({"works": works, "said": said}, as_json, said)
    if not works:
        click.get_current_context().exit(FAILED)


@transport_group.command("pause")
@click.argument("name")
@data_option
@json_option
def transport_pause(name: str, data: Path | None, as_json: bool) -> None:
    """Send nothing by it; its letters wait."""
    _switched(name, data, as_json, pause=True)


@transport_group.command("resume")
@click.argument("name")
@data_option
@json_option
def transport_resume(name: str, data: Path | None, as_json: bool) -> None:
    """Send by it again, after it was paused by hand or stopped by itself."""
    _switched(name, data, as_json, pause=False)


def _switched(name: str, data: Path | None, as_json: bool, *, pause: bool) -> None:
    from email_campaigns.delivery import senders
    from foundation.database import transaction
    from kartoteka import installation

    with installation.opened(data) as found, transaction(found.engine) as session:
        row = senders.transport(session, name)
        if pause:
            senders.pause(session, row, "Paused from the terminal.")
        else:
            senders.resume(session, row)
        result = {"id": row.id, "name": row.name, "state": row.state}
    say(result, as_json, f"{result['name']} is {'paused' if pause else 'on'}.")


@click.group("sender")
def sender_group() -> None:
    """Who letters are from."""


@sender_group.command("add")
@click.argument("address")
@click.option("--name", required=True, help="As people see it.")
@click.option("--transport", "via", required=True, help="The way out, by its name.")
@click.option("--reply-to", default="", help="Where answers go; unset: the same address.")
@data_option
@json_option
def sender_add(address: str, name: str, via: str, reply_to: str, data: Path | None, as_json: bool) -> None:
    """Add a sender; says what to publish in DNS for its domain."""
    from email_campaigns.delivery import domains, senders
    from email_campaigns.tables import MailDomain
    from foundation.database import transaction
    from kartoteka import installation

    with installation.opened(data) as found, transaction(found.engine) as session:
        sealer = found.context.sealer
        row = senders.add(session, sealer, name, address, senders.transport(session, via), reply_to)
        domain = session.get_one(MailDomain, senders.domain_of(row))
        records = domains.records(sealer, domain, senders.hosts(session, sealer))
        result = {"id": row.id, "name": row.name, "address": row.address, "domain": domain.domain,
                  "records": [one._asdict() for one in records]}  # fmt: skip
    lines = "\n\n".join(f"{one.name}  TXT\n  {one.value}" for one in records)
    say(result, as_json, f"{result['address']} is there. Publish for {result['domain']}:\n\n{lines}")


@sender_group.command("list")
@data_option
@json_option
def sender_list(data: Path | None, as_json: bool) -> None:
    """List the senders."""
    from email_campaigns.delivery import senders
    from foundation.database import transaction
    from kartoteka import installation

    with installation.opened(data) as found, transaction(found.engine) as session:
        names = {one.id: one.name for one in senders.transports(session)}
        rows: list[dict[str, Any]] = [
            {"id": one.id, "name": one.name, "address": one.address, "reply_to": one.reply_to,
             "transport": names.get(one.transport_id)}
            for one in senders.everyone(session)
        ]  # fmt: skip
    shown = [(one["name"], one["address"], one["transport"]) for one in rows]
    say({"data": rows, "next": None}, as_json, table(("NAME", "ADDRESS", "TRANSPORT"), shown, "Nobody yet."))
