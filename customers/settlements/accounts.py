"""What moved a card's balance in a period, per currency. Pure over the rows of its invoices and payments."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from operator import attrgetter
from typing import Literal, NamedTuple
from uuid import UUID

Kind = Literal[
    "invoice", "payment", "returned", "settled", "order", "order_settled", "shipment", "shipment_settled"
]
_SETTLED: dict[Kind, Kind] = {
    "invoice": "settled", "order": "order_settled", "shipment": "shipment_settled",
}  # fmt: skip
_NONE = Decimal(0)


class Bill(NamedTuple):
    """An invoice that counts: neither a draft nor cancelled nor gone; or a ledger's order without one."""

    id: UUID
    number: str
    source: str
    currency: str
    total: Decimal
    paid: Decimal  # as its source says or its payments, whichever is more
    issued_at: datetime
    due_at: datetime | None
    settled_at: datetime  # when what no payment accounts for is taken to be paid
    order_number: str = ""
    kind: Kind = "invoice"
    books: bool = False  # of a ledger: another may have it as well
    shipments: str = ""  # of an order, foundation.records.Shipment as JSON
    ledger: str = ""  # its source's name, or the one it shares with ledgers that say the same


class Money(NamedTuple):
    """A payment that its source still has: received is positive, given back is negative."""

    id: UUID
    number: str
    source: str
    currency: str
    amount: Decimal
    paid_at: datetime
    invoice_id: UUID | None = None
    order_number: str = ""
    books: bool = False
    ledger: str = ""


class Entry(NamedTuple):
    """One line: `amount` is what the counterparty owes more (positive) or less (negative) by it."""

    at: datetime
    kind: Kind
    id: UUID
    number: str
    source: str
    currency: str
    amount: Decimal
    due_at: datetime | None = None
    order_number: str = ""


class Account(NamedTuple):
    """A currency's part of a statement; balances are what the counterparty owes us, negative what we owe."""

    currency: str
    opening: Decimal
    entries: Sequence[Entry]
    charged: Decimal
    paid: Decimal
    closing: Decimal


def statement(
    bills: Collection[Bill], payments: Collection[Money], since: datetime, until: datetime
) -> list[Account]:
    """The accounts of a period, `until` not in it; currencies in which nothing was ever owed have none."""
    found: dict[str, list[Entry]] = defaultdict(list)
    opening: dict[str, Decimal] = defaultdict(Decimal)
    for entry in sorted(entries(bills, payments), key=attrgetter("at", "kind", "number", "id")):
        if entry.at < since:
            opening[entry.currency] += entry.amount
        elif entry.at < until:
            found[entry.currency].append(entry)
    accounts = []
    for currency in sorted({*found, *(code for code, balance in opening.items() if balance)}):
        rows = found.get(currency, [])
        charged = sum((row.amount for row in rows if row.amount > 0), _NONE)
        paid = -sum((row.amount for row in rows if row.amount < 0), _NONE)
        closing = opening[currency] + charged - paid
        accounts.append(Account(currency, opening[currency], rows, charged, paid, closing))
    return accounts


def entries(bills: Collection[Bill], payments: Collection[Money]) -> Iterable[Entry]:
    """Everything that ever moved the balance.

    What a source says is paid beyond the payments that we know is a line of its own, unless payments that
    name no invoice account for it: nothing is counted twice, and the end is what the card says is owed.
    """
    own: dict[UUID, Decimal] = defaultdict(Decimal)
    loose: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    currencies = {bill.id: bill.currency for bill in bills}
    for one in payments:
        kind: Kind = "payment" if one.amount >= 0 else "returned"
        yield Entry(
            one.paid_at,
            kind,
            one.id,
            one.number,
            one.source,
            one.currency,
            -one.amount,
            None,
            one.order_number,
        )
        if one.invoice_id is not None and currencies.get(one.invoice_id) == one.currency:
            own[one.invoice_id] += one.amount
        else:
            loose[one.ledger or one.source, one.currency] += one.amount
    for bill in sorted(bills, key=attrgetter("issued_at", "id")):
        yield Entry(
            bill.issued_at, bill.kind, bill.id, bill.number, bill.source, bill.currency, bill.total,
            bill.due_at, bill.order_number,
        )  # fmt: skip
        unexplained = bill.paid - own[bill.id]
        pool = bill.ledger or bill.source, bill.currency
        covered = min(max(unexplained, _NONE), max(loose[pool], _NONE))
        loose[pool] -= covered
        if unexplained > covered:
            at = max(bill.settled_at, bill.issued_at)
            yield Entry(
                at, _SETTLED[bill.kind], bill.id, bill.number, bill.source, bill.currency,
                covered - unexplained,
            )  # fmt: skip
