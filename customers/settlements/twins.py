"""The same document in two ledgers counts once. Pure; `customers.bills.ONCE` says it of invoices in SQL."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import timedelta
from operator import attrgetter
from typing import Any
from uuid import UUID

from customers.settlements.accounts import Bill, Money

_DAY = timedelta(days=1)
_MOST = 100  # alike documents that one is compared with


def once(bills: Collection[Bill], payments: Collection[Money]) -> tuple[list[Bill], list[Money]]:
    """Without what another ledger says as well: of invoices and orders the one of which most is paid stays.

    Ledgers that have a document in common bear one name then: what one says is paid, a payment of the other
    may account for. A payment goes over to the invoice that stays, unless that has payments of its own.
    """
    books: dict[str, str] = {}
    instead: dict[UUID, UUID] = {}
    for same in _groups((one for one in bills if one.books), "kind", "total"):
        for one, other in _pairs(sorted(same, key=lambda one: (-one.paid, one.id)), "issued_at"):
            instead.setdefault(one.id, other.id)
            _join(books, one.source, other.source)
    paid = {one.invoice_id for one in payments}
    left = [
        one._replace(invoice_id=instead[one.invoice_id]) if one.invoice_id in instead else one
        for one in payments
        if one.invoice_id not in instead or instead[one.invoice_id] not in paid
    ]
    twice = set()
    for alike in _groups((one for one in left if one.books), "amount"):
        for late, early in _pairs(sorted(alike, key=lambda one: (not one.invoice_id, one.id)), "paid_at"):
            if late.invoice_id is None and early.id not in twice:
                twice.add(late.id)
                _join(books, late.source, early.source)
    return (
        [one._replace(ledger=_root(books, one.source)) for one in bills if one.id not in instead],
        [one._replace(ledger=_root(books, one.source)) for one in left if one.id not in twice],
    )


def _groups(rows: Iterable[Any], *names: str) -> Iterable[list[Any]]:
    """Documents with the same number, currency and amount; those without a number are like no other."""
    alike, key = defaultdict(list), attrgetter("number", "currency", *names)
    for one in rows:
        if one.number:
            alike[key(one)].append(one)
    return alike.values()


def _pairs(rows: Sequence[Any], name: str) -> Iterable[tuple[Any, Any]]:
    """Each document with those before it that another ledger has on the same day, in whatever time zone."""
    at = attrgetter(name)
    return (
        (one, other)
        for place, one in enumerate(rows)
        for other in rows[: min(place, _MOST)]
        if one.source != other.source and abs(at(one) - at(other)) < _DAY
    )


def _root(books: dict[str, str], source: str) -> str:
    while source in books:
        source = books[source]
    return source


def _join(books: dict[str, str], left: str, right: str) -> None:
    left, right = _root(books, left), _root(books, right)
    if left != right:
        books[max(left, right)] = min(left, right)
