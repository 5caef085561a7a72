"""Invoices and payments are facts of the counterparty they name, whatever comes first."""

from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from threading import Thread
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from customers import merge, stats, store
from customers.store import Resolved
from customers.tables import Source
from foundation.clock import now
from foundation.database import transaction
from foundation.records import AnyRecord, Gone, Invoice, Line, Payment, Person
from tests.customers.world import count, row, rows, say, shop
from tests.people import FEBRUARY, JANUARY, anna, order

TABLES = ("customers", "profiles", "invoices", "invoice_lines", "payments", "timeline", "customer_stats")


def company(**changes: Any) -> Person:
    """A counterparty of a ledger."""
    said = {"external_id": "c1", "kind": "company", "name": "Alma LLP", "changed_at": JANUARY}
    return Person(**(said | changes))


def invoice(number: str = "1", **changes: Any) -> Invoice:
    """A bill of 1000 KZT to it, to be paid within a month."""
    said = {
        "external_id": f"i{number}", "number": number, "customer_id": "c1", "currency": "KZT",
        "total": Decimal(1000), "issued_at": JANUARY, "due_at": JANUARY + timedelta(days=30),
        "changed_at": JANUARY, "lines": (Line(position=1, name="Cup", total=Decimal(1000)),),
    }  # fmt: skip
    return Invoice(**(said | changes))


def payment(number: str = "1", amount: int = 1000, **changes: Any) -> Payment:
    """Money of it for the invoice of the same number."""
    said = {
        "external_id": f"p{number}", "customer_id": "c1", "currency": "KZT", "amount": Decimal(amount),
        "invoice_id": f"i{number}", "paid_at": FEBRUARY,
    }  # fmt: skip
    return Payment(**(said | changes))


@pytest.fixture
def ledger(session: Session) -> Source:
    """A ledger that speaks."""
    return shop(session, "Ledger", "accounting")


def stands(session: Session, number: str = "1") -> tuple[Any, ...]:
    """What an invoice has come to."""
    return tuple(row(session, "SELECT state, paid FROM invoices WHERE number = :number", number=number))


def test_invoice_is_owed_until_it_is_paid(session: Session, ledger: Source) -> None:
    say(session, ledger, company(), invoice())
    assert stands(session) == ("open", 0)
    assert row(session, "SELECT invoices, debts FROM customer_stats") == (1, {"KZT": "1000.0000"})
    say(session, ledger, payment())
    assert stands(session) == ("paid", 1000)
    assert row(session, "SELECT debts FROM customer_stats").debts == {}
    told = rows(session, "SELECT kind, occurred_at, customer_id IS NULL FROM timeline ORDER BY 2, 1")
    assert told == [
        ("invoice.issued", JANUARY, False),
        ("invoice.paid", FEBRUARY, False),
        ("payment.received", FEBRUARY, False),
    ]


def test_saying_it_again_changes_nothing(session: Session, ledger: Source) -> None:
    records = (company(), invoice(), invoice("2"), payment(), payment("3", 5, order_number="x"))
    say(session, ledger, *records)
    before = [rows(session, f"SELECT xmin::text, * FROM {table} ORDER BY 2, 3") for table in TABLES]
    assert not any(say(session, ledger, *records, landed=50).counts.values())
    before_again = [rows(session, f"SELECT xmin::text, * FROM {table} ORDER BY 2, 3") for table in TABLES]
    stripped = [[tuple(one)[1:] for one in table] for table in before]
    assert stripped == [[tuple(one)[1:] for one in table] for table in before_again]
    assert before == before_again


WORLD: tuple[AnyRecord, ...] = (
    company(emails=("a@x.org",)),
    company(external_id="c2", name="Beta"),
    order(anna(guest=True), "o1"),
    order(anna(external_id="c3"), "o3"),
    invoice("1"),
    invoice("2", customer_id="c2", order_number="o2", total=Decimal(70)),
    invoice("3", customer_id="order:o1", state="paid", order_number="o1"),
    invoice("4", customer_id="c3", state="cancelled"),
    invoice("5", customer_id="c9", paid=Decimal(100)),
    payment("1", 400),
    payment("1b", 600, invoice_id="i1", paid_at=FEBRUARY + timedelta(days=1)),
    payment("2", 70, customer_id="c2", invoice_id="", order_number="o2"),
    payment("5", -30, customer_id="c9"),
    payment("7", 20, customer_id="c3", invoice_id="never"),
)


def state(session: Session) -> dict[str, Any]:
    """All that came of it, without ids."""
    mates = "SELECT p.external_id FROM profiles p WHERE p.customer_id = t.customer_id ORDER BY 1"
    card = f"ARRAY({mates})"
    facts = {
        "invoices": "external_id, state, total, paid, received, settled_at, issued_at, order_number",
        "payments": "external_id, amount, (SELECT external_id FROM invoices i WHERE i.id = t.invoice_id)",
        "timeline": "source_key, kind, data ->> 'amount'",
        "profiles": "external_id, kind, record, gone_at IS NULL",
        "customer_stats": "profiles, orders, spent, invoices, debts, last_seen_at",
    }
    return {
        table: sorted(map(str, rows(session, f"SELECT {card}, {columns} FROM {table} t")))
        for table, columns in facts.items()
    }


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(said=st.permutations(WORLD), cuts=st.lists(st.integers(0, len(WORLD)), max_size=5))
def test_it_is_all_the_same_what_comes_first(engine: Engine, said: list[AnyRecord], cuts: list[int]) -> None:
    with Session(engine) as session:
        say(session, shop(session, "Ledger", "accounting"), *WORLD)
        expected = state(session)
    with Session(engine) as session:
        ledger = shop(session, "Ledger", "accounting")
        edges = sorted({0, *cuts, len(WORLD)})
        for start, end in pairwise(edges):
            say(session, ledger, *said[start:end], landed=start + 1)
        found = state(session)
    for table, lines in expected.items():
        assert found[table] == lines, table


def test_the_larger_of_both_sides_holds(session: Session, ledger: Source) -> None:
    say(session, ledger, invoice(paid=Decimal(400)), payment(amount=300))
    assert stands(session) == ("open", 400)
    assert row(session, "SELECT said_paid, received FROM invoices") == (400, 300)
    say(session, ledger, payment("2", 300, invoice_id="i1"))
    assert stands(session) == ("open", 600)
    say(session, ledger, invoice(state="paid", changed_at=FEBRUARY))
    assert stands(session) == ("paid", 1000)
    say(session, ledger, invoice(state="cancelled"))
    assert stands(session) == ("cancelled", 600)


def test_money_in_another_currency_pays_nothing(session: Session, ledger: Source) -> None:
    say(session, ledger, invoice(), payment(currency="EUR"))
    assert stands(session) == ("open", 0)
    assert row(session, "SELECT invoice_id IS NULL FROM payments")[0] is False


def test_a_payment_for_an_order_pays_its_only_invoice(session: Session, ledger: Source) -> None:
    paid = payment(invoice_id="", order_number="A-1")
    say(session, ledger, paid, invoice(order_number="A-1"))
    assert stands(session) == ("paid", 1000)
    say(session, ledger, invoice("2", order_number="A-1"))
    assert stands(session) == stands(session, "2") == ("open", 0)
    say(session, ledger, Gone(external_id="i2", what="invoice"))
    assert stands(session) == ("paid", 1000)
    say(session, ledger, invoice("3", order_number="A-1", customer_id="c2"))
    assert stands(session, "3") == ("open", 0)
    assert stands(session) == ("paid", 1000), "an invoice of somebody else is none of theirs"


def test_what_is_gone_is_owed_no_more(session: Session, ledger: Source) -> None:
    say(session, ledger, company(), invoice(), invoice("2"), payment())
    lost = (("p1", "payment"), ("i2", "invoice"), ("never", "order"))
    counts = say(session, ledger, *(Gone(external_id=one, what=what) for one, what in lost)).counts
    assert counts["gone"] == 3
    assert stands(session) == ("open", 0)
    assert stands(session, "2") == ("gone", 0)
    assert row(session, "SELECT invoices, debts FROM customer_stats") == (1, {"KZT": "1000.0000"})
    shown = rows(session, "SELECT kind FROM timeline WHERE customer_id IS NOT NULL ORDER BY id")
    assert [one.kind for one in shown] == ["invoice.issued", "invoice.paid"]
    say(session, ledger, payment(), invoice("2"))
    assert stands(session) == ("paid", 1000)
    assert stands(session, "2") == ("open", 0)
    assert count(session, "timeline WHERE customer_id IS NULL") == 0


def test_debts_outlive_their_counterparty(session: Session, ledger: Source) -> None:
    say(session, ledger, company(), invoice())
    say(session, ledger, Gone(external_id="c1", what="person"))
    assert row(session, "SELECT name FROM customers WHERE live").name == "Alma LLP"
    say(session, ledger, Gone(external_id="i1", what="invoice"))
    assert count(session, "customers WHERE live") == 0
    say(session, ledger, invoice())
    assert row(session, "SELECT debts FROM customer_stats").debts == {"KZT": "1000.0000"}


def test_nobody_is_left_of_a_counterparty_known_from_a_bill(session: Session, ledger: Source) -> None:
    say(session, ledger, invoice(), payment("9"))
    say(session, ledger, Gone(external_id="i1", what="invoice"))
    assert count(session, "customers WHERE live") == 1
    say(session, ledger, Gone(external_id="p9", what="payment"))
    assert count(session, "customers WHERE live") == 0
    say(session, ledger, payment("9"))
    assert count(session, "customers WHERE live") == 1


def test_an_invoice_moves_to_its_new_counterparty(session: Session, ledger: Source) -> None:
    say(session, ledger, company(), company(external_id="c2", name="Beta"), invoice())
    say(session, ledger, invoice(customer_id="c2"))
    [owing] = rows(
        session,
        "SELECT c.name FROM customers c JOIN customer_stats s ON s.customer_id = c.id WHERE s.debts <> '{}'",
    )
    assert owing.name == "Beta"
    assert row(session, "SELECT DISTINCT customer_id = (SELECT customer_id FROM invoices) FROM timeline")[0]


def test_invoices_follow_a_merge_and_its_undo(session: Session, ledger: Source) -> None:
    store = shop(session)
    say(session, store, anna())
    say(session, ledger, company(), invoice())
    card = {r.name: r.id for r in rows(session, "SELECT id, name FROM customers")}
    merged = merge.merge(session, card["Anna Petrova"], card["Alma LLP"], "anna")
    say(session, ledger, payment(amount=250), invoice("2"))
    query = "SELECT customer_id FROM invoices UNION SELECT customer_id FROM payments"
    assert row(session, query)[0] == card["Anna Petrova"]
    assert row(session, "SELECT debts FROM customer_stats").debts == {"KZT": "1750.0000"}
    merge.undo(session, merged.id, "anna")
    assert row(session, query)[0] == card["Alma LLP"]
    debts = rows(session, "SELECT debts FROM customer_stats ORDER BY debts <> '{}'")
    assert [one.debts for one in debts] == [{}, {"KZT": "1750.0000"}]


def test_invoices_do_not_make_anybody_seen(session: Session, ledger: Source) -> None:
    say(session, ledger, company(), invoice(), invoice("2", issued_at=now(), state="paid"))
    assert row(session, "SELECT last_seen_at FROM customer_stats").last_seen_at is None
    say(session, ledger, payment())
    assert row(session, "SELECT last_seen_at FROM customer_stats").last_seen_at == FEBRUARY


def test_lines_are_kept_and_replaced(session: Session, ledger: Source) -> None:
    say(session, ledger, invoice())
    twice = (
        Line(position=1, name="Pot", total=Decimal(600)),
        Line(position=2, sku="CUP", total=Decimal(400)),
    )
    say(session, ledger, invoice(lines=twice))
    assert rows(session, "SELECT position, name, sku, total FROM invoice_lines ORDER BY 1") == [
        (1, "Pot", "", 600),
        (2, "", "CUP", 400),
    ]


def test_debts_stand_apart_by_currency(session: Session, ledger: Source) -> None:
    say(session, ledger, invoice(), invoice("2", currency="EUR", total=Decimal("12.50"), paid=Decimal("2.5")))
    assert row(session, "SELECT debts FROM customer_stats").debts == {"KZT": "1000.0000", "EUR": "10.0000"}
    stats.refresh(session, [row(session, "SELECT id FROM customers").id])
    assert row(session, "SELECT debts FROM customer_stats").debts == {"KZT": "1000.0000", "EUR": "10.0000"}


def test_an_invoice_and_its_payment_in_two_workers(engine: Engine) -> None:
    """Batches of a load go side by side; of these one waits, or neither would see the other's."""
    with transaction(engine) as session:
        ledger = shop(session, "Ledger", "accounting").id
        session.flush()
        store.apply(session, ledger, [Resolved(1, now(), (company(),))])

    def load(number: int, record: AnyRecord) -> None:
        with transaction(engine) as session:
            store.apply(session, ledger, [Resolved(number, now(), (record,))], bulk=True)

    with transaction(engine) as session:
        store.apply(session, ledger, [Resolved(2, now(), (payment(),))], bulk=True)
        other = Thread(target=load, args=(3, invoice()))
        other.start()
        other.join(0.3)
        assert other.is_alive(), "it didn't wait"
    other.join(20)
    with transaction(engine) as session:
        assert stands(session) == ("paid", 1000)
