"""Streams customers or orders out of the database as CSV or JSON lines, in constant memory."""

import csv
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import IO, Any, Literal

from sqlalchemy import Engine, RowMapping, select
from sqlalchemy.orm import Session

from customers.facts import Order
from customers.tables import Customer, CustomerStats, Source
from kartoteka.terminal import to_json

What = Literal["customers", "orders"]
BATCH = 2_000
DANGEROUS = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet may take for a formula

CUSTOMERS = select(
    Customer.id, Customer.kind, Customer.name, Customer.given_name, Customer.family_name, Customer.email,
    Customer.phone, Customer.tax_number, Customer.country, Customer.city, Customer.address, Customer.language,
    Customer.birthday, Customer.tags, Customer.email_consent, Customer.sms_consent, CustomerStats.orders,
    CustomerStats.spent, CustomerStats.currency, CustomerStats.last_order_at, Customer.created_at,
).outerjoin(CustomerStats, CustomerStats.customer_id == Customer.id).where(
    Customer.live, Customer.identified
).order_by(Customer.id)  # fmt: skip

ORDERS = select(
    Order.id, Source.name.label("connection"), Order.external_id, Order.number, Order.customer_id,
    Order.state, Order.currency, Order.total, Order.discount, Order.shipping, Order.tax, Order.refunded,
    Order.placed_at, Order.changed_at,
).join(Source, Source.id == Order.source_id).where(Order.gone_at.is_(None)).order_by(Order.id)  # fmt: skip

QUERIES: dict[What, Any] = {"customers": CUSTOMERS, "orders": ORDERS}


def rows(engine: Engine, what: What) -> Iterator[RowMapping]:
    """The rows, fetched in batches from one snapshot."""
    with Session(engine) as session:
        found = session.execute(QUERIES[what].execution_options(yield_per=BATCH))
        yield from found.mappings()


def write(
    engine: Engine, what: What, form: Literal["csv", "jsonl"], file: IO[str], *, raw: bool = False
) -> int:
    """Write everything to a file; answers how many rows.

    In CSV, cells that a spreadsheet would take for a formula get an apostrophe in front unless `raw`.
    """
    count = 0
    sheet = csv.writer(file)
    if form == "csv":
        sheet.writerow(QUERIES[what].selected_columns.keys())
    for row in rows(engine, what):
        if form == "csv":
            sheet.writerow([cell(value, raw) for value in row.values()])
        else:
            file.write(to_json(dict(row)) + "\n")
        count += 1
    return count


def cell(value: Any, raw: bool) -> str:
    """One value as text for a spreadsheet or (raw) for a machine."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, list):
        value = ", ".join(value)
    text = str(value)
    return f"'{text}" if not raw and text.startswith(DANGEROUS) else text
