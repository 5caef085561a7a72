"""The stop switch of sending, and the log of deliveries."""

from pathlib import Path
from uuid import UUID

import click

from kartoteka.terminal import data_option, json_option, say, table


@click.command("stop")
@click.option("--reason", default="", help="Others will read it.")
@data_option
@json_option
def stop(reason: str, data: Path | None, as_json: bool) -> None:
    """Stop all sending at once; what was handed over already has left."""
    from email_campaigns import secret
    from foundation.database import transaction
    from kartoteka import installation

    with installation.opened(data) as found, transaction(found.engine) as session:
        secret.stop(session, reason, "terminal")
    say({"stopped": True}, as_json, "Sending is stopped.")


@click.command("go")
@data_option
@json_option
def go(data: Path | None, as_json: bool) -> None:
    """Send again after `stop`."""
    from email_campaigns import secret
    from email_campaigns.delivery import guards
    from foundation.database import transaction
    from kartoteka import installation

    with installation.opened(data) as found, transaction(found.engine) as session:
        secret.go(session, "terminal")
        held = guards.held(session)
    text = guards.sentence(held) + " Confirm: kartoteka mail confirm" if held else "Sending goes on."
    say({"stopped": False, "held": held or None}, as_json, text)


@click.command("confirm")
@data_option
@json_option
def confirm(data: Path | None, as_json: bool) -> None:
    """Say that this restored or copied installation is the one that sends, and no other does."""
    from email_campaigns import secret
    from foundation.database import transaction
    from kartoteka import installation

    with installation.opened(data) as found, transaction(found.engine) as session:
        secret.confirm(session, "terminal")
    say({"confirmed": True}, as_json, "Confirmed: this installation sends.")


@click.command("log")
@click.option("--state", help="planned, accepted, deferred, failed, unknown, skipped …")
@click.option("--reason", help="A code such as no_consent or mailbox_full.")
@click.option("--step", help="Such as mailing:ID.")
@click.option("--address", help="A whole e-mail address.")
@click.option("--before", type=click.UUID, help="Older than this one, to go on from.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, help="How many rows; usually 50.")
@data_option
@json_option
def log(limit: int, before: UUID | None, data: Path | None, as_json: bool, **asked: str | None) -> None:
    """List deliveries, the newest first: to whom, in which state, why."""
    from email_campaigns.delivery import listing
    from foundation.database import transaction
    from kartoteka import installation

    given = {name: value for name, value in asked.items() if value}
    with installation.opened(data) as found, transaction(found.engine) as session:
        rows = listing.page(session, **given, before=before, limit=limit + 1)
    more = str(rows[limit - 1].id) if len(rows) > limit else None
    listed = [{**row._asdict(), "why": row.why} for row in rows[:limit]]
    shown = [(row.address, row.state, row.handed_at or row.due_at, row.why) for row in rows[:limit]]
    say({"data": listed, "next": more}, as_json, table(("TO", "STATE", "WHEN", "WHY"), shown, "No letters."))
