"""The mapping of a 1C base: which of its fields is which of ours, seen at once on a record that it sent."""

from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response

from connectors.accounting.odata import editing
from connectors.accounting.odata.preview import Preview, preview
from connectors.base import Raw
from console.pages import connections as pages
from console.templating import render
from console.web import Call
from foundation.errors import BadInput
from foundation.text import _, ngettext
from sync import connections, samples
from sync.tables import Connection

KIND = "onec_odata"
STREAMS = ("counterparties", "nomenclature", "invoices", "payments")


def show(call: Call) -> Response:
    """The lines of a stream beside what they find in a record."""
    connection = _find(call)
    stream = _stream(call.query("stream"))
    raw = samples.following(call.db, connection.id, stream, call.query("after"))
    settings = connection.settings
    lines = editing.lines(settings.get("mapping", ""), settings["country"], stream)
    found = _preview(connection, stream, raw, settings.get("mapping", ""))
    return _page(call, connection, stream, lines, raw, found)


def look(call: Call) -> Response:
    """A piece of the page: what the lines as typed find, asked while somebody types."""
    connection = _find(call)
    stream = _stream(call.text("stream"))
    raw = samples.one(call.db, connection.id, stream, call.text("record"))
    try:
        said = _typed(call, connection, stream)
    except BadInput as error:
        found: Preview | None = Preview(problem=_told(error))
    else:
        found = _preview(connection, stream, raw, said)
    return HTMLResponse(render("mapping_found.html", {"found": found, "titles": _titles()}))


def save(call: Call) -> Response:
    """Keep the lines, and resolve what has come under them."""
    connection = _find(call)
    stream = _stream(call.text("stream"))
    try:
        said = _typed(call, connection, stream)
    except BadInput as error:
        raw = samples.one(call.db, connection.id, stream, call.text("record"))
        lines = {name: call.text(name) for name in _lines(connection, stream)}
        found = Preview(problem=_told(error))
        return _page(call, connection, stream, lines, raw, found, {_line_at(error.at): error.message})
    connections.change(call.db, pages.sealer_of(call), connection, {"mapping": said})
    number = samples.resolve_again(call.db, connection.id, stream)
    told = ngettext("Saved. %s record is read anew.", "Saved. %s records are read anew.", number)
    return call.go(f"/connections/{connection.id}/mapping?stream={stream}", told % call.reader.number(number))


def _find(call: Call) -> Connection:
    connection, source = pages.find(call)
    if source.kind != KIND:
        raise HTTPException(404)
    return connection


def _stream(said: str) -> str:
    return said if said in STREAMS else STREAMS[0]


def _lines(connection: Connection, stream: str) -> dict[str, str]:
    settings = connection.settings
    return editing.lines(settings.get("mapping", ""), settings["country"], stream)


def _typed(call: Call, connection: Connection, stream: str) -> str:
    settings = connection.settings
    typed = {name: call.text(name) for name in _lines(connection, stream) if name in call.form}
    return editing.change(settings.get("mapping", ""), settings["country"], stream, typed)


def _preview(connection: Connection, stream: str, raw: Raw | None, said: str) -> Preview | None:
    settings = connection.settings
    return preview(said, settings["country"], settings["zone"], stream, raw) if raw else None


def _page(
    call: Call, connection: Connection, stream: str, lines: dict[str, str], raw: Raw | None,
    found: Preview | None, wrong: dict[str, str] | None = None,
) -> Response:  # fmt: skip
    _connection, source = pages.find(call)
    return call.page(
        "mapping.html",
        422 if wrong else 200,
        connection=connection,
        source=source,
        stream=stream,
        streams=_streams(),
        lines=lines,
        raw=raw,
        found=found,
        wrong=wrong or {},
        titles=_titles(),
    )


def _told(error: BadInput) -> str:
    """What is wrong, by the name that the line has on the page."""
    return f"{_titles().get(_line_at(error.at).rpartition('.')[2], error.at)}: {error.message}"


def _line_at(at: str) -> str:
    """The line that a place in the mapping is about."""
    return ".".join(at.split("/")[2:]) or at


def _streams() -> list[tuple[str, str]]:
    return list(
        zip(STREAMS, (_("Counterparties"), _("Nomenclature"), _("Invoices"), _("Payments")), strict=True)
    )


def _titles() -> dict[str, Any]:
    """What our fields are called."""
    return {
        "entities": _("Objects"), "tables": _("Table parts"), "name": _("Name"), "company": _("Legal name"),
        "kind": _("Person or company"), "tax_number": _("Tax number"),
        "registration_number": _("Registration number"), "note": _("Note"), "code": _("Code"),
        "full_name": _("Full name"), "sku": _("Article"), "barcode": _("Barcode"), "unit": _("Unit"),
        "category": _("Category"), "number": _("Number"), "customer_id": _("Counterparty"),
        "currency": _("Currency"), "currency_ref": _("Reference of the currency"), "total": _("Total"),
        "issued_at": _("Issued"), "due_at": _("Due"), "tax_in": _("Prices with tax"),
        "order_number": _("Order"), "organisation": _("Organisation"), "product_id": _("Item"),
        "quantity": _("Quantity"),
        "unit_price": _("Price"), "discount": _("Discount"), "tax": _("Tax"), "tax_rate": _("Tax rate"),
        "amount": _("Amount"), "paid_at": _("Paid"), "invoice_id": _("Invoice"), "operation": _("Operation"),
        "emails": _("E-mails"), "phones": _("Phones"),
    }  # fmt: skip
