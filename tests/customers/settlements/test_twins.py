"""What two ledgers both say counts once, and is shown twice."""

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from customers import bills, merge, undo
from customers.settlements.accounts import Bill, Money, statement
from customers.settlements.twins import once
from foundation.clock import now
from foundation.records import Invoice
from tests.customers.settlements.test_accounts import EVER, bill, money
from tests.customers.settlements.test_orders import lines
from tests.customers.test_invoices import company, invoice, payment
from tests.customers.world import row, rows, say, shop
from tests.people import JANUARY


def card(session: Session) -> UUID:
    found: UUID = row(session, "SELECT id FROM customers WHERE live AND kind = 'company'").id
    return found


def owed(session: Session) -> list[tuple[Decimal, int]]:
    """What the card owes now, asked of the documents and of the card's figures."""
    told = [(one.owed, one.invoices) for one in bills.debts(session, card(session), now())]
    figures = row(session, "SELECT debts FROM customer_stats WHERE customer_id = :id", id=card(session)).debts
    assert [Decimal(one) for one in figures.values()] == [sum_ for sum_, _ in told]
    return told


def two(session: Session, second: Invoice, role: str = "accounting", **first: Any) -> None:
    """An invoice in one ledger, and one in another, of a company with one tax number."""
    known = company(tax_number="7707083893", country="RU")
    say(session, shop(session, "1C", "accounting"), known, invoice(issued_at=JANUARY, **first))
    say(session, shop(session, "Odoo", role), known, second)


def test_the_same_invoice_in_two_ledgers_is_owed_once(session: Session) -> None:
    two(session, invoice(external_id="x", issued_at=JANUARY + timedelta(hours=5)))
    assert owed(session) == [(1000, 1)]
    assert lines(session) == [("Invoice 1", 1000), ("closing", 1000)]
    both, _ = bills.page(session, card(session))
    assert sorted((one.source, one.twin_source, one.twin_counts, one.owed) for one in both) == [
        ("1C", "Odoo", False, 1000), ("Odoo", "1C", True, 0),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("second", "role"),
    [
        (invoice(external_id="x", issued_at=JANUARY + timedelta(days=1)), "accounting"),
        (invoice(external_id="x", issued_at=JANUARY, number="2"), "accounting"),
        (invoice(external_id="x", issued_at=JANUARY, currency="EUR"), "accounting"),
        (invoice(external_id="x", issued_at=JANUARY, total=Decimal(1001)), "accounting"),
        (invoice(external_id="x", issued_at=JANUARY), "shop"),
    ],
)
def test_what_differs_is_another_invoice(session: Session, second: Invoice, role: str) -> None:
    two(session, second, role)
    assert sum(count for _, count in owed(session)) == 2
    assert not [one for one in bills.page(session, card(session))[0] if one.twin_id]


def test_nobody_is_dunned_who_has_paid_at_one_of_them(session: Session) -> None:
    two(session, invoice(external_id="x", issued_at=JANUARY, state="paid"))
    assert owed(session) == []
    assert lines(session) == [
        ("Invoice 1", 1000), ("Invoice 1 paid, as the accounts say", -1000), ("closing", 0),
    ]  # fmt: skip


def test_a_payment_that_both_have_is_one(session: Session) -> None:
    two(session, invoice(external_id="x", issued_at=JANUARY))
    for name, invoice_id in (("1C", "i1"), ("Odoo", "")):
        source = row(session, "SELECT id FROM sources WHERE name = :name", name=name)
        said = payment(external_id=f"p-{name}", amount=400, invoice_id=invoice_id)
        said = msgspec.structs.replace(said, number="77")
        say(session, source, company(tax_number="7707083893", country="RU"), said, landed=10)
    assert [one for one in lines(session) if one[0] == "closing"] == [("closing", 600)]
    assert owed(session) == [(600, 1)]


def twins(bills_: list[Bill], paid: list[Money]) -> tuple[list[Bill], list[Money]]:
    """A second ledger that says the same of its own."""
    ids = {one.id: UUID(int=one.id.int + 2**64) for one in (*bills_, *paid)}
    return (
        [one._replace(id=ids[one.id], source="Mirror") for one in bills_],
        [
            one._replace(
                id=ids[one.id], source="Mirror", invoice_id=one.invoice_id and ids.get(one.invoice_id)
            )
            for one in paid
        ],
    )


@given(st.data())
@settings(deadline=None)
def test_a_ledger_mirrored_whole_changes_no_balance(data: st.DataObject) -> None:
    totals = data.draw(st.lists(st.integers(1, 500), min_size=1, max_size=5))
    said = [bill(n, total, data.draw(st.integers(0, total)), n, books=True) for n, total in enumerate(totals)]
    paid = [
        money(n, data.draw(st.integers(-50, 500)), data.draw(st.integers(0, 30)), books=True,
              pays=data.draw(st.none() | st.integers(0, len(totals) - 1)))
        for n in range(data.draw(st.integers(0, 5)))
    ]  # fmt: skip
    again, back = twins(said, paid)
    alone = statement(said, paid, *EVER)
    both = statement(*once([*again, *said], [*back, *paid]), *EVER)
    assert [(one.currency, one.closing) for one in both] == [(one.currency, one.closing) for one in alone]


def test_ledgers_of_other_documents_stay_as_they_are() -> None:
    one, other = bill(1, 100, books=True), bill(2, 100, source="Other", books=True)
    assert once([one, other], [])[0] == [one._replace(ledger="Ledger"), other._replace(ledger="Other")]
    alike = [bill(3, 5, source=name, books=True)._replace(number="") for name in ("A", "B")]
    assert len(once(alike, [])[0]) == 2


def test_merge_and_undo_count_anew(session: Session) -> None:
    say(session, shop(session, "1C", "accounting"), company(), invoice(issued_at=JANUARY))
    odoo = shop(session, "Odoo", "accounting")
    say(session, odoo, company(name="Alma Ltd"), invoice(issued_at=JANUARY))
    left, right = (one.id for one in rows(session, "SELECT id FROM customers WHERE live ORDER BY id"))
    figures = "SELECT debts FROM customer_stats s JOIN customers c ON c.id = s.customer_id WHERE live"
    once_each = [Decimal(one.debts["KZT"]) for one in rows(session, figures)]
    operation = merge.merge(session, left, right, "anna@example.com")
    assert (once_each, owed(session)) == ([1000, 1000], [(1000, 1)])
    undo.undo(session, operation.id, "anna@example.com")
    assert [Decimal(one.debts["KZT"]) for one in rows(session, figures)] == [1000, 1000]
