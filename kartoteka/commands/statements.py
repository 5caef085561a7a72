"""`kartoteka statement`: what a customer was charged and paid, as XLSX, PDF or JSON."""

from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import click

from kartoteka.terminal import data_option, json_option, say, to_json

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from customers.settlements.reading import Statement

DAY = click.DateTime(["%Y-%m-%d"])


@click.command("statement")
@click.argument("customer")
@click.option("--from", "since", type=DAY, help="The first day; the first of this year when not given.")
@click.option("--to", "until", type=DAY, help="The last day; today when not given.")
@click.option("--format", "form", type=click.Choice(["xlsx", "pdf", "json"]), default="json",
              help="A spreadsheet, a document to print, or data for scripts.")  # fmt: skip
@click.option("-o", "--output", "file", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
              default="-", help="Where to write it; the pipe when not given.")  # fmt: skip
@click.option("--language", help="Of the document: en, ru, tr, kk or ko; the customer's when not given.")
@click.option("--zone", default="UTC", show_default=True, help="Where days begin and end, e.g. Asia/Almaty.")
@data_option
@json_option
def statement_command(
    customer: str, since: datetime | None, until: datetime | None, form: str, file: Path,
    language: str | None, zone: str, data: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Write the statement of a CUSTOMER: opening balance, what was charged and paid, closing balance.

    The CUSTOMER is named by the card's id, or by what finds one alone: the number of an invoice or order,
    a tax number, an e-mail, a phone.
    """
    from customers.settlements.reading import Period, read
    from foundation.clock import now
    from foundation.database import transaction
    from kartoteka import installation

    here = _zone(zone)
    today = now().astimezone(here).date()
    period = Period(_day(since) or today.replace(month=1, day=1), _day(until) or today, here)
    with installation.opened(data) as found, transaction(found.engine) as session:
        said = read(session, _card(session, customer), period)
    content = _content(said, form, language)
    if str(file) == "-":
        click.echo(content, nl=False)
        return
    file.write_bytes(content)
    lines = sum(len(account.entries) for account in said.accounts)
    told = {"customer": said.card, "from": period.since, "to": period.until, "file": file, "lines": lines}
    say(told, as_json, f"The statement of {said.name or said.card} with {lines:,} lines is in {file}.")


def _card(session: "Session", named: str) -> UUID:
    """The one living card that an id or the search means."""
    from customers import graph, search
    from foundation.errors import BadInput

    try:
        return graph.survivor(session, UUID(named))
    except ValueError:
        found = search.find(session, named, limit=6).rows
    if len(found) == 1:
        return found[0].id
    if not found:
        raise BadInput(f"no customer is found by {named}", "CUSTOMER")
    listed = "".join(f"\n  {one.id}  {one.name}" for one in found[:5])
    raise BadInput(f"{named} may mean several customers; name one by its id:{listed}", "CUSTOMER")


def _day(given: datetime | None) -> date | None:
    return given.date() if given else None


def _zone(name: str) -> Any:
    from zoneinfo import ZoneInfo

    from foundation.errors import BadInput

    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise BadInput(f"there is no time zone {name}", "--zone") from None


def _content(said: "Statement", form: str, language: str | None) -> bytes:
    """The file."""
    from foundation.errors import BadInput
    from foundation.text import LANGUAGES, nearest

    if language and not nearest(language):
        raise BadInput(f"a statement speaks {', '.join(LANGUAGES)}", "--language")
    spoken = nearest(language or said.language) or "en"
    if form == "json":
        return (to_json(_data(said)) + "\n").encode()
    if form == "pdf":
        from customers.settlements.pdf import pdf

        return pdf(said, spoken)
    from customers.settlements.workbook import workbook

    return workbook(said, spoken)


def _data(said: "Statement") -> dict[str, Any]:
    """The statement for scripts; a balance is what the customer owes."""
    accounts = []
    for account in said.accounts:
        balance, entries = account.opening, []
        for entry in account.entries:
            balance += entry.amount
            entries.append(
                {
                    "at": entry.at, "kind": entry.kind, "id": entry.id, "number": entry.number,
                    "source": entry.source, "amount": entry.amount, "balance": balance,
                    "due_at": entry.due_at, "order_number": entry.order_number,
                }
            )  # fmt: skip
        accounts.append(
            {
                "currency": account.currency, "opening": account.opening, "charged": account.charged,
                "paid": account.paid, "closing": account.closing, "entries": entries,
            }
        )  # fmt: skip
    return {
        "customer": said.card, "name": said.name, "tax_number": said.tax_number, "address": said.address,
        "company": said.ours._asdict(), "from": said.period.since, "to": said.period.until,
        "zone": said.period.zone.key, "accounts": accounts,
    }  # fmt: skip
