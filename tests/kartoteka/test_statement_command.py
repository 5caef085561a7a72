"""Statements from the terminal: data for scripts, files for people, mistakes that say what is wrong."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import uuid4

import pytest

from customers import store
from customers.tables import Customer, Source
from foundation.clock import now
from foundation.database import transaction
from foundation.records import Invoice, Payment, Person
from kartoteka.terminal import USAGE


@pytest.fixture
def card(engine):
    """A company that paid the half of an invoice of the last evening of March in Almaty."""
    at = datetime(2026, 3, 31, 18, tzinfo=UTC)
    records = (
        Person(external_id="c1", kind="company", name="Alma", language="ru"),
        Invoice(external_id="1", number="7", customer_id="c1", currency="KZT", total=Decimal(1000),
                issued_at=at),
        Payment(external_id="2", number="8", customer_id="c1", currency="KZT", amount=Decimal("500.50"),
                invoice_id="1", paid_at=at.replace(hour=20)),
    )  # fmt: skip
    with transaction(engine) as session:
        source = Source(name="Ledger", kind="odoo", role="accounting")
        session.add(source)
        session.flush()
        store.apply(session, source.id, [store.Resolved(1, now(), records)])
        return session.query(Customer).one().id


def test_data_for_scripts(kartoteka, card):
    told = kartoteka("statement", card, "--from", "2026-03-01", "--to", "2026-03-31", "--zone", "Asia/Almaty")
    (account,) = told.json["accounts"]
    assert {name: account[name] for name in ("opening", "charged", "paid", "closing")} == {
        "opening": "0", "charged": "1000.0000", "paid": "0", "closing": "1000.0000",
    }  # fmt: skip
    assert [(one["kind"], one["number"]) for one in account["entries"]] == [("invoice", "7")]
    told = kartoteka("statement", card, "--from", "2026-03-01", "--to", "2026-03-31").json
    assert [one["balance"] for one in told["accounts"][0]["entries"]] == ["1000.0000", "499.5000"]
    assert (told["customer"], told["zone"]) == (str(card), "UTC")


@pytest.mark.parametrize(("form", "begins"), [("xlsx", b"PK"), ("pdf", b"%PDF-"), ("json", b"{")])
def test_files_for_people(kartoteka, card, tmp_path, form, begins):
    file = tmp_path / f"statement.{form}"
    told = kartoteka("statement", card, "--from", "2026-01-01", "--format", form, "-o", file, "--json")
    assert told.json["lines"] == 2
    assert file.read_bytes().startswith(begins)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--zone", "Mars"], "time zone Mars"),
        (["--language", "xx", "--format", "pdf"], "speaks"),
        (["--from", "2026-02-01", "--to", "2026-01-01"], "ends before"),
    ],
)
def test_mistakes_say_what_is_wrong(kartoteka, card, options, said):
    answer = kartoteka("statement", card, *options)
    assert (answer.status, said in answer.errors) == (USAGE, True)


def test_a_card_that_is_none(kartoteka, card):
    assert kartoteka("statement", uuid4()).status == USAGE


def test_the_customer_may_be_named_by_a_number(kartoteka, card, engine):
    whole = ["--from", "2026-01-01", "--to", "2026-12-31"]
    assert kartoteka("statement", "Alma", *whole).json["customer"] == str(card)
    told = kartoteka("statement", "#7", *whole).json
    assert (told["customer"], told["company"]["name"]) == (str(card), "")
    answer = kartoteka("statement", "8", *whole)
    assert (answer.status, "no customer is found by 8" in answer.errors) == (USAGE, True)
    with transaction(engine) as session:
        source = session.query(Source).filter_by(name="Ledger").one().id
        other = Person(external_id="c2", kind="company", name="Alma Trade")
        store.apply(session, source, [store.Resolved(2, now(), (other,))])
    answer = kartoteka("statement", "alma", *whole)
    assert (answer.status, f"{card}  Alma\n" in answer.errors) == (USAGE, True), answer.errors
