"""Letters from the terminal: ways out, senders, the stop switch, the log, and what came back."""

from pathlib import Path
from typing import BinaryIO

import click

from kartoteka.commands.mail_switch import confirm, go, log, stop
from kartoteka.commands.mail_ways import sender_group, transport_group
from kartoteka.terminal import data_option, json_option, say


@click.group("mail")
def mail_command() -> None:
    """Ways out and senders of letters, the stop switch, the log of deliveries, and what came back."""


for one in (transport_group, sender_group, stop, go, confirm, log):
    mail_command.add_command(one)


@mail_command.command("returned")
@click.argument("file", type=click.File("rb"))
@click.option("--to", "recipient", default="", help="The address it came to: it carries the token.")
@data_option
@json_option
def returned(file: BinaryIO, recipient: str, data: Path | None, as_json: bool) -> None:
    """Take in a bounce or a complaint from a file (- reads from a pipe)."""
    from email_campaigns.doors import returned
    from foundation.database import transaction
    from kartoteka import installation

    raw = file.read()
    with installation.opened(data) as found, transaction(found.engine) as session:
        outcome = returned.take(session, raw, recipient)
    say(outcome._asdict(), as_json, f"{outcome.kind}{': ' + outcome.reason if outcome.reason else ''}")
