"""The exchange with 1C from the terminal: what is typed into 1C, and a new password."""

from pathlib import Path

import click

from kartoteka.terminal import data_option, json_option, say


@click.command("exchange")
@click.argument("name")
@click.option("--renew", is_flag=True, help="Make a new password; the old one ends at once.")
@data_option
@json_option
def exchange_command(name: str, renew: bool, data: Path | None, as_json: bool) -> None:
    """Show what to type into 1C for the connection NAME: address, user and password."""
    from foundation.database import transaction
    from foundation.errors import BadInput
    from kartoteka import installation
    from sync import connections
    from sync.exchange import partners

    with installation.opened(data) as found, transaction(found.engine) as session:
        row, source = connections.find(session, name)
        sealer = found.context.sealer
        told = partners.shown(session, sealer, found.settings, row.id)
        if not told:
            raise BadInput("This connection is not one that 1C calls.", "connection")
        if renew:
            told["password"] = partners.renew(session, sealer, row.id)
        answer = {"connection": source.name, **told}
    say(answer, as_json, "\n".join(partners.in_words(answer)))
