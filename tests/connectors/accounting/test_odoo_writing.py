"""Writing into Odoo: once, whole, and never over what somebody changed meanwhile."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
import responses

from connectors.base import Change, Overtaken
from foundation.errors import BadInput, Misconfigured
from foundation.records import Address, Invoice, Line, Payment, Person, Product
from tests.connectors.accounting.odoo_database import Database, connect, moment

TEA = Person(
    external_id="", kind="company", name="Teehaus GmbH", emails=("office@t.example", "b@t.example"),
    phones=("+4930123456",), tax_number="DE136695976", registration_number="HRB 1",
    addresses=(Address(line="Unter den Linden 5", city="Berlin", postcode="10117", country="DE"),),
    tags=("Wholesale",), note="a < b",
)  # fmt: skip
ITEM = Product(external_id="", name="Tea", sku="TEA", barcode="4600000000015", price=Decimal("12.55"))
WRITING = ("create", "write", "action_post", "button_draft", "button_cancel", "action_create_payments")


@pytest.fixture
def database() -> Iterator[Database]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mocked:
        made = Database()
        made.add("account.tax", 4, amount=5.0)
        made.add("account.tax", 1, amount=20.0)
        made.open(mocked)
        yield made


def write(stream: str, record: Any, external_id: str = "", key: str = "k-1", **change: Any) -> Any:
    connector = connect()
    raw = connector.push(stream, Change(key=key, record=record, external_id=external_id, **change))
    [found] = connector.normalise(stream, raw, connector.settings)
    return found


def sent(database: Database) -> list[tuple[str, str]]:
    return [(model, method) for model, method, _ in database.calls if method in WRITING]


def a_bill(**change: Any) -> Invoice:
    lines = (
        Line(position=1, product_id="7", name="Black tea", quantity=Decimal(20), unit_price=Decimal("12.55"),
             discount=Decimal("25.10"), tax=Decimal("37.65"), total=Decimal("225.90")),
        Line(position=2, name="Delivery", unit_price=Decimal("32.55"), total=Decimal("32.55")),
    )  # fmt: skip
    made = Invoice(
        external_id="", number="", customer_id="1", currency="EUR", total=Decimal("258.45"), lines=lines,
        order_number="WEB-1", issued_at=datetime(2026, 2, 20, tzinfo=UTC),
        due_at=datetime(2026, 3, 1, tzinfo=UTC),
    )  # fmt: skip
    return msgspec.structs.replace(made, **change)


def test_a_counterparty_comes_back_as_it_was_written(database: Database) -> None:
    found = write("counterparties", TEA)
    for name in ("kind", "name", "emails", "phones", "tax_number", "registration_number", "addresses", "tags",
                 "note"):  # fmt: skip
        assert getattr(found, name) == getattr(TEA, name), name


def test_the_same_key_makes_one_object(database: Database) -> None:
    first, second = write("counterparties", TEA), write("counterparties", TEA)
    assert first.external_id == second.external_id != write("counterparties", TEA, key="k-2").external_id
    assert len(database.rows["res.partner"]) == 2 and len(database.rows["res.partner.category"]) == 1
    assert first.extra["ref"].startswith("K-")


def test_an_answer_that_was_lost_makes_no_second_object(database: Database) -> None:
    def lose(request: Any) -> Any:
        if str(request.url).endswith("res.partner/create"):
            database.before = lambda request: None
            database.answer(request)
            return 502, {}, ""
        return None

    database.before = lose
    with pytest.raises(Exception, match="502"):
        write("counterparties", TEA)
    write("counterparties", TEA)
    assert len(database.rows["res.partner"]) == 1


def test_only_the_named_fields_are_written(database: Database) -> None:
    database.add("res.partner", 1, name="Old", email="old@x.example", street="Here", comment="<p>x</p>")
    found = write("counterparties", TEA, "1", fields=("name", "phones"))
    assert (found.name, found.emails, found.addresses[0].line) == ("Teehaus GmbH", ("old@x.example",), "Here")
    [vals] = [said["vals"] for _, method, said in database.calls if method == "write"]
    assert vals == {"name": "Teehaus GmbH", "phone": "+4930123456"}


def test_what_is_made_is_made_whole(database: Database) -> None:
    found = write("counterparties", TEA, fields=("phones",))
    assert (found.name, found.emails, found.phones) == (TEA.name, TEA.emails, TEA.phones)


def test_what_changed_meanwhile_is_not_written_over(database: Database) -> None:
    database.add("res.partner", 1, moment(0.7), name="x")
    for version in ("2026-01-01 00:00:00", "whatever"):
        with pytest.raises(Overtaken):
            write("counterparties", TEA, "1", version=version)
    with pytest.raises(Overtaken):
        write("counterparties", TEA, "99")
    assert not sent(database)
    write("counterparties", TEA, "1", fields=("name",), version="2026-03-01 12:00:00")
    [there] = connect().fetch("counterparties", ["1"])
    write("counterparties", TEA, "1", fields=("name",), version=there.version_hash.hex())
    assert len(sent(database)) == 2


def test_a_row_that_vanishes_before_the_write_is_overtaken(database: Database) -> None:
    database.add("res.partner", 1, name="x")

    def vanish(request: Any) -> None:
        if str(request.url).endswith("/write"):
            database.rows["res.partner"].clear()

    database.before = vanish
    with pytest.raises(Overtaken):
        write("counterparties", TEA, "1", fields=("name",))


def test_a_model_that_is_missing_is_not_taken_for_a_row(database: Database) -> None:
    said = "the model 'res.partner' does not exist"
    database.before = lambda request: (404, {}, json.dumps(said)) if "create" in str(request.url) else None
    with pytest.raises(Misconfigured, match="Install"):
        write("counterparties", TEA)


def test_an_item_comes_back_as_it_was_written(database: Database) -> None:
    found = write("nomenclature", ITEM)
    for name in ("name", "sku", "barcode", "price"):
        assert getattr(found, name) == getattr(ITEM, name), name
    assert write("nomenclature", ITEM, key="other").external_id == found.external_id
    with pytest.raises(BadInput, match="SKU"):
        write("nomenclature", msgspec.structs.replace(ITEM, sku=""))


def test_a_name_that_variants_share_is_left_alone(database: Database) -> None:
    database.add("product.product", 1, name="Mug", product_variant_count=2)
    with pytest.raises(BadInput, match="variants"):
        write("nomenclature", ITEM, "1", fields=("name", "price"))
    assert write("nomenclature", ITEM, "1", fields=("price",)).price == Decimal("12.55")


@pytest.mark.parametrize("included", [False, True])
def test_an_invoice_comes_back_as_it_was_written(database: Database, included: bool) -> None:
    database.rows["account.tax"][1]["price_include"] = included
    bill = a_bill()
    found = write("invoices", bill)
    for name in ("customer_id", "currency", "issued_at", "due_at", "order_number", "state"):
        assert getattr(found, name) == getattr(bill, name), name
    for ours, theirs in zip(bill.lines, found.lines, strict=True):
        for name in ("name", "product_id", "quantity", "unit_price", "discount", "tax", "total"):
            assert getattr(ours, name) == getattr(theirs, name), name
    assert sent(database) == [("account.move", "create"), ("account.move", "action_post")]


def test_an_invoice_made_but_not_posted_is_posted_by_the_repeat(database: Database) -> None:
    refuse: list[Any] = [(500, {}, "")]

    def fail(request: Any) -> Any:
        return refuse.pop() if "action_post" in str(request.url) and refuse else None

    database.before = fail
    with pytest.raises(Exception, match="500"):
        write("invoices", a_bill())
    assert write("invoices", a_bill()).state == "open" and len(database.rows["account.move"]) == 1


@pytest.mark.parametrize(("now", "wanted", "steps"), [
    ("draft", "draft", []), ("draft", "paid", ["action_post"]), ("posted", "draft", ["button_draft"]),
    ("posted", "cancelled", ["button_draft", "button_cancel"]), ("draft", "cancelled", ["button_cancel"]),
    ("cancel", "open", ["button_draft", "action_post"]), ("posted", "open", []),
])  # fmt: skip
def test_states_are_reached_by_odoos_own_steps(
    database: Database, now: str, wanted: str, steps: list[str]
) -> None:
    database.add("account.move", 1, state=now, partner_id=1, commercial_partner_id=1)
    write("invoices", a_bill(state=wanted, lines=()), "1", fields=("state",))
    assert [method for _, method in sent(database)] == steps


@pytest.mark.parametrize(("change", "words"), [
    ({"currency": "KRW"}, "'KRW'"), ({"customer_id": "x"}, "customer_id"),
    ({"lines": (Line(position=1, tax=Decimal(3), total=Decimal(13)),)}, "no sales tax"),
])  # fmt: skip
def test_what_odoo_cannot_hold_is_refused(database: Database, change: Any, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        write("invoices", a_bill(**change))
    assert not sent(database)


def test_a_payment_settles_its_invoice(database: Database) -> None:
    database.add("account.move", 5, state="posted", partner_id=1)
    money = Payment(external_id="", customer_id="1", currency="EUR", amount=Decimal("100.50"), invoice_id="5",
                    paid_at=datetime(2026, 3, 1, tzinfo=UTC))  # fmt: skip
    found = write("payments", money)
    for name in ("customer_id", "currency", "amount", "invoice_id", "paid_at"):
        assert getattr(found, name) == getattr(money, name), name
    assert write("payments", money).external_id == found.external_id
    assert len(database.rows["account.payment"]) == 1


def test_a_payment_without_invoice_is_booked(database: Database) -> None:
    money = Payment(external_id="", customer_id="1", currency="EUR", amount=Decimal(7))
    found = write("payments", money)
    assert (found.amount, found.invoice_id) == (7, "")
    assert sent(database) == [("account.payment", "create"), ("account.payment", "action_post")]
    with pytest.raises(BadInput, match="posted"):
        write("payments", money, found.external_id)
    with pytest.raises(BadInput, match="came in"):
        write("payments", msgspec.structs.replace(money, amount=Decimal(-7)), key="k-3")


def test_a_refusal_says_why(database: Database) -> None:
    said = {"name": "odoo.exceptions.ValidationError", "message": "The VAT number is wrong"}
    database.before = lambda request: (422, {}, json.dumps(said)) if "create" in str(request.url) else None
    with pytest.raises(BadInput, match="The VAT number is wrong"):
        write("counterparties", TEA)


def test_what_was_written_is_pulled_as_the_same(database: Database) -> None:
    """So that what comes back of our own writing is no change."""
    for stream, record in (("counterparties", TEA), ("invoices", a_bill())):
        written = connect().push(stream, Change(key="1", record=record))
        [pulled] = [raw for page in connect().pull(stream, None) for raw in page.records]
        assert pulled == written
